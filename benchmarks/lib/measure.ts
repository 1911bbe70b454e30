// Times things against each other and not one after the other: the subjects take turns in short rounds, so that
// whatever else the machine does in a minute falls on all of them alike, and only ratios within a round are believed.

export interface Subject {
  readonly name: string;
  /** Does it once. `turn` counts up, so that a subject can go through its questions. */
  readonly run: (turn: number) => unknown;
}

export interface Timing {
  readonly name: string;
  /** Median over the rounds, in nanoseconds for one run. */
  readonly medianNs: number;
  /** Median over the rounds of this subject's time divided by that of the first one in the same round. */
  readonly ratio: number;
}

export interface Pace {
  readonly rounds: number;
  /** How long a subject runs in each round, in milliseconds. */
  readonly roundMs: number;
}

export const PACE: Pace = { rounds: 21, roundMs: 25 };

/** Times all subjects in turns; the first one is what the others are held against. */
export function race(subjects: readonly Subject[], { rounds, roundMs }: Pace = PACE): readonly Timing[] {
  const sizes = subjects.map((subject) => batchSize(subject, roundMs));
  const times = subjects.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [i, subject] of subjects.entries()) times[i]?.push(timed(subject, sizes[i] ?? 1));
  }
  const [first = []] = times;
  return subjects.map(({ name }, i) => {
    const own = times[i] ?? [];
    return {
      name,
      medianNs: median(own),
      ratio: median(own.map((ns, round) => ns / (first[round] ?? ns))),
    };
  });
}

/** Median time of one run over many small batches: what half of all runs stay under. */
export function p50Ns(subject: Subject, batches = 400, size = 50): number {
  timed(subject, batches * size);
  return median(Array.from({ length: batches }, () => timed(subject, size)));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which the given share of all values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

// Also warms the subject up: a quarter of a second is enough for everything to be compiled.
function batchSize(subject: Subject, roundMs: number): number {
  const until = performance.now() + 250;
  let runs = 0;
  const from = performance.now();
  while (performance.now() < until) {
    const size = runs < 64 ? 1 : 64;
    for (let i = 0; i < size; i += 1) subject.run(i);
    runs += size;
  }
  return Math.max(1, Math.round((runs / (performance.now() - from)) * roundMs));
}

// What a run answers is looked at, so that no compiler may leave it out.
function timed(subject: Subject, size: number): number {
  let seen = 0;
  const from = process.hrtime.bigint();
  for (let turn = 0; turn < size; turn += 1) if (subject.run(turn) !== undefined) seen += 1;
  const ns = Number(process.hrtime.bigint() - from) / size;
  return seen >= 0 ? ns : Number.NaN;
}
