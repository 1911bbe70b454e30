// What people do to a run looks at it and changes it in one transaction: while it lasts no step begins. Otherwise a step
// that begins in between is done twice, once before and once because of what was decided without seeing it.
import type { Tx } from '../../platform/postgres/store.ts';
import type { RunRow, StepRow } from './store.ts';

/** The run as it stands now; nothing of it begins before this transaction is over. */
export async function lockRun(tx: Tx, tenant: string, id: string): Promise<RunRow | null> {
  const [row] = await tx<RunRow[]>`
    select * from mandate.workflow_run where tenant = ${tenant} and id = ${id} for update`;
  return row ?? null;
}

export type LockedStep = Pick<
  StepRow,
  'instance' | 'status' | 'why' | 'superseded' | 'act_id' | 'act_status' | 'agent'
>;

/** Every attempt. */
export function stepsWithin(tx: Tx, tenant: string, run: string): Promise<readonly LockedStep[]> {
  return tx<LockedStep[]>`
    select s.instance, s.status, s.why, s.superseded, s.act_id, a.status as act_status, a.agent
    from mandate.workflow_step s left join mandate.act a on a.tenant = s.tenant and a.id = s.act_id
    where s.tenant = ${tenant} and s.run = ${run} order by s.begun_at, s.attempt, s.instance`;
}

/** From here on it is carried on somebody else's authority. */
export async function reseal(
  tx: Tx,
  tenant: string,
  { id, sealed }: { readonly id: string; readonly sealed: Uint8Array },
): Promise<void> {
  await tx`
    update mandate.workflow_run set sealed = ${Buffer.from(sealed)} where tenant = ${tenant} and id = ${id}`;
}
