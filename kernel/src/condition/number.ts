// Number literals, refused where they do not fit rather than rounded into something the author did not write.
import type { Token } from './token.ts';
import { excerpt, Uint, type CelValue } from './value.ts';

export type NumberRead =
  | { readonly kind: 'number'; readonly value: CelValue }
  | { readonly kind: 'refused'; readonly message: string };

const MAX_INT = 2n ** 63n - 1n;
const MAX_UINT = 2n ** 64n - 1n;

/** The value of an int, uint or double token, with the minus sign that stands before it. */
export function readNumber({ kind, text }: Token, sign: '' | '-'): NumberRead {
  const shown = sign + excerpt(text);
  if (kind === 'double') {
    const value = Number(sign + text);
    return Number.isFinite(value) ? { kind: 'number', value } : refuse(`${shown} is too large for a double`);
  }
  const magnitude = BigInt(text);
  if (kind === 'uint') {
    if (magnitude > MAX_UINT) return refuse(`${shown}u does not fit into 64 bits`);
    return { kind: 'number', value: new Uint(magnitude) };
  }
  if (magnitude > (sign === '-' ? MAX_INT + 1n : MAX_INT)) {
    return refuse(`${shown} does not fit into 64 bits; write it as ${shown}.0 for a double`);
  }
  return { kind: 'number', value: sign === '-' ? -magnitude : magnitude };
}

function refuse(message: string): NumberRead {
  return { kind: 'refused', message };
}
