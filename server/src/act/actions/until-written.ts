// An effect has happened, so its end has to come on record: a database that does not answer now will, and until then
// nobody else may take the act for over. Only a process that still holds its lease has that right.
import type { Clock } from '../../platform/clock/clock.ts';

export interface UntilWrittenNeeds {
  readonly clock: Pick<Clock, 'after'>;
  /** Whether this process may still speak for what it executes. */
  readonly isHeld: () => boolean;
  /** Told of every attempt that failed. */
  readonly failed: (error: unknown) => void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** Writes until it succeeds; null once the lease is lost, when others end the act as `unknown`. */
export async function untilWritten<T>(
  write: () => Promise<T>,
  { clock, isHeld, failed }: UntilWrittenNeeds,
): Promise<T | null> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await write();
    } catch (error) {
      failed(error);
    }
    await new Promise<void>((wake) => clock.after(pauseMs, wake));
    if (!isHeld()) return null;
  }
}
