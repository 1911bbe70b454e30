// Presses that were taken, each once. The row is put down before the vote, in its transaction: of two that come at the
// same moment the second waits for the first and then finds what was said to it.
import type { Tx } from '../../platform/postgres/store.ts';

export interface ClaimedPress {
  readonly kind: string;
  /** SHA-256 of the provider's id. */
  readonly id: string;
  readonly approvalId: string;
  readonly user: string;
  readonly decision: string;
  readonly nowMs: number;
}

/** Providers send again for a week at most. */
const KEPT_MS = 30 * 86_400_000;

/** null when it is taken now; what was said to it when it had been before. */
export async function claimPress(tx: Tx, tenant: string, of: ClaimedPress): Promise<string | null> {
  const claimed = await tx`
    insert into mandate.press (tenant, kind, id, approval_id, user_id, decision, at)
    values (${tenant}, ${of.kind}, ${of.id}, ${of.approvalId}, ${of.user}, ${of.decision}, ${new Date(of.nowMs)})
    on conflict do nothing`;
  if (claimed.count === 1) {
    await tx`delete from mandate.press where tenant = ${tenant} and at < ${new Date(of.nowMs - KEPT_MS)}`;
    return null;
  }
  const [row] = await tx<
    { said: string }[]
  >`select said from mandate.press where tenant = ${tenant} and kind = ${of.kind} and id = ${of.id}`;
  return row?.said ?? '';
}

export async function settlePress(
  tx: Tx,
  tenant: string,
  of: ClaimedPress & { readonly said: string; readonly isCounted: boolean },
): Promise<void> {
  await tx`
    update mandate.press set said = ${of.said}, counted = ${of.isCounted}
    where tenant = ${tenant} and kind = ${of.kind} and id = ${of.id}`;
}
