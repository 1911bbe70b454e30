// Patterns, selectors, conditions and exceptions, compiled once into short decision lists, so that a charter of
// ten thousand rules decides as fast as one of forty. The order in which rules were written never matters.
import type { ActionSetting } from './action-setting.ts';
import type { Action } from './action.ts';
import type { RuleCause } from './cause.ts';
import type { Rule } from './charter.ts';
import { agentClassOf, userRolesOf } from './charter.ts';
import { inSpiteOfClaims } from './claimed-outcome.ts';
import { inSilence, silencesOf } from './claims.ts';
import { NO_MATCH } from './compiled-rule.ts';
import type { CompiledRule, RuleMatch } from './compiled-rule.ts';
import { readAction } from './finding/reading.ts';
import type { Reading } from './finding/reading.ts';
import type { Law } from './law.ts';
import { compareSpecificity, createMemo, createPatternTable, isActionName } from './pattern.ts';
import type { PatternTable } from './pattern.ts';
import { withResource } from './resource.ts';
import type { DecisionList, RuleBook, RuleEntry, Subject } from './rule-book.ts';
import { contentOf as contentOfException } from './rule-compile.ts';
import type { RuleFacts } from './rule-facts.ts';
import { firstMatch } from './rule-outcome.ts';
import type { Scene } from './rule-outcome.ts';
import { compareTiers } from './tier.ts';

export type SelectorField = keyof Rule['selectors'];

const FIELDS: readonly SelectorField[] = ['agent', 'agentClass', 'user', 'role', 'tenant', 'environment'];
const NONE: ReturnType<typeof silencesOf> = [];
const MAX_NAMES = 4096;
const MAX_LISTS_PER_NAME = 16_384;

/**
 * The outcome of the charter's rules for an action: the first match in the order of `compareRules`, with its
 * exceptions. Constant time in the number of rules once a name has been seen. What the agent says of itself (`context`,
 * its marks of what is untrusted, what was found because of either) cannot make the outcome milder than it would be had
 * it said nothing: a condition that cannot be evaluated without a claim counts as it does where nothing is claimed, so
 * conditions ask with `has()` for what may be missing. `reading` comes from a caller that has read the action already.
 */
export function matchRule(law: Law, asked: Action, facts: RuleFacts, reading?: Reading): RuleMatch {
  const entry = law.rules.entryOf(asked.action);
  const list = entry.common ?? entry.listOf({ action: asked, facts, charter: law.charter });
  if (list.certain !== null) return entry.isOdd ? oddName(list.certain) : list.certain;
  const { traitsOf } = law.guardrails;
  const action = entry.setting?.resource === undefined ? asked : withResource(law, asked, 'recorded');
  const scene: Scene = {
    action,
    facts,
    charter: law.charter,
    areClaimsHeard: true,
    read: () => reading ?? readAction(action, entry.setting, traitsOf),
  };
  let match = firstMatch(list, scene);
  for (const silence of list.readsClaims ? silencesOf(action, facts) : NONE) {
    const silent = { ...scene, ...inSilence(law, action, facts, silence), areClaimsHeard: false };
    match = inSpiteOfClaims(match, firstMatch(list, silent));
  }
  return entry.isOdd ? oddName(match) : match;
}

function oddName(match: RuleMatch): RuleMatch {
  const ruleText =
    'The name of the action has characters or a length that no rule could spell, so it is at least red.';
  if (compareTiers(match.tier, 'red') >= 0) return match;
  const causes: readonly RuleCause[] = [...match.causes, { tier: 'red', cause: 'error:name' }];
  return { ...match, tier: 'red', causes, ruleText };
}

/**
 * The order in which rules are tried: final ones first; then the more specific pattern, the greater number of
 * selectors, the stricter tier. What is still equal is ordered by its content, never by its place in the file.
 */
export function compareRules(a: Rule, b: Rule): number {
  return compareStanding(a, b) || compareTexts(contentOf(a), contentOf(b));
}

function compareStanding(a: Rule, b: Rule): number {
  if (a.final !== b.final) return a.final ? -1 : 1;
  return (
    compareSpecificity(a.match, b.match) ||
    countSelectors(b) - countSelectors(a) ||
    compareTiers(b.tier, a.tier)
  );
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** How many selectors a rule has: of two rules with one pattern the one with more is tried first. */
export function countSelectors(rule: Rule): number {
  let count = 0;
  for (const field of FIELDS) if (rule.selectors[field] !== undefined) count++;
  return count;
}

// A list with a fixed order, so that neither the file nor the order of keys in an object shows.
function contentOf(rule: Rule): string {
  const selectors = FIELDS.map((field) => rule.selectors[field] ?? null);
  const except = rule.except.map(contentOfException).toSorted();
  const approval = [rule.approvers, rule.quorum, rule.expiresMs, rule.fourEyes];
  const rest = [rule.lift, rule.requires, rule.obligations, rule.enforcement];
  return JSON.stringify([selectors, rule.when, except, approval, rest]);
}

/** Files compiled rules under their patterns. Settings come along so that one look-up by name finds both. */
export function createRuleBook(
  rules: readonly CompiledRule[],
  settings: PatternTable<ActionSetting>,
): RuleBook {
  // Sorted once here, because a name that ten thousand rules cover must not sort them on its first call.
  const ranked = rules
    .map((compiled) => ({ compiled, content: contentOf(compiled.rule) }))
    .toSorted(
      (a, b) => compareStanding(a.compiled.rule, b.compiled.rule) || compareTexts(a.content, b.content),
    )
    .map(({ compiled }, rank) => [compiled.rule.match, { compiled, rank }] as const);
  const table = createPatternTable(ranked);
  const candidatesOf = (name: string): readonly CompiledRule[] =>
    table
      .all(name)
      .toSorted((a, b) => a.rank - b.rank)
      .map(({ compiled }) => compiled);
  return {
    entryOf: createMemo(MAX_NAMES, (name) => createEntry(name, candidatesOf(name), settings)),
    candidatesOf,
  };
}

function createEntry(
  name: string,
  candidates: readonly CompiledRule[],
  settings: PatternTable<ActionSetting>,
): RuleEntry {
  const mentioned = mentionedValues(candidates);
  const known = { isOdd: !isActionName(name), setting: settings.first(name) };
  if (mentioned.length === 0) {
    const list = createList(candidates);
    return { ...known, common: list, listOf: () => list };
  }
  const lists = new Map<string, DecisionList>();
  const listOf = (subject: Subject): DecisionList => {
    const key = keyOf(mentioned, subject);
    let list = lists.get(key);
    if (list === undefined) {
      list = createList(candidates.filter(({ rule }) => isSelected(rule, subject)));
      if (lists.size >= MAX_LISTS_PER_NAME) lists.clear();
      lists.set(key, list);
    }
    return list;
  };
  return { ...known, common: null, listOf };
}

type Mentioned = readonly (readonly [SelectorField, ReadonlySet<string>])[];

/** The selector values that could matter for a name. All others are alike, so strangers share one list. */
function mentionedValues(candidates: readonly CompiledRule[]): Mentioned {
  const mentioned: [SelectorField, Set<string>][] = [];
  for (const field of FIELDS) {
    const values = new Set(candidates.flatMap(({ rule }) => rule.selectors[field] ?? []));
    if (values.size > 0) mentioned.push([field, values]);
  }
  return mentioned;
}

function createList(candidates: readonly CompiledRule[]): DecisionList {
  const cut = candidates.findIndex(({ when }) => when === null);
  const rules = cut === -1 ? candidates : candidates.slice(0, cut + 1);
  const [first] = rules;
  const isCertain = first === undefined || (first.when === null && first.except.length === 0);
  return {
    rules,
    readsClaims: rules.some(({ readsClaims }) => readsClaims),
    certain: isCertain ? (first?.plain ?? NO_MATCH) : null,
  };
}

// Lengths are written before values so that no two subjects share a key.
function keyOf(mentioned: Mentioned, subject: Subject): string {
  let key = '';
  for (const [field, values] of mentioned) {
    for (const value of valuesOf(field, subject)) if (values.has(value)) key += `${value.length}:${value}`;
    key += ';';
  }
  return key;
}

function isSelected(rule: Rule, subject: Subject): boolean {
  return missedSelector(rule, subject) === null;
}

/** The first selector of a rule that the caller does not fit; null when the rule is for this caller. */
export function missedSelector(rule: Rule, subject: Subject): SelectorField | null {
  for (const field of FIELDS) {
    const wanted = rule.selectors[field];
    if (wanted !== undefined && !valuesOf(field, subject).some((value) => wanted.includes(value)))
      return field;
  }
  return null;
}

/** The values that a caller has for a selector. Roles are those of the user behind the agent, the charter's included, and of the key itself. */
function valuesOf(field: SelectorField, { action, facts, charter }: Subject): readonly string[] {
  switch (field) {
    case 'agent':
      return [action.agent];
    case 'agentClass':
      return listOfOne(agentClassOf(charter, action.agent));
    case 'user':
      return listOfOne(action.user?.id ?? null);
    case 'role': {
      const roles = userRolesOf(charter, action.user, facts.userRoles);
      return facts.principal === null ? roles : [...roles, ...facts.principal.roles];
    }
    case 'tenant':
      return [facts.tenant];
    case 'environment':
      return listOfOne(charter.environment);
  }
}

function listOfOne(value: string | null): readonly string[] {
  return value === null ? [] : [value];
}
