// The one way from files to a law. It either answers with a charter in which every word was understood, or with
// all the mistakes of all its files; there is nothing between, because a half-read charter is a wider one.
import { canonicalJson, compileLaw } from '@mandate/kernel';
import type { Charter, CharterProblem, Law } from '@mandate/kernel';
import { sha256Hex } from '../../platform/crypto/hash.ts';
import { buildCharter } from './charter-data.ts';
import { sortErrors } from './error.ts';
import type { CharterError } from './error.ts';
import { gatherFiles } from './extends.ts';
import type { Reading, SourceFile } from './extends.ts';
import { mergeParts } from './merge.ts';
import type { Merged } from './merged.ts';

export interface LoadedCharter {
  readonly kind: 'loaded';
  readonly charter: Charter;
  readonly law: Law;
  /** SHA-256 (hex) of the canonical merged content. Comments, order of keys and line numbers do not change it. */
  readonly version: string;
  /** Sound, but probably not what was meant. */
  readonly warnings: readonly CharterError[];
  /** Every file that was read, as it was read. */
  readonly sources: readonly SourceFile[];
  /** The names that errors use, the charter itself first. */
  readonly files: readonly string[];
  /** Paths of own files, for whoever watches them. */
  readonly ownPaths: readonly string[];
  /** Files with cases that the charter itself names, relative to it. */
  readonly tests: readonly string[];
}

export interface RefusedCharter {
  readonly kind: 'refused';
  /** Never empty; sorted by file, line and column. */
  readonly problems: readonly CharterError[];
  /** Paths of own files that were asked for, missing ones included. */
  readonly ownPaths: readonly string[];
}

/** Reads, merges, checks and compiles a charter. Never throws for what is written in it. */
export async function loadCharter(reading: Reading): Promise<LoadedCharter | RefusedCharter> {
  const { parts, isComplete, sources, files, errors, ownPaths } = await gatherFiles(reading);
  const [first, ...others] = parts;
  // With a file missing from the merge, names would seem unknown that are not: its own mistakes come first.
  if (first === undefined || !isComplete) {
    return { kind: 'refused', problems: sortErrors(errors, files), ownPaths };
  }
  const isLong = sources.reduce((sum, { text }) => sum + text.length, 0) > LONG;
  if (isLong) await turnOfOthers();
  const merged = mergeParts([first, ...others]);
  const { charter, errors: found, warnings } = buildCharter(merged);
  if (isLong) await turnOfOthers();
  const version = versionOf(charter);
  const compiled = compileLaw(charter, version);
  const problems = [...errors, ...found];
  // The kernel judges the charter once more, by its own rules. What was told above with its exact place is not repeated.
  if (compiled.kind === 'refused') {
    const more = compiled.problems.map((it) => placeProblem(it, merged));
    if (found.length === 0) problems.push(...more.filter((it) => !isTold(it, errors)));
  }
  if (compiled.kind === 'refused' || problems.length > 0)
    return { kind: 'refused', problems: sortErrors(problems, files), ownPaths };
  return {
    kind: 'loaded',
    charter,
    law: compiled.law,
    version,
    warnings: sortErrors(warnings, files),
    sources,
    files,
    ownPaths,
    tests: [parts.at(-1)?.written.tests ?? []].flat(),
  };
}

/** Characters that take some ten milliseconds to read. */
const LONG = 20_000;

/** Between two parts of the way, each of which takes a long charter a part of a second. */
function turnOfOthers(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** The content hash. Origins are left out: moving a rule to another line changes nothing that it says. */
function versionOf(charter: Charter): string {
  return sha256Hex(canonicalJson(withoutOrigins(charter)));
}

function withoutOrigins(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutOrigins);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => key !== 'origin' || typeof inner !== 'string')
      .map(([key, inner]) => [key, withoutOrigins(inner)]),
  );
}

function isTold(problem: CharterError, errors: readonly CharterError[]): boolean {
  return errors.some((error) => error.file === problem.file && error.pointer.startsWith(problem.pointer));
}

/** Leads a problem of the kernel back to the line it comes from. */
function placeProblem(problem: CharterProblem, merged: Merged): CharterError {
  const message = `${problem.message.charAt(0).toUpperCase()}${problem.message.slice(1)}.`;
  const [, file, line, column, pointer] = /^(.*):(\d+):(\d+)(?: (.*))?$/.exec(problem.origin) ?? [];
  if (file !== undefined)
    return { file, line: Number(line), column: Number(column), pointer: pointer ?? '', message };
  const path = problem.origin.split('.');
  return { ...merged.fileOf(path).placeOf(path), pointer: problem.origin, message };
}
