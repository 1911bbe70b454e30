// Why this rule and not another one. Deciding stops at the first rule that matches; whoever writes a charter wants to
// see those that were passed over as well, each with its reason.
import type { Action } from './action.ts';
import type { Rule } from './charter.ts';
import type { CompiledRule, RuleMatch } from './compiled-rule.ts';
import type { Law } from './law.ts';
import { nearest } from './nearest.ts';
import { compareSpecificity } from './pattern.ts';
import { withResource } from './resource.ts';
import type { Subject } from './rule-book.ts';
import type { RuleFacts } from './rule-facts.ts';
import { bindingsOf } from './rule-outcome.ts';
import { countSelectors, matchRule, missedSelector } from './rule.ts';
import type { Tier } from './tier.ts';

/**
 * `matched`: this rule decides. `selectors`: it is for other callers. `condition`: its condition is not met. `claims`:
 * it fits only because of what the agent says of itself, and a stricter rule decides. `beaten`: a final rule
 * decides before it. `less_specific`: it would match, but the rule that decides stands before it.
 */
export type RuleStanding = 'matched' | 'selectors' | 'condition' | 'claims' | 'beaten' | 'less_specific';

export interface ConsideredRule {
  readonly pattern: string;
  /** The rule's own tier, before exceptions and trust. */
  readonly tier: Tier;
  /** Where it is written. */
  readonly origin: string;
  readonly final: boolean;
  /** Whom it is for; empty: everybody. */
  readonly selectors: Rule['selectors'];
  /** Its condition; null always holds. */
  readonly when: string | null;
  readonly standing: RuleStanding;
  /** Why it did or did not decide, in a sentence. */
  readonly why: string;
}

/**
 * Every rule whose pattern covers the action, in the order in which rules are tried, and why each did or did not
 * decide. Empty: no rule names the action, which is red. At most one is `matched`, the one that `matchRule` finds for the same
 * facts; its findings are those of the decision.
 */
export function explainRules(law: Law, asked: Action, facts: RuleFacts): readonly ConsideredRule[] {
  const action = withResource(law, asked, 'recorded');
  const match = matchRule(law, action, facts);
  const { charter } = law;
  const scene = {
    action,
    facts,
    charter,
    match,
    bindings: bindingsOf({ action, facts, charter, areClaimsHeard: true }),
  };
  const candidates = law.rules.candidatesOf(action.action);
  const place = candidates.findIndex((candidate) => candidate === match.rule);
  return candidates.map((candidate, index) => {
    const { rule } = candidate;
    const { match: pattern, tier, origin, final, selectors, when } = rule;
    return {
      pattern,
      tier,
      origin,
      final,
      selectors,
      when,
      ...judge(candidate, { ...scene, isBefore: index < place }),
    };
  });
}

/**
 * The action that was perhaps meant, where no rule names this one: a slip in a name shows as an action that nobody
 * wrote a rule for. Only exact names of rules are looked at; null where none is near.
 */
export function meantName(law: Law, action: string): string | null {
  if (law.rules.candidatesOf(action).length > 0) return null;
  return nearest(
    action,
    law.charter.rules.flatMap(({ match }) => (match.endsWith('*') ? [] : [match])),
  );
}

interface Scene extends Subject {
  readonly match: RuleMatch;
  readonly bindings: ReturnType<typeof bindingsOf>;
  /** It stands before the rule that decides. */
  readonly isBefore: boolean;
}

type Judgement = Pick<ConsideredRule, 'standing' | 'why'>;

function judge(candidate: CompiledRule, scene: Scene): Judgement {
  const { rule, when } = candidate;
  const { match } = scene;
  if (candidate === match.rule)
    return { standing: 'matched', why: [match.ruleText, match.exceptionText].join(' ') };
  const field = missedSelector(rule, scene);
  if (field !== null) {
    const wanted = (rule.selectors[field] ?? []).join(', ');
    return { standing: 'selectors', why: `It is only for ${field} ${wanted}, which does not fit who asks.` };
  }
  const met = when === null ? null : when.evaluate(scene.bindings);
  if (met !== null && met.kind === 'value' && !met.value)
    return { standing: 'condition', why: `Its condition is not met: ${rule.when}.` };
  const winner = match.rule?.rule ?? null;
  if (winner === null || scene.isBefore) {
    const why =
      'It fits only because of what the agent says of itself; without that, a stricter answer stands.';
    return { standing: 'claims', why };
  }
  if (winner.final && !rule.final)
    return { standing: 'beaten', why: `The rule ${winner.match} is final and decides before it.` };
  return {
    standing: 'less_specific',
    why: `The rule ${winner.match} (${winner.origin}) ${precedence(winner, rule)}.`,
  };
}

/** Why one rule is tried before another one that fits as well. */
function precedence(winner: Rule, rule: Rule): string {
  if (compareSpecificity(winner.match, rule.match) < 0) return 'is more specific';
  if (countSelectors(winner) > countSelectors(rule)) return 'has the same pattern and more selectors';
  return winner.tier === rule.tier
    ? 'says as much and decides first'
    : 'has the same pattern and is stricter';
}
