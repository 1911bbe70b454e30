// Globs for paths, matched in linear time: backtracking matchers hang on short hostile globs, and an agent may
// choose the text that is matched. The rules are those of .gitignore, read strictly: a glob holds at any depth, and
// whoever touches a folder touches what is in it.
import { plainText } from './plain-text.ts';

const MAX_LENGTH = 256;
const MAX_SEGMENTS = 32;

export interface CompiledGlob {
  readonly source: string;
  /** Why the glob cannot be used; such a glob matches every path, so that a typing error never opens anything. */
  readonly problem: string | null;
  /** Only from the root of the path: the glob began with a slash. */
  readonly anchored: boolean;
  /** Folded segments; `**` stands for any number of them. */
  readonly segments: readonly string[];
  /** What the whole glob comes down to where it is one segment that holds at any depth: nearly always. */
  readonly only: OneSegment | null;
}

/** A segment with at most one `*`, and that at an end: told from the text around it without trying. */
type OneSegment =
  | { readonly kind: 'exact' | 'prefix' | 'suffix'; readonly text: string }
  | { readonly kind: 'pattern'; readonly text: string };

/**
 * Compiles path globs. `*` and `?` stay within a segment, `**` is any number of segments; `.env` and `secrets/**`
 * hold at any depth, a leading slash anchors. Nothing else is special: brackets, braces and `!` are refused.
 * A glob that cannot be used comes back with its `problem`.
 */
export function compileGlobs(globs: readonly string[]): readonly CompiledGlob[] {
  return globs.map(compileGlob);
}

/** Whether the glob holds for the path, given as folded segments, or for a folder above it. */
export function matchesGlob(glob: CompiledGlob, path: readonly string[]): boolean {
  if (glob.problem !== null) return true;
  if (glob.only !== null) return anyMatches(glob.only, path);
  const end = glob.segments.length;
  let active = closure(glob, [0]);
  if (active.includes(end)) return true;
  for (const segment of path) {
    const next: number[] = glob.anchored ? [] : [0];
    for (const at of active) {
      const wanted = glob.segments[at];
      if (wanted === '**') next.push(at);
      else if (wanted !== undefined && matchesWildcard(wanted, segment)) next.push(at + 1);
    }
    active = closure(glob, next);
    if (active.includes(end)) return true;
  }
  return false;
}

// The commonest globs are one segment that holds at any depth; they need no states.
function anyMatches({ kind, text }: OneSegment, path: readonly string[]): boolean {
  for (const segment of path) {
    switch (kind) {
      case 'exact':
        if (segment === text) return true;
        break;
      case 'prefix':
        if (segment.startsWith(text)) return true;
        break;
      case 'suffix':
        if (segment.endsWith(text)) return true;
        break;
      case 'pattern':
        if (matchesWildcard(text, segment)) return true;
    }
  }
  return false;
}

/** What a glob comes down to that is one segment at any depth; null for every other one. */
export function onlySegment(segments: readonly string[], anchored: boolean): OneSegment | null {
  const [text] = segments;
  if (text === undefined || segments.length !== 1 || anchored || text === '**') return null;
  const star = text.indexOf('*');
  if (text.includes('?') || star !== text.lastIndexOf('*')) return { kind: 'pattern', text };
  if (star === -1) return { kind: 'exact', text };
  if (star === text.length - 1) return { kind: 'prefix', text: text.slice(0, -1) };
  return star === 0 ? { kind: 'suffix', text: text.slice(1) } : { kind: 'pattern', text };
}

/** `*` any run, `?` any one character. Time is bounded by the product of both lengths. */
export function matchesWildcard(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    const wanted = p < pattern.length ? pattern.charCodeAt(p) : -1;
    if (wanted === STAR) {
      star = p;
      resume = t;
      p += 1;
    } else if (wanted === QUESTION || wanted === text.charCodeAt(t)) {
      p += 1;
      t += 1;
    } else if (star >= 0) {
      p = star + 1;
      resume += 1;
      t = resume;
    } else return false;
  }
  while (pattern.charCodeAt(p) === STAR) p += 1;
  return p === pattern.length;
}

const STAR = 0x2a;
const QUESTION = 0x3f;

function compileGlob(source: string): CompiledGlob {
  const folded = plainText(source);
  const problem = folded === null ? 'cannot be brought to a plain form' : problemOf(source, folded);
  if (folded === null || problem !== null)
    return { source, problem, anchored: false, segments: [], only: null };
  const segments = folded.split('/').filter((segment) => segment !== '' && segment !== '.');
  // The end is open anyway (a folder counts with its contents), and so is the start unless it is anchored.
  const anchored = folded.startsWith('/');
  while (segments.at(-1) === '**' && segments.length > 1) segments.pop();
  if (!anchored) while (segments[0] === '**' && segments.length > 1) segments.shift();
  return { source, problem: null, anchored, segments, only: onlySegment(segments, anchored) };
}

function problemOf(source: string, folded: string): string | null {
  if (source.trim() === '') return 'is empty; write a path such as `secrets/**`';
  if (source.length > MAX_LENGTH) return `is longer than ${MAX_LENGTH} characters; split it`;
  if (/[\\[\]{}!]/.test(source))
    return 'uses \\, [], {} or !; only *, ? and ** are known: write one glob for each case';
  const segments = folded.split('/');
  if (segments.every((segment) => segment === '' || segment === '.'))
    return 'names nothing; write a path such as `secrets/**`';
  if (segments.length > MAX_SEGMENTS) return `has more than ${MAX_SEGMENTS} segments; shorten it`;
  if (segments.includes('..')) return 'contains `..`; write the path that it leads to';
  if (segments.some((segment) => segment.includes('**') && segment !== '**')) {
    return 'uses ** within a segment; ** must stand alone between slashes';
  }
  return null;
}

function closure(glob: CompiledGlob, states: readonly number[]): number[] {
  const reached = new Set<number>();
  for (const start of states) {
    let at = start;
    reached.add(at);
    while (glob.segments[at] === '**') {
      at += 1;
      reached.add(at);
    }
  }
  return [...reached];
}
