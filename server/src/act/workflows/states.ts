// From rows to what the plan knows: the state of a step is what its act says, unless its end has been put on record
// already. Results are opened for the steps only whose results something still to come looks at.
import { readInstance, readsOf, redactText } from '@mandate/kernel';
import type { Json, Plan, Settled, StepState } from '@mandate/kernel';
import type { Store } from '../../platform/postgres/store.ts';
import { latestSteps, sealedResults } from './store.ts';
import type { StepRow } from './store.ts';

export type OpenResult = (tenant: string, actId: string, sealed: Uint8Array) => Promise<Json>;

export interface LoadedStates {
  readonly states: Map<string, StepState>;
  /** Acts by instance, for what undoes them and what gives them up. */
  readonly acts: Map<string, string>;
  /** Steps whose acts have ended elsewhere, which nobody has put on record yet. */
  readonly untold: readonly {
    readonly settled: Settled;
    readonly actId: string;
    readonly isFinal: boolean;
  }[];
}

export async function loadStates(
  { store, openResult }: { readonly store: Store; readonly openResult: OpenResult },
  of: { readonly tenant: string; readonly run: string; readonly plan: Plan },
): Promise<LoadedStates> {
  const rows = await latestSteps(store, of.tenant, of.run);
  const states = new Map<string, StepState>();
  const acts = new Map<string, string>();
  const untold: { settled: Settled; actId: string; isFinal: boolean }[] = [];
  for (const row of rows) {
    const state = stateOf(row);
    const told = state === null ? null : toTell(row, state);
    if (told !== null) untold.push(told);
    if (state !== null) states.set(row.instance, state);
    if (row.act_id !== null && !row.superseded) acts.set(row.instance, row.act_id);
  }
  const read = readsOf(of.plan, (step) => isOneSettled(states, step));
  const wanted = [...acts].filter(
    ([instance]) => states.get(instance)?.kind === 'succeeded' && read.has(readInstance(instance).step),
  );
  if (wanted.length > 0) {
    const sealed = await sealedResults(
      store,
      of.tenant,
      wanted.map(([, act]) => act),
    );
    const byId = new Map(sealed.map((row) => [row.id, row.sealed_result]));
    await Promise.all(
      wanted.map(async ([instance, act]) => {
        const bytes = byId.get(act) ?? null;
        const state = states.get(instance);
        if (bytes === null || state?.kind !== 'succeeded') return;
        states.set(instance, { ...state, result: await openResult(of.tenant, act, bytes) });
      }),
    );
  }
  return { states, acts, untold };
}

function toTell({ instance, attempt, status, act_id: actId, superseded }: StepRow, state: StepState) {
  if (status !== null || actId === null || superseded) return null;
  if (state.kind === 'succeeded')
    return {
      settled: { instance, attempt, kind: 'succeeded', result: null },
      actId,
      isFinal: false,
    } as const;
  if (state.kind !== 'failed') return null;
  const { error, isFinal } = state;
  return { settled: { instance, attempt, kind: 'failed', error }, actId, isFinal } as const;
}

/** Elements of a list are settled one by one; while one is open the step is. */
function isOneSettled(states: ReadonlyMap<string, StepState>, step: string): boolean {
  const state = states.get(step);
  return state?.kind === 'succeeded' || state?.kind === 'skipped';
}

export function stateOf(row: StepRow): StepState | null {
  const { attempt } = row;
  if (row.superseded) return { kind: 'reset', attempt };
  const failed = (error: string, isFinal: boolean): StepState => ({
    kind: 'failed',
    attempt,
    tries: row.tries,
    endedMs: row.ended_at ?? row.act_ended_at ?? row.begun_at,
    error,
    isFinal,
  });
  switch (row.status) {
    case 'skipped':
      return { kind: 'skipped' };
    case 'failed':
      return failed(row.error ?? 'failed', row.is_final);
    case 'put_off':
      return {
        kind: 'put_off',
        attempt,
        untilMs: row.until_at ?? 0,
        why: row.why === 'timer' ? 'timer' : 'blocked',
      };
    case 'offered':
      return { kind: 'begun', attempt, sinceMs: row.begun_at, awaiting: 'agent' };
    case 'succeeded':
      return succeeded(row);
    case null:
      return row.act_status === null ? null : stateOfAct(row, failed);
  }
}

function stateOfAct(row: StepRow, failed: (error: string, isFinal: boolean) => StepState): StepState {
  const begun = (awaiting: 'run' | 'approval' | 'agent' | 'person'): StepState => ({
    kind: 'begun',
    attempt: row.attempt,
    sinceMs: row.begun_at,
    awaiting,
  });
  const error = row.act_error ?? `The act ended as ${row.act_status ?? 'nothing'}.`;
  switch (row.act_status ?? '') {
    case 'success':
      return succeeded(row);
    case 'failed':
      return failed(error, false);
    case 'waiting_for_approval':
      return begun('approval');
    case 'permitted':
      return begun('agent');
    case 'executing':
      return begun('run');
    case 'unknown':
      return begun('person');
    case 'cancelled':
      // Broken off in the middle, by a stop or a shutdown: how far it came nobody but a person can find out.
      return row.act_started_at === null ? failed(error, true) : begun('person');
    case 'recorded':
      return failed('The mode is DRY_RUN: it was decided and not done.', true);
    default:
      return failed(error, true);
  }
}

function succeeded(row: StepRow): StepState {
  return {
    kind: 'succeeded',
    attempt: row.attempt,
    endedMs: row.act_ended_at ?? row.ended_at ?? row.begun_at,
    result: row.result,
  };
}

/** What a step is once the plan itself has settled it. */
export function stateAfter(settled: Settled, nowMs: number): StepState {
  const { attempt } = settled;
  switch (settled.kind) {
    case 'skipped':
      return { kind: 'skipped' };
    case 'failed':
      return {
        kind: 'failed',
        attempt,
        tries: Number.MAX_SAFE_INTEGER,
        endedMs: nowMs,
        error: redactText(settled.error),
        isFinal: true,
      };
    case 'timer':
      return { kind: 'put_off', attempt, untilMs: settled.untilMs, why: 'timer' };
    case 'succeeded':
      return { kind: 'succeeded', attempt, endedMs: nowMs, result: settled.result };
  }
}
