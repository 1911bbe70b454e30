// Source text into tokens. Positions are kept for every one of them, because an author is helped by the place of a
// mistake more than by its name.
import { decodeBytes, decodeText, type Decoded } from './escape.ts';
import type { ConditionProblem } from './syntax.ts';
import { excerpt } from './value.ts';

export type Token =
  | { readonly kind: 'name' | 'quoted' | 'mark'; readonly text: string; readonly offset: number }
  | { readonly kind: 'int' | 'uint' | 'double'; readonly text: string; readonly offset: number }
  | { readonly kind: 'string'; readonly text: string; readonly offset: number }
  | { readonly kind: 'bytes'; readonly text: string; readonly bytes: Uint8Array; readonly offset: number }
  | { readonly kind: 'end'; readonly text: ''; readonly offset: number };

export type Tokens =
  | { readonly kind: 'tokens'; readonly tokens: readonly Token[] }
  | { readonly kind: 'refused'; readonly problem: ConditionProblem };

const BLANK = /[\t\n\f\r ]+|\/\/[^\n]*/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const QUOTED = /`([A-Za-z0-9_./ -]+)`/y;
const NUMBER =
  /0[xX][0-9a-fA-F]+[uU]?|(?:[0-9]*\.[0-9]+|[0-9]+(?=[eE][+-]?[0-9]))(?:[eE][+-]?[0-9]+)?|[0-9]+[uU]?/y;
const MARK = /&&|\|\||[=!<>]=|[-+*/%!<>?:.,()[\]{}]/y;
const STRING_START = /([rR]?[bB]?|[bB][rR])("""|'''|"|')/y;

export function tokenize(source: string): Tokens {
  const tokens: Token[] = [];
  let position = 0;
  for (;;) {
    position = skipBlank(source, position);
    if (position >= source.length) break;
    const read = readString(source, position) ?? readPlain(source, position);
    if (read.kind === 'refused') return read;
    tokens.push(read.token);
    position = read.next;
  }
  tokens.push({ kind: 'end', text: '', offset: source.length });
  return { kind: 'tokens', tokens };
}

type Read = { readonly kind: 'read'; readonly token: Token; readonly next: number } | Refused;
type Refused = { readonly kind: 'refused'; readonly problem: ConditionProblem };

function refuse(message: string, offset: number): Refused {
  return { kind: 'refused', problem: { message, offset } };
}

function skipBlank(source: string, from: number): number {
  let position = from;
  for (
    let blank = matchAt(BLANK, source, position);
    blank !== null;
    blank = matchAt(BLANK, source, position)
  ) {
    position += blank[0].length;
  }
  return position;
}

function readPlain(source: string, offset: number): Read {
  const name = matchAt(NAME, source, offset);
  if (name !== null)
    return { kind: 'read', token: { kind: 'name', text: name[0], offset }, next: offset + name[0].length };
  const number = matchAt(NUMBER, source, offset);
  if (number !== null) return readNumber(source, number[0], offset);
  const quoted = matchAt(QUOTED, source, offset);
  if (quoted !== null) {
    const text = quoted[1] ?? '';
    return { kind: 'read', token: { kind: 'quoted', text, offset }, next: offset + quoted[0].length };
  }
  const mark = matchAt(MARK, source, offset);
  if (mark !== null)
    return { kind: 'read', token: { kind: 'mark', text: mark[0], offset }, next: offset + mark[0].length };
  return refuse(
    `'${String.fromCodePoint(source.codePointAt(offset) ?? 0)}' does not belong here${hintFor(source[offset])}`,
    offset,
  );
}

function hintFor(character: string | undefined): string {
  if (character === '=') return ": write '==' to compare";
  if (character === '&' || character === '|') return `: write '${character}${character}'`;
  return '';
}

function readNumber(source: string, text: string, offset: number): Read {
  const next = offset + text.length;
  if (matchAt(NAME, source, next) !== null)
    return refuse(`'${excerpt(text + (source[next] ?? ''))}' is no number`, offset);
  const isHex = /^0[xX]/.test(text);
  if (/[uU]$/.test(text))
    return { kind: 'read', token: { kind: 'uint', text: text.slice(0, -1), offset }, next };
  return {
    kind: 'read',
    token: { kind: !isHex && /[.eE]/.test(text) ? 'double' : 'int', text, offset },
    next,
  };
}

function readString(source: string, offset: number): Read | null {
  const start = matchAt(STRING_START, source, offset);
  if (start === null) return null;
  const prefix = (start[1] ?? '').toLowerCase();
  const quote = start[2] ?? '';
  const raw = prefix.includes('r');
  const from = offset + start[0].length;
  const end = findEnd(source, from, quote, raw);
  if (end < 0) return refuse(`the string that starts here is not closed with ${quote}`, offset);
  const content = source.slice(from, end).replaceAll('\r\n', '\n');
  const decoded: Decoded = prefix.includes('b') ? decodeBytes(content, raw) : decodeText(content, raw);
  if (decoded.kind === 'refused') return refuse(decoded.message, from + decoded.at);
  const token: Token =
    decoded.kind === 'bytes'
      ? { kind: 'bytes', text: 'bytes', bytes: decoded.bytes, offset }
      : { kind: 'string', text: decoded.text, offset };
  return { kind: 'read', token, next: end + quote.length };
}

/** Where the closing quote stands, or -1. Only triple quotes span lines. */
function findEnd(source: string, from: number, quote: string, raw: boolean): number {
  for (let i = from; i < source.length; i++) {
    if (source.startsWith(quote, i)) return i;
    if (source[i] === '\\' && !raw) i++;
    else if (quote.length === 1 && (source[i] === '\n' || source[i] === '\r')) return -1;
  }
  return -1;
}

function matchAt(pattern: RegExp, source: string, offset: number): RegExpExecArray | null {
  pattern.lastIndex = offset;
  return pattern.exec(source);
}
