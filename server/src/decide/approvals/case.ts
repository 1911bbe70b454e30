// What people need beside the question: how it was decided that they are asked, and what was said to the like before.
import type { Decision } from '@mandate/kernel';
import type { Tx } from '../../platform/postgres/store.ts';
import type { Approval } from './approval.ts';
import { readApprovals } from './store.ts';

export interface Case {
  readonly approval: Approval;
  /** Of the act that waits; null for other subjects. */
  readonly decision: Decision | null;
  /** The last decisions of people on the same action of the same agent, newest first. */
  readonly similar: readonly Approval[];
}

const SIMILAR = 5;
const SIMILAR_DAYS = 30;

/** null where there is no such approval. */
export async function readCase(
  tx: Tx,
  tenant: string,
  { id, nowMs }: { readonly id: string; readonly nowMs: number },
): Promise<Case | null> {
  const [approval] = await readApprovals(tx, tenant, { ids: [id] });
  if (approval === undefined) return null;
  const [act] = await tx<{ decision: Decision }[]>`
    select decision from mandate.act where tenant = ${tenant} and id = ${approval.actId}`;
  const like = await tx<{ id: string }[]>`
    select a.id from mandate.approval a left join mandate.act x on x.tenant = a.tenant and x.id = a.act_id
    where a.tenant = ${tenant} and a.id <> ${id} and a.subject = ${approval.subject} and a.status in ('approved', 'used', 'denied')
      and a.created_at > ${new Date(nowMs - SIMILAR_DAYS * 86_400_000)}
      and coalesce(x.agent, a.agent, '') = ${approval.agent} and coalesce(x.action, a.subject) = ${approval.action}
    order by a.created_at desc limit ${SIMILAR}`;
  const similar =
    like.length === 0 ? [] : await readApprovals(tx, tenant, { ids: like.map((row) => row.id) });
  return { approval, decision: act?.decision ?? null, similar };
}
