// Secrets that only their name gives away: `heroku_api_key: 7f0c…`, `password = "…"`. With a known provider and
// shape the finding is certain; with a secret-looking name and a random-looking value it is a guess, which only warns.
import { createSigns, readAssignment } from './assignments-text.ts';
import { advance, compileAutomaton } from './automaton.ts';
import { wordsOf } from './leaves.ts';
import { NAMED_SECRET_FORMATS } from './secret-formats-named.ts';
import { parseBody } from './secret-format.ts';
import type { Part } from './secret-format.ts';
import { entropyOf, isPlaceholder, isStandIn, secretName, SECRET_STEMS } from './secret-names.ts';
import { createRuns, matchParts } from './token-match.ts';
import type { Span, Work } from './token-match.ts';

export interface Assigned extends Span {
  readonly kind: string;
  readonly generic: boolean;
}

interface Named {
  readonly kind: string;
  readonly parts: readonly Part[];
  /** Words of which all must stand in the name. */
  readonly words: readonly string[];
  readonly weak: boolean;
}

const MAX_VALUE = 512;
const NAMED: readonly Named[] = NAMED_SECRET_FORMATS.flatMap(({ kind, words, body, weak }) => {
  const parts = parseBody(body);
  return words.split('|').map((list) => ({ kind, parts, words: list.split(' '), weak: weak ?? false }));
});
// By their longest word: a name is asked for the few that could be meant, however many there are.
const NAMED_BY_WORD: ReadonlyMap<string, readonly Named[]> = Map.groupBy(NAMED, ({ words }) =>
  longest(words),
);
const SHORTEST_IN_PARTS = Math.min(
  ...NAMED.filter(({ parts }) => parts.length > 1).map(({ parts }) =>
    parts.reduce((sum, part) => sum + (part.kind === 'run' ? part.min : part.text.length), 0),
  ),
);
// A name without any of these says nothing: every suspicion starts from one of them.
const STEMS = compileAutomaton([
  ...SECRET_STEMS,
  ...NAMED.filter(({ words }) => !words.some((word) => SECRET_STEMS.includes(word))).map(({ words }) =>
    longest(words),
  ),
]);
const CREDENTIALS: ReadonlySet<string> = new Set(
  'key keys apikey token tokens secret secrets api auth access password passwd pass pwd pat pw credential credentials private bearer'.split(
    ' ',
  ),
);
// A name that ends so names a thing, not its key: `heroku_app_id`, `sentry_release`, `git_commit`.
const THINGS: ReadonlySet<string> = new Set(
  (
    'id ids uuid guid sha sha1 sha256 md5 hash digest checksum integrity fingerprint commit rev revision ref tag version etag ' +
    'url uri urls host hostname domain endpoint region zone name user username email mail path file filename dir bucket ' +
    'project org organization team workspace account channel board page slug title label type kind format size count number port ' +
    'color class icon image template release build branch repo repository env environment timeout sid message event trace span base table record view item list card app ' +
    'service site instance cluster node index database schema collection model status mode level date time'
  ).split(' '),
);
const TAILS = ['apikey', 'token', 'secret', 'key', 'api'];

/** Assignments in a text whose value is a secret by its name. Looks at a bounded number of characters around each sign. */
export function findAssignments(text: string, work: Work): readonly Assigned[] {
  const found: Assigned[] = [];
  work.steps += text.length;
  const nextSign = createSigns(text);
  for (let i = nextSign(0); i >= 0; i = nextSign(i + 1)) {
    const read = readAssignment(text, i, hasStem, work);
    if (read === null) {
      // No name ends before the second sign of `==`.
      while (text.charCodeAt(i) === EQUALS && text.charCodeAt(i + 1) === EQUALS) i += 1;
      continue;
    }
    const value = text.slice(read.start, read.end);
    // A name takes longer to read than a value takes to be none, and most are code such as `config.token`.
    const suspicion = isNoSecret(value) || !(read.isPlain || mayBeKnown(value)) ? null : suspect(read.name);
    const secret = suspicion === null ? null : confirm(suspicion, value);
    if (secret === null || (secret.generic && !read.isPlain)) continue;
    found.push({ ...secret, start: read.start, end: read.end });
    i = Math.max(i, read.end - 1);
  }
  return found;
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
  readonly known: readonly Named[];
  /** Providers that the name may only seem to mean, since they are called by a common word. */
  readonly perhaps: readonly Named[];
  readonly word: string | null;
}

/** The name first: it is short, and most names end the matter. */
export function suspect(name: string): Suspicion | null {
  if (!hasStem(name, 0, name.length)) return null;
  const words = wordsOf(name);
  const last = (words.at(-1) ?? '').replace(/\d{1,3}$/, '');
  const { known, perhaps } = THINGS.has(last) ? NOBODY : meantBy(words);
  // Redaction leaves `pass` alone, since it is as often what a test does; a value that looks like a password is told.
  const word = secretName(name, words) ?? (last === 'pass' ? 'pass' : null);
  return known.length + perhaps.length === 0 && word === null ? null : { known, perhaps, word };
}

const NOBODY = { known: [], perhaps: [] } as const;

function meantBy(words: readonly string[]): Pick<Suspicion, 'known' | 'perhaps'> {
  const terms = termsOf(words);
  const isCredential = [...terms].some((term) => CREDENTIALS.has(term));
  const known: Named[] = [];
  const perhaps: Named[] = [];
  for (const term of terms) {
    for (const named of NAMED_BY_WORD.get(term) ?? []) {
      if (!named.words.every((word) => terms.has(word))) continue;
      (named.weak && !isCredential ? perhaps : known).push(named);
    }
  }
  return { known, perhaps };
}

// Providers are written in one word or several (`new_relic`, `newRelic`), and with what the value is behind them
// (`herokuapikey`).
function termsOf(words: readonly string[]): ReadonlySet<string> {
  const terms = new Set<string>();
  const bounded = words.slice(-8);
  for (const [i, word] of bounded.entries()) {
    const joined = [
      word,
      word + (bounded[i + 1] ?? ''),
      word + (bounded[i + 1] ?? '') + (bounded[i + 2] ?? ''),
    ];
    for (const term of joined) {
      terms.add(term);
      const bare = withoutTail(term);
      terms.add(bare);
      terms.add(withoutTail(bare));
    }
  }
  return terms;
}

function withoutTail(term: string): string {
  const tail = TAILS.find((each) => term.length > each.length + 1 && term.endsWith(each));
  return tail === undefined ? term : term.slice(0, -tail.length);
}

function longest(words: readonly string[]): string {
  return words.toSorted((a, b) => b.length - a.length)[0] ?? '';
}

// Capitals of ASCII count as small ones, so that a name within a text need not be cut out to be asked.
function hasStem(text: string, start: number, end: number): boolean {
  let state = 0;
  for (let i = start; i < end; i += 1) {
    const code = text.charCodeAt(i);
    state = advance(STEMS, state, code >= CAPITAL_A && code <= CAPITAL_Z ? code + TO_SMALL : code);
    if (STEMS.isEnd[state] === 1) return true;
  }
  return false;
}

const EQUALS = 0x3d;
const CAPITAL_A = 0x41;
const CAPITAL_Z = 0x5a;
const TO_SMALL = 0x20;

/** Whether a value bears out what its name made one suspect. */
export function confirm(
  { known, perhaps, word }: Suspicion,
  value: string,
): { readonly kind: string; readonly generic: boolean } | null {
  if (isNoSecret(value)) return null;
  const exact = known.find(({ parts }) => isExactly(parts, value));
  if (exact !== undefined) return { kind: exact.kind, generic: false };
  if (word !== null && isLikely(word, value)) return { kind: word, generic: true };
  const guess = isManyKinds(value) ? perhaps.find(({ parts }) => isExactly(parts, value)) : undefined;
  return guess === undefined ? null : { kind: guess.kind, generic: true };
}

function isNoSecret(value: string): boolean {
  return value.length < 6 || value.length > MAX_VALUE || isPlaceholder(value);
}

// A hash is as long as many keys are, but of one case.
function isManyKinds(value: string): boolean {
  return value.length >= 16 && /\d/.test(value) && /[a-z]/.test(value) && /[A-Z]/.test(value);
}

// As cheap as can be, and never no for what `isExactly` takes.
function mayBeKnown(value: string): boolean {
  return value.length >= SHORTEST_IN_PARTS || looksMade(value);
}

// A value with a literal part or with several is told by those; one of letters and digits alone must also look random,
// or every word of the right length would do.
function isExactly(parts: readonly Part[], value: string): boolean {
  if (matchParts(parts, value, 0, createRuns(value, { steps: 0 })) !== value.length) return false;
  return parts.length > 1 || looksMade(value);
}

// `my-service-account-2-in-frankfurt` is as long as many keys are.
function isWordy(value: string): boolean {
  const pieces = value.split(/[-_.=]/);
  return (
    pieces.length >= 3 &&
    pieces.filter((piece) => /^[A-Z]?[a-z]{2,}$/.test(piece)).length * 2 >= pieces.length
  );
}

/**
 * Whether a value was made by a machine. One digit will do where the shape is known; without any, letters must change
 * between small and capital more often than in a name of several words.
 */
export function looksMade(value: string): boolean {
  return isMixed(value) && !isWordy(value) && entropyOf(value) >= 2.75;
}

function isMixed(value: string): boolean {
  if (!/[A-Za-z]/.test(value)) return false;
  if (/\d/.test(value)) return true;
  return (
    value.length >= 20 && (value.match(/[a-z](?=[A-Z])|[A-Z](?=[a-z])/g) ?? []).length >= value.length * 0.34
  );
}

function isLikely(word: string, value: string): boolean {
  if (/\s/.test(value) || isStandIn(value)) return false;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((kind) => kind.test(value)).length;
  // A password may be short; a token or a key is long.
  if (/^pass|^pwd|pass$|passwd$/.test(word))
    return value.length >= 8 && kinds >= 2 && /[^A-Za-z]/.test(value) && entropyOf(value) >= 2.5;
  const isVaried = /\d/.test(value) || new Set(value.match(/[^\w.\s/:-]/g)).size >= 3;
  return value.length >= 12 && isVaried && /[A-Za-z]/.test(value) && entropyOf(value) >= 3;
}
