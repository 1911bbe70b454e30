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

/**
 * From here on as if they had not been done: attempts go on counting, what was stays on record. So is whatever has been
 * undone meanwhile, because nothing may be built on it, and each undoing that has ended, so that it can be done again.
 */
export async function supersede(
  tx: Tx,
  tenant: string,
  run: string,
  instances: readonly string[],
): Promise<void> {
  await tx`
    with undoing as (
      select s.instance, bool_or(coalesce(s.status = 'succeeded', a.status = 'success', false)) as is_done,
        bool_or(s.status = 'offered' or (s.status is null and coalesce(a.status in ('waiting_for_approval', 'permitted', 'executing', 'unknown', 'cancelled'), true))) as is_open
      from mandate.workflow_step s left join mandate.act a on a.tenant = s.tenant and a.id = s.act_id
      where s.tenant = ${tenant} and s.run = ${run} and starts_with(s.instance, '~') and not s.superseded group by s.instance
    )
    update mandate.workflow_step set superseded = true
    where tenant = ${tenant} and run = ${run} and (instance = any(${[...instances]})
      or instance in (select instance from undoing where not coalesce(is_open, false))
      or instance in (select substr(instance, 2) from undoing where is_done))`;
}
