// A permit says that one act may begin, by one agent, until a moment a few seconds away. It is checked by the same
// installation that made it, thousands of times a second, so it is an HMAC over a few fields and no JWT.
import { z } from 'zod';
import { deriveKey } from '../crypto/derive.ts';
import { hmacKey, hmacSha256, isEqualSecret } from '../crypto/hash.ts';
import type { MasterKeys } from '../crypto/master-key.ts';

export interface Permit {
  readonly actId: string;
  readonly tenant: string;
  readonly agent: string;
  /** Digest of the action as it was decided. */
  readonly digest: string;
  /** The latest moment to begin, epoch ms. */
  readonly startByMs: number;
  /** When the act becomes `unknown` unless its outcome was reported, epoch ms. */
  readonly deadlineMs: number;
}

export interface Permits {
  /** `permit.v1.<payload>.<mac>`, both base64url. */
  sign(permit: Permit): string;
  /**
   * What it says, or null when it is not ours or was changed. Whether it is still in time and unused is for the
   * act's row to say: an outcome is reported long after `startByMs`, and only the row knows whether it was used.
   */
  verify(token: string): Permit | null;
}

const PREFIX = 'permit.v1.';
const LENGTH_MAX = 4096;

const permitShape = z.strictObject({
  actId: z.string(),
  tenant: z.string(),
  agent: z.string(),
  digest: z.string(),
  startByMs: z.int(),
  deadlineMs: z.int(),
});

export function createPermits(masterKeys: MasterKeys): Permits {
  const secrets = masterKeys.all.map((key) => hmacKey(deriveKey(key, 'permit-signing')));
  const [current] = secrets;
  return {
    sign({ actId, tenant, agent, digest, startByMs, deadlineMs }) {
      if (current === undefined) throw new Error('There is no master key to sign permits with.');
      const payload = JSON.stringify({ actId, tenant, agent, digest, startByMs, deadlineMs });
      const signed = PREFIX + Buffer.from(payload).toString('base64url');
      return `${signed}.${macOf(current, signed)}`;
    },
    verify(token) {
      const end = token.lastIndexOf('.');
      if (token.length > LENGTH_MAX || !token.startsWith(PREFIX) || end < PREFIX.length) return null;
      const signed = token.slice(0, end);
      const mac = token.slice(end + 1);
      if (!secrets.some((secret) => isEqualSecret(macOf(secret, signed), mac))) return null;
      const parsed = permitShape.safeParse(
        JSON.parse(Buffer.from(signed.slice(PREFIX.length), 'base64url').toString('utf8')),
      );
      return parsed.success ? parsed.data : null;
    },
  };
}

function macOf(secret: ReturnType<typeof hmacKey>, signed: string): string {
  return Buffer.from(hmacSha256(secret, signed)).toString('base64url');
}
