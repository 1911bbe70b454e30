// What changes between two charters, by what they say and not by their lines: comments, order and the place of a rule
// are no difference. A rule is the same one in both where pattern and selectors are the same.
import { compareTiers } from '@mandate/kernel';
import type { Charter, Rule, Tier } from '@mandate/kernel';
import { renderPath } from './error.ts';
import type { Path } from './error.ts';
import { ruleKey } from './rules.ts';

/** A rule as a difference shows it. */
export interface DiffRule {
  readonly match: string;
  readonly tier: Tier;
  readonly selectors: Rule['selectors'];
  readonly when: string | null;
  /** Where it is written in its own charter. */
  readonly origin: string;
}

export interface FieldChange {
  /** `tier`, `approvers`, `when`, …; of a setting its whole path: `limits.usdPerDay`. */
  readonly path: string;
  /** null where it is not written. */
  readonly before: unknown;
  readonly after: unknown;
}

export interface RuleChange extends DiffRule {
  readonly fields: readonly FieldChange[];
  /** What the change of its tier means; null where the tier stays. */
  readonly direction: 'stricter' | 'milder' | null;
}

export interface CharterDiff {
  readonly rules: {
    readonly added: readonly DiffRule[];
    readonly removed: readonly DiffRule[];
    readonly changed: readonly RuleChange[];
  };
  /** Everything but the rules. */
  readonly settings: readonly FieldChange[];
}

/** How `after` differs from `before`. Two charters of one version differ in nothing. */
export function diffCharters(before: Charter, after: Charter): CharterDiff {
  const pairs = pairRules(before.rules, after.rules);
  const added: DiffRule[] = [];
  const removed: DiffRule[] = [];
  const changed: RuleChange[] = [];
  for (const [old, young] of pairs) {
    if (old === null && young !== null) added.push(shownRule(young));
    if (old !== null && young === null) removed.push(shownRule(old));
    if (old === null || young === null) continue;
    const fields = differences(plainRule(old), plainRule(young), []);
    const turned = compareTiers(young.tier, old.tier);
    const direction = turned === 0 ? null : turned > 0 ? 'stricter' : 'milder';
    if (fields.length > 0) changed.push({ ...shownRule(young), fields, direction });
  }
  return {
    rules: { added, removed, changed },
    settings: differences(settingsOf(before), settingsOf(after), []),
  };
}

/** Whether anything differs at all. */
export function isSame({ rules, settings }: CharterDiff): boolean {
  return rules.added.length + rules.removed.length + rules.changed.length + settings.length === 0;
}

function shownRule({ match, tier, selectors, when, origin }: Rule): DiffRule {
  return { match, tier, selectors, when, origin };
}

type Pair = readonly [Rule | null, Rule | null];

/** Of several rules with one pattern and selectors those with the same condition belong together, then those of one tier. */
function pairRules(before: readonly Rule[], after: readonly Rule[]): readonly Pair[] {
  const young = new Map<string, Rule[]>();
  for (const rule of after) {
    const key = ruleKey(rule);
    const group = young.get(key);
    if (group === undefined) young.set(key, [rule]);
    else group.push(rule);
  }
  const old = new Map<string, Rule[]>();
  for (const rule of before) old.set(ruleKey(rule), [...(old.get(ruleKey(rule)) ?? []), rule]);
  const pairs: Pair[] = [];
  for (const key of new Set([...old.keys(), ...young.keys()])) {
    const left = [...(old.get(key) ?? [])];
    const right = [...(young.get(key) ?? [])];
    const join = (isPair: (a: Rule, b: Rule) => boolean): void => {
      for (const a of left.slice()) {
        const b = right.find((rule) => isPair(a, rule));
        if (b === undefined) continue;
        pairs.push([a, b]);
        left.splice(left.indexOf(a), 1);
        right.splice(right.indexOf(b), 1);
      }
    };
    join((a, b) => a.when === b.when);
    join((a, b) => a.tier === b.tier);
    join(() => true);
    pairs.push(...left.map((rule): Pair => [rule, null]), ...right.map((rule): Pair => [null, rule]));
  }
  return pairs;
}

/** Without what pairs it and where it stands. */
function plainRule({ match: _match, selectors: _selectors, origin: _origin, except, ...rest }: Rule): object {
  return { ...rest, except: except.map(({ origin: _place, ...exception }) => exception) };
}

/** Lists of things with names become maps by name, so that one more is one difference. */
function settingsOf({ rules: _rules, actions, ...rest }: Charter): object {
  const named = Object.fromEntries(actions.map(({ match, origin: _origin, ...setting }) => [match, setting]));
  return { actions: named, ...rest };
}

/** Fields that differ, the innermost that is no map; a list is one value. */
function differences(before: unknown, after: unknown, path: Path): FieldChange[] {
  if (isMap(before) && isMap(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) => differences(before[key], after[key], [...path, key]));
  }
  if (isUnset(before) && isUnset(after)) return [];
  if (JSON.stringify(withoutOrigins(before)) === JSON.stringify(withoutOrigins(after))) return [];
  return [{ path: renderPath(path), before: written(before), after: written(after) }];
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What was never written: no setting says less by being empty. */
function isUnset(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

/** What somebody wrote of it: a map that is there or not is shown without the fields that were left out. */
function written(value: unknown): unknown {
  const plain = withoutOrigins(value);
  if (!isMap(plain)) return plain;
  return Object.fromEntries(Object.entries(plain).filter(([, inner]) => !isUnset(inner)));
}

/** With keys in one order, so that equal maps are equal texts; null where nothing is written. */
function withoutOrigins(value: unknown): unknown {
  if (value === undefined) return null;
  if (Array.isArray(value)) return value.map(withoutOrigins);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => key !== 'origin' || typeof inner !== 'string')
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, withoutOrigins(inner)]),
  );
}

/** A difference for people, one line for each change. */
export function renderDiff(diff: CharterDiff): readonly string[] {
  if (isSame(diff)) return ['They say the same.'];
  const { added, removed, changed } = diff.rules;
  return [
    ...added.map((rule) => `+ rule ${named(rule)}: ${rule.tier}`),
    ...removed.map((rule) => `- rule ${named(rule)}: ${rule.tier}`),
    ...changed.map((rule) => {
      const fields = rule.fields.map(({ path, before, after }) => `${path} ${said(before)} → ${said(after)}`);
      return `~ rule ${named(rule)}: ${fields.join('; ')}${rule.direction === null ? '' : ` (${rule.direction})`}`;
    }),
    ...diff.settings.map(({ path, before, after }) => `~ ${path}: ${said(before)} → ${said(after)}`),
  ];
}

function named({ match, selectors, when }: DiffRule): string {
  const who = Object.entries(selectors).map(([field, values]) => `${field} ${values.join('|')}`);
  const words = [...who, ...(when === null ? [] : [`when ${when}`])];
  return words.length === 0 ? match : `${match} (${words.join(', ')})`;
}

function said(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
