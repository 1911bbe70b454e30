// A link by which one person opens one approval, and decides it, without a key: bound to both, ending with the approval.
// It gives no role: whether the vote counts is asked of their roles when it is cast. One that was made for a key takes
// away: with it a person votes at most as what that key could.
import { z } from 'zod';
import type { MasterKeys } from '../../platform/crypto/master-key.ts';
import { createSignedTokens } from '../../platform/identity/signed-token.ts';

/** Whom a link was made for. */
export interface LinkHolder {
  readonly tenant: string;
  readonly approvalId: string;
  /** Id of the user, without `user:`. */
  readonly user: string;
  readonly expiresMs: number;
  /** Of the key for which it was made: no other role of the person counts. null: it was sent to the person. */
  readonly roles: readonly string[] | null;
}

export interface ApprovalLinks {
  /** The address of the approval's page for this person (`ada`, without `user:`). For their eyes only. */
  linkFor(
    approval: { readonly tenant: string; readonly id: string; readonly expiresAt: string },
    userId: string,
  ): string;
  /** The token in such an address. */
  tokenFor(holder: LinkHolder): string;
  /** Whom the token is for; null when it is none of ours. Whether it has ended is for the reader to say. */
  verify(token: string): LinkHolder | null;
}

export interface LinkNeeds {
  readonly masterKeys: MasterKeys;
  readonly publicUrl: () => string;
}

const shape = z.strictObject({
  tenant: z.string(),
  approvalId: z.string(),
  user: z.string(),
  expiresMs: z.int(),
  roles: z.array(z.string()).nullable(),
});

export function createApprovalLinks({ masterKeys, publicUrl }: LinkNeeds): ApprovalLinks {
  const tokens = createSignedTokens<LinkHolder>(masterKeys, {
    purpose: 'approval-link',
    prefix: 'link.v1.',
    shape,
  });
  return {
    linkFor({ tenant, id, expiresAt }, user) {
      const token = tokens.sign({
        tenant,
        approvalId: id,
        user,
        expiresMs: Date.parse(expiresAt),
        roles: null,
      });
      return `${publicUrl()}/approvals/${id}?t=${token}`;
    },
    tokenFor: (holder) => tokens.sign(holder),
    verify: (token) => tokens.verify(token),
  };
}
