// Coverage is measured: a command type counts as covered when a case of it passed in the latest run of an eval set as it
// is written now, decided by the charter in force, not long ago. Nobody can declare it.
import type { CoveredType, EvalCoverage, EvalResult, EvalTally } from './eval.ts';

/** How long a run counts. */
export const VALID_MS = 30 * 86_400_000;

export interface MeasuredBy {
  /** Everything that the governed set may do: full action names. */
  readonly commandTypes: readonly string[];
  readonly isGoverned: (action: string) => boolean;
  /** Of the latest run of each eval set as it is written now. */
  readonly tallies: readonly RunTally[];
  /** The charter in force; null where it cannot be read, and then nothing counts. */
  readonly charterVersion: string | null;
  readonly nowMs: number;
}

export interface RunTally extends EvalTally {
  /** When its run began. */
  readonly startedMs: number;
}

/** The results of a run in numbers: one line for each action and charter. */
export function tallyOf(results: readonly EvalResult[]): readonly EvalTally[] {
  const tallies = new Map<string, EvalTally>();
  for (const { action, charterVersion, ok } of results) {
    const key = JSON.stringify([action, charterVersion]);
    const { passed, failed } = tallies.get(key) ?? { passed: 0, failed: 0 };
    const [more, less] = ok ? [1, 0] : [0, 1];
    tallies.set(key, { action, charterVersion, passed: passed + more, failed: failed + less });
  }
  return [...tallies.values()];
}

/** A pure function of the runs. */
export function measureCoverage({
  commandTypes,
  isGoverned,
  tallies,
  charterVersion,
  nowMs,
}: MeasuredBy): EvalCoverage {
  const ran = tallies.filter(({ action }) => isGoverned(action));
  const counts = (tally: RunTally): boolean =>
    charterVersion !== null && tally.charterVersion === charterVersion && nowMs - tally.startedMs <= VALID_MS;
  const types = [...new Set(commandTypes)].toSorted().map((commandType): CoveredType => {
    const of = ran.filter(({ action }) => action === commandType);
    const counting = of.filter(counts);
    const passed = counting.reduce((sum, tally) => sum + tally.passed, 0);
    const failed = counting.reduce((sum, tally) => sum + tally.failed, 0);
    const why = passed > 0 ? null : reason(of, counting, { charterVersion, nowMs });
    return { commandType, covered: why === null, passed, failed, why };
  });
  const covered = types.filter((type) => type.covered).length;
  const counting = ran.filter(counts);
  return {
    covered,
    total: types.length,
    ratio: types.length === 0 ? null : covered / types.length,
    lastRunMs: ran.length === 0 ? null : Math.max(...ran.map(({ startedMs }) => startedMs)),
    passed: counting.length > 0 && counting.every(({ failed }) => failed === 0),
    charterVersion,
    types,
  };
}

function reason(
  of: readonly RunTally[],
  counting: readonly RunTally[],
  { charterVersion, nowMs }: Pick<MeasuredBy, 'charterVersion' | 'nowMs'>,
): string {
  if (charterVersion === null) return 'The charter in force cannot be read.';
  if (of.length === 0)
    return 'No case of it has been run. Add one to an eval set (mandate eval add), and run it.';
  if (counting.length > 0) return 'No case of it passed in the latest run. Look at what came instead.';
  const isOld = of.every(({ startedMs }) => nowMs - startedMs > VALID_MS);
  return isOld
    ? `Its last run is more than ${VALID_MS / 86_400_000} days old. Run the eval set again.`
    : 'Its last run was by another charter. Run the eval set again.';
}
