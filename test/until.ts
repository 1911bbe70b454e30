// Waiting in tests is asking again until something holds, with a deadline that turns a hang into a sentence. Nothing
// in a story sleeps for a fixed time and hopes.
import { setTimeout as pause } from 'node:timers/promises';

export interface UntilOptions {
  /** Gives up after this long (10 s by default). */
  readonly withinMs?: number;
  readonly everyMs?: number;
}

/** Asks until the answer is something other than null, undefined or false. Throws, naming `what`, at the deadline. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  { withinMs = 10_000, everyMs = 20 }: UntilOptions = {},
): Promise<Exclude<T, null | undefined | false>> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false)
      return seen as Exclude<T, null | undefined | false>;
    if (performance.now() > deadlineMs)
      throw new Error(`${what}: did not come true within ${withinMs} ms. Last seen: ${JSON.stringify(seen)}`);
    await pause(everyMs);
  }
}
