// From the written `phases` to the kernel's governed sets: short names spelled out, whitelists added up, and everything
// refused that would make a phase freer or tighter than it reads.
import type { GovernedSet, Phase } from '@mandate/kernel';
import { renderOrigin, renderPath } from './error.ts';
import type { CharterError, Path } from './error.ts';
import type { Merged } from './merged.ts';
import { DEFAULT_LADDER } from './phases-schema.ts';
import type { WrittenGovernedSet, WrittenPhase } from './phases-schema.ts';
import { durationMs, expandPattern } from './units.ts';

const STABILIZATION = '30d';
const FIRST_STABILIZATION = '180d';
const CYCLE = '0 17 * * fri';

interface Reading {
  readonly merged: Merged;
  readonly errors: CharterError[];
  /** What is wrong with a name of an approver role; null when it is sound. */
  readonly unknownRole: (role: string) => string | null;
}

/** Reads the section; null where the charter has none. What is wrong with it goes to `errors`. */
export function readPhases(reading: Reading): readonly GovernedSet[] | null {
  const written = Object.entries(reading.merged.sections.phases ?? {});
  return written.length === 0 ? null : written.map(([name, set]) => readSet(reading, name, set));
}

function readSet(reading: Reading, name: string, set: WrittenGovernedSet): GovernedSet {
  const { merged } = reading;
  const path: Path = ['phases', name];
  const patterns = readPatterns(reading, path, set);
  return {
    name,
    patterns,
    phases: readLadder(reading, { path, set, patterns }),
    stabilizationMs: durationMs(set.stabilization ?? STABILIZATION),
    firstStabilizationMs: durationMs(set.firstStabilization ?? FIRST_STABILIZATION),
    cycle: set.cycle ?? CYCLE,
    timeZone: set.timezone ?? 'UTC',
    origin: renderOrigin(merged.fileOf(path).placeOf(path), path),
  };
}

/** Patterns within another one of the set say nothing more, and two restrictions for one cause would only confuse. */
function readPatterns(reading: Reading, path: Path, set: WrittenGovernedSet): readonly string[] {
  if ((set.patterns === undefined) === (set.prefix === undefined))
    fail(reading, path, 'A set has either patterns or prefix. Write one of them: what does it govern?');
  const listed = typeof set.patterns === 'string' ? [set.patterns] : (set.patterns ?? []);
  const prefixed = set.prefix === undefined ? [] : [`${set.prefix}*`];
  const all = [...new Set([...listed.flatMap(expandPattern), ...prefixed])];
  return all.filter((each) => !all.some((other) => other !== each && isWithin(each, other)));
}

interface SetReading {
  readonly path: Path;
  readonly set: WrittenGovernedSet;
  readonly patterns: readonly string[];
}

function readLadder(reading: Reading, { path, set, patterns }: SetReading): readonly [Phase, ...Phase[]] {
  const written = set.ladder ?? DEFAULT_LADDER;
  // The shipped ladder stands nowhere in the file: what is wrong with it is wrong with the set.
  const at = (index: number, ...rest: Path): Path =>
    set.ladder === undefined ? path : [...path, 'ladder', index, ...rest];
  const phases: Phase[] = [];
  const names = new Set<string>();
  for (const [index, phase] of written.entries()) {
    if (names.has(phase.name))
      fail(
        reading,
        at(index, 'name'),
        `There is a phase ${phase.name} in this ladder already. Give this one another name.`,
      );
    names.add(phase.name);
    checkEntry(reading, { phase, index, at });
    phases.push({
      name: phase.name,
      title: phase.title ?? phase.name,
      whitelist: readWhitelist(
        reading,
        { phase, patterns, before: phases.at(-1)?.whitelist ?? [] },
        (...rest) => at(index, ...rest),
      ),
      validationMs: phase.validation === undefined ? 0 : durationMs(phase.validation),
      approvals: [...new Set(phase.approvals ?? [])],
    });
  }
  const [first, ...others] = phases;
  if (first === undefined) throw new Error('a ladder without a phase passed the schema');
  return [first, ...others];
}

/** Who lets in, and for how long it is on probation: of every phase but the first, and of that one never. */
function checkEntry(
  reading: Reading,
  {
    phase,
    index,
    at,
  }: {
    readonly phase: WrittenPhase;
    readonly index: number;
    readonly at: (index: number, ...rest: Path) => Path;
  },
): void {
  for (const key of ['validation', 'approvals'] as const) {
    if (index === 0 && phase[key] !== undefined)
      fail(
        reading,
        at(index, key),
        `A set begins in its first phase: nobody lets it in, and there is nothing to fall back to. Remove ${key}, or move it to the phase that it is meant for.`,
      );
    if (index > 0 && phase[key] === undefined)
      fail(
        reading,
        at(index),
        key === 'approvals'
          ? 'approvals is missing: who must agree before this phase is entered? Write for example approvals: [tech-lead].'
          : 'validation is missing: how long is it on probation? Write for example validation: 14d.',
      );
  }
  for (const [place, role] of (phase.approvals ?? []).entries()) {
    const problem = reading.unknownRole(role);
    if (problem !== null) fail(reading, at(index, 'approvals', place), problem);
  }
}

interface ListReading {
  readonly phase: WrittenPhase;
  readonly patterns: readonly string[];
  readonly before: readonly string[];
}

function readWhitelist(
  reading: Reading,
  { phase, patterns, before }: ListReading,
  at: (...rest: Path) => Path,
): readonly string[] {
  if (phase.adds !== undefined && phase.whitelist !== undefined)
    fail(reading, at('whitelist'), 'A phase has either adds or whitelist. Keep adds: whitelists add up.');
  const key = phase.whitelist === undefined ? 'adds' : 'whitelist';
  const own = (phase[key] ?? []).flatMap((entry, index) => {
    const spelled = spellOut(entry, patterns);
    if (spelled === null)
      fail(
        reading,
        at(key, index),
        `${entry} is not within what the set governs (${patterns.join(', ')}). Write the full name of an action that it governs, or add it to patterns.`,
      );
    return spelled ?? [];
  });
  if (key === 'adds') return unique([...before, ...own]);
  const missing = before.filter((each) => !own.some((other) => isWithin(each, other)));
  if (missing.length > 0)
    fail(
      reading,
      at(key),
      `A later phase lets run what the one before it does, and this leaves out ${missing.join(', ')}. Write adds with what is new instead of whitelist.`,
    );
  return unique(own);
}

/**
 * The full patterns that an entry means; null for one outside the set. `*` is everything that the set governs, and a
 * name may leave out the prefix that all its patterns share.
 */
function spellOut(entry: string, patterns: readonly string[]): readonly string[] | null {
  if (entry === '*') return patterns;
  const names = expandPattern(entry);
  const areGoverned = (all: readonly string[]): boolean =>
    all.every((name) => patterns.some((pattern) => isWithin(name, pattern)));
  if (areGoverned(names)) return names;
  const [prefix, ...others] = new Set(patterns.map((each) => each.slice(0, each.lastIndexOf('.') + 1)));
  // A name with a dot is meant as it is written: spelled out, a slip of the pen would let something else run.
  if (prefix === undefined || others.length > 0 || entry.includes('.')) return null;
  const spelled = names.map((name) => prefix + name);
  return areGoverned(spelled) ? spelled : null;
}

/** Whether everything that the pattern covers is covered by the other one. */
function isWithin(pattern: string, other: string): boolean {
  if (pattern === other) return true;
  return other.endsWith('*') && pattern.startsWith(other.slice(0, -1));
}

function unique(patterns: readonly string[]): readonly string[] {
  const all = [...new Set(patterns)];
  return all.filter((each) => !all.some((other) => other !== each && isWithin(each, other)));
}

function fail({ merged, errors }: Reading, path: Path, message: string): void {
  errors.push({ ...merged.fileOf(path).placeOf(path), pointer: renderPath(path), message });
}

/** Sets that govern the same actions: allowed, because the strictest phase wins, but not what people expect to see. */
export function warnOfSharedSets(merged: Merged, sets: readonly GovernedSet[]): readonly CharterError[] {
  return sets.flatMap((set, index) =>
    sets.slice(0, index).flatMap((other) => {
      const shared = set.patterns.filter((pattern) =>
        other.patterns.some((each) => isWithin(pattern, each) || isWithin(each, pattern)),
      );
      if (shared.length === 0) return [];
      const path: Path = ['phases', set.name];
      const message = `${set.name} and ${other.name} both govern ${shared.join(', ')}: such an action runs without asking only where the phases of both let it, and counts for both.`;
      return [{ ...merged.fileOf(path).placeOf(path), pointer: renderPath(path), message }];
    }),
  );
}
