// Holding an answer until an act has ended. An end in this process wakes at once; one in another process is seen by
// looking again, because a notification may be lost and an act must not be.
import type { Clock } from '../../platform/clock/clock.ts';

export interface Waiting {
  /** Wakes whoever waits for this act. */
  ended(tenant: string, actId: string): void;
  /** Resolves when `isOver` says so or the time is up. */
  waitFor(tenant: string, actId: string, waitMs: number): Promise<void>;
  /** Whoever still waits is answered now: the process closes, and what they would look at closes with it. */
  close(): void;
}

const LOOK_MS = 500;

export function createWaiting({
  clock,
  isOver,
}: {
  clock: Clock;
  isOver: (tenant: string, actId: string) => Promise<boolean>;
}): Waiting {
  const sleepers = new Map<string, Set<() => void>>();
  let isClosed = false;

  function sleep(key: string, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const set = sleepers.get(key) ?? new Set();
      sleepers.set(key, set);
      const wake = (): void => {
        cancel();
        set.delete(wake);
        if (set.size === 0) sleepers.delete(key);
        resolve();
      };
      const cancel = clock.after(ms, wake);
      set.add(wake);
    });
  }

  return {
    ended(tenant, actId) {
      for (const wake of sleepers.get(`${tenant}/${actId}`) ?? []) wake();
    },
    close() {
      isClosed = true;
      for (const set of sleepers.values()) for (const wake of set) wake();
    },
    async waitFor(tenant, actId, waitMs) {
      const untilMs = clock.monotonicMs() + waitMs;
      for (;;) {
        const leftMs = untilMs - clock.monotonicMs();
        if (leftMs <= 0) return;
        // Asleep before looking: an end between the look and the sleep would otherwise be missed.
        const sleeping = sleep(`${tenant}/${actId}`, Math.min(leftMs, LOOK_MS));
        if (await isOver(tenant, actId)) return;
        await sleeping;
        if (isClosed) return;
      }
    },
  };
}
