// AES-256-GCM with a 24-byte random nonce (C2SP XAES-256-GCM): plain GCM must not seal more than 2^32 messages
// under one key with random nonces, which a busy tenant reaches within weeks; here the bound is 2^80.
import { createCipheriv, createDecipheriv } from 'node:crypto';

export const XAES_NONCE_BYTES = 24;
const XAES_TAG_BYTES = 16;

/** A 32-byte key, prepared: the first block of the derivation depends on the key alone. */
export interface XaesKey {
  /** Raw AES-256 over whole blocks: only ever over the derivation's own input, never over data. */
  readonly encryptBlocks: (blocks: Uint8Array) => Uint8Array;
  readonly k1: Uint8Array;
}

export function xaesKey(key: Uint8Array): XaesKey {
  if (key.length !== 32) throw new Error(`an XAES-256-GCM key has 32 bytes, this one ${key.length}`);
  // One cipher for the key's whole life: whole blocks in ECB leave no state behind, and making a cipher is most of its cost.
  const cipher = createCipheriv('aes-256-ecb', key, null);
  cipher.setAutoPadding(false);
  const encryptBlocks = (blocks: Uint8Array): Uint8Array => cipher.update(blocks);
  const k1 = encryptBlocks(new Uint8Array(16));
  // Doubling in GF(2^128), as CMAC (NIST SP 800-38B) does for its first subkey.
  const carry = (k1[0] ?? 0) >> 7;
  for (let i = 0; i < 16; i += 1) k1[i] = (((k1[i] ?? 0) << 1) | ((k1[i + 1] ?? 0) >> 7)) & 0xff;
  k1[15] = (k1[15] ?? 0) ^ (carry * 0x87);
  return { encryptBlocks, k1 };
}

/** Ciphertext followed by the tag of 16 bytes. */
export function xaesSeal(key: XaesKey, nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', messageKey(key, nonce), nonce.subarray(12));
  cipher.setAAD(aad);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** The plaintext, or null when anything (key, nonce, data, aad) is not what was sealed. */
export function xaesOpen(
  key: XaesKey,
  nonce: Uint8Array,
  sealed: Uint8Array,
  aad: Uint8Array,
): Buffer | null {
  const end = sealed.length - XAES_TAG_BYTES;
  if (end < 0 || nonce.length !== XAES_NONCE_BYTES) return null;
  // Without a fixed tag length Node accepts a tag of 4 bytes, which can be guessed.
  const options = { authTagLength: XAES_TAG_BYTES };
  const decipher = createDecipheriv('aes-256-gcm', messageKey(key, nonce), nonce.subarray(12), options);
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(end));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]);
  } catch {
    return null;
  }
}

function messageKey({ encryptBlocks, k1 }: XaesKey, nonce: Uint8Array): Uint8Array {
  if (nonce.length !== XAES_NONCE_BYTES)
    throw new Error(`a nonce has ${XAES_NONCE_BYTES} bytes, this one ${nonce.length}`);
  const blocks = new Uint8Array(32);
  blocks.set([0, 1, 0x58, 0]);
  blocks.set(nonce.subarray(0, 12), 4);
  blocks.set([0, 2, 0x58, 0], 16);
  blocks.set(nonce.subarray(0, 12), 20);
  for (let i = 0; i < 32; i += 1) blocks[i] = (blocks[i] ?? 0) ^ (k1[i % 16] ?? 0);
  return encryptBlocks(blocks);
}
