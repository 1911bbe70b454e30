// When somebody was first shown what they may decide. Reading time is counted from here, so only the first time counts.
import type { Tx } from '../../platform/postgres/store.ts';

export interface Shown {
  readonly ids: readonly string[];
  readonly person: string;
  readonly channel: string;
  readonly nowMs: number;
}

export async function noteShown(
  tx: Tx,
  tenant: string,
  { ids, person, channel, nowMs }: Shown,
): Promise<void> {
  if (ids.length === 0) return;
  await tx`
    insert into mandate.approval_shown (tenant, approval_id, person, channel, at)
    select ${tenant}, id, ${person}, ${channel}, ${new Date(nowMs)} from mandate.approval
    where tenant = ${tenant} and id = any (${[...ids]}::uuid[]) and status = 'pending'
    on conflict do nothing`;
}
