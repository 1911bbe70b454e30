// How long to wait before the next try. Half of it is chance, so that what failed together does not come back together.

const FIRST_MS = 10_000;
const LONGEST_MS = 3_600_000;

/** After `tries` tries (1 or more); `random` is from 0 to less than 1. Twelve tries take about three hours. */
export function retryDelayMs(tries: number, random: number): number {
  const fullMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(tries - 1, 20));
  return Math.round(fullMs / 2 + (random * fullMs) / 2);
}
