// Once a week each governed set is asked whether it has earned its next phase. The answer is a pure function of what was
// found, and a no names everything that stands in the way, so that nobody has to guess what is still to be done.
import { phaseIndex } from './governed-set.ts';
import type { GovernedSet } from './governed-set.ts';
import { READY_SCORE } from './readiness.ts';
import type { CycleDecision, CycleReason } from './report.ts';

export interface CycleFacts {
  readonly set: GovernedSet;
  /** The name of the phase in force. */
  readonly phase: string;
  readonly nowMs: number;
  /** Readiness: points reached of points there are, 0 to 1. */
  readonly score: number;
  /** Names of required readiness items that are not met. */
  readonly unmetRequired: readonly string[];
  /** Breaker events of the set that nobody has resolved. */
  readonly unresolvedBreakers: readonly { readonly rule: string; readonly at: string }[];
  readonly pendingProposal: { readonly id: string; readonly title: string } | null;
  /** Until when nothing may be proposed; null where nothing forbids it. */
  readonly stabilizationUntilMs: number | null;
  /** Until when the phase is on probation; null where it is not. */
  readonly validationUntilMs: number | null;
}

const LISTED_MAX = 10;

/** How ready a set is, as far as a proposal asks. */
export type ReadinessStanding = Pick<CycleFacts, 'score' | 'unmetRequired'>;

/** What readiness has against a next phase; empty: nothing. A score that is no number counts against it. */
export function readinessReasons(standing: ReadinessStanding): readonly CycleReason[] {
  return [
    ...(standing.score >= READY_SCORE ? [] : [scoreTooLow(standing)]),
    ...(standing.unmetRequired.length === 0 ? [] : [requiredUnmet(standing)]),
  ];
}

/** Whether the next phase is proposed. What cannot be judged (a score that is no number) counts against it. */
export function decideCycle(facts: CycleFacts): CycleDecision {
  const { set, phase } = facts;
  const index = phaseIndex(set, phase);
  const next = index === -1 ? undefined : set.phases[index + 1];
  const reasons: readonly CycleReason[] = [
    ...(index === -1 ? [phaseUnknown(facts)] : []),
    ...(index !== -1 && next === undefined ? [highestPhase(facts)] : []),
    ...readinessReasons(facts),
    ...(facts.unresolvedBreakers.length === 0 ? [] : [breakersUnresolved(facts)]),
    ...(facts.pendingProposal === null ? [] : [proposalPending(facts.pendingProposal)]),
    ...stillWaiting(facts.stabilizationUntilMs, facts, {
      code: 'stabilizing',
      is: `${set.name} is stabilising`,
    }),
    ...stillWaiting(facts.validationUntilMs, facts, {
      code: 'validating',
      is: `${phase} is on probation`,
    }),
  ];
  return reasons.length === 0 && next !== undefined
    ? { kind: 'propose', target: next.name }
    : { kind: 'stay', reasons };
}

function phaseUnknown({ set, phase }: CycleFacts): CycleReason {
  const known = set.phases.map(({ name }) => name).join(', ');
  return {
    code: 'phase_unknown',
    text: `The charter has no phase ${phase} for ${set.name} any more (it has ${known}), so no next one can be named. Put it back, or set a phase that there is.`,
  };
}

function highestPhase({ set, phase }: CycleFacts): CycleReason {
  return {
    code: 'highest_phase',
    text: `${phase} is the highest phase of ${set.name}; there is none to propose.`,
  };
}

function scoreTooLow({ score }: ReadinessStanding): CycleReason {
  // Cut off and not rounded: 0.9499 shown as 0.95 would look like a mistake of ours.
  const shown = Number.isFinite(score) ? (Math.floor(score * 1_000) / 1_000).toString() : 'unknown';
  return {
    code: 'score_too_low',
    text: `The readiness score is ${shown}; a proposal needs ${READY_SCORE} or more.`,
  };
}

function requiredUnmet({ unmetRequired }: ReadinessStanding): CycleReason {
  const many = unmetRequired.length > 1;
  return {
    code: 'required_unmet',
    text: `${many ? `${unmetRequired.length} required items are` : 'A required item is'} not met: ${listed(unmetRequired)}.`,
  };
}

function breakersUnresolved({ unresolvedBreakers }: CycleFacts): CycleReason {
  const events = unresolvedBreakers.map(({ rule, at }) => `${rule} (since ${dayOf(at)})`);
  return {
    code: 'breakers_unresolved',
    text: `${events.length > 1 ? `${events.length} circuit breaker events are` : 'A circuit breaker event is'} unresolved: ${listed(events)}. Somebody has to look into each and resolve it with a reason.`,
  };
}

function proposalPending({ id, title }: { readonly id: string; readonly title: string }): CycleReason {
  return {
    code: 'proposal_pending',
    text: `A proposal waits for its approvals already (${title}, ${id}); it has to be approved or rejected first.`,
  };
}

function stillWaiting(
  untilMs: number | null,
  { nowMs }: CycleFacts,
  { code, is }: { readonly code: CycleReason['code']; readonly is: string },
): readonly CycleReason[] {
  if (untilMs === null || nowMs >= untilMs) return [];
  const until = Number.isFinite(untilMs) ? dayOf(new Date(untilMs).toISOString()) : 'an unknown day';
  const days = Math.ceil((untilMs - nowMs) / 86_400_000);
  const left = Number.isFinite(days) ? ` (${days} ${days === 1 ? 'day' : 'days'} more)` : '';
  return [{ code, text: `${is} until ${until}${left}; nothing is proposed before.` }];
}

function listed(words: readonly string[]): string {
  const more = words.length - LISTED_MAX;
  return words.slice(0, LISTED_MAX).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function dayOf(iso: string): string {
  return iso.slice(0, 10);
}

/** The ISO 8601 week that a moment lies in on the wall clocks of a time zone: `2026-W47`. */
export function isoWeekOf(ms: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
  }).formatToParts(ms);
  const part = (name: string): number => Number(parts.find(({ type }) => type === name)?.value);
  const dayMs = Date.UTC(part('year'), part('month') - 1, part('day'));
  // A week belongs to the year of its Thursday.
  const thursdayMs = dayMs + (4 - (new Date(dayMs).getUTCDay() || 7)) * 86_400_000;
  const year = new Date(thursdayMs).getUTCFullYear();
  const week = Math.floor((thursdayMs - Date.UTC(year, 0, 1)) / (7 * 86_400_000)) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}
