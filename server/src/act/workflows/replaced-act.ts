// An approver may let something else run than what a step asked for. The step is then done by the act that takes the
// other's place; without this it would have failed with what was asked for, while its replacement ran.
import type { Tx } from '../../platform/postgres/store.ts';

export interface Replaced {
  readonly from: string;
  readonly to: string;
}

/** In the transaction that replaces it, so that no look at the run falls between the two. */
export async function actReplaced(tx: Tx, tenant: string, { from, to }: Replaced): Promise<void> {
  await tx`
    update mandate.workflow_step set act_id = ${to}
    where act_id = ${from} and tenant = ${tenant} and status is null and not superseded`;
}
