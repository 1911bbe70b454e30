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

/** Parses a text that says one thing only; two linear passes without recursion around JSON.parse. */
export function parseGuardedJson(text: string): GuardedJson {
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
const MINUS = 45;
const OPEN_ARRAY = 91;
const BACKSLASH = 92;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;
