// What rules say in vain, told where it is written. Only what somebody could have wished otherwise is told: that a
// charter overrules what it extends is what extending is for, and a shipped rule is nobody's to correct here.
import { findRuleWarnings, nearest } from '@mandate/kernel';
import type { Charter, RuleWarning } from '@mandate/kernel';
import { renderPath } from './error.ts';
import type { CharterError, Path } from './error.ts';
import type { Merged } from './merged.ts';
import type { DraftRule } from './rules.ts';

/** Rules and exceptions without effect, selectors that name nobody known, and approvers that no user is. */
export function warnOfRules(merged: Merged, charter: Charter): readonly CharterError[] {
  const known = filedRules(merged);
  return [
    ...findRuleWarnings(charter).flatMap((warning) => placed(warning, known)),
    ...unknownNames(merged, charter),
    ...missingApprovers(merged, charter),
    ...loosenedBlack(merged),
  ];
}

interface Filed {
  readonly draft: DraftRule;
  /** Of the rule or of its exception. */
  readonly path: Path;
  /** Files are merged one over the other; the charter itself is the highest. */
  readonly layer: number;
}

type FiledRules = ReadonlyMap<string, Filed>;

function filedRules(merged: Merged): FiledRules {
  const layers = new Map<string, number>();
  const byOrigin = new Map<string, Filed>();
  for (const draft of merged.rules) {
    const layer = layers.get(draft.yaml.file) ?? layers.size;
    layers.set(draft.yaml.file, layer);
    byOrigin.set(draft.origin, { draft, path: draft.path, layer });
    const isList = draft.yaml.has([...draft.path, 'except', 0]);
    for (const [index, exception] of draft.except.entries()) {
      const path = isList ? [...draft.path, 'except', index] : [...draft.path, 'except'];
      byOrigin.set(exception.origin, { draft, path, layer });
    }
  }
  return byOrigin;
}

function isShipped({ yaml }: DraftRule): boolean {
  return yaml.file.startsWith('<shipped>/');
}

function placed(warning: RuleWarning, byOrigin: FiledRules): readonly CharterError[] {
  const filed = byOrigin.get(warning.origin);
  if (filed === undefined || isShipped(filed.draft)) return [];
  const by = warning.because === null ? undefined : byOrigin.get(warning.because);
  // A black rule that an inherited one beats is told to whoever wrote it: it does not do what it says.
  if (warning.kind === 'beats_black' && by !== undefined && by.layer > filed.layer)
    return [warningAt(by.draft, by.path, warning.message)];
  if (by !== undefined && by.layer > filed.layer) return [];
  return [warningAt(filed.draft, [...filed.path, ...warning.within], warning.message)];
}

function warningAt({ yaml }: DraftRule, path: Path, message: string): CharterError {
  return { ...yaml.placeOf(path), pointer: renderPath(path), message };
}

/** Written for a tier it reaches inherited rules too, which were black for everybody. */
function loosenedBlack(merged: Merged): readonly CharterError[] {
  if (merged.tiers.black.final !== false) return [];
  const path = ['tiers', 'black', 'final'];
  const yaml = merged.fileOf(path);
  const inherited = merged.rules.filter(
    (draft) => draft.tier === 'black' && draft.settings.final === undefined && draft.yaml.file !== yaml.file,
  );
  const [first] = inherited;
  if (first === undefined) return [];
  const message = `final: false for the tier holds for the ${inherited.length === 1 ? 'inherited black rule' : `${inherited.length} inherited black rules`} too (${first.match} at ${first.origin}), so any more specific rule lets some of it run. Write it at the rules that are meant.`;
  return [{ ...yaml.placeOf(path), pointer: renderPath(path), message }];
}

/**
 * Agents and users may come and go without the charter naming them, so only a name that is nearly one of its own is
 * told. There is one environment, so in the charter itself any other is told. Classes and roles that are unknown are mistakes.
 */
function unknownNames(merged: Merged, charter: Charter): readonly CharterError[] {
  const { file } = merged.fileOf([]);
  const names = { agent: new Set(Object.keys(charter.agents)), user: new Set(Object.keys(charter.users)) };
  return merged.rules.flatMap((draft) => {
    if (isShipped(draft)) return [];
    const told: CharterError[] = [];
    for (const field of ['agent', 'user'] as const) {
      for (const value of draft.selectors[field] ?? []) {
        const meant = misspelt(value, names[field]);
        if (meant === null) continue;
        const message = `The charter names no ${field} ${value}. Did you mean ${meant}? If not, add ${value} under ${field}s.`;
        told.push(warningAt(draft, [...draft.path, field], message));
      }
    }
    const { environment = [] } = draft.selectors;
    if (charter.environment !== null && environment.includes(charter.environment)) return told;
    for (const value of environment) {
      const message = environmentProblem(value, charter.environment, draft.yaml.file === file);
      if (message !== null) told.push(warningAt(draft, [...draft.path, 'environment'], message));
    }
    return told;
  });
}

function misspelt(value: string, names: ReadonlySet<string>): string | null {
  if (names.has(value)) return null;
  const meant = nearest(value, names);
  // builder-2 is another one than builder-1, not a slip.
  return meant === null || withoutDigits(meant) === withoutDigits(value) ? null : meant;
}

function withoutDigits(name: string): string {
  return name.replaceAll(/\d/g, '');
}

function environmentProblem(value: string, environment: string | null, isOwn: boolean): string | null {
  if (environment === null)
    return isOwn
      ? `The charter has no environment, so a rule for ${value} never decides. Write environment: ${value}, or remove the selector.`
      : null;
  const meant = misspelt(value, new Set([environment]));
  if (meant !== null) return `The environment of this charter is ${environment}. Did you mean ${meant}?`;
  return isOwn
    ? `The environment of this charter is ${environment}, so a rule for ${value} never decides. Correct it, or remove the rule.`
    : null;
}

/** Where a charter says of its users who approves, a role that none of them has is told once. */
function missingApprovers(merged: Merged, charter: Charter): readonly CharterError[] {
  const held = new Set(Object.values(charter.users).flatMap((user) => user.roles));
  const asked = new Set(charter.rules.flatMap((rule) => rule.approvers));
  const isSaid = [...asked].some((role) => held.has(role));
  if (!isSaid || held.has('admin')) return [];
  const told: CharterError[] = [];
  for (const role of asked) {
    if (held.has(role)) continue;
    const message = `None of the users that the charter names has the role ${role}, so nobody it knows can approve. Give it to one of them, or correct the role.`;
    const place = placeOfApprover(merged, role);
    if (place !== null) told.push({ ...place, message });
  }
  return told;
}

function placeOfApprover(merged: Merged, role: string): Omit<CharterError, 'message'> | null {
  for (const draft of merged.rules) {
    const index = draft.settings.approvers?.indexOf(role) ?? -1;
    if (index < 0 || isShipped(draft)) continue;
    const path = [...draft.path, 'approvers', index];
    return { ...draft.yaml.placeOf(path), pointer: renderPath(path) };
  }
  for (const [tier, { approvers = [] }] of Object.entries(merged.tiers)) {
    const index = approvers.indexOf(role);
    if (index < 0) continue;
    const path = ['tiers', tier, 'approvers', index];
    return { ...merged.fileOf(path).placeOf(path), pointer: renderPath(path) };
  }
  return null;
}
