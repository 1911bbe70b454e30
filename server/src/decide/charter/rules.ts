// Rules of one file, from their short and long forms into one form that still knows what was left unsaid: the
// defaults of a tier are filled in only after all files are merged, or `tiers.red.quorum: 2` would not reach
// the inherited red rules. Whatever would have no effect is refused here, next to where it is written.
import { compareTiers, compileCondition, RULE_ROOTS, TIERS } from '@mandate/kernel';
import type { Rule, RuleException, Selectors, Tier } from '@mandate/kernel';
import { readSteps } from './approvals-data.ts';
import { renderOrigin, renderPath } from './error.ts';
import type { CharterError, Path } from './error.ts';
import type { Unset } from './overlay.ts';
import type { YamlFile } from './parse.ts';
import type { WrittenException, WrittenRule, WrittenTier } from './schema.ts';
import { durationMs, expandPattern } from './units.ts';

/** What a tier or a rule says about its own handling; absent means "as the tier, or as the default". */
export type RuleSettings = Unset<
  Pick<
    Rule,
    | 'requires'
    | 'obligations'
    | 'approvers'
    | 'quorum'
    | 'expiresMs'
    | 'fourEyes'
    | 'escalate'
    | 'final'
    | 'lift'
    | 'enforcement'
  >
>;

export interface DraftRule extends Pick<Rule, 'tier' | 'match' | 'selectors' | 'when' | 'except' | 'origin'> {
  readonly settings: RuleSettings;
  /** The name of its set under `sets`; null where it is in none. */
  readonly set: string | null;
  readonly yaml: YamlFile;
  readonly path: Path;
}

export interface DraftRules {
  readonly rules: readonly DraftRule[];
  readonly tiers: Readonly<Record<Tier, RuleSettings>>;
  /** What each set says for all its rules. */
  readonly sets: Readonly<Record<string, RuleSettings>>;
  readonly errors: readonly CharterError[];
}

/** A tier as the schema shaped it; null stands for an entry that had no shape and keeps the numbering of the others. */
export type ShapedTier = Omit<WrittenTier, 'actions'> & {
  readonly actions?: readonly (string | WrittenRule | null)[] | undefined;
};
export type ShapedTiers = { readonly [K in Tier]?: ShapedTier | undefined };

/** Rules that are written together: those of the charter itself, of a set, or of one person. */
export interface WrittenGroup {
  /** Where its tiers are written. */
  readonly path: Path;
  readonly tiers: ShapedTiers;
  /** Added to those of each rule. */
  readonly selectors: Selectors;
  readonly set: string | null;
}

/** Sets and persons of one file, as rule-sets.ts reads them. */
export interface RuleGroups extends Pick<DraftRules, 'sets' | 'errors'> {
  readonly groups: readonly WrittenGroup[];
}

/** The rules of one file in the order of writing; those of sets and persons come after the others. */
export function draftRules(yaml: YamlFile, shaped: ShapedTiers, groups: RuleGroups = NO_GROUPS): DraftRules {
  const main: WrittenGroup = { path: ['tiers'], tiers: shaped, selectors: {}, set: null };
  const tiers: Record<Tier, RuleSettings> = { green: {}, yellow: {}, red: {}, black: {} };
  for (const tier of TIERS) tiers[tier] = settingsOf(shaped[tier] ?? {});
  const drafted = [main, ...groups.groups].map((group) => draftGroup(yaml, group));
  const rules = drafted.flatMap((it) => it.rules);
  const errors = drafted.flatMap((it) => it.errors);
  return { rules, tiers, sets: groups.sets, errors: [...groups.errors, ...errors, ...duplicates(rules)] };
}

const NO_GROUPS: RuleGroups = { groups: [], sets: {}, errors: [] };

function draftGroup(
  yaml: YamlFile,
  { path: at, tiers, selectors, set }: WrittenGroup,
): { rules: DraftRule[]; errors: CharterError[] } {
  const errors: CharterError[] = [];
  const rules: DraftRule[] = [];
  // The settings of a charter's tier count for inherited rules too and are laid under when all files are merged.
  const isMain = at.length === 1;
  for (const tier of TIERS) {
    const section = tiers[tier];
    if (section === undefined) continue;
    errors.push(...futile(tier, section, { yaml, path: [...at, tier] }));
    for (const [index, entry] of (section.actions ?? []).entries()) {
      if (entry === null) continue;
      const path = [...at, tier, 'actions', index];
      const drafted = draftRule(tier, typeof entry === 'string' ? { match: entry } : entry, { yaml, path });
      errors.push(...drafted.errors);
      for (const rule of drafted.rules) {
        rules.push({
          ...rule,
          selectors: { ...selectors, ...rule.selectors },
          settings: isMain ? rule.settings : overSettings(settingsOf(section), rule.settings),
          set,
        });
      }
    }
  }
  return { rules, errors };
}

function overSettings(below: RuleSettings, above: RuleSettings): RuleSettings {
  return {
    ...below,
    ...Object.fromEntries(Object.entries(above).filter(([, value]) => value !== undefined)),
  };
}

/** Rules with the same key are one rule written twice: the later file's replaces the earlier file's. */
export function ruleKey(rule: Pick<Rule, 'match' | 'selectors' | 'when'>): string {
  return JSON.stringify([
    rule.match,
    // A rule for what is tainted must not replace the one for everything else.
    ...(rule.when?.startsWith(TAINTED) === true ? ['tainted'] : []),
    Object.entries(rule.selectors).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ]);
}

interface Spot {
  readonly yaml: YamlFile;
  readonly path: Path;
}

function draftRule(
  tier: Tier,
  entry: WrittenRule,
  spot: Spot,
): { rules: DraftRule[]; errors: CharterError[] } {
  const { yaml, path } = spot;
  const errors = [...futile(tier, entry, spot), ...checkCondition(yaml, [...path, 'when'], entry.when)];
  const written: readonly (readonly [Path, WrittenException])[] =
    entry.except === undefined
      ? []
      : Array.isArray(entry.except)
        ? entry.except.map((it, index) => [[...path, 'except', index], it] as const)
        : [[[...path, 'except'], entry.except]];
  const except: RuleException[] = [];
  for (const [at, exception] of written) {
    const to = exception.tier ?? 'red';
    if (compareTiers(to, tier) <= 0)
      errors.push(
        errorAt(yaml, exception.tier === undefined ? at : [...at, 'tier'], mildException(tier, to)),
      );
    errors.push(...checkCondition(yaml, [...at, 'when'], exception.when));
    except.push({
      tier: to,
      paths: exception.paths ?? [],
      when: exception.when ?? null,
      origin: renderOrigin(yaml.placeOf(at), at),
    });
  }
  const shared = {
    tier,
    selectors: selectorsOf(entry),
    when: whenOf(entry),
    except,
    settings: settingsOf(entry),
    set: null,
    origin: renderOrigin(yaml.placeOf(path), path),
    yaml,
    path,
  };
  return { rules: expandPattern(entry.match).map((match) => ({ ...shared, match })), errors };
}

/** Stands before the condition of a rule for tainted actions, so that what is wrong in the condition keeps its place. */
const TAINTED = 'taint.size() > 0';

function whenOf({ when, tainted }: WrittenRule): string | null {
  if (tainted === undefined) return when ?? null;
  return when === undefined ? TAINTED : `${TAINTED} && (${when})`;
}

function mildException(tier: Tier, to: Tier): string {
  return tier === 'black'
    ? 'A black rule has no exceptions: what is black never runs. Remove the exception, or write a narrower black rule.'
    : `The exception falls to ${to}, which is not stricter than ${tier}. Name a stricter tier, or write a rule of its own in tier ${to}.`;
}

/** Settings that could change nothing. An author who wrote them believes that they do. */
function futile(tier: Tier, entry: WrittenRule | ShapedTier, { yaml, path }: Spot): CharterError[] {
  const errors: CharterError[] = [];
  if (tier === 'black') {
    for (const key of [
      'approvers',
      'quorum',
      'expires',
      'fourEyes',
      'escalate',
      'requires',
      'obligations',
    ] as const) {
      if (entry[key] === undefined) continue;
      errors.push(
        errorAt(
          yaml,
          [...path, key],
          `${key} has no effect in tier black: nothing here ever runs. Remove it, or move the rule to tier red.`,
        ),
      );
    }
    if (entry.enforcement === 'audit') {
      errors.push(
        errorAt(
          yaml,
          [...path, 'enforcement'],
          'Black is enforced always, in audit too. Remove this, or move the rule to tier red.',
        ),
      );
    }
  }
  if (entry.lift !== undefined && tier !== 'yellow') {
    errors.push(
      errorAt(
        yaml,
        [...path, 'lift'],
        `lift has no effect in tier ${tier}: trust lifts yellow only. Remove it.`,
      ),
    );
  }
  return errors;
}

function checkCondition(yaml: YamlFile, path: Path, source: string | undefined): CharterError[] {
  if (source === undefined) return [];
  const compiled = compileCondition(source, RULE_ROOTS);
  if (compiled.kind === 'compiled') return [];
  return compiled.problems.map((problem) => ({
    ...yaml.placeWithin(path, problem.offset),
    pointer: renderPath(path),
    message: `The condition is wrong here: ${problem.message}. Correct it.`,
  }));
}

function errorAt(yaml: YamlFile, path: Path, message: string): CharterError {
  return { ...yaml.placeOf(path), pointer: renderPath(path), message };
}

export function settingsOf(entry: Omit<WrittenRule, 'match'> | ShapedTier): RuleSettings {
  return {
    requires: entry.requires,
    obligations: entry.obligations,
    approvers: entry.approvers,
    quorum: entry.quorum,
    expiresMs: entry.expires === undefined ? undefined : durationMs(entry.expires),
    fourEyes: entry.fourEyes,
    escalate: entry.escalate === undefined ? undefined : readSteps(entry.escalate),
    final: entry.final,
    lift: entry.lift,
    enforcement: entry.enforcement,
  };
}

/** Values are sorted, so that the order in which they are written makes no second rule. */
export function selectorsOf(entry: Omit<WrittenRule, 'match'>): Selectors {
  const list = (value: string | readonly string[]): readonly string[] =>
    typeof value === 'string' ? [value] : [...new Set(value)].toSorted();
  return {
    ...(entry.agent === undefined ? {} : { agent: list(entry.agent) }),
    ...(entry.agentClass === undefined ? {} : { agentClass: list(entry.agentClass) }),
    ...(entry.user === undefined ? {} : { user: list(entry.user) }),
    ...(entry.role === undefined ? {} : { role: list(entry.role) }),
    ...(entry.tenant === undefined ? {} : { tenant: list(entry.tenant) }),
    ...(entry.environment === undefined ? {} : { environment: list(entry.environment) }),
  };
}

/** Two rules of one file may share pattern and selectors only when their conditions tell them apart. */
function duplicates(rules: readonly DraftRule[]): CharterError[] {
  const first = new Map<string, DraftRule>();
  const errors: CharterError[] = [];
  for (const rule of rules) {
    const key = `${ruleKey(rule)} ${rule.when ?? ''}`;
    const before = first.get(key);
    if (before === undefined) {
      first.set(key, rule);
      continue;
    }
    const line = before.yaml.placeOf(before.path).line;
    const where = `${renderPath(before.path)} on line ${line}`;
    errors.push(
      errorAt(
        rule.yaml,
        rule.path,
        `A rule for ${rule.match} with the same selectors is already written at ${where}. Keep one of the two, or tell them apart by a selector or a condition.`,
      ),
    );
  }
  return errors;
}
