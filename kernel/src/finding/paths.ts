// Which files an action touches, and whether one of them is guarded. Reading is guarded as well as writing: a
// secret that was read has left. Symbolic links cannot be seen from here; executors resolve them.
import type { Action, Json, JsonObject } from '../action.ts';
import type { ActionSetting } from '../charter.ts';
import type { CompiledGlob } from './glob.ts';
import { matchesGlob } from './glob.ts';
import { inside, isList, PARAMETERS, pointerOf, wordsOf } from './leaves.ts';
import type { Place } from './leaves.ts';
import { plainText } from './plain-text.ts';

export interface PathParameter {
  readonly pointer: string;
  readonly value: string;
}

export interface TouchedPath extends PathParameter {
  /** Source of the glob that holds. */
  readonly glob: string;
}

const MAX_DEPTH = 64;
const NAMES: ReadonlySet<string> = new Set(
  (
    'path paths file files filename filenames filepath filepaths dir dirs dirname directory directories folder folders ' +
    'source sources src destination destinations dest dst target targets from to out outfile infile cwd root glob globs'
  ).split(' '),
);
// What may stand between two paths in one value, and what cuts a path short for some reader: NUL for C, a question
// mark or hash for URLs, a quote for a shell.
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const BREAKS = /[\u0000-\u0020,;"'`<>(){}&#]+/;
const TOO_DEEP = '(nested deeper than 64 levels)';

/**
 * Every path that the action names: parameters the charter calls paths (by name at any depth, or by a dotted place
 * such as `options.target`), conventional names, `file:` URLs, and the resource where it is a file. Arrays and
 * nested objects included; the keys of an object that stands where paths are expected are paths too.
 */
export function pathParameters(action: Action, setting: ActionSetting | null): readonly PathParameter[] {
  return collect(action, setting).paths;
}

/**
 * The first path parameter for which one of the globs holds after normalising, or null. What cannot be resolved, or
 * is nested too deep to look at, counts as touched.
 */
export function touchesPath(
  action: Action,
  setting: ActionSetting | null,
  globs: readonly CompiledGlob[],
): TouchedPath | null {
  return touchedPaths(action, setting, globs)[0] ?? null;
}

/** Like `touchesPath`, but all of them: one entry for each parameter. */
export function touchedPaths(
  action: Action,
  setting: ActionSetting | null,
  globs: readonly CompiledGlob[],
): readonly TouchedPath[] {
  if (globs.length === 0) return [];
  const { paths, tooDeep } = collect(action, setting);
  const touched = paths.flatMap(({ pointer, value }) => {
    const glob = guarding(value, globs);
    return glob === null ? [] : [{ pointer, value, glob }];
  });
  return tooDeep ? [...touched, { pointer: '/parameters', value: TOO_DEEP, glob: '**' }] : touched;
}

/** The folded segments of a path: separators unified, `.`, `..`, trailing dots and spaces resolved. */
export function pathSegments(folded: string): readonly string[] {
  const segments: string[] = [];
  for (const raw of folded.split(/[\\/:]/)) {
    const trimmed = raw.trim();
    const name = withoutTail(trimmed);
    if (trimmed === '..') segments.pop();
    else if (name !== '') segments.push(name);
  }
  return segments;
}

// Windows drops dots and spaces at the end of a name. A loop, because /[. ]+$/ takes quadratic time.
function withoutTail(name: string): string {
  let end = name.length;
  while (end > 0 && (name[end - 1] === '.' || name[end - 1] === ' ')) end -= 1;
  return name.slice(0, end);
}

function guarding(value: string, globs: readonly CompiledGlob[]): string | null {
  const folded = plainText(value);
  if (folded === null) return globs[0]?.source ?? null;
  const readings = readingsOf(folded);
  const wild = readings.filter((reading) => /[*?[]/.test(reading)).map(wildReading);
  const plain = readings.flatMap((reading) => [reading, ...reading.split('?').slice(0, 1)]).map(pathSegments);
  for (const glob of globs) {
    if (plain.some((segments) => matchesGlob(glob, segments))) return glob.source;
    if (wild.some((pattern) => matchesGlob(pattern, sampleOf(glob)))) return glob.source;
  }
  return null;
}

// One value can be read in several ways: as it stands, without its control characters, or as a list of paths.
function readingsOf(folded: string): readonly string[] {
  const pieces = folded.split(BREAKS).filter((piece) => piece !== '');
  // oxlint-disable-next-line no-control-regex -- control characters are what it removes
  const whole = folded.replace(/[\u0000-\u001f]/g, '');
  return pieces.length === 1 && pieces[0] === whole ? [whole] : [whole, ...pieces];
}

// The agent may send a wildcard and leave it to the tool to find the file: `.e*` means `.env`.
function wildReading(reading: string): CompiledGlob {
  const pattern = reading.replace(/\[[^\]]{0,64}\]/g, '?');
  const segments = pathSegments(pattern).filter((segment) => segment !== '**');
  return { source: reading, problem: null, anchored: false, segments };
}

// One file that the glob guards: what a wildcard must match to be said to touch it.
function sampleOf(glob: CompiledGlob): readonly string[] {
  if (glob.problem !== null) return ['x'];
  return [...glob.segments.map((segment) => segment.replaceAll('*', '').replaceAll('?', 'x')), 'x'].filter(
    (segment) => segment !== '',
  );
}

interface Visit {
  readonly node: Json;
  readonly place: Place;
  /** none: the name decides. listed: a conventional name stands above. all: the charter says that everything below is a path. */
  readonly mode: 'none' | 'listed' | 'all';
}

interface Collected {
  readonly paths: PathParameter[];
  tooDeep: boolean;
}

function collect(action: Action, setting: ActionSetting | null): Collected {
  const found: Collected = { paths: [], tooDeep: false };
  const named = new Set(setting?.paths.filter((name) => !isPlace(name)));
  const stack: Visit[] = [{ node: action.parameters, place: PARAMETERS, mode: 'none' }];
  for (const name of setting?.paths.filter(isPlace) ?? []) {
    const at = lookUp(action.parameters, name);
    if (at !== null) stack.push({ ...at, mode: 'all' });
  }
  for (let visit = stack.pop(); visit !== undefined; visit = stack.pop()) {
    if (visit.place.depth > MAX_DEPTH) found.tooDeep = true;
    else stack.push(...step(visit, named, found.paths).toReversed());
  }
  const { resource } = action;
  if (resource !== null && NAMES.has(wordsOf(resource.type).at(-1) ?? '')) {
    found.paths.push({ pointer: '/resource/id', value: resource.id });
  }
  return found;
}

function step(visit: Visit, named: ReadonlySet<string>, paths: PathParameter[]): Visit[] {
  const { node, place, mode } = visit;
  if (typeof node === 'string') {
    if (mode !== 'none' || /^\s*file:/i.test(node)) paths.push({ pointer: pointerOf(place), value: node });
    return [];
  }
  if (isList(node)) return node.map((child, i) => ({ node: child, place: inside(place, String(i)), mode }));
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).map(([key, child]) => {
    const at = inside(place, key);
    if (mode !== 'none') paths.push({ pointer: pointerOf(at), value: key });
    return { node: child, place: at, mode: modeBelow(key, mode, named) };
  });
}

function modeBelow(key: string, mode: Visit['mode'], named: ReadonlySet<string>): Visit['mode'] {
  if (mode === 'all' || named.has(key)) return 'all';
  if (NAMES.has(wordsOf(key).at(-1) ?? '')) return 'listed';
  // `files: [{ name, content }]`: a name within a list of files is a path, its content is not.
  return mode === 'listed' && key.toLowerCase() === 'name' ? 'listed' : 'none';
}

function isPlace(name: string): boolean {
  return name.includes('.') || name.includes('/');
}

/** The node at `a.b`, `a/b` or `/a/b` within the parameters, or null. */
export function lookUp(
  parameters: JsonObject,
  name: string,
): { readonly node: Json; readonly place: Place } | null {
  let node: Json = parameters;
  let place = PARAMETERS;
  for (const token of name.split(/[./]/).filter((part) => part !== '')) {
    if (typeof node !== 'object' || node === null) return null;
    const child: Json | undefined = Object.entries(node).find(([key]) => key === token)?.[1];
    if (child === undefined) return null;
    node = child;
    place = inside(place, token);
  }
  return { node, place };
}
