// Times things against each other and not one after the other: the subjects take turns in short rounds, so that
// whatever else the machine does in a minute falls on all of them alike, and only ratios within a round are believed.

export interface Subject {
  readonly name: string;
  /** Does it once. `turn` counts up, so that a subject can go through its questions. */
  readonly run: (turn: number) => unknown;
  /** How many questions it goes through. Rounds hold whole cycles of them where they are long enough. */
  readonly cycle?: number;
}

export interface Timing {
  readonly name: string;
  /** Median over the rounds, in nanoseconds for one run. */
  readonly medianNs: number;
  /** The tenth of the rounds that was fastest stayed below this: what the machine does while its neighbours rest. */
  readonly quietNs: number;
  /** Median over the rounds of this subject's time divided by that of the first one right before and after it. */
  readonly ratio: number;
}

export interface Pace {
  readonly rounds: number;
  /** How long a subject runs in each round, in milliseconds. */
  readonly roundMs: number;
}

/** Many rounds and short ones: a neighbour that wakes up falls into few of them, and medians pass those over. */
export const PACE: Pace = { rounds: 61, roundMs: 6 };

/** Times all subjects in turns, each between two rounds of the first one, which is what they are held against. */
export function race(subjects: readonly Subject[], { rounds, roundMs }: Pace = PACE): readonly Timing[] {
  const [first, ...others] = subjects.map((subject): Runner => ({
    subject,
    size: batchSize(subject, roundMs),
    turn: 0,
    times: [],
    ratios: [],
  }));
  if (first === undefined) return [];
  const opponents: readonly Runner[] = others.length === 0 ? [first] : others;
  for (let round = 0; round < rounds; round += 1) {
    for (const other of turned(opponents, round)) {
      const before = timed(first);
      const own = timed(other);
      const after = timed(first);
      first.times.push(before, after);
      first.ratios.push(1);
      if (other === first) continue;
      other.times.push(own);
      other.ratios.push(own / ((before + after) / 2));
    }
  }
  return [first, ...others].map(({ subject, times, ratios }) => ({
    name: subject.name,
    medianNs: median(times),
    quietNs: quantile(times, 0.1),
    ratio: median(ratios),
  }));
}

interface Runner {
  readonly subject: Subject;
  readonly size: number;
  /** Where it stands in its questions: a round that is too short for all of them goes on where the last one ended. */
  turn: number;
  readonly times: number[];
  readonly ratios: number[];
}

/** Nobody always comes after the same neighbour. */
function turned<T>(list: readonly T[], by: number): readonly T[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
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
  const { cycle = 1 } = subject;
  const until = performance.now() + 250;
  let runs = 0;
  const from = performance.now();
  while (performance.now() < until) {
    const size = runs < 64 ? 1 : 64;
    for (let i = 0; i < size; i += 1) subject.run(i);
    runs += size;
  }
  const size = Math.max(1, Math.round((runs / (performance.now() - from)) * roundMs));
  return size < cycle ? size : Math.round(size / cycle) * cycle;
}

// What a run answers is looked at, so that no compiler may leave it out.
function timed(runner: Runner): number {
  const { subject, size, turn: start } = runner;
  let seen = 0;
  const from = process.hrtime.bigint();
  for (let turn = start; turn < start + size; turn += 1) if (subject.run(turn) !== undefined) seen += 1;
  const ns = Number(process.hrtime.bigint() - from) / size;
  runner.turn = start + size;
  return seen >= 0 ? ns : Number.NaN;
}
