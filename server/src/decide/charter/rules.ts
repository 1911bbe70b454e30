// Rules of one file, from their short and long forms into one form that still knows what was left unsaid: the
// defaults of a tier are filled in only after all files are merged, or `tiers.red.quorum: 2` would not reach
// the inherited red rules. Whatever would have no effect is refused here, next to where it is written.
import { compareTiers, compileCondition, RULE_ROOTS, TIERS } from '@mandate/kernel';
import type { Rule, RuleException, Selectors, Tier } from '@mandate/kernel';
import { renderOrigin, renderPath } from './error.ts';
import type { CharterError, Path } from './error.ts';
import type { YamlFile } from './parse.ts';
import type { WrittenException, WrittenRule, WrittenTier } from './schema.ts';
import { durationMs, expandPattern } from './units.ts';

/** A part of T in which undefined means the same as absent, as zod infers optional keys. */
export type Unset<T> = { readonly [K in keyof T]?: T[K] | undefined };

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
    | 'final'
    | 'lift'
    | 'enforcement'
  >
>;

export interface DraftRule extends Pick<Rule, 'tier' | 'match' | 'selectors' | 'when' | 'except' | 'origin'> {
  readonly settings: RuleSettings;
  readonly yaml: YamlFile;
  readonly path: Path;
}

export interface DraftRules {
  readonly rules: readonly DraftRule[];
  readonly tiers: Readonly<Record<Tier, RuleSettings>>;
  readonly errors: readonly CharterError[];
}

/** A tier as the schema shaped it; null stands for an entry that had no shape and keeps the numbering of the others. */
export type ShapedTier = Omit<WrittenTier, 'actions'> & {
  readonly actions?: readonly (string | WrittenRule | null)[] | undefined;
};
export type ShapedTiers = { readonly [K in Tier]?: ShapedTier | undefined };

/** The rules of one file in the order of writing. */
export function draftRules(yaml: YamlFile, shaped: ShapedTiers): DraftRules {
  const errors: CharterError[] = [];
  const rules: DraftRule[] = [];
  const tiers: Record<Tier, RuleSettings> = { green: {}, yellow: {}, red: {}, black: {} };
  for (const tier of TIERS) {
    const section = shaped[tier];
    if (section === undefined) continue;
    tiers[tier] = settingsOf(section);
    errors.push(...futile(tier, section, { yaml, path: ['tiers', tier] }));
    for (const [index, entry] of (section.actions ?? []).entries()) {
      if (entry === null) continue;
      const path = ['tiers', tier, 'actions', index];
      const drafted = draftRule(tier, typeof entry === 'string' ? { match: entry } : entry, { yaml, path });
      rules.push(...drafted.rules);
      errors.push(...drafted.errors);
    }
  }
  return { rules, tiers, errors: [...errors, ...duplicates(rules)] };
}

/** Rules with the same key are one rule written twice: the later file's replaces the earlier file's. */
export function ruleKey(rule: Pick<Rule, 'match' | 'selectors'>): string {
  return JSON.stringify([
    rule.match,
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
    when: entry.when ?? null,
    except,
    settings: settingsOf(entry),
    origin: renderOrigin(yaml.placeOf(path), path),
    yaml,
    path,
  };
  return { rules: expandPattern(entry.match).map((match) => ({ ...shared, match })), errors };
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
    for (const key of ['approvers', 'quorum', 'expires', 'fourEyes', 'requires', 'obligations'] as const) {
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

function settingsOf(entry: WrittenRule | ShapedTier): RuleSettings {
  return {
    requires: entry.requires,
    obligations: entry.obligations,
    approvers: entry.approvers,
    quorum: entry.quorum,
    expiresMs: entry.expires === undefined ? undefined : durationMs(entry.expires),
    fourEyes: entry.fourEyes,
    final: entry.final,
    lift: entry.lift,
    enforcement: entry.enforcement,
  };
}

/** Values are sorted, so that the order in which they are written makes no second rule. */
function selectorsOf(entry: WrittenRule): Selectors {
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
