// `race` for subjects that answer with a promise: the same turns and the same ratios, but every answer is awaited, that
// of a subject that would not need it too.
import { median, quantile } from './measure.ts';
import type { Timing } from './measure.ts';

export interface AsyncSubject {
  readonly name: string;
  /** Does all of its work once. */
  readonly run: () => Promise<unknown>;
}

/** Times all subjects in turns, each between two runs of the first one, which is what they are held against. */
export async function raceAsync(
  subjects: readonly AsyncSubject[],
  rounds: number,
): Promise<readonly Timing[]> {
  const [first, ...others] = subjects;
  if (first === undefined) return [];
  for (const { run } of subjects) for (let i = 0; i < 5; i += 1) await run();
  const times = new Map<string, number[]>(subjects.map(({ name }) => [name, []]));
  const ratios = new Map<string, number[]>(subjects.map(({ name }) => [name, [1]]));
  for (let round = 0; round < rounds; round += 1) {
    for (const other of others) {
      const before = await timed(first);
      const own = await timed(other);
      const after = await timed(first);
      times.get(first.name)?.push(before, after);
      times.get(other.name)?.push(own);
      ratios.get(other.name)?.push(own / ((before + after) / 2));
    }
  }
  return subjects.map(({ name }) => ({
    name,
    medianNs: median(times.get(name) ?? []),
    quietNs: quantile(times.get(name) ?? [], 0.1),
    ratio: median(ratios.get(name) ?? []),
  }));
}

async function timed({ run }: AsyncSubject): Promise<number> {
  const from = process.hrtime.bigint();
  await run();
  return Number(process.hrtime.bigint() - from);
}
