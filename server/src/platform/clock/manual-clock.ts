// The clock and the dice of tests: time moves only when the test says so, and the same seed gives the same ids.
import { createHash } from 'node:crypto';
import { type Chance, chanceFrom, type Clock } from './clock.ts';

export interface ManualClock extends Clock {
  /** Moves both times on and runs every timer that falls due, in the order of their deadlines. */
  advance(byMs: number): void;
  /** Moves wall time only, as a corrected system clock does. */
  jumpTo(nowMs: number): void;
}

/** 2026-01-01T00:00:00Z unless told otherwise. */
export function manualClock(startMs = 1_767_225_600_000): ManualClock {
  let nowMs = startMs;
  let monotonicMs = 0;
  const timers = new Set<{ readonly dueMs: number; readonly fn: () => void }>();
  return {
    nowMs: () => nowMs,
    monotonicMs: () => monotonicMs,
    after(delayMs, fn) {
      const timer = { dueMs: monotonicMs + Math.max(0, delayMs), fn };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    advance(byMs) {
      const endMs = monotonicMs + byMs;
      for (;;) {
        const due = [...timers]
          .filter((timer) => timer.dueMs <= endMs)
          .toSorted((a, b) => a.dueMs - b.dueMs)[0];
        if (due === undefined) break;
        timers.delete(due);
        nowMs += due.dueMs - monotonicMs;
        monotonicMs = due.dueMs;
        due.fn();
      }
      nowMs += endMs - monotonicMs;
      monotonicMs = endMs;
    },
    jumpTo(toMs) {
      nowMs = toMs;
    },
  };
}

/** The same bytes for the same seed. Never for anything but tests. */
export function seededChance(clock: Clock, seed = 'seed'): Chance {
  let drawn = 0;
  return chanceFrom(clock, (count) => {
    const blocks: Buffer[] = [];
    for (let have = 0; have < count; have += 32) {
      blocks.push(createHash('sha256').update(`${seed}/${drawn}`).digest());
      drawn += 1;
    }
    return Buffer.concat(blocks).subarray(0, count);
  });
}
