// The text of an API key: a prefix that secret scanners know, 256 random bits in base 62, and a checksum, so that
// a typing error is told from a wrong key without asking the database.
import { crc32 } from 'node:zlib';

/** What a secret scanner looks for; 62^43 is just above 2^256, and 62^6 above 2^32. */
export const KEY_PATTERN = /\bmdt_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}\b/;

const WHOLE = /^mdt_([0-9A-Za-z]{43})_([0-9A-Za-z]{6})$/;
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** `mdt_<43 base62 digits>_<CRC-32 of what is before it, 6 base62 digits>` over 32 bytes. */
export function formatKey(bytes: Uint8Array): string {
  const body = `mdt_${base62(BigInt(`0x${Buffer.from(bytes).toString('hex')}`), 43)}`;
  return `${body}_${checksumOf(body)}`;
}

export type KeyText =
  | { readonly kind: 'key' }
  /** It has the form of a key, but a letter of it is wrong. */
  | { readonly kind: 'mistyped' }
  | { readonly kind: 'foreign' };

export function readKeyText(text: string): KeyText {
  const checksum = WHOLE.exec(text)?.[2];
  if (checksum === undefined) return { kind: text.startsWith('mdt_') ? 'mistyped' : 'foreign' };
  const body = text.slice(0, text.lastIndexOf('_'));
  return { kind: checksumOf(body) === checksum ? 'key' : 'mistyped' };
}

// Without BigInt: every request asks it.
function checksumOf(body: string): string {
  let text = '';
  for (let rest = crc32(body); text.length < 6; rest = Math.floor(rest / 62))
    text = (DIGITS[rest % 62] ?? '') + text;
  return text;
}

function base62(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest /= 62n) text = (DIGITS[Number(rest % 62n)] ?? '') + text;
  return text;
}
