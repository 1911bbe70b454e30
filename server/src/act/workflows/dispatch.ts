// What goes on around runs without being asked: due ones are queued, those that something has happened to are told, what
// dead workers carried is handed on, and ticks of schedules begin runs. Every process does it; each step has one winner
// in the database.
import type { Clock } from '../../platform/clock/clock.ts';
import type { Machine } from './machine.ts';
import type { Segments } from './segment.ts';

export interface Dispatch {
  start(): void;
  /** Something is due right now; nobody should wait for the next look. */
  kick(): Promise<void>;
  /** What decisions depend on has changed. */
  changed(): void;
  close(): Promise<void>;
}

export interface DispatchNeeds {
  readonly machine: Machine;
  readonly segments: Pick<Segments, 'live' | 'nudge'>;
  readonly clock: Clock;
  /** Begins the runs of ticks that have come. */
  readonly tick: () => Promise<void>;
  readonly failed: (error: unknown, what: string) => void;
  readonly closing: AbortSignal;
}

const LOOK_MS = 200;
const REAP_MS = 1_000;
const PRUNE_MS = 60_000;

export function createDispatch({ machine, segments, clock, tick, failed, closing }: DispatchNeeds): Dispatch {
  let cancel = (): void => undefined;
  let looking: Promise<void> = Promise.resolve();
  let reapedMs = Number.NEGATIVE_INFINITY;
  let prunedMs = clock.monotonicMs();
  let hasChanged = false;

  async function look(): Promise<void> {
    const nowMs = clock.monotonicMs();
    if (!machine.isLaunched()) {
      if (nowMs - reapedMs < REAP_MS) return;
      reapedMs = nowMs;
      await tick();
      if (!(await machine.hasWork())) return;
      await machine.launch();
    }
    if (hasChanged) {
      hasChanged = false;
      await machine.unblock();
    }
    for (const run of await machine.stirred(segments.live())) segments.nudge(run);
    await machine.enqueueDue();
    if (nowMs - reapedMs >= REAP_MS) {
      reapedMs = nowMs;
      await tick();
      await machine.takeOver();
    }
    if (nowMs - prunedMs >= PRUNE_MS) {
      prunedMs = nowMs;
      await machine.prune();
    }
  }

  function lookAgain(): void {
    if (closing.aborted) return;
    looking = look()
      .catch((error: unknown) => {
        if (!closing.aborted) failed(error, 'workflows could not be looked after; they are in a moment');
      })
      .finally(() => {
        if (!closing.aborted) cancel = clock.after(LOOK_MS, lookAgain);
      });
  }

  return {
    start: lookAgain,
    changed() {
      hasChanged = true;
    },
    async kick() {
      await machine.launch();
      await machine.enqueueDue();
    },
    async close() {
      cancel();
      await looking;
      await machine.close();
    },
  };
}
