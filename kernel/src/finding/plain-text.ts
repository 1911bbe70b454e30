// A path or a branch can be written in a hundred ways that mean one file: encoded, full-width, with letters of other
// scripts, with invisible characters between. Everything is brought to one plain form before it is compared.
import { ASCII_BY_LOOK_ALIKE } from './confusables.ts';

const ROUNDS = 8;
const PERCENT = 0x25;
// Format characters, variation selectors, fillers: what takes no space on the screen.
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
// oxlint-disable-next-line no-control-regex -- the range is the point: everything outside ASCII needs the long way
const PLAIN_ASCII = /^[\u0000-\u007f]*$/;

/**
 * The form in which names are compared: percent-decoded to the end, NFKC, without invisible characters, in lower
 * case, look-alikes as ASCII (UTS #39), and `0 1 | i` as `o l l l`, one character for one character.
 * For comparison only, never for display. null: still changing after 8 rounds, which nobody writes in good faith.
 */
export function plainText(raw: string): string | null {
  // Without an escape there is nothing to decode, and folding ASCII twice changes nothing.
  if (!raw.includes('%') && PLAIN_ASCII.test(raw)) return fold(raw);
  let text = raw;
  for (let round = 0; round < ROUNDS; round += 1) {
    const next = fold(decode(text));
    if (next === text) return text;
    text = next;
  }
  return null;
}

function decode(text: string): string {
  const decoded = decodePercent(text);
  return PLAIN_ASCII.test(decoded) ? decoded : decoded.normalize('NFKC').replace(INVISIBLE, '');
}

function fold(text: string): string {
  if (PLAIN_ASCII.test(text)) return foldText(text);
  let out = '';
  for (const char of text) out += foldChar(char);
  return out;
}

/** `plainText` for ASCII without a percent sign. */
export function foldText(text: string): string {
  const lower = text.toLowerCase();
  let out = '';
  let from = 0;
  for (let at = 0; at < lower.length; at += 1) {
    const code = lower.charCodeAt(at);
    if (code !== ZERO && code !== ONE && code !== BAR && code !== SMALL_I) continue;
    out += lower.slice(from, at) + (code === ZERO ? 'o' : 'l');
    from = at + 1;
  }
  return from === 0 ? lower : out + lower.slice(from);
}

const ZERO = 0x30;
const ONE = 0x31;
const BAR = 0x7c;
const SMALL_I = 0x69;

function foldChar(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x80) return foldAscii(char.toLowerCase());
  // Lower case first: UTS #39 reads a capital Cyrillic I as an l, but file systems fold it to the letter i.
  const lower = char.toLowerCase();
  const ascii =
    ASCII_BY_LOOK_ALIKE.get(lower.codePointAt(0) ?? 0) ??
    ASCII_BY_LOOK_ALIKE.get(code) ??
    ASCII_BY_LOOK_ALIKE.get(char.toUpperCase().codePointAt(0) ?? 0);
  if (ascii !== undefined) return foldAscii(ascii);
  // A dotted capital I falls apart into i and a combining dot; the dot must not save the name from being an i.
  return lower === 'i\u0307' ? 'l' : lower;
}

function foldAscii(char: string): string {
  if (char === '1' || char === '|' || char === 'i') return 'l';
  return char === '0' ? 'o' : char;
}

// One pass with a stack: a decoded character is looked at again together with what stands before it, so `%25252e`
// is a dot after one pass however deep the encoding is, in linear time.
function decodePercent(text: string): string {
  if (!text.includes('%')) return text;
  const units: number[] = [];
  for (let i = 0; i < text.length; i += 1) {
    units.push(text.charCodeAt(i));
    collapse(units);
  }
  return assemble(units);
}

function collapse(units: number[]): void {
  while (units.length >= 3 && units.at(-3) === PERCENT) {
    const high = hexValue(units.at(-2) ?? 0);
    const low = hexValue(units.at(-1) ?? 0);
    if (high < 0 || low < 0) return;
    const byte = high * 16 + low;
    units.length -= 3;
    // Negative marks a raw byte of a longer UTF-8 sequence, until the whole sequence is known.
    units.push(byte < 0x80 ? byte : -byte);
  }
}

function hexValue(unit: number): number {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30;
  const lower = unit | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function assemble(units: readonly number[]): string {
  let out = '';
  for (let i = 0; i < units.length;) {
    const unit = units[i] ?? 0;
    const length = unit < 0 ? sequenceLength(units, i) : 1;
    out +=
      length === 1 ? String.fromCharCode(Math.abs(unit)) : String.fromCodePoint(codePoint(units, i, length));
    i += length;
  }
  return out;
}

// Over-long forms are taken as what they mean: decoders that accept `%c0%ae` as a dot are still about.
function sequenceLength(units: readonly number[], at: number): number {
  const lead = -(units[at] ?? 0);
  const wanted =
    lead >= 0xf0 && lead < 0xf8 ? 4 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xc0 && lead < 0xe0 ? 2 : 1;
  for (let i = 1; i < wanted; i += 1) {
    const byte = -(units[at + i] ?? 0);
    if (byte < 0x80 || byte > 0xbf) return 1;
  }
  return wanted === 4 && codePoint(units, at, 4) > 0x10ffff ? 1 : wanted;
}

function codePoint(units: readonly number[], at: number, length: number): number {
  let code = -(units[at] ?? 0) & (0xff >> (length + 1));
  for (let i = 1; i < length; i += 1) code = (code << 6) | (-(units[at + i] ?? 0) & 0x3f);
  return code;
}
