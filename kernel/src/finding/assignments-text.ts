// Reads assignments as people write them: in code of any language, in configuration, in JSON, YAML and XML. Each look
// at the text is bounded, so that a text made of nothing but signs costs no more than any other.
import { isIn } from './token-match.ts';
import type { Span, Work } from './token-match.ts';

export interface Assignment extends Span {
  readonly name: string;
  /** Written so that a guess by the look of the value is worth having; not so for code such as `token = config.token`. */
  readonly isPlain: boolean;
}

const MAX_NAME = 64;
const MAX_VALUE = 512;

/**
 * Places at which a value may be assigned, from a place on: `=`, `:`, a closing tag, a quote before a comma or behind a
 * bracket; -1 where there is none.
 */
export function createSigns(text: string): (from: number) => number {
  const none = text.length;
  const search = (sign: string, from: number): number => {
    const at = text.indexOf(sign, from);
    return at < 0 ? none : at;
  };
  // Lists of names and values have no brackets; in code, where there are many commas, none of them needs a look.
  const isList = !text.includes('(');
  let equals = -1;
  let colon = -1;
  let tag = -1;
  let double = -1;
  let single = -1;
  let comma = isList ? -1 : none;
  let rare = -1;
  // Each sign is searched for once: what was found stays until it is passed.
  return (from) => {
    if (equals < from) equals = search('=', from);
    if (colon < from) colon = search(':', from);
    if (rare < from) {
      if (tag < from) tag = search('</', from);
      if (double < from) double = quoteSign(text, '"', from);
      if (single < from) single = quoteSign(text, "'", from);
      if (comma < from) comma = search(',', from);
      rare = Math.min(tag, double, single, comma);
    }
    const nearest = Math.min(equals, colon, rare);
    return nearest === none ? -1 : nearest;
  };
}

// One search for each quote: it is a sign before a comma, and so is a bracket before it.
function quoteSign(text: string, quote: string, from: number): number {
  for (let at = text.indexOf(quote, from); at >= 0; at = text.indexOf(quote, at + 1)) {
    if (at > from && text.charCodeAt(at - 1) === BRACKET) return at - 1;
    if (text.charCodeAt(at + 1) === COMMA) return at;
  }
  return text.length;
}

const LESS = 0x3c;
const BRACKET = 0x28;
const COMMA = 0x2c;

/** The assignment at a sign, or null where there is none or its name has no stem. `hasStem` is asked for a part of the text. */
export function readAssignment(
  text: string,
  sign: number,
  hasStem: (text: string, start: number, end: number) => boolean,
  work: Work,
): Assignment | null {
  const code = text.charCodeAt(sign);
  if (code === LESS) return readElement(text, sign, hasStem, work);
  const isQuoted = isQuote(code);
  const behind = isQuoted ? sign + 2 : sign + 1;
  // A name in front, a value behind: most are short words of code, and a few characters of them end the matter.
  if (!isNamed(text, sign) || !isPromising(text, behind, work)) return null;
  if ((isQuoted || code === COMMA) && !isListed(text, sign, isQuoted)) return null;
  const name = nameBefore(text, sign, work);
  if (name === null) return null;
  // In `'/etc/passwd', 'x'` the name is only the end of a text.
  if (isQuoted && !isQuote(text.charCodeAt(name.start - 1))) return null;
  const stands = hasStem(text, name.start, name.end);
  const other = stands ? null : otherName(text, name, hasStem, work);
  if (!stands && other === null) return null;
  const value = valueAfter(text, behind, work);
  if (value === null) return null;
  const full = other ?? widened(text, name);
  return { ...value, name: full, isPlain: value.isPlain && (code !== BRACKET || /^set/i.test(full)) };
}

const FEWEST = 6;
const LONG = 20;
const GLANCE = 32;

// Six characters of a value or more, and among the first of them one that is no letter, unless it is longer than a word;
// no blank in a quoted one.
function isPromising(text: string, from: number, work: Work): boolean {
  const start = valueStart(text, from);
  const opening = text.charCodeAt(start);
  const isQuoted = isQuote(opening);
  const first = isQuoted ? start + 1 : start;
  const last = Math.min(text.length, first + GLANCE);
  let isMixed = false;
  let at = first;
  for (; at < last; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 128) break;
    const kind = GLANCES[code] ?? 0;
    if (kind === LETTER) continue;
    if (kind === BLANK) {
      work.steps += at - from;
      return !isQuoted && at - first >= FEWEST && isMixed;
    }
    if (kind === END ? !isQuoted || code === opening : kind === QUOTED_ONLY && !isQuoted) break;
    isMixed = true;
  }
  work.steps += at - from;
  return at - first >= (isMixed ? FEWEST : LONG);
}

const LETTER = 1;
const BLANK = 2;
const END = 3;
const QUOTED_ONLY = 4;
// What ends a value, by character: blanks and quotes always, the signs of code where it is not quoted.
const GLANCES = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code);
  if (/[A-Za-z]/.test(char)) return LETTER;
  if (/\s/.test(char)) return BLANK;
  if ('"\'`'.includes(char)) return END;
  return ',;&()[]{}<>'.includes(char) ? QUOTED_ONLY : 0;
});

// `define('DB_PASSWORD', '…')` and `name,value` without a blank; anything else with a comma is a list.
function isListed(text: string, sign: number, isQuoted: boolean): boolean {
  if (isQuoted) return isQuote(text.charCodeAt(valueStart(text, sign + 2)));
  return isIn('w', text.charCodeAt(sign - 1)) && isIn('a', text.charCodeAt(sign + 1));
}

function isQuote(code: number): boolean {
  return code === 0x22 || code === 0x27 || code === 0x60;
}

// `<DbPassword>…</DbPassword>`: the closing tag says the name, whatever attributes the opening one has.
function readElement(
  text: string,
  sign: number,
  hasStem: (text: string, start: number, end: number) => boolean,
  work: Work,
): Assignment | null {
  let nameEnd = sign + 2;
  while (nameEnd - sign < MAX_NAME && isNameCode(text.charCodeAt(nameEnd))) nameEnd += 1;
  work.steps += nameEnd - sign;
  if (!hasStem(text, sign + 2, nameEnd)) return null;
  let end = sign;
  while (end > 0 && sign - end < 32 && isBlank(text.charCodeAt(end - 1))) end -= 1;
  let start = end;
  while (start > 0 && end - start <= MAX_VALUE && text[start - 1] !== '>' && text[start - 1] !== '<')
    start -= 1;
  if (text[start - 1] !== '>') return null;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  work.steps += sign - start;
  return { name: text.slice(sign + 2, nameEnd), start, end, isPlain: true };
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}

// Whether `nameBefore` finds one: half of the signs of a program belong to `===`, `=>`, `<=` or the like.
function isNamed(text: string, sign: number): boolean {
  let end = sign;
  while (end > 0 && sign - end < 5 && isBetween(text.charCodeAt(end - 1))) end -= 1;
  return end > 0 && isNameCode(text.charCodeAt(end - 1));
}

/** The name before a sign, which is ASCII. */
function nameBefore(text: string, sign: number, work: Work): Span | null {
  let end = sign;
  while (end > 0 && sign - end < 5 && isBetween(text.charCodeAt(end - 1))) end -= 1;
  // The dot of `.=` belongs to the sign.
  if (end === sign && text.charCodeAt(end - 1) === DOT) {
    end -= 1;
    while (end > 0 && sign - end < 5 && isBetween(text.charCodeAt(end - 1))) end -= 1;
  }
  let start = end;
  while (start > 0 && end - start < MAX_NAME && isNameCode(text.charCodeAt(start - 1))) start -= 1;
  work.steps += sign - start;
  return start === end ? null : { start, end };
}

const DOT = 0x2e;

/** What may stand between a name and its sign: a blank, a quote, a bracket, an escape, the rest of an operator. */
function isBetween(code: number): boolean {
  return code < 128 && BETWEEN[code] === 1;
}

const BETWEEN = markOf(' \t"\'`[]\\?!+|:');

function isNameCode(code: number): boolean {
  return isIn('b', code) || code === DOT;
}

const TYPES: ReadonlySet<string> = new Set(['string', 'str', 'String', 'SecretStr']);
const VALUES: ReadonlySet<string> = new Set(['value', 'Value', 'VALUE']);

// `var token string = "…"` has the name before the type; `name: TOKEN, value: …` has it in the entry before.
function otherName(
  text: string,
  name: Span,
  hasStem: (text: string, start: number, end: number) => boolean,
  work: Work,
): string | null {
  const first = text.charCodeAt(name.start) | 0x20;
  if ((first !== SMALL_S && first !== SMALL_V) || name.end - name.start > 9) return null;
  const word = text.slice(name.start, name.end);
  if (TYPES.has(word)) {
    const before = nameBefore(text, name.start, work);
    if (before === null || !hasStem(text, before.start, before.end)) return null;
    return text.slice(before.start, before.end);
  }
  if (!VALUES.has(word)) return null;
  const entry = text.slice(Math.max(0, name.start - 96), name.start);
  work.steps += entry.length;
  const named = /(?:name|key|id)["']?\s{0,4}[:=]\s{0,4}["']?([\w.-]{2,64})["']?[\s,;]{0,40}["'-]?$/i.exec(
    entry,
  );
  return named?.[1] !== undefined && hasStem(named[1], 0, named[1].length) ? named[1] : null;
}

const SMALL_S = 0x73;
const SMALL_V = 0x76;

// `AWS secret access key: …`: words that blanks part belong together, as far as three of them.
function widened(text: string, { start, end }: Span): string {
  let from = start;
  for (let words = 0; words < 3 && text.charCodeAt(from - 1) === 0x20; words += 1) {
    let at = from - 1;
    while (at > 0 && from - at < 24 && isIn('w', text.charCodeAt(at - 1))) at -= 1;
    if (at === from - 1) break;
    from = at;
  }
  return text.slice(from, end);
}

function valueAfter(text: string, from: number, work: Work): (Span & { readonly isPlain: boolean }) | null {
  let start = valueStart(text, from);
  const quote = '"\'`'.includes(text[start] ?? ' ') ? text[start] : undefined;
  if (quote !== undefined) start += 1;
  let end = start;
  while (end < text.length && end - start <= MAX_VALUE && !endsValue(text, end, quote)) end += 1;
  work.steps += end - from;
  if (end - start > MAX_VALUE) return null;
  // `token = read(…)` and `token = config.token` are code, not secrets.
  if (quote === undefined && '([{'.includes(text[end] ?? ' ')) return null;
  return { start, end, isPlain: quote !== undefined || !isReference(text.slice(start, end)) };
}

// Behind the rest of the operator, blanks, an escape.
function valueStart(text: string, from: number): number {
  let start = from;
  while (start - from < 3 && OPERATOR[text.charCodeAt(start)] === 1) start += 1;
  while (start - from < 12 && PADDING[text.charCodeAt(start)] === 1) start += 1;
  return blockStart(text, start);
}

const OPERATOR = markOf('=:>');
const PADDING = markOf(' \t\\@');

function markOf(chars: string): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => (chars.includes(String.fromCharCode(code)) ? 1 : 0));
}

// YAML writes a text on the next line after `|` or `>`.
function blockStart(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code !== BAR && code !== MORE) return at;
  const block = /^[|>][+-]?\r?\n[ \t]{1,32}/.exec(text.slice(at, at + 40));
  return block === null ? at : at + block[0].length;
}

const BAR = 0x7c;
const MORE = 0x3e;

function endsValue(text: string, at: number, quote: string | undefined): boolean {
  const char = text[at] ?? '';
  if (quote !== undefined)
    return char === quote || char === '\n' || (char === '\\' && text[at + 1] === quote);
  return ' \t\r\n"\'`,;&()[]{}<>'.includes(char);
}

function isReference(value: string): boolean {
  // Bundlers tell names apart by a number behind a dollar sign.
  return /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+$|^[A-Za-z_]\w*\$\d{1,3}$/.test(value);
}
