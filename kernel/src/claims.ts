// What an agent says of itself may make a decision stricter and never milder. So whatever looks at a claim is asked a
// second time as if the agent had said nothing, and the stricter answer counts: what the agent says is then no way out.
import type { Action, JsonObject } from './action.ts';
import type { Bindings } from './condition.ts';
import type { Finding } from './finding.ts';
import { ownFindings } from './finding/own.ts';
import type { Law } from './law.ts';
import { bindingsOf } from './rule-outcome.ts';
import type { RuleFacts } from './rule.ts';
import { hasTaintClaim, isCertain } from './taint.ts';

/** An action and its facts as they would be had the agent said nothing. */
export interface Unclaimed {
  readonly action: Action;
  readonly facts: RuleFacts;
}

/** Whether an agent says anything, or has said anything before, that a condition about this action could look at. */
export function hasClaims(action: Action, facts: Pick<RuleFacts, 'taint'>): boolean {
  for (const key in action.context) if (Object.hasOwn(action.context, key)) return true;
  const isEstimated = action.costMicroUsd !== null && action.costMicroUsd > 0;
  return isEstimated || hasTaintClaim(action) || facts.taint?.every(isCertain) === false;
}

/** Without context, estimate and marks, and without the findings that are only there because of them. */
export function withoutClaims(law: Law, action: Action, facts: RuleFacts): Unclaimed {
  const unclaimed = withoutOwn(law, action, facts);
  if (law.own === null) return unclaimed;
  const own = ownFindings(law.own, action, { claimed: bindingsOfOwn(law, unclaimed), unclaimed: null });
  const findings = [...unclaimed.facts.findings, ...own];
  return { action: unclaimed.action, facts: { ...unclaimed.facts, findings } };
}

/** What the charter's own guardrails look at where the agent has said nothing. */
export function ownBindings(law: Law, action: Action, facts: RuleFacts): Bindings {
  return bindingsOfOwn(law, withoutOwn(law, action, facts));
}

function withoutOwn(law: Law, action: Action, facts: RuleFacts): Unclaimed {
  const taint = (facts.taint ?? []).filter(isCertain);
  const ownNames = law.own?.map(({ own }) => own.name) ?? [];
  const isEstimate = (action.costMicroUsd ?? 0) > floorOf(law, action);
  const findings = facts.findings.filter(({ check, pointer }) => {
    if (check === 'tainted') return taint.length > 0;
    return !isInContext(pointer) && !ownNames.includes(check) && !(check === 'cost' && isEstimate);
  });
  return {
    action: { ...action, context: NOTHING, costMicroUsd: null },
    facts: { ...facts, taint, findings },
  };
}

function bindingsOfOwn(law: Law, { action, facts }: Unclaimed): Bindings {
  const scene = bindingsOf({ action, facts, charter: law.charter, areClaimsHeard: false });
  return { ...scene, action: action.action, costUsd: floorOf(law, action) / 1_000_000 };
}

function floorOf(law: Law, { action }: Action): number {
  return law.rules.entryOf(action).setting?.costMicroUsd ?? 0;
}

function isInContext(pointer: Finding['pointer']): boolean {
  return pointer !== null && (pointer === '/context' || pointer.startsWith('/context/'));
}

const NOTHING: JsonObject = {};
