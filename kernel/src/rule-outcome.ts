// What one rule says about one action once its condition and its exceptions have been asked. Whatever cannot be
// evaluated counts as matching and is at least red, so that a broken condition never opens a door.
import type { Action } from './action.ts';
import type { Charter, Rule } from './charter.ts';
import { agentClassOf, userRolesOf } from './charter.ts';
import { BUDGET, createBudget } from './condition.ts';
import type { Condition, Meter } from './condition.ts';
import { answerPlainly } from './condition/plain-question.ts';
import { redactText, touchedPaths } from './finding.ts';
import type { Reading } from './finding.ts';
import type { CompiledException, CompiledRule } from './rule-compile.ts';
import type { DecisionList, RuleFacts } from './rule.ts';
import { taintOf } from './taint.ts';
import { NO_TERMS } from './terms.ts';
import type { Terms } from './terms.ts';
import { strictest } from './tier.ts';
import type { Tier } from './tier.ts';

export interface RuleMatch {
  /** null: no rule matched. */
  readonly rule: CompiledRule | null;
  /** The rule's tier after its exceptions, before trust. */
  readonly tier: Tier;
  /** What it asks for, as the rule has it; more where what the agent says of itself led to the rule. */
  readonly terms: Terms;
  /** Stable words for what set the tier: `rule:PATTERN`, `exception:PATTERN`, `error:PATTERN`, `rule:none`. */
  readonly cause: string;
  /** What the rules say had the agent said nothing, where that is something else: what is red there stays a cause. */
  readonly inSilence: readonly Pick<RuleMatch, 'tier' | 'cause'>[];
  /** For the trace, in words. */
  readonly ruleText: string;
  readonly exceptionText: string;
}

/** Everything a condition may look at. */
export interface Scene {
  readonly action: Action;
  readonly facts: RuleFacts;
  readonly charter: Charter;
  /** False where it is asked what rules would say had the agent said nothing. */
  readonly areClaimsHeard: boolean;
  /** The action as the guardrails read it: only exceptions for paths ask. */
  readonly read: () => Reading;
}

/** What nobody wrote a rule for waits for a human. */
export const NO_MATCH: RuleMatch = {
  rule: null,
  tier: 'red',
  terms: NO_TERMS,
  cause: 'rule:none',
  inSilence: [],
  ruleText: 'No rule of the charter matches this action, so it is red.',
  exceptionText: 'Without a rule there are no exceptions.',
};

/** The outcome of the first rule in the list that matches. A condition that cannot be evaluated counts as met. */
export function firstMatch(list: DecisionList, scene: Scene): RuleMatch {
  let bindings: Bindings | null = null;
  for (const compiled of list.rules) {
    let error: string | null = null;
    const { when } = compiled;
    const answer =
      when === null || when.plain === null ? null : answerPlainly(when.plain, scene.action.parameters);
    if (answer === false) continue;
    if (when !== null && answer === null) {
      bindings ??= bindingsOf(scene);
      const met = when.evaluate(bindings);
      if (met.kind === 'value' && !met.value) continue;
      if (met.kind === 'error') error = met.message;
    }
    if (error === null && compiled.except.length === 0) return compiled.plain;
    bindings ??= bindingsOf(scene);
    return settle(compiled, error, { ...scene, bindings });
  }
  return NO_MATCH;
}

interface BoundScene extends Scene {
  readonly bindings: Bindings;
}

type Bindings = Parameters<Condition['evaluate']>[0];

/**
 * What the conditions of rules may look at, for one action of one caller. Where claims are not heard (claims.ts makes
 * the action and facts for it), the agent's own marks of untrusted parameters are left out as well. Conditions that are
 * asked with the same bindings, or the same budget, share what they may spend.
 */
export function bindingsOf(
  { action, facts, charter, areClaimsHeard }: Omit<Scene, 'read'>,
  budget: Meter = createBudget(),
): Bindings {
  return {
    [BUDGET]: budget,
    parameters: action.parameters,
    context: action.context,
    agent: { id: action.agent, class: agentClassOf(charter, action.agent) },
    // Nobody and nothing are empty maps, so that `has(user.id)` is false and `user.id` is an error.
    user:
      action.user === null
        ? NOTHING
        : {
            id: action.user.id,
            email: action.user.email,
            roles: userRolesOf(charter, action.user, facts.userRoles),
          },
    resource: action.resource ?? NOTHING,
    findings: facts.findings,
    taint: areClaimsHeard ? taintOf(action, facts.taint) : (facts.taint ?? []),
    now: facts.nowMs,
  };
}

const NOTHING = {};

interface Applied {
  tier: Tier | null;
  texts: string[];
  hasError: boolean;
}

function settle(compiled: CompiledRule, error: string | null, scene: BoundScene): RuleMatch {
  const { rule, plain } = compiled;
  const applied: Applied = { tier: null, texts: [], hasError: false };
  for (const exception of compiled.except) apply(exception, rule, scene, applied);
  if (error === null && applied.tier === null) return plain;
  let tier = applied.tier ?? rule.tier;
  let ruleText = plain.ruleText;
  if (error !== null) {
    tier = strictest([tier, errorFloor(rule)]);
    ruleText = `The condition of the rule ${rule.match} (${rule.origin}) could not be evaluated (${redactText(error)}), so the rule counts as matching and is ${errorFloor(rule)} at least.`;
  }
  const kind = error !== null || applied.hasError ? 'error' : 'exception';
  const exceptionText = applied.texts.length === 0 ? plain.exceptionText : applied.texts.join(' ');
  return { ...plain, tier, cause: `${kind}:${rule.match}`, ruleText, exceptionText };
}

function apply(compiled: CompiledException, rule: Rule, scene: BoundScene, applied: Applied): void {
  const { exception, globs, when } = compiled;
  const touched = globs === null ? undefined : touchedPaths(scene.read().paths, globs)[0];
  if (touched !== undefined) {
    note(
      applied,
      exception.tier,
      `Its exception applies: ${redactText(touched.pointer)} touches ${touched.glob}, which is ${exception.tier}.`,
    );
  }
  if (when === null) return;
  const met = when.evaluate(scene.bindings);
  if (met.kind === 'value') {
    if (met.value)
      note(applied, exception.tier, `Its exception applies: ${exception.when}, which is ${exception.tier}.`);
    return;
  }
  applied.hasError = true;
  const floor = errorFloor(rule);
  note(
    applied,
    strictest([exception.tier, floor]),
    `An exception (${exception.origin}) could not be evaluated (${redactText(met.message)}), so it is ${floor} at least.`,
  );
}

function note(applied: Applied, tier: Tier, text: string): void {
  applied.tier = applied.tier === null ? tier : strictest([applied.tier, tier]);
  applied.texts.push(text);
}

function errorFloor(rule: Rule): Tier {
  return rule.tier === 'black' ? 'black' : 'red';
}
