// Secrets that only their name gives away: `heroku_api_key: 7f0c…`, `password = "…"`. With a known provider and
// shape the finding is certain; with a secret-looking name and a random-looking value it is a guess, which only warns.
import { NAMED_SECRET_FORMATS } from './secret-formats.ts';
import { parseBody } from './secret-format.ts';
import type { Part } from './secret-format.ts';
import { wordsOf } from './leaves.ts';
import { advance, compileAutomaton } from './automaton.ts';
import { entropyOf, isPlaceholder, secretName, SECRET_STEMS } from './secret-names.ts';
import { createRuns, isIn, matchParts } from './token-match.ts';
import type { Span, Work } from './token-match.ts';

export interface Assigned extends Span {
  readonly kind: string;
  readonly generic: boolean;
}

const MAX_NAME = 64;
const MAX_VALUE = 512;
const NAMED = NAMED_SECRET_FORMATS.map(({ kind, words, body }) => ({
  kind,
  alternatives: words.split('|').map((list) => list.split(' ')),
  parts: parseBody(body) satisfies readonly Part[],
}));

// A name without any of these says nothing: every suspicion starts from one of them.
const STEMS = compileAutomaton([
  ...SECRET_STEMS,
  ...NAMED.flatMap(({ alternatives }) => alternatives.flatMap(([first]) => first ?? [])),
]);

/** Assignments in a text whose value is a secret by its name. Looks at most at 64 characters before and 512 behind a sign. */
export function findAssignments(text: string, work: Work): readonly Assigned[] {
  const found: Assigned[] = [];
  work.steps += text.length;
  const signs = createSigns(text);
  for (let i = signs.from(0); i >= 0; i = signs.from(i + 1)) {
    const name = nameBefore(text, i, work);
    const suspicion = name === '' ? null : suspect(name);
    const value = suspicion === null ? null : valueAfter(text, i + 1, work);
    if (suspicion === null || value === null) continue;
    const secret = confirm(suspicion, text.slice(value.start, value.end));
    if (secret !== null) {
      found.push({ ...secret, start: value.start, end: value.end });
      i = value.end - 1;
    }
  }
  return found;
}

// Where the next `=` or `:` stands; -1 behind the last one. Each is searched for once.
function createSigns(text: string): { readonly from: (at: number) => number } {
  let equals = text.indexOf('=');
  let colon = text.indexOf(':');
  return {
    from(at) {
      if (equals >= 0 && equals < at) equals = text.indexOf('=', at);
      if (colon >= 0 && colon < at) colon = text.indexOf(':', at);
      if (equals < 0) return colon;
      return colon < 0 ? equals : Math.min(equals, colon);
    },
  };
}

/** What a value is by its name alone: a known secret, a likely one (`generic`), or null. */
export function judge(
  name: string,
  value: string,
): { readonly kind: string; readonly generic: boolean } | null {
  const suspicion = suspect(name);
  return suspicion === null ? null : confirm(suspicion, value);
}

/** What a name alone makes one suspect. */
export interface Suspicion {
  readonly known: typeof NAMED;
  readonly word: string | null;
}

/** The name first: it is short, and most names end the matter. */
export function suspect(name: string): Suspicion | null {
  if (!hasStem(name.toLowerCase())) return null;
  const words = wordsOf(name);
  const known = NAMED.filter(({ alternatives }) =>
    alternatives.some((list) => list.every((word) => words.includes(word))),
  );
  const word = secretName(name);
  return known.length === 0 && word === null ? null : { known, word };
}

function hasStem(name: string): boolean {
  let state = 0;
  for (let i = 0; i < name.length; i += 1) {
    state = advance(STEMS, state, name.charCodeAt(i));
    if (STEMS.isEnd[state] === 1) return true;
  }
  return false;
}

/** Whether a value bears out what its name made one suspect. */
export function confirm(
  { known, word }: Suspicion,
  value: string,
): { readonly kind: string; readonly generic: boolean } | null {
  if (value.length < 6 || value.length > MAX_VALUE || isPlaceholder(value)) return null;
  const exact = known.find(({ parts }) => isExactly(parts, value));
  if (exact !== undefined) return { kind: exact.kind, generic: false };
  return word !== null && isLikely(word, value) ? { kind: word, generic: true } : null;
}

function isExactly(parts: readonly Part[], value: string): boolean {
  return matchParts(parts, value, 0, createRuns(value, { steps: 0 })) === value.length;
}

function isLikely(word: string, value: string): boolean {
  if (/\s/.test(value)) return false;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((kind) => kind.test(value)).length;
  // A password may be short; a token or a key is long.
  if (/^pass|^pwd/.test(word))
    return value.length >= 8 && kinds >= 2 && /[^A-Za-z]/.test(value) && entropyOf(value) >= 2.5;
  return value.length >= 12 && /\d/.test(value) && /[A-Za-z]/.test(value) && entropyOf(value) >= 3;
}

function nameBefore(text: string, sign: number, work: Work): string {
  let end = sign;
  while (end > 0 && sign - end < 4 && ' \t"\'`]\\?'.includes(text[end - 1] ?? '')) end -= 1;
  let start = end;
  while (start > 0 && end - start < MAX_NAME && isNameCode(text.charCodeAt(start - 1))) start -= 1;
  work.steps += sign - start;
  return text.slice(start, end);
}

function isNameCode(code: number): boolean {
  return isIn('b', code) || code === 0x2e;
}

function valueAfter(text: string, from: number, work: Work): Span | null {
  let start = from;
  while (start < text.length && start - from < 3 && '=:>'.includes(text[start] ?? ' ')) start += 1;
  while (start < text.length && start - from < 8 && ' \t\\'.includes(text[start] ?? 'x')) start += 1;
  const quote = '"\'`'.includes(text[start] ?? ' ') ? text[start] : undefined;
  if (quote !== undefined) start += 1;
  let end = start;
  while (end < text.length && end - start <= MAX_VALUE && !endsValue(text, end, quote)) end += 1;
  work.steps += end - from;
  if (end - start > MAX_VALUE) return null;
  // `token = read(…)` and `token = config.token` are code, not secrets.
  if (quote === undefined && ('([{'.includes(text[end] ?? ' ') || isReference(text.slice(start, end))))
    return null;
  return { start, end };
}

function endsValue(text: string, at: number, quote: string | undefined): boolean {
  const char = text[at] ?? '';
  if (quote !== undefined)
    return char === quote || char === '\n' || (char === '\\' && text[at + 1] === quote);
  return ' \t\r\n"\'`,;&()[]{}<>'.includes(char);
}

function isReference(value: string): boolean {
  return /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+$/.test(value);
}
