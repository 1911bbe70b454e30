// One master key, many keys: each purpose has a key of its own (HKDF-SHA-256, RFC 5869), so that a permit can
// never be taken for a grant, and a leaked database password says nothing about the pepper.
import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { MasterKey } from './master-key.ts';

export type Purpose =
  | 'access-binding'
  | 'api-key-pepper'
  | 'approval-link'
  | 'audit-signing'
  | 'channel-button'
  | 'database-login'
  | 'grant-signing'
  | 'permit-signing'
  | 'reading-link'
  | 'receipt-signing'
  | 'request-signature'
  | 'source-scope'
  | 'tenant-key';

/** 32 bytes for a purpose; `name` tells apart several keys of one purpose (a login, a key id). */
export function deriveKey(master: MasterKey, purpose: Purpose, name = ''): Buffer {
  return Buffer.from(hkdfSync('sha256', master.bytes, 'mandate/v1', `${purpose}\0${name}`, 32));
}

/** PKCS #8 wrapping of an Ed25519 seed (RFC 8410 section 7): everything in it is fixed but the seed. */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** An Ed25519 pair (RFC 8032) whose seed is derived, so that every process of an installation has the same one. */
export function deriveSigningPair(
  master: MasterKey,
  purpose: Purpose,
): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  const der = Buffer.concat([ED25519_PKCS8, deriveKey(master, purpose, 'ed25519')]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}
