// One stretch of a run: it asks the plan what comes next, asks the road for it, and goes on until nothing is left to do
// or everything that is left waits for somebody. Then it ends and leaves nothing in memory. All it knows it has read
// from the acts, so it can be begun again at any time by any worker.
import { nextSteps, redactText } from '@mandate/kernel';
import type { GivenUp, JsonObject, Memo, Next, Plan, RunEnd, RunMode, StepState } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Store } from '../../platform/postgres/store.ts';
import type { BeginStep } from './begin-step.ts';
import type { Carried } from './carried.ts';
import { createGiveUp } from './give-up.ts';
import type { Road } from './road.ts';
import { settledRow } from './settled-row.ts';
import type { Settling } from './settling.ts';
import { loadStates, stateAfter } from './states.ts';
import type { LoadedStates, OpenResult } from './states.ts';
import { moveRun, park, release, takeUp } from './store.ts';
import type { Move, RunRow, RunStatus, SettledRow } from './store.ts';

export interface SegmentNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly road: Road;
  readonly settling: Settling;
  readonly beginStep: BeginStep;
  readonly planOf: (tenant: string, version: string) => Promise<Plan | null>;
  readonly open: (run: RunRow) => Promise<Carried>;
  readonly openResult: OpenResult;
  readonly sealOutput: (tenant: string, run: string, output: JsonObject) => Promise<Uint8Array>;
  readonly writeEntry: WriteEntry;
  /** Whether this process may begin anything: a lease that has lapsed says no. */
  readonly isHeld: () => boolean;
  readonly closing: AbortSignal;
  readonly failed: (error: unknown, what: string) => void;
}

export interface Segments {
  /** Carries a run as far as it goes now. Never rejects. */
  carry(tenant: string, run: string): Promise<void>;
  /** Something has happened to a run that may be at work here. */
  nudge(run: string): void;
  /** Runs at work here. */
  live(): readonly string[];
}

/** A run that nobody wakes is looked at this often while something of it is at work elsewhere. */
const ELSEWHERE_MS = 1_000;
const AGAIN_MS = 500;
const MODES: Readonly<Partial<Record<RunStatus, RunMode>>> = {
  running: 'running',
  paused: 'paused',
  cancelling: 'cancelling',
};

export function createSegments(needs: SegmentNeeds): Segments {
  const { store, clock, closing } = needs;
  const nudges = new Map<string, () => void>();
  const giveUp = createGiveUp(needs);

  async function carry(tenant: string, id: string): Promise<void> {
    while (!closing.aborted) {
      try {
        await stretch(tenant, id);
        return;
      } catch (error) {
        // The database is away, most likely. What has begun is on record; the rest is looked at again.
        needs.failed(error, `the run ${id} could not go on; it is taken up again`);
        await sleep(AGAIN_MS);
      }
    }
    await release(store, tenant, id, clock.nowMs()).catch((error: unknown) =>
      needs.failed(error, `the run ${id} could not be handed back; another worker finds it`),
    );
  }

  async function stretch(tenant: string, id: string): Promise<void> {
    const flying = new Map<string, Promise<void>>();
    const writing = new Set<Promise<unknown>>();
    let isNudged = false;
    let wakeUp = (): void => undefined;
    nudges.set(id, () => {
      isNudged = true;
      wakeUp();
    });
    try {
      let run = await takeUp(store, tenant, id);
      if (run === null) return;
      const plan = await needs.planOf(tenant, run.version);
      if (plan === null) return await failUnread(run);
      const carried = await needs.open(run);
      const load = async (): Promise<LoadedStates> => {
        const loaded = await loadStates(needs, { tenant, run: id, plan });
        const of = run;
        if (of !== null)
          void settle(
            loaded.untold.map(({ settled, actId, isFinal }) => ({
              ...settledRow(of, settled),
              actId,
              isFinal,
            })),
          ).catch(() => undefined);
        return loaded;
      };

      const reload = async (): Promise<boolean> => {
        isNudged = false;
        run = await takeUp(store, tenant, id);
        if (run === null) return false;
        const fresh = await load();
        // What is under way here is known better here, but for its act.
        for (const instance of flying.keys()) {
          const state = states.get(instance);
          if (attemptIn(fresh.states, instance) !== attemptIn(states, instance)) fresh.acts.delete(instance);
          if (state !== undefined) fresh.states.set(instance, state);
        }
        memo.clear();
        ({ states, acts } = fresh);
        return true;
      };
      const settle = (rows: readonly SettledRow[]): Promise<void> => {
        const written = needs.settling.write(tenant, rows);
        const tracked = written.catch((error: unknown) => {
          needs.failed(error, `the end of a step of the run ${id} could not be put on record yet`);
        });
        writing.add(tracked);
        void tracked.finally(() => writing.delete(tracked));
        return written;
      };
      let { states, acts } = await load();
      const memo: Memo = new Map();
      /** When each attempt was asked to end: what does not hear is asked again, and not at every look. */
      const askedMs = new Map<string, number>();
      const toAsk = (given: readonly GivenUp[]): readonly GivenUp[] => {
        const nowMs = clock.nowMs();
        return given.filter(({ instance }) => {
          const key = `${instance}/${attemptIn(states, instance)}`;
          if (nowMs - (askedMs.get(key) ?? Number.NEGATIVE_INFINITY) < ELSEWHERE_MS) return false;
          askedMs.set(key, nowMs);
          return true;
        });
      };

      for (;;) {
        if (closing.aborted) {
          await Promise.all(flying.values());
          return;
        }
        if (isNudged && !(await reload())) return;
        const mode = MODES[run.status];
        if (mode === undefined) return;
        const next = nextSteps(plan, {
          mode: needs.isHeld() ? mode : 'paused',
          nowMs: clock.nowMs(),
          inputs: carried.inputs,
          run: { id, template: run.template, version: run.version },
          states,
          memo,
        });
        if (next.settle.length > 0) {
          const current = run;
          await settle(next.settle.map((settled) => settledRow(current, settled)));
          for (const settled of next.settle) states.set(settled.instance, stateAfter(settled, clock.nowMs()));
          continue;
        }
        const given = toAsk(next.giveUp);
        // The act of what is under way here is only known from what is on record.
        if (given.some(({ instance }) => flying.has(instance)) && !(await reload())) return;
        if (given.length > 0 && (await giveUp(given, { run, asker: carried.asker, states, acts, settle }))) {
          if (!(await reload())) return;
          continue;
        }
        const of = run;
        let begun = 0;
        for (const call of next.begin) {
          if (flying.has(call.instance)) continue;
          begun += 1;
          const before = states.get(call.instance);
          states.set(call.instance, {
            kind: 'begun',
            attempt: call.attempt,
            sinceMs: clock.nowMs(),
            awaiting: 'run',
          });
          const undone = call.undoes === null ? null : (acts.get(call.undoes) ?? null);
          const fly = async (): Promise<void> => {
            const done = await needs.beginStep({ run: of, carried, call, before, undone });
            if (done.kind === 'look_again') {
              isNudged = true;
              return;
            }
            states.set(call.instance, done.state);
            if (done.actId !== null) acts.set(call.instance, done.actId);
            if (done.row !== null) void settle([done.row]).catch(() => undefined);
          };
          const flight = fly().finally(() => {
            flying.delete(call.instance);
          });
          flying.set(call.instance, flight);
        }
        if (next.more) await breathe();
        // What has begun has a time-out that the last look could not know of.
        if (begun > 0 || next.more) continue;
        if (flying.size > 0) {
          const woken = new Promise<void>((resolve) => {
            wakeUp = resolve;
          });
          const due = waitUntil(next.giveUp.length > 0 ? soonOr(next.wakeAtMs) : next.wakeAtMs);
          await Promise.race([...flying.values(), woken, due.over]);
          due.cancel();
          continue;
        }
        await Promise.all(writing);
        if (isNudged) continue;
        if (next.end !== null) {
          if (await end(run, next.end, carried)) return;
          if (!(await reload())) return;
          continue;
        }
        if (!needs.isHeld()) {
          await sleep(AGAIN_MS);
          continue;
        }
        if (await park(store, tenant, { id, waitsFor: next.waitsFor, wakeAtMs: wakeOf(next, states) }))
          return;
        if (!(await reload())) return;
      }
    } finally {
      nudges.delete(id);
      await Promise.allSettled(flying.values());
    }
  }

  /** What runs elsewhere does not always tell that it has ended. */
  function wakeOf({ wakeAtMs, giveUp: given }: Next, states: ReadonlyMap<string, StepState>): number | null {
    const runs = [...states.values()].some((state) => state.kind === 'begun' && state.awaiting === 'run');
    return runs || given.length > 0 ? soonOr(wakeAtMs) : wakeAtMs;
  }

  function soonOr(wakeAtMs: number | null): number {
    const soonMs = clock.nowMs() + ELSEWHERE_MS;
    return wakeAtMs === null ? soonMs : Math.min(wakeAtMs, soonMs);
  }

  /** Nobody can say what comes next, now or later: better an end with its reason than a run that is tried for ever. */
  async function failUnread(run: RunRow): Promise<void> {
    const error = `The template ${run.template}@${run.version} cannot be read by this version of Mandate. Look at the steps that had begun, write the template again and start a new run.`;
    await close(run, {
      to: 'failed',
      from: ['running', 'paused', 'cancelling'],
      error,
      actor: run.started_by,
    });
  }

  async function end(run: RunRow, { kind, ...rest }: RunEnd, { asker }: Carried): Promise<boolean> {
    const output = 'output' in rest ? rest.output : null;
    const sealedOutput = output === null ? null : await needs.sealOutput(run.tenant, run.id, output);
    const error = 'error' in rest ? rest.error : null;
    const from: readonly RunStatus[] = kind === 'cancelled' ? ['cancelling'] : ['running'];
    return close(run, { to: kind, from, seen: run, error, sealedOutput, actor: asker.id });
  }

  function close(
    { tenant, id, trace_id: traceId, template, version }: RunRow,
    {
      actor,
      error,
      ...move
    }: Omit<Move, 'id' | 'nowMs' | 'error'> & {
      readonly actor: string;
      readonly error: string | null;
    },
  ): Promise<boolean> {
    const atMs = clock.nowMs();
    const words = error === null ? null : redactText(error);
    return store.withTenant(tenant, async (tx) => {
      if (!(await moveRun(tx, tenant, { ...move, id, nowMs: atMs, error: words }))) return false;
      const data = { template, version, ...(words === null ? {} : { error: words }) };
      await needs.writeEntry(tx, tenant, {
        kind: `workflow.${move.to}`,
        actId: id,
        actor,
        atMs,
        traceId,
        data,
      });
      return true;
    });
  }

  function waitUntil(ms: number | null): { readonly over: Promise<void>; readonly cancel: () => void } {
    let cancel = (): void => undefined;
    const over = new Promise<void>((resolve) => {
      if (ms !== null) cancel = clock.after(Math.max(0, ms - clock.nowMs()), resolve);
    });
    return { over, cancel: () => cancel() };
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.after(ms, resolve);
      closing.addEventListener('abort', () => (cancel(), resolve()), { once: true });
    });
  }

  return {
    carry,
    nudge: (run) => nudges.get(run)?.(),
    live: () => [...nudges.keys()],
  };
}

function attemptIn(states: ReadonlyMap<string, StepState>, instance: string): number {
  const state = states.get(instance);
  return state === undefined || state.kind === 'skipped' ? 0 : state.attempt;
}

/** Lets everybody else on this thread have their turn: leases, above all. */
function breathe(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
