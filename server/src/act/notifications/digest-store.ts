// One row for each channel: what has been told there, and when the rest is due.
import type { Tx } from '../../platform/postgres/store.ts';

export interface DigestRow {
  readonly channel: string;
  readonly fromPosition: number;
  readonly sinceMs: number;
  readonly openedMs: number | null;
  readonly dueMs: number | null;
  readonly registered: boolean;
}

interface StoredDigest {
  readonly channel: string;
  readonly from_position: number;
  readonly since: number;
  readonly opened_at: number | null;
  readonly due_at: number | null;
  readonly registered: boolean;
}

function rowOf(row: StoredDigest): DigestRow {
  return {
    channel: row.channel,
    fromPosition: row.from_position,
    sinceMs: row.since,
    openedMs: row.opened_at,
    dueMs: row.due_at,
    registered: row.registered,
  };
}

export async function readDigests(tx: Tx, tenant: string): Promise<readonly DigestRow[]> {
  const rows = await tx<
    StoredDigest[]
  >`select channel, from_position, since, opened_at, due_at, registered from mandate.digest where tenant = ${tenant} order by channel`;
  return rows.map(rowOf);
}

/** Whether some program has registered it as a function of its own, this one or another. */
export async function isRegistered(tx: Tx, tenant: string, channel: string): Promise<boolean> {
  const [row] =
    await tx`select 1 from mandate.digest where tenant = ${tenant} and channel = ${channel} and registered`;
  return row !== undefined;
}

/** Whoever has the row makes this channel's next digest: others wait, and find it made. */
export async function lockDigest(tx: Tx, tenant: string, channel: string): Promise<DigestRow | null> {
  const [row] = await tx<StoredDigest[]>`
    select channel, from_position, since, opened_at, due_at, registered from mandate.digest
    where tenant = ${tenant} and channel = ${channel} for update`;
  return row === undefined ? null : rowOf(row);
}

/** A channel begins with what comes: its first digest tells nothing from before it was there. */
export async function addDigest(
  tx: Tx,
  tenant: string,
  row: {
    readonly channel: string;
    readonly fromPosition: number;
    readonly nowMs: number;
    readonly registered: boolean;
  },
): Promise<void> {
  await tx`
    insert into mandate.digest as d (tenant, channel, from_position, since, registered)
    values (${tenant}, ${row.channel}, ${row.fromPosition}, ${new Date(row.nowMs)}, ${row.registered})
    on conflict (tenant, channel) do update set registered = true where excluded.registered and not d.registered`;
}

export async function removeDigest(tx: Tx, tenant: string, channel: string): Promise<void> {
  await tx`delete from mandate.digest where tenant = ${tenant} and channel = ${channel}`;
}

/** There is something to tell, at `dueMs` at the latest: what came before may have set an earlier time. */
export async function openDigest(
  tx: Tx,
  tenant: string,
  {
    channel,
    openedMs,
    dueMs,
  }: { readonly channel: string; readonly openedMs: number; readonly dueMs: number },
): Promise<void> {
  await tx`
    update mandate.digest set opened_at = coalesce(opened_at, ${new Date(openedMs)}), due_at = least(due_at, ${new Date(dueMs)})
    where tenant = ${tenant} and channel = ${channel}`;
}

/** There was nothing to tell for an interval: the next digest begins here. */
export async function trailDigest(
  tx: Tx,
  tenant: string,
  {
    channel,
    position,
    nowMs,
  }: { readonly channel: string; readonly position: number; readonly nowMs: number },
): Promise<void> {
  await tx`
    update mandate.digest set from_position = greatest(from_position, ${position}), since = ${new Date(nowMs)}
    where tenant = ${tenant} and channel = ${channel} and opened_at is null`;
}

/** It is told up to `position`; the rest, if there is any, is due at once. */
export async function closeDigest(
  tx: Tx,
  tenant: string,
  of: {
    readonly channel: string;
    readonly position: number;
    readonly nowMs: number;
    readonly continues: boolean;
  },
): Promise<void> {
  const again = of.continues ? new Date(of.nowMs) : null;
  await tx`
    update mandate.digest set from_position = ${of.position}, since = ${new Date(of.nowMs)}, opened_at = ${again}, due_at = ${again}
    where tenant = ${tenant} and channel = ${of.channel}`;
}

/** Sets the times anew: quiet hours, the charter or the clock have changed. */
export async function postponeDigest(
  tx: Tx,
  tenant: string,
  of: { readonly channel: string; readonly openedMs: number; readonly dueMs: number },
): Promise<void> {
  await tx`
    update mandate.digest set opened_at = ${new Date(of.openedMs)}, due_at = ${new Date(of.dueMs)}
    where tenant = ${tenant} and channel = ${of.channel}`;
}
