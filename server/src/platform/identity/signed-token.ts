// Small promises that only the installation that made them ever reads (permits, denials that may be asked for, links for
// approvers): an HMAC over a few fields, checked in microseconds, and no JWT whose header somebody could argue with.
import type { z } from 'zod';
import { deriveKey } from '../crypto/derive.ts';
import type { Purpose } from '../crypto/derive.ts';
import { hmacKey, hmacSha256, isEqualSecret } from '../crypto/hash.ts';
import type { MasterKeys } from '../crypto/master-key.ts';

export interface SignedTokens<T> {
  /** `<prefix><payload>.<mac>`, both base64url. */
  sign(value: T): string;
  /** What it says, or null when it is not ours or was changed. Whether it is still in time is for the reader to say. */
  verify(token: string): T | null;
}

export interface SignedTokenKind<T> {
  /** A key of its own, so that one kind can never be taken for another. */
  readonly purpose: Purpose;
  /** Such as `permit.v1.`. */
  readonly prefix: string;
  readonly shape: z.ZodType<T>;
}

const LENGTH_MAX = 16_384;

export function createSignedTokens<T>(
  masterKeys: MasterKeys,
  { purpose, prefix, shape }: SignedTokenKind<T>,
): SignedTokens<T> {
  const secrets = masterKeys.all.map((key) => hmacKey(deriveKey(key, purpose)));
  const [current] = secrets;
  return {
    sign(value) {
      if (current === undefined) throw new Error(`There is no master key for ${purpose}.`);
      const signed = prefix + Buffer.from(JSON.stringify(value)).toString('base64url');
      return `${signed}.${macOf(current, signed)}`;
    },
    verify(token) {
      const end = token.lastIndexOf('.');
      if (token.length > LENGTH_MAX || !token.startsWith(prefix) || end < prefix.length) return null;
      const signed = token.slice(0, end);
      const mac = token.slice(end + 1);
      if (!secrets.some((secret) => isEqualSecret(macOf(secret, signed), mac))) return null;
      const payload = Buffer.from(signed.slice(prefix.length), 'base64url').toString('utf8');
      const parsed = shape.safeParse(JSON.parse(payload));
      return parsed.success ? parsed.data : null;
    },
  };
}

function macOf(secret: ReturnType<typeof hmacKey>, signed: string): string {
  return Buffer.from(hmacSha256(secret, signed)).toString('base64url');
}
