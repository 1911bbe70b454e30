// The escapes of string and byte literals. In a string `\377` is the letter ÿ, in bytes it is the byte 255: the one
// difference between the two that bites.
import { appendUtf8, encodeUtf8, isCodePoint } from './text.ts';

export type Decoded =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'refused'; readonly message: string; readonly at: number };

const SIMPLE: ReadonlyMap<string, number> = new Map([
  ['a', 7],
  ['b', 8],
  ['f', 12],
  ['n', 10],
  ['r', 13],
  ['t', 9],
  ['v', 11],
  ['\\', 92],
  ['?', 63],
  ['"', 34],
  ["'", 39],
  ['`', 96],
]);
const NUMERIC = /[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})/y;

export function decodeText(content: string, raw: boolean): Decoded {
  if (raw) return { kind: 'text', text: content };
  const parts: string[] = [];
  for (let i = 0; i < content.length;) {
    const read = readUnit(content, i);
    if (read.kind === 'refused') return read;
    parts.push(String.fromCodePoint(read.value));
    i = read.next;
  }
  return { kind: 'text', text: parts.join('') };
}

export function decodeBytes(content: string, raw: boolean): Decoded {
  if (raw) return { kind: 'bytes', bytes: encodeUtf8(content) };
  const bytes: number[] = [];
  for (let i = 0; i < content.length;) {
    const read = readUnit(content, i);
    if (read.kind === 'refused') return read;
    if (read.form === 'unicode') {
      return { kind: 'refused', message: 'bytes take \\x and octal escapes, not \\u and \\U', at: i };
    }
    if (read.form === 'byte') bytes.push(read.value);
    else appendUtf8(bytes, read.value);
    i = read.next;
  }
  return { kind: 'bytes', bytes: Uint8Array.from(bytes) };
}

type Unit =
  | {
      readonly kind: 'unit';
      readonly form: 'plain' | 'byte' | 'unicode';
      readonly value: number;
      readonly next: number;
    }
  | { readonly kind: 'refused'; readonly message: string; readonly at: number };

function readUnit(content: string, at: number): Unit {
  const point = content.codePointAt(at) ?? 0;
  if (point !== 92) return { kind: 'unit', form: 'plain', value: point, next: at + (point > 0xffff ? 2 : 1) };
  const letter = content[at + 1] ?? '';
  const simple = SIMPLE.get(letter);
  if (simple !== undefined) return { kind: 'unit', form: 'plain', value: simple, next: at + 2 };
  NUMERIC.lastIndex = at + 1;
  const found = NUMERIC.exec(content);
  if (found === null)
    return { kind: 'refused', message: `'\\${letter}' is no escape; write '\\\\' for a backslash`, at };
  const [escape, hex, short, long, octal] = found;
  const value =
    octal === undefined ? Number.parseInt(hex ?? short ?? long ?? '', 16) : Number.parseInt(octal, 8);
  if (!isCodePoint(value)) return { kind: 'refused', message: `'\\${escape}' is no Unicode character`, at };
  const form = short === undefined && long === undefined ? 'byte' : 'unicode';
  return { kind: 'unit', form, value, next: at + 1 + escape.length };
}
