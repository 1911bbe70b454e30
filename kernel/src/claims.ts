// What an agent says of itself may make a decision stricter and never milder. So whatever looks at a claim is asked a
// second time as if the agent had said nothing, and the stricter answer counts: what the agent says is then no way out.
import type { Action, JsonObject } from './action.ts';
import type { Bindings } from './condition.ts';
import type { Finding } from './finding.ts';
import { costFindings } from './finding/detect.ts';
import { overrunOf } from './finding/overrun.ts';
import { ownFindings } from './finding/own.ts';
import type { Law } from './law.ts';
import type { RuleFacts } from './rule-facts.ts';
import { bindingsOf } from './rule-outcome.ts';
import { hasTaintClaim, isCertain } from './taint.ts';

/** An action and its facts as they would be had the agent said nothing. */
export interface Unclaimed {
  readonly action: Action;
  readonly facts: RuleFacts;
}

/**
 * Silence with this action alone, or ever: what an agent reported of earlier acts, or kept to itself, marks values as
 * well. What it says now must not rid it of such a mark either, so the one silence does not stand for the other.
 */
export type Silence = 'now' | 'ever';

/** The silences that a condition about this action could tell from what is said. None where nothing is said, or was. */
export function silencesOf(action: Action, facts: Pick<RuleFacts, 'taint'>): readonly Silence[] {
  const hasSaid = facts.taint?.every(isCertain) === false;
  if (!saysSomething(action)) return hasSaid ? EVER : NEVER;
  return hasSaid ? BOTH : EVER;
}

const NEVER: readonly Silence[] = [];
const EVER: readonly Silence[] = ['ever'];
const BOTH: readonly Silence[] = ['now', 'ever'];

function saysSomething(action: Action): boolean {
  for (const key in action.context) if (Object.hasOwn(action.context, key)) return true;
  return (action.costMicroUsd !== null && action.costMicroUsd > 0) || hasTaintClaim(action);
}

/** Without context, estimate and marks, and without the findings that are only there because of them. */
export function inSilence(law: Law, action: Action, facts: RuleFacts, silence: Silence): Unclaimed {
  const unclaimed = withoutOwn(law, action, facts, silence);
  if (law.own === null) return unclaimed;
  const own = ownFindings(law.own, action, {
    claimed: bindingsOfOwn(law, unclaimed),
    unclaimed: silence === 'ever' ? [] : [() => ownBindings(law, action, facts, 'ever')],
  });
  const findings = [...unclaimed.facts.findings, ...own];
  return { action: unclaimed.action, facts: { ...unclaimed.facts, findings } };
}

/** What the charter's own guardrails look at where the agent has said nothing. */
export function ownBindings(law: Law, action: Action, facts: RuleFacts, silence: Silence): Bindings {
  return bindingsOfOwn(law, withoutOwn(law, action, facts, silence));
}

function withoutOwn(law: Law, action: Action, facts: RuleFacts, silence: Silence): Unclaimed {
  const known = facts.taint ?? [];
  const taint = silence === 'now' ? known : known.filter(isCertain);
  const ownNames = law.own?.map(({ own }) => own.name) ?? [];
  const floor = floorOf(law, action);
  const findings = facts.findings.flatMap((finding) => {
    const { check, pointer } = finding;
    if (check === 'tainted') return taint.length > 0 ? [finding] : [];
    if (isInContext(pointer) || ownNames.includes(check)) return [];
    if (check !== 'cost' || (action.costMicroUsd ?? 0) <= floor) return [finding];
    // What earlier acts cost above their estimates is on record, and no estimate of this one takes it away.
    const overrunMicroUsd = overrunOf(action, facts.used ?? {});
    return costFindings({ costMicroUsd: floor, overrunMicroUsd, guardrails: law.guardrails });
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
