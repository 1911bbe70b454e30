// From observations to episodes, under the lock of the set: of all processes that notice the same thing at the same time
// one opens the event. Each is written by itself, so that one that cannot be keeps no other from it.
import { stepEpisode } from '@mandate/kernel';
import type { Tx } from '../../platform/postgres/store.ts';
import { lockGoingOn, readGoingOn, readNewest, updateEnded, updateMark, updateSeen } from './event-store.ts';
import type { BreakerEvent, Subject } from './event-store.ts';
import { isThrottled } from './hold.ts';
import { MONITORS } from './needs.ts';
import type { MonitorsNeeds } from './needs.ts';
import type { Observation } from './observe.ts';
import { createOpenEvent, resolveIn } from './open-event.ts';
import type { Finding, OpenNeeds } from './open-event.ts';
import { lockSet } from './rule-store.ts';
import { hasNewTrouble } from './trouble-store.ts';

export interface Recorded {
  /** The events that it has opened. */
  readonly opened: readonly BreakerEvent[];
  /** Why some of what was found could not be written; everything else was. */
  readonly failed: readonly unknown[];
}

export type RecordFinding = (finding: Finding) => Promise<Recorded>;

type RecordNeeds = OpenNeeds & Pick<MonitorsNeeds, 'store' | 'unpause'>;

/** What has become of an episode that is over. */
type Ending = 'over' | 'changed' | 'gone';

export function createRecord(needs: RecordNeeds): RecordFinding {
  const open = createOpenEvent(needs);

  return (finding) => {
    const { tenant, set, sources, observations } = finding;
    return needs.store.withTenant(tenant, async (tx): Promise<Recorded> => {
      // The common case is that all is well: one read, no lock.
      if (!observations.some(({ holds }) => holds)) {
        const standing = await readGoingOn(tx, tenant, set);
        if (!standing.some(({ source }) => sources.includes(source))) return { opened: [], failed: [] };
      }
      await lockSet(tx, tenant, set);
      const goingOn = await lockGoingOn(tx, tenant, { set, sources });
      const opened: BreakerEvent[] = [];
      const failed: unknown[] = [];
      const alone = (write: (inner: Tx) => Promise<BreakerEvent | null>): Promise<unknown> =>
        tx.savepoint(write).then(
          (event) => event !== null && opened.push(event),
          (error: unknown) => failed.push(error),
        );
      for (const observation of observations) {
        const before = goingOn.find((event) => isSubject(event, observation)) ?? null;
        if (observation.holds || before !== null)
          await alone((inner) => take(inner, finding, { observation, before }));
      }
      for (const event of goingOn)
        if (!observations.some((observation) => isSubject(event, observation)))
          await alone((inner) => leave(inner, finding, event));
      return { opened, failed };
    });
  };

  async function take(
    tx: Tx,
    finding: Finding,
    { observation, before }: { readonly observation: Observation; readonly before: BreakerEvent | null },
  ): Promise<BreakerEvent | null> {
    const { tenant, set, nowMs, mark } = finding;
    const { holds } = observation;
    // As of the trouble that nobody had seen: an episode that has ended since may have been about it.
    const asOfMs = holds ? finding.sinceMs : nowMs;
    const newest = before ?? (holds ? await readNewest(tx, tenant, { ...observation, set }) : null);
    const isChanged = holds && before !== null && (await isOtherAnswer(tx, finding, { observation, before }));
    const depends = holds && !isChanged && newest !== null && dependsOnTrouble(newest, asOfMs);
    const isNewTrouble =
      depends &&
      (await hasNewTrouble(tx, tenant, { ...observation, ...finding.charter, set, event: newest.id }));
    // What was looked through once is not looked through again.
    if (depends && !isNewTrouble) await updateMark(tx, tenant, newest.id, mark);
    switch (stepEpisode(newest, { holds, nowMs: asOfMs, isNewTrouble, isChanged })) {
      case 'open':
        if (before !== null)
          await end(tx, finding, { event: before, ending: isChanged ? 'changed' : 'over' });
        return open(tx, finding, observation);
      case 'seen':
        if (newest !== null) await updateSeen(tx, tenant, newest.id, nowMs);
        return null;
      case 'end':
        if (newest !== null) await end(tx, finding, { event: newest, ending: 'over' });
        return null;
      case 'none':
        return null;
    }
  }

  /** An episode that nothing was observed of: its rule is gone, or nothing of its kind happened in the window. */
  async function leave(tx: Tx, finding: Finding, event: BreakerEvent): Promise<null> {
    const { nowMs } = finding;
    const what = finding.unobserved(event);
    if (what === 'unknown') return null;
    const step = stepEpisode(event, { holds: false, nowMs, isNewTrouble: false, isChanged: false });
    if (what === 'gone') await end(tx, finding, { event, ending: 'gone' });
    else if (step === 'end') await end(tx, finding, { event, ending: 'over' });
    return null;
  }

  /** An event of a breaker waits for a person also when its episode is over; the others end as they began. */
  async function end(
    tx: Tx,
    { tenant, nowMs, mark }: Finding,
    { event, ending }: { readonly event: BreakerEvent; readonly ending: Ending },
  ): Promise<void> {
    await updateEnded(tx, tenant, { id: event.id, nowMs, mark });
    if (event.source === 'breaker' || event.resolvedMs !== null) return;
    const reason =
      event.source === 'slo'
        ? ENDINGS[ending]
        : 'The rule can be evaluated again, or nobody asks for it any more.';
    await resolveIn(tx, { tenant, event, by: MONITORS, reason, traceId: null, nowMs }, needs);
  }
}

const ENDINGS: Readonly<Record<Ending, string>> = {
  over: 'The error budget no longer burns.',
  changed: 'The charter answers this objective in another way now.',
  gone: 'The charter no longer has this objective.',
};

/** Throws what could not be written, once everything else is done: the check is owed. */
export function throwAll(failed: readonly unknown[]): void {
  const [first, ...others] = failed;
  if (others.length > 0) throw new AggregateError(failed, 'several findings could not be written');
  if (failed.length > 0) throw first;
}

/** Whether what goes on was answered otherwise than its rule, or objective, says by now. Milder is nothing new to a breaker. */
async function isOtherAnswer(
  tx: Tx,
  { tenant, charter }: Finding,
  { observation, before }: { readonly observation: Observation; readonly before: BreakerEvent },
): Promise<boolean> {
  const { action, source, patterns } = observation;
  if (before.action !== action) return source === 'slo' || action !== 'alert_only';
  if (action !== 'throttle' || before.resolvedMs !== null) return false;
  const held = { ids: before.restrictions, actions: patterns, except: charter.safeStates };
  return !(await isThrottled(tx, tenant, held));
}

function isSubject(event: BreakerEvent, { source, rule, commandType }: Subject): boolean {
  return event.source === source && event.rule === rule && event.commandType === commandType;
}

/** A look into the journal is spared where the answer does not depend on it. */
function dependsOnTrouble({ endedMs, resolvedMs }: BreakerEvent, nowMs: number): boolean {
  return endedMs === null ? resolvedMs !== null : nowMs < endedMs;
}
