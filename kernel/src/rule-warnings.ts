// What a charter says in vain: rules that never decide because another one always comes first, conditions that tell
// nothing apart, exceptions that never apply. Only what holds for every action is said, so that a warning is worth
// reading; of what depends on the action nothing is said.
import type { Charter, Rule, RuleException, Selectors } from './charter.ts';
import { conditionKey, outlookOf } from './condition/outlook.ts';
import type { Outlook } from './condition/outlook.ts';
import { createPatternTable, patternCovers } from './pattern.ts';
import type { PatternTable } from './pattern.ts';
import { compareRules } from './rule.ts';

export interface RuleWarning {
  /**
   * `unreachable`: a final rule always decides before it. `shadowed`: a rule for the same pattern does. `beats_black`:
   * it is final and is tried before a black rule. The others are about a condition or an exception.
   */
  readonly kind:
    | 'unreachable'
    | 'shadowed'
    | 'beats_black'
    | 'always_true'
    | 'always_false'
    | 'idle_exception'
    | 'constant_exception';
  /** Where the rule or the exception is written. */
  readonly origin: string;
  /** The part of it that is meant: `['when']`, or nothing for the whole. */
  readonly within: readonly string[];
  /** What is wrong and what to do, as sentences. */
  readonly message: string;
  /** Origin of the rule that makes it so; null where none does. */
  readonly because: string | null;
}

/** Warnings about the rules of a charter that compiles, in the order in which the rules stand. */
export function findRuleWarnings(charter: Charter): readonly RuleWarning[] {
  const known = charter.rules.map(study);
  const groups = groupByReach(known);
  const finals = createPatternTable(
    known
      .filter(({ rule, holdsAlways }) => rule.final && holdsAlways)
      .map((studied) => [studied.rule.match, studied] as const),
  );
  const blacks = charter.rules.filter(({ tier }) => tier === 'black');
  return known.flatMap((studied) => {
    const warning = reachWarning(studied, groups, finals);
    const beaten = blackWarning(studied.rule, blacks);
    return [
      ...(warning === null ? [] : [warning]),
      ...(beaten === null ? [] : [beaten]),
      ...conditionWarnings(studied),
      ...exceptionWarnings(studied),
    ];
  });
}

interface Studied {
  readonly rule: Rule;
  readonly outlook: Outlook;
  /** It matches whatever it is asked about: without a condition, or with one that cannot but hold. */
  readonly holdsAlways: boolean;
  /** Equal for conditions that say the same; '' where it always holds. */
  readonly condition: string;
}

const HOLDS: Outlook = { value: true, isCertain: true };

function study(rule: Rule): Studied {
  const outlook = rule.when === null ? HOLDS : outlookOf([rule.when]);
  const holdsAlways = outlook.isCertain && outlook.value === true;
  return { rule, outlook, holdsAlways, condition: holdsAlways ? '' : conditionKey(rule.when ?? '') };
}

/** Rules by what they have in common with every rule that they could shadow, so that ten thousand are compared in no time. */
type Groups = ReadonlyMap<string, readonly Studied[]>;

function groupByReach(known: readonly Studied[]): Groups {
  const groups = new Map<string, Studied[]>();
  for (const studied of known) {
    for (const value of firstValues(studied.rule.selectors)) {
      const key = reachKey(studied.rule, value, studied.condition);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [studied]);
      else group.push(studied);
    }
  }
  return groups;
}

function reachKey({ match, selectors }: Rule, value: string, condition: string): string {
  return JSON.stringify([match, fieldsOf(selectors), value, condition]);
}

function fieldsOf(selectors: Selectors): readonly string[] {
  return Object.keys(selectors).toSorted();
}

function valuesOf(selectors: Selectors, field: string): readonly string[] | undefined {
  return Object.entries(selectors).find(([name]) => name === field)?.[1];
}

function firstValues(selectors: Selectors): readonly string[] {
  const [field] = fieldsOf(selectors);
  return field === undefined ? [''] : (valuesOf(selectors, field) ?? []);
}

function reachWarning(studied: Studied, groups: Groups, finals: PatternTable<Studied>): RuleWarning | null {
  const { rule } = studied;
  const shadow = sameReach(studied, groups).find(
    (other) => other.rule.match === rule.match && isBefore(other, studied) && selectsAll(other.rule, rule),
  );
  if (shadow !== undefined) {
    const { tier, origin } = shadow.rule;
    const how = shadow.holdsAlways ? 'always holds' : 'has the same condition';
    const message = `This ${rule.tier} rule for ${rule.match} never decides: the ${tier} rule for the same pattern at ${origin} ${how} and comes first. Remove one of the two, or tell them apart by a selector or a condition.`;
    return { kind: 'shadowed', origin: rule.origin, within: [], message, because: origin };
  }
  const final = finals
    .all(literalOf(rule.match))
    .find(
      (other) =>
        reaches(other.rule.match, rule.match) && isBefore(other, studied) && selectsAll(other.rule, rule),
    );
  if (final === undefined) return null;
  const { tier, match, origin } = final.rule;
  const message = `This ${rule.tier} rule for ${rule.match} never decides: the ${tier} rule ${match} at ${origin} is final and covers all of it. Remove this rule, or write final: false there.`;
  return { kind: 'unreachable', origin: rule.origin, within: [], message, because: origin };
}

function sameReach({ rule, condition }: Studied, groups: Groups): readonly Studied[] {
  const [value = ''] = firstValues(rule.selectors);
  const always = groups.get(reachKey(rule, value, '')) ?? [];
  return condition === '' ? always : [...always, ...(groups.get(reachKey(rule, value, condition)) ?? [])];
}

function isBefore(other: Studied, studied: Studied): boolean {
  return other !== studied && compareRules(other.rule, studied.rule) < 0;
}

/** Whether a pattern covers every name that another one covers. */
function reaches(pattern: string, other: string): boolean {
  return pattern === other || (pattern.endsWith('*') && patternCovers(pattern, literalOf(other)));
}

function literalOf(pattern: string): string {
  return pattern.endsWith('*') ? pattern.slice(0, -1) : pattern;
}

/** Whether a rule is for everybody that another one is for. Somebody may have several roles, so one value in common is enough only where it is all of them. */
function selectsAll({ selectors: wide }: Rule, { selectors: narrow }: Rule): boolean {
  return Object.entries(wide).every(([field, values]) => {
    const asked = valuesOf(narrow, field);
    return asked !== undefined && asked.every((value) => values.includes(value));
  });
}

/** Black is what never runs: a rule that lets some of it run all the same is meant only where its author says so knowingly. */
function blackWarning(rule: Rule, blacks: readonly Rule[]): RuleWarning | null {
  if (rule.tier === 'black' || !rule.final) return null;
  const black = blacks.find(
    (other) =>
      (reaches(rule.match, other.match) || reaches(other.match, rule.match)) &&
      mayMeet(rule, other) &&
      compareRules(rule, other) < 0,
  );
  if (black === undefined) return null;
  const message = `The ${rule.tier} rule ${rule.match} at ${rule.origin} is final and is tried before the black rule ${black.match} at ${black.origin}, so what both cover is not black. Take final away there, unless that is meant.`;
  return { kind: 'beats_black', origin: rule.origin, within: [], message, because: black.origin };
}

/** Whether somebody could fit the selectors of both. Only a role is something of which one may have several. */
function mayMeet({ selectors }: Rule, { selectors: others }: Rule): boolean {
  return fieldsOf(selectors).every((field) => {
    const values = valuesOf(selectors, field) ?? [];
    const asked = valuesOf(others, field);
    return field === 'role' || asked === undefined || values.some((value) => asked.includes(value));
  });
}

function conditionWarnings({ rule, outlook }: Studied): readonly RuleWarning[] {
  if (rule.when === null || outlook.value === null) return [];
  const about = { origin: rule.origin, within: ['when'], because: null };
  if (outlook.value) {
    const message = outlook.isCertain
      ? 'The condition is always true, so the rule says the same without it. Leave it out, or correct it.'
      : 'The condition is true for every action that it can be evaluated for, so it tells nothing apart. Leave it out, or correct it.';
    return [{ ...about, kind: 'always_true', message }];
  }
  const message = outlook.isCertain
    ? 'The condition is never true, so the rule never decides. Correct it, or remove the rule.'
    : 'The condition is true for no action that it can be evaluated for. Correct it, or remove the rule.';
  return [{ ...about, kind: 'always_false', message }];
}

function exceptionWarnings({ rule, outlook }: Studied): readonly RuleWarning[] {
  // What is said of the rule itself comes first.
  if (outlook.value === false) return [];
  return rule.except.flatMap((exception, index) => {
    const found = exceptionWarning(rule, exception, index);
    return found === null ? [] : [{ origin: exception.origin, because: null, ...found }];
  });
}

function exceptionWarning(
  rule: Rule,
  { when, paths, tier }: RuleException,
  index: number,
): Pick<RuleWarning, 'kind' | 'within' | 'message'> | null {
  const before = rule.except.slice(0, index);
  if (
    paths.length > 0 &&
    before.some((other) => paths.every((path) => other.paths.includes(path)) && other.tier === tier)
  )
    return repeated(['paths']);
  if (when === null) return null;
  const key = conditionKey(when);
  if (before.some((other) => other.when !== null && conditionKey(other.when) === key && other.tier === tier))
    return repeated(['when']);
  const alone = outlookOf([when]);
  if (alone.value === true && paths.length === 0) {
    const message = `The exception applies to every action that it can be evaluated for, so the rule is never ${rule.tier}. Write the rule in tier ${tier}, or correct the condition.`;
    return { kind: 'constant_exception', within: ['when'], message };
  }
  if (alone.value === false) {
    const message =
      'The exception never applies: its condition is never true. Correct it, or remove the exception.';
    return { kind: 'idle_exception', within: ['when'], message };
  }
  if (rule.when === null || outlookOf([rule.when, when]).value !== false) return null;
  const message =
    'The exception never applies: its condition is never true where that of the rule is. Correct it, or remove the exception.';
  return { kind: 'idle_exception', within: ['when'], message };
}

function repeated(within: readonly string[]): Pick<RuleWarning, 'kind' | 'within' | 'message'> {
  const message = 'The exception says what one before it says already. Remove one of the two.';
  return { kind: 'idle_exception', within, message };
}
