// "Allow exactly this for an hour": a grant of kind `signature`, given with an approval by everybody who approved it. It
// stands for the same digest only, counts for the causes that people saw, and anybody who may revoke grants ends it.
import type { JsonObject, SignatureGrant } from '@mandate/kernel';
import type { Store, Tx } from '../../platform/postgres/store.ts';

export interface Remembered {
  readonly tenant: string;
  readonly id: string;
  /** The digest of the action. */
  readonly signature: string;
  readonly approvalId: string;
  readonly agent: string;
  readonly action: string;
  readonly causes: readonly string[];
  readonly requiredRoles: readonly string[];
  readonly quorum: number;
  readonly fourEyes: boolean;
  /** Whoever approved, in words. */
  readonly by: readonly string[];
  readonly from: string;
  readonly reason: string | null;
  readonly nowMs: number;
  readonly untilMs: number;
}

/** Writes the grant; answers what the journal says of it. */
export async function insertSignature(tx: Tx, it: Remembered): Promise<JsonObject> {
  const purpose = `Approved by ${it.by.join(' and ')}${it.reason === null ? '' : `: ${it.reason}`}`;
  await tx`
    insert into mandate.grants (tenant, id, kind, from_principal, to_agent, actions, purpose, created_at, expires_at, signature, causes, approval_id,
      required_roles, quorum, four_eyes)
    values (${it.tenant}, ${it.id}, 'signature', ${it.from}, ${it.agent}, ${[it.action]}, ${purpose}, ${new Date(it.nowMs)}, ${new Date(it.untilMs)},
      ${it.signature}, ${[...it.causes]}, ${it.approvalId}, ${[...it.requiredRoles]}, ${it.quorum}, ${it.fourEyes})`;
  return {
    grant: it.id,
    kind: 'signature',
    from: it.from,
    actions: [it.action],
    digest: it.signature,
    causes: it.causes,
    approval: it.approvalId,
    expiresAt: new Date(it.untilMs).toISOString(),
  };
}

/** What stands for exactly this action. Read after the facts of a decision: a revocation in between makes it stale. */
export type SignaturesOf = (wanted: {
  readonly tenant: string;
  readonly agent: string;
  readonly digest: string;
  readonly nowMs: number;
}) => Promise<readonly SignatureGrant[]>;

export function createSignatures(store: Store): SignaturesOf {
  return ({ tenant, agent, digest, nowMs }) =>
    store.withTenant(tenant, async (tx) => {
      const rows = await tx<
        {
          id: string;
          causes: string[];
          required_roles: string[];
          quorum: number;
          four_eyes: boolean;
          created_at: number;
          expires_at: number;
        }[]
      >`
        select id, causes, required_roles, quorum, four_eyes, created_at, expires_at from mandate.grants
        where tenant = ${tenant} and kind = 'signature' and signature = ${digest} and to_agent = ${agent}
          and revoked_at is null and expires_at > ${new Date(nowMs)} order by expires_at desc, id`;
      return rows.map((row) => ({
        id: row.id,
        causes: row.causes,
        requiredRoles: row.required_roles,
        quorum: row.quorum,
        fourEyes: row.four_eyes,
        createdMs: row.created_at,
        expiresMs: row.expires_at,
      }));
    });
}
