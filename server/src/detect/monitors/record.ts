// From observations to episodes, under the lock of the set: of all processes that notice the same thing at the same time
// one opens the event.
import { stepEpisode } from '@mandate/kernel';
import type { Tx } from '../../platform/postgres/store.ts';
import { readGoingOn, readNewest, updateEnded, updateSeen } from './event-store.ts';
import type { BreakerEvent, Subject } from './event-store.ts';
import { MONITORS } from './needs.ts';
import type { MonitorsNeeds } from './needs.ts';
import type { Observation } from './observe.ts';
import { createOpenEvent, resolveIn } from './open-event.ts';
import type { Finding, OpenNeeds } from './open-event.ts';
import { lockSet } from './rule-store.ts';
import { hasNewTrouble } from './trouble-store.ts';

/** Answers with the events that it has opened. */
export type RecordFinding = (finding: Finding) => Promise<readonly BreakerEvent[]>;

type RecordNeeds = OpenNeeds & Pick<MonitorsNeeds, 'store' | 'unpause'>;

export function createRecord(needs: RecordNeeds): RecordFinding {
  const open = createOpenEvent(needs);

  return (finding) => {
    const { tenant, set, sources, observations } = finding;
    return needs.store.withTenant(tenant, async (tx) => {
      const read = async (): Promise<readonly BreakerEvent[]> =>
        (await readGoingOn(tx, tenant, set)).filter(({ source }) => sources.includes(source));
      // The common case is that all is well: one read, no lock.
      if (!observations.some(({ holds }) => holds) && (await read()).length === 0) return [];
      await lockSet(tx, tenant, set);
      const goingOn = await read();
      const opened: BreakerEvent[] = [];
      for (const observation of observations) {
        const before = goingOn.find((event) => isSubject(event, observation)) ?? null;
        const event = await take(tx, finding, { observation, before });
        if (event !== null) opened.push(event);
      }
      for (const event of goingOn)
        if (!observations.some((observation) => isSubject(event, observation)))
          await leave(tx, finding, event);
      return opened;
    });
  };

  async function take(
    tx: Tx,
    finding: Finding,
    { observation, before }: { readonly observation: Observation; readonly before: BreakerEvent | null },
  ): Promise<BreakerEvent | null> {
    const { tenant, set, nowMs } = finding;
    const { holds, patterns, about } = observation;
    // As of the trouble that nobody had seen: an episode that has ended since may have been about it.
    const asOfMs = holds ? finding.sinceMs : nowMs;
    const newest = before ?? (holds ? await readNewest(tx, tenant, { ...observation, set }) : null);
    const isNewTrouble =
      holds && newest !== null && dependsOnTrouble(newest, asOfMs)
        ? await hasNewTrouble(tx, tenant, {
            event: newest.id,
            patterns,
            about,
            safeStates: finding.safeStates,
          })
        : false;
    switch (stepEpisode(newest, { holds, nowMs: asOfMs, isNewTrouble })) {
      case 'open':
        if (before !== null) await end(tx, finding, before);
        return open(tx, finding, observation);
      case 'seen':
        if (newest !== null) await updateSeen(tx, tenant, newest.id, nowMs);
        return null;
      case 'end':
        if (newest !== null) await end(tx, finding, newest);
        return null;
      case 'none':
        return null;
    }
  }

  /** An episode that nothing was observed of: its rule is gone, or nothing of its kind happened in the window. */
  async function leave(tx: Tx, finding: Finding, event: BreakerEvent): Promise<void> {
    const what = finding.unobserved(event);
    if (what === 'unknown') return;
    const step = stepEpisode(event, { holds: false, nowMs: finding.nowMs, isNewTrouble: false });
    if (what === 'gone' || step === 'end') await end(tx, finding, event, what === 'gone');
  }

  /** An event of a breaker waits for a person also when its episode is over; the others end as they began. */
  async function end(
    tx: Tx,
    { tenant, nowMs, mark }: Finding,
    event: BreakerEvent,
    isGone = false,
  ): Promise<void> {
    await updateEnded(tx, tenant, { id: event.id, nowMs, mark });
    if (event.source === 'breaker' || event.resolvedMs !== null) return;
    const reason =
      event.source === 'slo'
        ? isGone
          ? 'The charter no longer has this objective.'
          : 'The error budget no longer burns.'
        : 'The rule can be evaluated again, or nobody asks for it any more.';
    await resolveIn(tx, { tenant, event, by: MONITORS, reason, traceId: null, nowMs }, needs);
  }
}

function isSubject(event: BreakerEvent, { source, rule, commandType }: Subject): boolean {
  return event.source === source && event.rule === rule && event.commandType === commandType;
}

/** A look into the journal is spared where the answer does not depend on it. */
function dependsOnTrouble({ endedMs, resolvedMs }: BreakerEvent, nowMs: number): boolean {
  return endedMs === null ? resolvedMs !== null : nowMs < endedMs;
}
