// Work that takes seconds in one go keeps everybody else waiting: a lease runs out, a stop is not heard. Whoever goes
// through much asks here between two steps, and everything else has its turn.
import type { Clock } from './clock.ts';

export interface Slices {
  /** Between two steps. Lets everything that waits have its turn where the last one is long ago; false once the time for the whole is over. */
  next(): Promise<boolean>;
}

/** A hundredth of a second is felt by nobody; each step comes on top of it. */
const SLICE_MS = 10;

/** Counts from now on. `mostMs` is the time for the whole, turns of others included. */
export function createSlices(clock: Pick<Clock, 'monotonicMs'>, mostMs: number): Slices {
  const beganMs = clock.monotonicMs();
  let sliceMs = beganMs;
  return {
    async next() {
      const nowMs = clock.monotonicMs();
      if (nowMs - beganMs > mostMs) return false;
      if (nowMs - sliceMs < SLICE_MS) return true;
      await new Promise<void>((resolve) => void setImmediate(resolve));
      sliceMs = clock.monotonicMs();
      return true;
    },
  };
}
