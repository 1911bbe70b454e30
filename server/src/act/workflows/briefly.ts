// Answers that hold for a moment: a run of a hundred steps asks the same question a hundred times within a second.
import type { Clock } from '../../platform/clock/clock.ts';

const KEPT_MAX = 1_000;

/** Asks again once an answer is older than `forMs`; whoever asks meanwhile gets the same one. Failures are not kept. */
export function briefly<T>(clock: Clock, forMs: number): (key: string, ask: () => Promise<T>) => Promise<T> {
  const kept = new Map<string, { readonly untilMs: number; readonly answer: Promise<T> }>();
  return (key, ask) => {
    const nowMs = clock.monotonicMs();
    const known = kept.get(key);
    if (known !== undefined && known.untilMs > nowMs) return known.answer;
    if (kept.size >= KEPT_MAX) kept.clear();
    const answer = ask();
    kept.set(key, { untilMs: nowMs + forMs, answer });
    answer.catch(() => kept.delete(key));
    return answer;
  };
}
