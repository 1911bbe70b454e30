// Finds secrets in text. A secret that has reached a parameter has already left the agent; what can still be done is
// to keep it from going further, so a known format is critical, and a look-alike assignment is only a warning.
import { findAssignments } from './assignments.ts';
import { advance, compileAutomaton, nextStart } from './automaton.ts';
import { NAMED_SECRET_FORMATS, SECRET_FORMATS } from './secret-formats.ts';
import { isPlaceholder } from './secret-names.ts';
import { compileFormat, createRuns, isIn, matchToken } from './token-match.ts';
import type { CompiledFormat, Runs, Span, Work } from './token-match.ts';

export interface FoundSecret extends Span {
  /** Kind of the format (`github_pat`), or the secret-looking name (`password`) where `generic`. */
  readonly kind: string;
  /** Only its name and its look speak for it: warns, never blocks. */
  readonly generic: boolean;
}

interface Hit {
  readonly at: number;
  readonly after: number;
}
type Matcher = (text: string, hit: Hit, runs: Runs) => (Span & { readonly kind: string }) | null;
interface Entry {
  readonly prefix: string;
  readonly match: Matcher;
}

const ENTRIES: readonly Entry[] = [
  ...SECRET_FORMATS.flatMap((format) => {
    const compiled = compileFormat(format);
    return format.prefixes.map((prefix): Entry => ({ prefix, match: tokenMatcher(compiled) }));
  }),
  { prefix: '-----BEGIN ', match: matchPem },
  { prefix: '---- BEGIN SSH2 ENCRYPTED PRIVATE KEY', match: (text, { at }) => toEnd(text, at) },
  { prefix: 'PuTTY-User-Key-File-', match: (text, { at }) => toEnd(text, at) },
  { prefix: '://', match: matchUrlPassword },
];
const AUTOMATON = compileAutomaton(ENTRIES.map(({ prefix }) => prefix));
const TITLES: ReadonlyMap<string, string> = new Map([
  ...[...SECRET_FORMATS, ...NAMED_SECRET_FORMATS].map(
    ({ kind, provider, name }) => [kind, `${provider} ${name}`] as const,
  ),
  ['private_key', 'private key'],
  ['url_password', 'password in a URL'],
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
  const runs = createRuns(text, work);
  const found: FoundSecret[] = [];
  let state = 0;
  let covered = 0;
  for (let i = nextStart(AUTOMATON, text, 0); i < text.length; i += 1) {
    if (state === 0) i = nextStart(AUTOMATON, text, i);
    state = advance(AUTOMATON, state, text.charCodeAt(i));
    if (AUTOMATON.isEnd[state] === 0) continue;
    for (const index of AUTOMATON.ends[state] ?? []) {
      const entry = ENTRIES[index];
      const at = i + 1 - (entry?.prefix.length ?? 0);
      if (entry === undefined || at < covered) continue;
      work.steps += entry.prefix.length;
      const span = entry.match(text, { at, after: i + 1 }, runs);
      if (span !== null && span.end > covered) {
        found.push({ kind: span.kind, start: Math.max(span.start, covered), end: span.end, generic: false });
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
    return span === null ? null : { ...span, kind: format.kind };
  };
}

// RFC 7468: from BEGIN to END. Without an END the rest of the text is the key.
function matchPem(text: string, { at, after }: Hit, runs: Runs): (Span & { readonly kind: string }) | null {
  const header = text.slice(after, after + 80);
  const label = /^[A-Z0-9 ]{0,60}?PRIVATE KEY(?: BLOCK)?-----/.exec(header);
  if (label === null) return null;
  const foot = text.indexOf('-----END', after);
  runs.spend((foot < 0 ? text.length : foot) - after);
  if (foot < 0) return toEnd(text, at);
  const close = text.slice(foot + 8, foot + 96).indexOf('-----');
  return { start: at, end: close < 0 ? foot + 8 : foot + 13 + close, kind: 'private_key' };
}

function toEnd(text: string, at: number): Span & { readonly kind: string } {
  return { start: at, end: text.length, kind: 'private_key' };
}

// RFC 3986, section 3.2.1: scheme://user:password@host. Only the password is the secret.
function matchUrlPassword(
  text: string,
  { at, after }: Hit,
  runs: Runs,
): (Span & { readonly kind: string }) | null {
  if (at === 0 || !isIn('a', text.charCodeAt(at - 1))) return null;
  const end = userInfoEnd(text, after, runs);
  if (end === null) return null;
  const colon = text.slice(after, end).indexOf(':');
  if (colon < 0) return null;
  const start = after + colon + 1;
  const password = text.slice(start, end);
  return password === '' || isPlaceholder(password) ? null : { start, end, kind: 'url_password' };
}

// The last @ before the host: a password may hold one, unencoded, and clients accept it.
function userInfoEnd(text: string, from: number, runs: Runs): number | null {
  const authority = text.slice(from, Math.min(runs.end('v', from), from + 512)).split('/', 1)[0] ?? '';
  const sign = authority.lastIndexOf('@');
  return sign < 0 ? null : from + sign;
}
