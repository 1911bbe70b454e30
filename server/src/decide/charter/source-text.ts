// Before YAML is read the file must be text, of a sane size, that looks like what it says: a reviewer who sees one
// thing while the parser reads another has approved nothing.
import type { CharterError } from './error.ts';

/** The largest file that is read. */
export const MAX_BYTES = 1_048_576;

/** Text without a byte order mark, or why the bytes are none. */
export function decodeText(
  input: Uint8Array | string,
): string | Pick<CharterError, 'line' | 'column' | 'message'> {
  const bytes = typeof input === 'string' ? Buffer.byteLength(input) : input.byteLength;
  if (bytes > MAX_BYTES) {
    const message = `The file has more than ${MAX_BYTES} bytes. Split it and name the parts under extends.`;
    return { line: 1, column: 1, message };
  }
  if (typeof input === 'string') return input.replace(/^\uFEFF/, '');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(input);
  } catch {
    const before = new TextDecoder('utf-8').decode(input).split('\uFFFD', 1)[0] ?? '';
    const message = 'This is not UTF-8 text. Save the file in the encoding UTF-8.';
    return { line: before.split('\n').length, column: before.length - before.lastIndexOf('\n'), message };
  }
}

const MAX_TOLD = 20;

/** Tabs, control characters, lone carriage returns and bidirectional overrides; the first of each line. */
export function disguises(text: string): { readonly offset: number; readonly message: string }[] {
  const found: { readonly offset: number; readonly message: string }[] = [];
  let lineEnd = -1;
  for (const match of text.matchAll(/(?!\n|\r\n)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu)) {
    if (match.index < lineEnd) continue;
    const end = text.indexOf('\n', match.index);
    lineEnd = end < 0 ? text.length : end;
    found.push({ offset: match.index, message: describe(match[0]) });
    if (found.length === MAX_TOLD) break;
  }
  return found;
}

function describe(character: string): string {
  if (character === '\t') return 'There is a tab here. Use spaces; inside double quotes write \\t.';
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `The invisible character U+${code} may make the file look different from what it says. Remove it.`;
}
