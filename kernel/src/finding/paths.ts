// Which files an action touches, and whether one of them is guarded. Reading is guarded as well as writing: a
// secret that was read has left. Symbolic links cannot be seen from here; executors resolve them.
import type { ActionSetting } from '../action-setting.ts';
import type { Action, Json, JsonObject } from '../action.ts';
import type { CompiledGlob } from './glob.ts';
import { matchesGlob, onlySegment } from './glob.ts';
import { inside, isList, PARAMETERS, pointerOf, wordsOf } from './leaves.ts';
import type { Place } from './leaves.ts';
import { isContentName, isPathName } from './parameter-names.ts';
import { foldText, plainText } from './plain-text.ts';
import { readName } from './traits.ts';
import type { TraitsOf } from './traits.ts';

export interface PathParameter {
  readonly pointer: string;
  readonly value: string;
}

export interface TouchedPath extends PathParameter {
  /** Source of the glob that holds. */
  readonly glob: string;
}

const MAX_DEPTH = 64;
// What may stand between two paths in one value, and what cuts a path short for some reader: NUL for C, a question
// mark or hash for URLs, a quote for a shell.
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const BREAKS = /[\u0000-\u0020,;"'`<>(){}&#]+/;
const TOO_DEEP = '(nested deeper than 64 levels)';

/** One value that names a path, in every way in which it can be read. */
export interface NamedPath {
  readonly place: Place;
  readonly value: string;
  /** null: it cannot be brought to a plain form, which counts as touching everything. */
  readonly readings: Readings | null;
}

/** All values of an action that name paths. */
export interface NamedPaths {
  readonly paths: readonly NamedPath[];
  /** Something is nested deeper than anybody looks. */
  readonly tooDeep: boolean;
}

interface Readings {
  /** Folded segments. */
  readonly plain: readonly (readonly string[])[];
  /** Readings in which the agent sent a wildcard of its own. */
  readonly wild: readonly CompiledGlob[];
}

/**
 * Every path that the action names: parameters the charter calls paths (by name at any depth, or by a dotted place
 * such as `options.target`), conventional names, `file:` URLs, and the resource where it is a file. Arrays and
 * nested objects included; the keys of an object that stands where paths are expected are paths too.
 */
export function pathParameters(action: Action, setting: ActionSetting | null): readonly PathParameter[] {
  return namedPaths(action, setting, readName).paths.map(({ place, value }) => ({
    pointer: pointerOf(place),
    value,
  }));
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
  return touchedPaths(namedPaths(action, setting, readName), globs)[0] ?? null;
}

/** Like `touchesPath`, but all of them: one entry for each parameter. */
export function touchedPaths(
  { paths, tooDeep }: NamedPaths,
  globs: readonly CompiledGlob[],
): readonly TouchedPath[] {
  if (globs.length === 0) return NONE;
  const touched: TouchedPath[] = [];
  for (const { place, value, readings } of paths) {
    const glob = guarding(readings, globs);
    if (glob !== null) touched.push({ pointer: pointerOf(place), value, glob });
  }
  if (tooDeep) touched.push({ pointer: '/parameters', value: TOO_DEEP, glob: '**' });
  return touched;
}

const NONE: readonly TouchedPath[] = [];

/** The folded segments of a path: separators unified, `.`, `..`, trailing dots and spaces resolved. */
export function pathSegments(folded: string): readonly string[] {
  const segments: string[] = [];
  const isPlain = !folded.includes('\\') && !folded.includes(':');
  for (const raw of isPlain ? folded.split('/') : folded.split(/[\\/:]/)) {
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

function guarding(readings: Readings | null, globs: readonly CompiledGlob[]): string | null {
  if (readings === null) return globs[0]?.source ?? null;
  for (const glob of globs) {
    for (const segments of readings.plain) if (matchesGlob(glob, segments)) return glob.source;
    for (const pattern of readings.wild) if (matchesGlob(pattern, sampleOf(glob))) return glob.source;
  }
  return null;
}

function readPath(value: string): Readings | null {
  // Most paths are spelt plainly and can be read in one way only.
  if (PLAIN_PATH.test(value)) return { plain: [plainSegments(foldText(value))], wild: NO_GLOBS };
  const folded = plainText(value);
  if (folded === null) return null;
  const readings = readingsOf(folded);
  return {
    plain: readings.flatMap((reading) => [reading, ...reading.split('?').slice(0, 1)]).map(pathSegments),
    wild: readings.filter((reading) => /[*?[]/.test(reading)).map(wildReading),
  };
}

const PLAIN_PATH = /^[\w./-]+$/;

/** `pathSegments` for what PLAIN_PATH lets through: only slashes part it, and no space can stand at an end. */
function plainSegments(folded: string): readonly string[] {
  const segments: string[] = [];
  for (let from = 0; from <= folded.length;) {
    const slash = folded.indexOf('/', from);
    const end = slash === -1 ? folded.length : slash;
    const raw = folded.slice(from, end);
    const name = raw.endsWith('.') ? withoutTail(raw) : raw;
    if (raw === '..') segments.pop();
    else if (name !== '') segments.push(name);
    from = end + 1;
  }
  return segments;
}

const NO_GLOBS: readonly CompiledGlob[] = [];

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
  return { source: reading, problem: null, anchored: false, segments, only: onlySegment(segments, false) };
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
  /** none: the name decides. listed: a conventional name stands above, so everything below is a path but the content of a file that is named beside it. all: the charter says that everything below is a path. */
  readonly mode: 'none' | 'listed' | 'all';
}

/** Every path that the action names, see `pathParameters`, ready to be held against globs. */
export function namedPaths(action: Action, setting: ActionSetting | null, traitsOf: TraitsOf): NamedPaths {
  const paths: NamedPath[] = [];
  let tooDeep = false;
  const names = setting?.paths ?? [];
  const named = names.filter((name) => !isPlace(name));
  const stack: Visit[] = [{ node: action.parameters, place: PARAMETERS, mode: 'none' }];
  for (const name of names) {
    const at = isPlace(name) ? lookUp(action.parameters, name) : null;
    if (at !== null) stack.push({ ...at, mode: 'all' });
  }
  for (let visit = stack.pop(); visit !== undefined; visit = stack.pop()) {
    if (visit.place.depth > MAX_DEPTH) tooDeep = true;
    else step(visit, stack, { paths, named, traitsOf });
  }
  const { resource } = action;
  if (resource !== null && isPathName(wordsOf(resource.type).at(-1) ?? ''))
    paths.push(namedPath(RESOURCE_ID, resource.id));
  return { paths, tooDeep };
}

const RESOURCE_ID = inside({ parent: null, token: 'resource', depth: 1 }, 'id');

function namedPath(place: Place, value: string): NamedPath {
  return { place, value, readings: readPath(value) };
}

interface Walk {
  readonly paths: NamedPath[];
  readonly named: readonly string[];
  readonly traitsOf: TraitsOf;
}

function step({ node, place, mode }: Visit, stack: Visit[], walk: Walk): void {
  if (typeof node === 'string') {
    if (mode !== 'none' || FILE_URL.test(node)) walk.paths.push(namedPath(place, node));
  } else if (isList(node)) {
    for (let i = node.length - 1; i >= 0; i -= 1) {
      const child = node[i];
      if (child !== undefined) stack.push({ node: child, place: inside(place, String(i)), mode });
    }
  } else if (typeof node === 'object' && node !== null) stepInto(node, { place, mode }, stack, walk);
}

const FILE_URL = /^\s*file:/i;

function stepInto(node: JsonObject, { place, mode }: Omit<Visit, 'node'>, stack: Visit[], walk: Walk): void {
  const keys = Object.keys(node);
  const isFile = mode === 'listed' && keys.some((key) => namesFile(key, node[key], walk));
  if (mode !== 'none') for (const key of keys) walk.paths.push(namedPath(inside(place, key), key));
  for (let i = keys.length - 1; i >= 0; i -= 1) {
    const key = keys[i] ?? '';
    const child = node[key];
    if (child !== undefined)
      stack.push({ node: child, place: inside(place, key), mode: modeBelow(key, { mode, isFile }, walk) });
  }
}

function modeBelow(
  key: string,
  { mode, isFile }: { readonly mode: Visit['mode']; readonly isFile: boolean },
  { named, traitsOf }: Walk,
): Visit['mode'] {
  if (mode === 'all' || named.includes(key)) return 'all';
  if (traitsOf(key).isPath) return 'listed';
  // `files: [{ name, content }]`: what a file holds is no path. Nothing else below a path's name can be told from one.
  return mode === 'listed' && !(isFile && isContentName(wordsOf(key).at(-1) ?? '')) ? 'listed' : 'none';
}

function namesFile(key: string, value: Json | undefined, { traitsOf }: Walk): boolean {
  return typeof value === 'string' && (key.toLowerCase() === 'name' || traitsOf(key).isPath);
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
