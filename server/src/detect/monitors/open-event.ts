// Opening an event: what it is about, what it holds up, whether it is an incident, all in one transaction with its journal
// entry, so that nobody ever finds one without the others.
import { anyPatternCovers, isActionName } from '@mandate/kernel';
import type { Tx } from '../../platform/postgres/store.ts';
import { insertEvent, updateEffect, updateResolved } from './event-store.ts';
import type { BreakerEvent, EventSource, Mark, Subject } from './event-store.ts';
import { liftThrottles, throttle } from './hold.ts';
import { MONITORS } from './needs.ts';
import type { Because, MonitorsNeeds, WatchedCharter } from './needs.ts';
import type { Observation } from './observe.ts';
import { readFailedActs } from './trouble-store.ts';
import type { FailedAct } from './trouble-store.ts';

export interface Finding {
  readonly tenant: string;
  /** '' for objectives of no set. */
  readonly set: string;
  readonly sources: readonly EventSource[];
  readonly observations: readonly Observation[];
  /** What becomes of an episode that no observation speaks of: `unknown` leaves it as it is. */
  readonly unobserved: (subject: Subject) => 'holds_not' | 'gone' | 'unknown';
  readonly charter: Pick<WatchedCharter, 'safeStates' | 'constraints' | 'classes'>;
  readonly nowMs: number;
  /** As of when it was looked; no later than now. */
  readonly sinceMs: number;
  /** What the journal held before the figures were read. */
  readonly mark: Mark;
  readonly because: Because;
}

export type OpenNeeds = Pick<MonitorsNeeds, 'chance' | 'writeEntry' | 'openIncident' | 'fallIn' | 'pauseIn'>;

export type OpenEvent = (tx: Tx, finding: Finding, observation: Observation) => Promise<BreakerEvent | null>;

/** Answers with null where another server has opened it first. */
export function createOpenEvent(needs: OpenNeeds): OpenEvent {
  const { chance, writeEntry, openIncident, fallIn, pauseIn } = needs;
  return async (tx, finding, observation) => {
    const { tenant, set, nowMs, because } = finding;
    const {
      startMs,
      holds: _holds,
      patterns,
      readsIncidents: _reads,
      about: _about,
      ...noticed
    } = observation;
    const span = { patterns, startMs, endMs: endOf(finding) };
    const acts = observation.source === 'problem' ? [] : await readFailedActs(tx, tenant, span);
    const concerned = concernedBy(because, acts);
    const incidentId = await incidentOf(tx, { finding, observation, acts, traceId: concerned.traceId });
    const event: BreakerEvent = {
      ...noticed,
      ...concerned,
      id: chance.uuid(),
      set,
      openedMs: nowMs,
      seenMs: nowMs,
      endedMs: null,
      resolvedMs: null,
      resolvedBy: null,
      reason: null,
      incidentId,
      restrictions: [],
      respondedMs: null,
    };
    // Under the lock nobody else opens it; the index stands for whoever would write without.
    if (!(await insertEvent(tx, tenant, event))) return null;
    const effect = await respond(tx, finding, { event, patterns });
    await updateEffect(tx, tenant, { id: event.id, ...effect });
    await writeEntry(tx, tenant, {
      kind: 'breaker.triggered',
      agent: event.agent,
      actId: event.actId,
      actor: MONITORS,
      atMs: nowMs,
      traceId: event.traceId,
      data: {
        ...dataOf(event),
        detail: event.detail,
        incident: incidentId,
        restrictions: event.restrictions,
      },
    });
    return event;
  };

  /** What an event does. A fall that is refused is owed: every later check tries it again. */
  async function respond(
    tx: Tx,
    { tenant, nowMs, charter: { safeStates } }: Finding,
    { event, patterns }: { readonly event: BreakerEvent; readonly patterns: readonly string[] },
  ): Promise<Effect> {
    const { set, actId, traceId, detail, commandType: action } = event;
    const order = { tenant, set, by: MONITORS, actId, traceId };
    switch (event.action) {
      case 'alert_only':
        return { restrictions: [], respondedMs: nowMs };
      case 'revert_to_l3': {
        const fall = await fallIn(tx, { ...order, to: 'first', cause: detail });
        return { restrictions: [], respondedMs: fall.kind === 'refused' ? null : nowMs };
      }
      case 'pause_command_type': {
        // What leads to a safe state is never held up; what is no action's name is never milder than red anyway.
        if (anyPatternCovers(safeStates, action) || !isActionName(action))
          return { restrictions: [], respondedMs: nowMs };
        const cause = `${detail}. It ends when the event is resolved`;
        return { restrictions: [await pauseIn(tx, { ...order, action, cause })], respondedMs: nowMs };
      }
      case 'throttle': {
        const cause = `${detail}. It ends when the budget no longer burns`;
        const holds = patterns.map((actions) => ({ id: chance.uuid(), actions }));
        await throttle(tx, tenant, { holds, except: safeStates, cause, by: MONITORS, nowMs });
        return { restrictions: holds.map(({ id }) => id), respondedMs: nowMs };
      }
    }
  }

  /** Where the condition is about incidents, there is one already. */
  async function incidentOf(
    tx: Tx,
    {
      finding: { tenant, set, nowMs },
      observation,
      acts,
      traceId,
    }: {
      readonly finding: Finding;
      readonly observation: Observation;
      readonly acts: readonly FailedAct[];
      readonly traceId: string | null;
    },
  ): Promise<string | null> {
    const { alertSeverity, readsIncidents, source, rule, detail } = observation;
    if ((alertSeverity !== 'alert' && alertSeverity !== 'critical') || readsIncidents) return null;
    const { id } = await openIncident(tx, {
      tenant,
      set: set === '' ? null : set,
      // Never critical by itself: that would trip the breaker that watches for critical incidents, and the answer to
      // this one has been given already. People may raise it.
      severity: alertSeverity === 'critical' ? 'high' : 'medium',
      title: titleOf(source, rule),
      cause: detail,
      source: source === 'slo' ? 'slo' : 'breaker',
      actIds: acts.map((act) => act.id),
      by: MONITORS,
      traceId,
      atMs: nowMs,
    });
    return id;
  }
}

function titleOf(source: EventSource, rule: string): string {
  switch (source) {
    case 'breaker':
      return `The breaker ${rule} has tripped`;
    case 'slo':
      return `The error budget of ${rule} burns`;
    case 'problem':
      return `The breaker ${rule} cannot be evaluated`;
  }
}

interface Effect {
  readonly restrictions: readonly string[];
  readonly respondedMs: number | null;
}

/** The newest act that went wrong: it tipped the scales. */
function concernedBy(
  { traceId }: Because,
  [act]: readonly FailedAct[],
): Pick<BreakerEvent, 'actId' | 'agent' | 'traceId'> {
  return act === undefined
    ? { actId: null, agent: null, traceId }
    : { actId: act.id, agent: act.agent, traceId: act.traceId };
}

/** The end of windows, inclusive: another machine, whose clock is ahead, may have written down what made us look. */
export function endOf({ nowMs, because }: Pick<Finding, 'nowMs' | 'because'>): number {
  return Math.max(nowMs, because.atMs ?? nowMs);
}

export interface Resolution {
  readonly tenant: string;
  readonly event: BreakerEvent;
  readonly by: string;
  readonly reason: string;
  readonly traceId: string | null;
  readonly nowMs: number;
}

/** Resolves an event that is not, and lifts what it held. */
export async function resolveIn(
  tx: Tx,
  { tenant, event, by, reason, traceId, nowMs }: Resolution,
  { writeEntry, unpause }: Pick<MonitorsNeeds, 'writeEntry' | 'unpause'>,
): Promise<void> {
  if (event.action === 'throttle')
    await liftThrottles(tx, tenant, { ids: event.restrictions, by, reason, nowMs });
  else for (const id of event.restrictions) await unpause(tx, { tenant, id, reason, by, traceId });
  await writeEntry(tx, tenant, {
    kind: 'breaker.resolved',
    agent: event.agent,
    actId: event.actId,
    actor: by,
    atMs: nowMs,
    traceId: traceId ?? event.traceId,
    data: { ...dataOf(event), reason, restrictions: event.restrictions },
  });
  // After the entry: what is written down from here on is new trouble.
  await updateResolved(tx, tenant, { id: event.id, by, reason, nowMs });
}

function dataOf({ set, commandType, ...event }: BreakerEvent) {
  return {
    event: event.id,
    set: set === '' ? null : set,
    source: event.source,
    rule: event.rule,
    commandType: commandType === '' ? null : commandType,
    condition: event.condition,
    window: event.window,
    action: event.action,
    severity: event.alertSeverity,
  };
}
