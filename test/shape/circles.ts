// Files that import one another in a circle are one file in pieces: none can be read, moved or tested by itself. A type that
// ties them counts as much as a value does, because it is the idea that has no home of its own.
import { posix } from 'node:path';
import type { Source } from './source.ts';

interface Step {
  readonly from: string;
  readonly to: string;
  /** What is imported, in words, and on which line. */
  readonly names: readonly string[];
  readonly isType: boolean;
  readonly line: number;
}

type Steps = ReadonlyMap<string, readonly Step[]>;

/** A shortest circle through every knot of files, with what ties each of them to the next. Untying it shows the rest of the knot. */
export function circles(sources: readonly Source[]): readonly string[] {
  const steps = stepsOf(sources);
  const told = new Set<string>();
  return sources.flatMap(({ path }) => {
    if (told.has(path)) return [];
    const circle = shortestBack(path, steps);
    if (circle === null) return [];
    for (const { from } of circle) told.add(from);
    return [messageOf(circle)];
  });
}

function stepsOf(sources: readonly Source[]): Steps {
  const known = new Set(sources.map(({ path }) => path));
  return new Map(
    sources.map(({ path, imports }) => [
      path,
      imports.flatMap(({ specifier, names, isType, line }) => {
        const to = specifier?.startsWith('.') === true ? posix.join(posix.dirname(path), specifier) : null;
        return to !== null && known.has(to) ? [{ from: path, to, names, isType, line }] : [];
      }),
    ]),
  );
}

/** The fewest steps that lead from a file back to itself; null where none do. */
function shortestBack(start: string, steps: Steps): readonly Step[] | null {
  const cameBy = new Map<string, Step>();
  const waiting = [start];
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    for (const step of steps.get(file) ?? []) {
      if (step.to === start) return [...wayTo(file, start, cameBy), step];
      if (cameBy.has(step.to)) continue;
      cameBy.set(step.to, step);
      waiting.push(step.to);
    }
  }
  return null;
}

function wayTo(file: string, start: string, cameBy: ReadonlyMap<string, Step>): readonly Step[] {
  const step = file === start ? undefined : cameBy.get(file);
  return step === undefined ? [] : [...wayTo(step.from, start, cameBy), step];
}

function messageOf(circle: readonly Step[]): string {
  const [first] = circle;
  const round = [...circle.map(({ from }) => from), first?.from ?? ''].join(' → ');
  const ties = circle.map(
    ({ from, to, names, isType, line }) =>
      `  ${from}:${line} imports ${kindOf(isType, names)}${names.join(', ') || 'something'} of ${to}`,
  );
  return `${round} is a circle:\n${ties.join('\n')}\n  Move the noun or the helper that two of them need into a file of its own, named after it, which imports neither.`;
}

function kindOf(isType: boolean, names: readonly string[]): string {
  if (!isType) return '';
  return names.length > 1 ? 'the types ' : 'the type ';
}
