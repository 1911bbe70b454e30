// Time and chance arrive as arguments everywhere (I10): this folder is the only one that asks the machine for
// them, so a test that owns the clock owns every deadline, expiry and id of the product.
import { randomBytes } from 'node:crypto';

export interface Clock {
  /** Wall time, epoch milliseconds. May jump; compare it with stored times only. */
  nowMs(): number;
  /** Milliseconds that never go backwards, from an arbitrary origin. For durations and leases. */
  monotonicMs(): number;
  /** Runs `fn` once after `delayMs`, without keeping the process alive. The answer cancels it. */
  after(delayMs: number, fn: () => void): () => void;
}

export interface Chance {
  /** UUID version 7 (RFC 9562), strictly ascending within one Chance, so that ids sort by creation. */
  uuid(): string;
  /** Unpredictable bytes. */
  bytes(count: number): Uint8Array;
}

/** setTimeout holds its delay in 31 bits and fires at once above that. */
const TIMER_MAX_MS = 2_147_483_647;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, fn) {
    let timer: NodeJS.Timeout;
    const arm = (leftMs: number): void => {
      const stepMs = Math.min(leftMs, TIMER_MAX_MS);
      timer = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : fn()), stepMs);
      timer.unref();
    };
    arm(Math.max(0, delayMs));
    return () => clearTimeout(timer);
  },
};

/** Ids and random bytes of the operating system, stamped by the given clock. */
export function createChance(clock: Clock): Chance {
  return chanceFrom(clock, (count) => randomBytes(count));
}

/** A Chance over any source of bytes; tests hand in a seeded one. */
export function chanceFrom(clock: Clock, bytes: (count: number) => Uint8Array): Chance {
  let lastMs = 0;
  let sequence = 0;
  return {
    bytes,
    uuid() {
      const random = bytes(10);
      const nowMs = Math.max(0, Math.trunc(clock.nowMs()));
      if (nowMs > lastMs) {
        lastMs = nowMs;
        // The top bit stays free, so that a burst within one millisecond has at least 2,048 steps to count up.
        sequence = (((random[0] ?? 0) << 8) | (random[1] ?? 0)) & 0x7ff;
      } else {
        sequence += 1;
        if (sequence > 0xfff) {
          lastMs += 1;
          sequence = 0;
        }
      }
      const time = lastMs.toString(16).padStart(12, '0');
      const variant = (((random[2] ?? 0) & 0x3f) | 0x80).toString(16);
      const tail = variant + Buffer.from(random.subarray(3)).toString('hex');
      return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence.toString(16).padStart(3, '0')}-${tail.slice(0, 4)}-${tail.slice(4)}`;
    },
  };
}

/** Resolves after `waitMs`, or at once when the signal aborts; the answer says whether the time passed. */
export function wait(clock: Clock, waitMs: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve(false);
      return;
    }
    const stop = (): void => {
      cancel();
      resolve(false);
    };
    const cancel = clock.after(waitMs, () => {
      signal?.removeEventListener('abort', stop);
      resolve(true);
    });
    signal?.addEventListener('abort', stop, { once: true });
  });
}
