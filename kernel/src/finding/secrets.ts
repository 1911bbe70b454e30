// Finds secrets in text. A secret that has reached a parameter has already left the agent; what can still be done is
// to keep it from going further, so a known format is critical, and a look-alike assignment is only a warning.
import { findAssignments } from './assignments.ts';
import { advance, compileAutomaton, nextStart } from './automaton.ts';
import { NAMED_SECRET_FORMATS } from './secret-formats-named.ts';
import { SECRET_FORMATS } from './secret-formats.ts';
import {
  findCommandPassword,
  findNetrcPassword,
  matchPem,
  matchUrlPassword,
  toEnd,
} from './secrets-written.ts';
import type { Hit, Matched } from './secrets-written.ts';
import { compileFormat, createRuns, matchToken, mayStand } from './token-match.ts';
import type { CompiledFormat, Runs, Span, Work } from './token-match.ts';

export interface FoundSecret extends Span {
  /** Kind of the format (`github_pat`), or the secret-looking name (`password`) where `generic`. */
  readonly kind: string;
  /** Only its name and its look speak for it: warns, never blocks. */
  readonly generic: boolean;
}

type Matcher = (text: string, hit: Hit, runs: Runs) => Matched | null;
interface Entry {
  readonly prefix: string;
  readonly match: Matcher;
  /** What must follow the prefix, as far as it is looked at to pass by what is none. */
  readonly mayFollow: (place: number, code: number) => boolean;
}

const WRITTEN: readonly (readonly [prefix: string, match: Matcher])[] = [
  ['-----BEGIN', matchPem],
  ['---- BEGIN SSH2 ENCRYPTED PRIVATE KEY', (text, { at }) => toEnd(text, at)],
  ['PuTTY-User-Key-File-', (text, { at }) => toEnd(text, at)],
  ['://', matchUrlPassword],
  ['machine ', findNetrcPassword],
  ['curl ', findCommandPassword],
];
const ENTRIES: readonly Entry[] = [
  ...SECRET_FORMATS.flatMap((format) => {
    const compiled = compileFormat(format);
    const match = tokenMatcher(compiled);
    const mayFollow = (place: number, code: number): boolean => mayStand(compiled, place, code);
    return format.prefixes.map((prefix): Entry => ({ prefix, match, mayFollow }));
  }),
  ...WRITTEN.map(([prefix, match]): Entry => ({ prefix, match, mayFollow: () => true })),
];
const AUTOMATON = compileAutomaton(
  ENTRIES.map(({ prefix }) => prefix),
  (index, place, code) => ENTRIES[index]?.mayFollow(place, code) ?? true,
);
const TITLES: ReadonlyMap<string, string> = new Map([
  ...[...SECRET_FORMATS, ...NAMED_SECRET_FORMATS].map(
    ({ kind, provider, name }) => [kind, `${provider} ${name}`] as const,
  ),
  ['private_key', 'private key'],
  ['url_password', 'password in a URL'],
  ['netrc_password', 'password in .netrc'],
  ['command_password', 'password in a command'],
]);

/**
 * Every secret in a text, in order and without overlap. Time is linear in the length of the text, whatever it says.
 * `start` and `end` are offsets in UTF-16 units.
 */
export function findSecrets(text: string): readonly FoundSecret[] {
  return scanSecrets(text, { steps: 0 });
}

/** `findSecrets` that also counts the characters it looked at. */
export function scanSecrets(text: string, work: Work): readonly FoundSecret[] {
  const certain = scanFormats(text, work);
  const assigned = findAssignments(text, work);
  if (assigned.length === 0) return certain;
  return merge(certain, assigned);
}

/** What people call a kind: `GitHub personal access token (classic)`. */
export function titleOf(kind: string): string {
  return TITLES.get(kind) ?? kind.replaceAll('_', ' ');
}

function scanFormats(text: string, work: Work): readonly FoundSecret[] {
  let runs: Runs | null = null;
  const found: FoundSecret[] = [];
  let state = 0;
  let covered = 0;
  let asked = -1;
  for (let i = 0; i < text.length; i += 1) {
    if (state === 0) {
      i = nextStart(AUTOMATON, text, i);
      asked = i;
    }
    state = advance(AUTOMATON, state, text.charCodeAt(i));
    // Nearly every letter begins some word. Whether this one does is told more quickly from the start state.
    if (AUTOMATON.isFirst[state] === 1 && i > asked) {
      state = 0;
      i -= 1;
      continue;
    }
    if (AUTOMATON.isEnd[state] === 0) continue;
    for (const index of AUTOMATON.ends[state] ?? []) {
      const entry = ENTRIES[index];
      const at = i + 1 - (entry?.prefix.length ?? 0);
      if (entry === undefined || at < covered) continue;
      work.steps += entry.prefix.length;
      runs ??= createRuns(text, work);
      const span = entry.match(text, { at, after: i + 1 }, runs);
      if (span !== null && span.end > covered) {
        found.push({
          kind: span.kind,
          start: Math.max(span.start, covered),
          end: span.end,
          generic: span.generic ?? false,
        });
        covered = span.end;
      }
    }
  }
  work.steps += text.length;
  return found;
}

// A certain secret wins over a guess that overlaps it.
function merge(certain: readonly FoundSecret[], assigned: readonly FoundSecret[]): readonly FoundSecret[] {
  const merged: FoundSecret[] = [...certain];
  let at = 0;
  for (const candidate of assigned) {
    while ((certain[at]?.end ?? Infinity) <= candidate.start) at += 1;
    if ((certain[at]?.start ?? Infinity) >= candidate.end) merged.push(candidate);
  }
  return merged.toSorted((a, b) => a.start - b.start);
}

function tokenMatcher(format: CompiledFormat): Matcher {
  return (text, hit, runs) => {
    const span = matchToken(format, text, hit, runs);
    return span === null ? null : { ...span, kind: format.kind, generic: format.guess };
  };
}
