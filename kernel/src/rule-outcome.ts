// What one rule says about one action once its condition and its exceptions have been asked. Whatever cannot be
// evaluated counts as matching and is at least red, so that a broken condition never opens a door.
import type { Action } from './action.ts';
import { ruleCause } from './cause.ts';
import type { RuleCause } from './cause.ts';
import type { Charter, Rule } from './charter.ts';
import { agentClassOf, userRolesOf } from './charter.ts';
import { NO_MATCH } from './compiled-rule.ts';
import type { CompiledException, CompiledRule, RuleMatch } from './compiled-rule.ts';
import { BUDGET, createBudget } from './condition.ts';
import type { Condition, Meter } from './condition.ts';
import { answerPlainly } from './condition/plain-question.ts';
import { touchedPaths } from './finding/paths.ts';
import type { Reading } from './finding/reading.ts';
import { redactText } from './finding/redact.ts';
import type { DecisionList } from './rule-book.ts';
import type { RuleFacts } from './rule-facts.ts';
import { taintOf } from './taint.ts';
import { compareTiers, strictest } from './tier.ts';
import type { Tier } from './tier.ts';

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
  readonly causes: RuleCause[];
  readonly texts: string[];
}

function settle(compiled: CompiledRule, error: string | null, scene: BoundScene): RuleMatch {
  const { rule, plain } = compiled;
  const applied: Applied = { causes: [], texts: [] };
  for (const exception of compiled.except) apply(exception, rule, scene, applied);
  if (error === null && applied.causes.length === 0) return plain;
  const fallen = strictest(applied.causes.map((cause) => cause.tier));
  const isLoosened = applied.causes.length > 0 && compareTiers(fallen, rule.tier) < 0;
  // An exception that makes nothing milder leaves the rule's own reason as it is.
  const causes = isLoosened ? applied.causes : [...plain.causes, ...applied.causes];
  let ruleText = plain.ruleText;
  if (error !== null) {
    causes.push({ tier: errorFloor(rule), cause: ruleCause('error', rule.match, rule.when ?? '') });
    ruleText = `The condition of the rule ${rule.match} (${rule.origin}) could not be evaluated (${redactText(error)}), so the rule counts as matching and is ${errorFloor(rule)} at least.`;
  }
  const tier = strictest(causes.map((cause) => cause.tier));
  const exceptionText = applied.texts.length === 0 ? plain.exceptionText : applied.texts.join(' ');
  return { ...plain, tier, causes, ruleText, exceptionText };
}

function apply(compiled: CompiledException, rule: Rule, scene: BoundScene, applied: Applied): void {
  const { exception, globs, when } = compiled;
  const { tier } = exception;
  if (globs !== null) {
    // Each glob is a reason of its own, however many places touch it.
    const named = new Set<string>();
    for (const { pointer, glob } of touchedPaths(scene.read().paths, globs)) {
      if (named.has(glob)) continue;
      named.add(glob);
      applied.causes.push({ tier, cause: ruleCause('exception', rule.match, glob) });
      applied.texts.push(`Its exception applies: ${redactText(pointer)} touches ${glob}, which is ${tier}.`);
    }
  }
  if (when === null) return;
  const met = when.evaluate(scene.bindings);
  if (met.kind === 'value') {
    if (!met.value) return;
    applied.causes.push({ tier, cause: ruleCause('exception', rule.match, when.source) });
    applied.texts.push(`Its exception applies: ${when.source}, which is ${tier}.`);
    return;
  }
  const floor = errorFloor(rule);
  applied.causes.push({
    tier: strictest([tier, floor]),
    cause: ruleCause('error', rule.match, when.source),
  });
  applied.texts.push(
    `An exception (${exception.origin}) could not be evaluated (${redactText(met.message)}), so it is ${floor} at least.`,
  );
}

function errorFloor(rule: Rule): Tier {
  return rule.tier === 'black' ? 'black' : 'red';
}
