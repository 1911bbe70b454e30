// JSON from strangers. JSON.parse takes 100,000 levels, keeps the last of two equal keys, rounds long integers, turns
// 1e400 into infinity and lets through what Postgres cannot store. Whoever reads such a text otherwise than we do has
// approved something else than we execute, so all of it is refused here, with the place, before anybody decides.

export type GuardedJson =
  | { readonly kind: 'value'; readonly value: unknown }
  | (JsonRefusal & { readonly kind: 'refused' });

export interface JsonRefusal {
  /** One sentence. */
  readonly detail: string;
  /** JSON pointer (RFC 6901) to the place; empty for the whole text. */
  readonly pointer: string;
}

export const MAX_DEPTH = 64;

/** Parses a text that says one thing only; linear passes without recursion around JSON.parse. */
export function parseGuardedJson(text: string): GuardedJson {
  return parsePlain(text) ?? parseSlowly(text);
}

/**
 * The same for what nearly every text is: nothing in it could be read in two ways, and that is told at a glance.
 * Answers null whenever it is in doubt, so all that is ever refused is refused below, in one place.
 */
function parsePlain(text: string): GuardedJson | null {
  const names = countNames(text);
  if (names === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  // A name that occurs twice in one object is one key of it.
  return countKeys(value) === names ? { kind: 'value', value } : null;
}

/** Exported for the test that holds the two ways against each other. */
export function parseSlowly(text: string): GuardedJson {
  if (text.charCodeAt(0) === 0xfeff)
    return refuse('', 'The body begins with a byte order mark; send it without one (RFC 8259).');
  const tooDeepAt = findTooDeep(text);
  if (tooDeepAt !== null)
    return refuse('', `The JSON nests deeper than ${MAX_DEPTH} levels (at character ${tooDeepAt}).`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse(
      '',
      `The body is not JSON: ${error instanceof Error ? error.message : 'it cannot be parsed'}.`,
    );
  }
  return findAmbiguous(text) ?? { kind: 'value', value };
}

/** How many names the text has; null where something in it wants a closer look, and perhaps is no JSON at all. */
function countNames(text: string): number | null {
  // Escapes by number can spell every character in a second way, NUL and half a surrogate pair among them.
  if (text.includes('\\u') || text.includes('__proto__') || !text.isWellFormed()) return null;
  let names = 0;
  let depth = 0;
  for (let i = 0; i < text.length; i += 1) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) {
      const end = closingQuote(text, i);
      if (end === -1) return null;
      if (text.charCodeAt(end + 1) === COLON) {
        // An escaped letter would be a second way to write the same name.
        names += 1;
        if (hasBackslash(text, i + 1, end)) return null;
        i = end + 1;
      } else i = end;
    } else if (c === OPEN_OBJECT || c === OPEN_ARRAY) {
      depth += 1;
      if (depth > MAX_DEPTH) return null;
    } else if (c === CLOSE_OBJECT || c === CLOSE_ARRAY) depth -= 1;
    else if (c === COLON) return null;
    else if (c === MINUS || isDigit(c)) {
      const end = endOfNumber(text, i);
      if (end - i > EXACT_DIGITS || hasExponent(text, i, end)) return null;
      i = end - 1;
    }
  }
  return names;
}

/** Every decimal of so many characters is a finite double, and every integer of them an exact one. */
const EXACT_DIGITS = 15;

/** Searched for, not walked to: file contents are long. -1 where there is none. */
function closingQuote(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1) {
    let before = end - 1;
    while (before > start && text.charCodeAt(before) === BACKSLASH) before -= 1;
    if ((end - before) % 2 === 1) return end;
    end = text.indexOf('"', end + 1);
  }
  return -1;
}

function hasBackslash(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i += 1) if (text.charCodeAt(i) === BACKSLASH) return true;
  return false;
}

function hasExponent(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i += 1) {
    const c = text.charCodeAt(i);
    if (c === 69 || c === 101) return true;
  }
  return false;
}

/** Keys of all objects within a value that JSON.parse has made, which has no cycles. */
function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let keys = 0;
  const open: object[] = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (Array.isArray(next)) {
      for (const item of next) if (typeof item === 'object' && item !== null) open.push(item);
    } else {
      for (const item of Object.values(next)) {
        keys += 1;
        if (typeof item === 'object' && item !== null) open.push(item);
      }
    }
  }
  return keys;
}

/** Where the nesting passes the limit; brackets inside strings do not count. */
function findTooDeep(text: string): number | null {
  let depth = 0;
  for (let i = 0; i < text.length; i += 1) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) i = endOfString(text, i);
    else if (c === OPEN_OBJECT || c === OPEN_ARRAY) {
      depth += 1;
      if (depth > MAX_DEPTH) return i;
    } else if (c === CLOSE_OBJECT || c === CLOSE_ARRAY) depth -= 1;
  }
  return null;
}

interface Frame {
  /** Names seen so far; null for an array. */
  readonly names: Set<string> | null;
  name: string;
  index: number;
}

/** Walks over a text that is known to be JSON, name by name and value by value. */
function findAmbiguous(text: string): GuardedJson | null {
  const frames: Frame[] = [];
  let isNameNext = false;
  for (let i = 0; i < text.length; i += 1) {
    const frame = frames.at(-1);
    const c = text.charCodeAt(i);
    switch (c) {
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        frames.push({ names: c === OPEN_OBJECT ? new Set() : null, name: '', index: 0 });
        isNameNext = c === OPEN_OBJECT;
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        frames.pop();
        isNameNext = false;
        break;
      case COMMA:
        if (frame !== undefined) frame.index += 1;
        isNameNext = frame?.names != null;
        break;
      case QUOTE: {
        const end = endOfString(text, i);
        const content = decode(text, i, end);
        if (isNameNext && frame !== undefined) frame.name = content;
        const wrong = (isNameNext ? nameProblem(frame, content) : null) ?? textProblem(content);
        if (wrong !== null) return refuse(pointerTo(frames), wrong);
        isNameNext = false;
        i = end;
        break;
      }
      default:
        if (c === MINUS || isDigit(c)) {
          const end = endOfNumber(text, i);
          const wrong = numberProblem(text.slice(i, end));
          if (wrong !== null) return refuse(pointerTo(frames), wrong);
          i = end - 1;
        }
    }
  }
  return null;
}

function nameProblem(frame: Frame | undefined, name: string): string | null {
  if (name === '__proto__') return 'The key __proto__ is not allowed.';
  if (frame?.names?.has(name) === true)
    return 'The key occurs twice in one object; what is meant must be said once.';
  frame?.names?.add(name);
  return null;
}

function textProblem(content: string): string | null {
  if (!content.isWellFormed()) return 'The text has half a surrogate pair, which no UTF-8 can carry.';
  return content.includes('\0')
    ? 'The text has a NUL character (U+0000), which cannot be stored; send binary data as base64.'
    : null;
}

/** RFC 7493 (I-JSON): what a double cannot hold exactly belongs in a string. */
function numberProblem(token: string): string | null {
  const value = Number(token);
  if (!Number.isFinite(value)) return 'The number is too large for JSON (IEEE 754 double).';
  if (/[.eE]/.test(token) || Number.isSafeInteger(value)) return null;
  return 'The integer is beyond 2^53 and would be rounded; send it as a string.';
}

/** Index of the closing quote; the last character where there is none. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i += 1) {
    const c = text.charCodeAt(i);
    if (c === BACKSLASH) i += 1;
    else if (c === QUOTE) return i;
  }
  return text.length - 1;
}

function endOfNumber(text: string, start: number): number {
  let i = start;
  while (i < text.length && isOfNumber(text.charCodeAt(i))) i += 1;
  return i;
}

/** Only escapes make the text differ from what is meant. */
function decode(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end);
  return raw.includes('\\') ? String(JSON.parse(`"${raw}"`)) : raw;
}

function pointerTo(frames: readonly Frame[]): string {
  return frames
    .map(({ names, name, index }) => (names === null ? String(index) : escapePointer(name)))
    .map((part) => `/${part}`)
    .join('');
}

/** RFC 6901. */
export function escapePointer(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1');
}

function refuse(pointer: string, detail: string): GuardedJson {
  return { kind: 'refused', pointer: pointer.toWellFormed(), detail };
}

function isDigit(c: number): boolean {
  return c >= 48 && c <= 57;
}

function isOfNumber(c: number): boolean {
  return isDigit(c) || c === MINUS || c === 43 || c === 46 || c === 69 || c === 101;
}

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const MINUS = 45;
const OPEN_ARRAY = 91;
const BACKSLASH = 92;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;
