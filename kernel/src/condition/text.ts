// Text as CEL sees it: counted and ordered by code points, turned into UTF-8, matched in linear time. JavaScript
// counts UTF-16 units, which would call an emoji two characters and sort it before some of the letters it follows.
import { RE2JS } from '@bufbuild/re2';
import { excerpt } from './value.ts';

/** Longest pattern, so that compiling one that came with the data stays cheap. */
const MAX_PATTERN = 1000;

export function countCodePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length - 1; i++) {
    if (isHigh(text.charCodeAt(i)) && isLow(text.charCodeAt(i + 1))) {
      count--;
      i++;
    }
  }
  return count;
}

/** Negative, 0 or positive, by code points. */
export function compareText(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return inCodePointOrder(left) - inCodePointOrder(right);
  }
  return a.length - b.length;
}

/** Moves surrogates behind the other units: what they stand for lies above U+FFFF. */
function inCodePointOrder(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

/** UTF-8 of a text; a lone surrogate becomes U+FFFD, as everywhere on the web. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    appendUtf8(bytes, point >= 0xd800 && point < 0xe000 ? 0xfffd : point);
  }
  return Uint8Array.from(bytes);
}

export function appendUtf8(bytes: number[], point: number): void {
  if (point < 0x80) bytes.push(point);
  else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 63));
  else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
  else {
    bytes.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63));
    bytes.push(0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
  }
}

/** Text of UTF-8 bytes, or null where they are none (overlong forms and surrogates included). */
export function decodeUtf8(bytes: Uint8Array): string | null {
  const parts: string[] = [];
  for (let i = 0; i < bytes.length;) {
    const lead = bytes[i] ?? 0;
    const more = continuationBytes(lead);
    if (more < 0 || i + more >= bytes.length) return null;
    let point = more === 0 ? lead : lead & (0x3f >> more);
    for (let k = 1; k <= more; k++) {
      const next = bytes[i + k] ?? 0;
      if ((next & 0xc0) !== 0x80) return null;
      point = (point << 6) | (next & 63);
    }
    if (!isCodePoint(point) || point < (SMALLEST[more] ?? 0)) return null;
    parts.push(String.fromCodePoint(point));
    i += more + 1;
  }
  return parts.join('');
}

/** Smallest code point that needs so many continuation bytes. */
const SMALLEST: readonly number[] = [0, 0x80, 0x800, 0x10000];

function continuationBytes(lead: number): number {
  if (lead < 0x80) return 0;
  if (lead >= 0xc0 && lead < 0xe0) return 1;
  if (lead >= 0xe0 && lead < 0xf0) return 2;
  return lead >= 0xf0 && lead < 0xf8 ? 3 : -1;
}

/** Unicode scalar values: what a string can hold. */
export function isCodePoint(point: number): boolean {
  return point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
}

export type Pattern =
  | { readonly kind: 'pattern'; test(text: string): boolean }
  | { readonly kind: 'refused'; readonly message: string };

/** An RE2 pattern, which finds its match anywhere in the text, in time linear in it. */
export function compilePattern(source: string): Pattern {
  if (source.length > MAX_PATTERN) {
    return { kind: 'refused', message: `the pattern is longer than ${MAX_PATTERN} characters` };
  }
  try {
    const compiled = RE2JS.compile(source);
    return { kind: 'pattern', test: (text) => compiled.test(text) };
  } catch (error) {
    const message = error instanceof Error ? error.message : 'not understood';
    const reason = message.replace('error parsing regexp: ', '').replace(/: `.*$/s, '');
    return { kind: 'refused', message: `'${excerpt(source)}' is no RE2 pattern: ${excerpt(reason)}` };
  }
}
