// A denial that people may lift is handed out with a token that binds it to what was denied and for whom; whoever
// sends it back need not be believed.
import { z } from 'zod';
import type { MasterKeys } from '../crypto/master-key.ts';
import { createSignedTokens } from './signed-token.ts';
import type { SignedTokens } from './signed-token.ts';

const bindingShape = z.strictObject({
  tenant: z.string(),
  principal: z.string(),
  /** SHA-256 over what was denied. */
  hash: z.string(),
  /** The members of the context that are in the hash. */
  members: z.array(z.string()).readonly(),
  expiresMs: z.int(),
});

export type AccessBinding = Readonly<z.infer<typeof bindingShape>>;

export function createAccessBindings(masterKeys: MasterKeys): SignedTokens<AccessBinding> {
  return createSignedTokens(masterKeys, {
    purpose: 'access-binding',
    prefix: 'denial.v1.',
    shape: bindingShape,
  });
}
