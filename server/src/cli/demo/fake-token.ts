// A token that every scanner takes for real and that opens nothing: made anew at run time, so that no scanner finds one
// in this repository. The form is GitHub's (github.blog, 2021-04-05): prefix, 30 random letters, CRC-32 in base 62.
import { crc32 } from 'node:zlib';

const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BODY = 30;
const CHECK = 6;

/** `bytes`: at least 30 unpredictable ones. */
export function fakeToken(bytes: Uint8Array): string {
  const body = Array.from(bytes.subarray(0, BODY), (byte) => LETTERS.charAt(byte % LETTERS.length)).join('');
  return `${['gh', 'p_'].join('')}${body}${base62(crc32(body))}`;
}

function base62(number: number): string {
  let rest = number;
  let text = '';
  while (text.length < CHECK) {
    text = LETTERS.charAt(rest % LETTERS.length) + text;
    rest = Math.floor(rest / LETTERS.length);
  }
  return text;
}
