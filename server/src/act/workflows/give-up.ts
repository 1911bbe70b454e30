// Steps that are not wanted any longer: too slow, or of a run that is over. Their acts are asked to end, and only what
// never started has thereby ended. Whatever is at work stays so until its act says how it came out: a step that was
// written off while its act went on would be done twice, or done and never undone.
import { redactText } from '@mandate/kernel';
import type { GivenUp, StepState } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Store } from '../../platform/postgres/store.ts';
import type { Road } from './road.ts';
import { settledRow } from './settled-row.ts';
import type { RunRow, SettledRow } from './store.ts';

export interface GiveUpNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly road: Pick<Road, 'cancel'>;
  readonly writeEntry: WriteEntry;
}

export interface Giving {
  readonly run: RunRow;
  readonly asker: Asker;
  readonly states: ReadonlyMap<string, StepState>;
  readonly acts: ReadonlyMap<string, string>;
  readonly settle: (rows: readonly SettledRow[]) => Promise<void>;
}

/** Whether anything on record has changed, so that it has to be read again. */
export type GiveUp = (given: readonly GivenUp[], giving: Giving) => Promise<boolean>;

export function createGiveUp({ store, clock, road, writeEntry }: GiveUpNeeds): GiveUp {
  /** An offer is taken or given up, never both: its agent may have been first. */
  async function withdraw(
    { tenant, id, started_by: actor, trace_id: traceId }: RunRow,
    { instance, why, isTimeout }: GivenUp,
    attempt: number,
  ): Promise<void> {
    const atMs = clock.nowMs();
    const error = redactText(why);
    await store.withTenant(tenant, async (tx) => {
      const withdrawn = await tx`
        update mandate.workflow_step set status = 'failed', error = ${error}, is_final = ${!isTimeout}, ended_at = ${new Date(atMs)}
        where tenant = ${tenant} and run = ${id} and instance = ${instance} and attempt = ${attempt} and status = 'offered' and act_id is null`;
      if (withdrawn.count === 0) return;
      const data = { step: instance, attempt, error };
      await writeEntry(tx, tenant, { kind: 'workflow.step_failed', actId: id, actor, atMs, traceId, data });
    });
  }

  return async (given, { run, asker, states, acts, settle }) => {
    let hasChanged = false;
    for (const one of given) {
      const { instance, why, isTimeout } = one;
      const state = states.get(instance);
      if (state?.kind !== 'begun') continue;
      const { attempt } = state;
      const act = acts.get(instance);
      if (act === undefined) {
        if (state.awaiting !== 'agent') continue;
        await withdraw(run, one, attempt);
        hasChanged = true;
        continue;
      }
      // As an agent's word: who holds a permit may have begun, and a run knows no better than that it has not heard.
      const by: Asker = { ...asker, agents: 'any', boundTo: null, roles: [...asker.roles, 'agent'] };
      const answer = await road.cancel(by, act, why);
      if (answer.kind === 'done' && answer.act.status === 'cancelled' && answer.act.startedMs === null)
        await settle([
          {
            ...settledRow(run, { kind: 'failed', instance, attempt, error: why }),
            isFinal: !isTimeout,
            actId: act,
          },
        ]);
      hasChanged ||= answer.kind === 'refused' || answer.act.status !== 'executing';
    }
    return hasChanged;
  };
}
