// A permit says that one act may begin, by one agent, until a moment a few seconds away.
import { z } from 'zod';
import type { MasterKeys } from '../crypto/master-key.ts';
import { createSignedTokens } from './signed-token.ts';
import type { SignedTokens } from './signed-token.ts';

const permitShape = z.strictObject({
  actId: z.string(),
  tenant: z.string(),
  agent: z.string(),
  /** Digest of the action as it was decided. */
  digest: z.string(),
  /** The latest moment to begin, epoch ms. */
  startByMs: z.int(),
  /** When the act becomes `unknown` unless its outcome was reported, epoch ms. */
  deadlineMs: z.int(),
});

export type Permit = Readonly<z.infer<typeof permitShape>>;

/**
 * Whether a permit is still in time and unused is for the act's row to say: an outcome is reported long after
 * `startByMs`, and only the row knows whether it was used.
 */
export type Permits = SignedTokens<Permit>;

export function createPermits(masterKeys: MasterKeys): Permits {
  return createSignedTokens(masterKeys, {
    purpose: 'permit-signing',
    prefix: 'permit.v1.',
    shape: permitShape,
  });
}
