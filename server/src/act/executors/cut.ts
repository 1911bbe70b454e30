// An execution may be cut off by a stop or by its deadline, and the two end differently. A cut joins both into one
// signal that remembers which came first.
import type { After, Execution } from './execution.ts';

/** Node fires longer timers at once (they are 32-bit); this is 24.8 days. */
const LONGEST_TIMER_MS = 2_147_483_647;

export interface Cut {
  readonly signal: AbortSignal;
  /** null while nothing has cut the execution off. */
  cause(): 'cancelled' | 'timeout' | null;
  /** The time allowed in milliseconds: the shorter of deadline and executor timeout. */
  readonly waitMs: number;
  /** Resolves as soon as the cut falls or the promise settles; a promise that loses is left to end by itself. */
  race<T>(
    promise: Promise<T>,
  ): Promise<{ readonly kind: 'value'; readonly value: T } | { readonly kind: 'cut' }>;
  /** Lets go of the timer and of the caller's signal. */
  end(): void;
}

export function createCut(run: Execution, timeoutMs: number, after: After): Cut {
  const waitMs = Math.max(0, Math.min(timeoutMs, run.deadlineMs, LONGEST_TIMER_MS));
  const controller = new AbortController();
  let cause: 'cancelled' | 'timeout' | null = null;
  const fall = (why: 'cancelled' | 'timeout'): void => {
    if (cause !== null) return;
    cause = why;
    controller.abort(why);
  };
  const onAbort = (): void => fall('cancelled');
  if (run.signal.aborted) fall('cancelled');
  run.signal.addEventListener('abort', onAbort, { once: true });
  const cancelTimer = after(waitMs, () => fall('timeout'));
  return {
    signal: controller.signal,
    waitMs,
    cause: () => cause,
    race: (promise) => raceAgainst(controller.signal, promise),
    end() {
      cancelTimer();
      run.signal.removeEventListener('abort', onAbort);
    },
  };
}

async function raceAgainst<T>(
  signal: AbortSignal,
  promise: Promise<T>,
): Promise<{ readonly kind: 'value'; readonly value: T } | { readonly kind: 'cut' }> {
  // The loser's rejection must not become an unhandled one.
  promise.catch(() => {});
  if (signal.aborted) return { kind: 'cut' };
  const { promise: cut, resolve } = Promise.withResolvers<{ readonly kind: 'cut' }>();
  const onAbort = (): void => resolve({ kind: 'cut' });
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise.then((value) => ({ kind: 'value', value }) as const), cut]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
