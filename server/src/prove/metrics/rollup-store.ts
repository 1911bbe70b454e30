// The statements behind rollups. What counts as what stands in one SQL function (migration 0019); here is only who calls
// it when, always in the caller's transaction.
import { iso } from '../../platform/clock/iso.ts';
import { jsonb } from '../../platform/postgres/jsonb.ts';
import type { Queryable, Sql, Tx } from '../../platform/postgres/store.ts';
import type { ActionCounts, Window } from './counts.ts';

/** {agent: class} of the charter: a stop of a class reaches its agents. */
export type Classes = Readonly<Record<string, string>>;

export interface RollupState {
  readonly position: number;
  readonly closedMs: number;
  /** Whether it was counted by other classes than these. */
  readonly isOtherwise: boolean;
}

/** The counts of a window by action, exact at both edges and up to the last commit. */
export async function readCounts(
  tx: Tx,
  tenant: string,
  { patterns, startMs, endMs }: Window,
  classes: Classes,
): Promise<readonly ActionCounts[]> {
  return tx<ActionCounts[]>`
    select action, rule, proposed, approved, rejected, begun, violations, gates, held_by_rule as "heldByRule", succeeded, failed, cancelled, unknown,
      rolled_back as "rolledBack", stopped
    from mandate.metrics_between(${tenant}, ${new Date(startMs)}, ${new Date(endMs + 1)}, ${[...patterns]}, ${jsonb(tx, classes)})`;
}

/** The same counted from nothing but the acts, however long it takes: what rollups are measured against. */
export async function countDirectly(
  tx: Tx,
  tenant: string,
  { patterns, startMs, endMs }: Window,
  classes: Classes,
): Promise<readonly ActionCounts[]> {
  return tx<ActionCounts[]>`
    select action, rule, sum(proposed)::bigint as proposed, sum(approved)::bigint as approved, sum(rejected)::bigint as rejected, sum(begun)::bigint as begun,
      sum(violations)::bigint as violations, sum(gates)::bigint as gates, sum(held_by_rule)::bigint as "heldByRule", sum(succeeded)::bigint as succeeded,
      sum(failed)::bigint as failed, sum(cancelled)::bigint as cancelled, sum(unknown)::bigint as unknown, sum(rolled_back)::bigint as "rolledBack", sum(stopped)::bigint as stopped
    from mandate.metric_rows(${tenant}, ${new Date(startMs)}, ${new Date(endMs + 1)}, ${jsonb(tx, classes)}) m
    where exists (select 1 from unnest(${[...patterns]}::text[]) p where case when right(p, 1) = '*' then starts_with(m.action, left(p, -1)) else m.action = p end)
    group by action, rule`;
}

/** Takes the tenant's rollups for this transaction; null while another process has them. Makes the first row. */
export async function takeState(tx: Tx, tenant: string, classes: Classes): Promise<RollupState | null> {
  await tx`
    insert into mandate.metric_state (tenant, position, closed_until)
    select ${tenant}, h.position, f.at from (${head(tx, tenant)}) h, (${firstBucket(tx, tenant)}) f
    where not exists (select 1 from mandate.metric_state where tenant = ${tenant})
    on conflict do nothing`;
  const [row] = await tx<{ position: number; closed_until: number; otherwise: boolean }[]>`
    select position, closed_until, classes is distinct from ${jsonb(tx, classes)} as otherwise
    from mandate.metric_state where tenant = ${tenant} for update skip locked`;
  return row === undefined
    ? null
    : { position: row.position, closedMs: row.closed_until, isOtherwise: row.otherwise };
}

/** A charter has put agents into other classes: what a stop of a class has broken off is counted again. */
export async function noteClasses(
  tx: Tx,
  tenant: string,
  { closedMs, classes }: { readonly closedMs: number; readonly classes: Classes },
): Promise<void> {
  await tx`
    insert into mandate.metric_dirty (tenant, at)
    select ${tenant}, at from mandate.metric_classed(${tenant}, '-infinity', ${new Date(closedMs)}) m (at)
    on conflict do nothing`;
  await tx`update mandate.metric_state set classes = ${jsonb(tx, classes)} where tenant = ${tenant}`;
}

/** Forgets everything counted. Until it is counted again, windows are read from the acts. */
export async function forget(tx: Tx, tenant: string): Promise<void> {
  await tx`select 1 from mandate.metric_state where tenant = ${tenant} for update`;
  await tx`delete from mandate.metric_bucket where tenant = ${tenant}`;
  await tx`delete from mandate.metric_dirty where tenant = ${tenant}`;
  await tx`
    update mandate.metric_state set position = h.position, closed_until = f.at
    from (${head(tx, tenant)}) h, (${firstBucket(tx, tenant)}) f where tenant = ${tenant}`;
}

function head(tx: Tx, tenant: string) {
  return tx`select coalesce(max(position), 0) as position from mandate.journal where tenant = ${tenant}`;
}

/** Where counting begins: the first bucket in which anything was asked for, ended (a clock may go back) or refused. */
function firstBucket(tx: Tx, tenant: string) {
  return tx`
    select mandate.metric_bin(coalesce(least(
      (select min(created_at) from mandate.act where tenant = ${tenant}),
      (select min(ended_at) from mandate.act where tenant = ${tenant} and started_at is not null and ended_at is not null),
      (select min(at) from mandate.journal where tenant = ${tenant} and kind = 'action.refused')), timestamptz '2000-01-01 00:00:00+00'), 60) as at`;
}

/** Looks at the next entries of the journal: what they touch among the counted buckets is dirty. True when there may be more. */
export async function noteTouched(
  tx: Tx,
  tenant: string,
  { position, closedMs }: RollupState,
  most: number,
): Promise<boolean> {
  const [row] = await tx<{ upto: number | null; count: number }[]>`
    select max(position) as upto, count(*)::integer as count from (
      select position from mandate.journal where tenant = ${tenant} and position > ${position} order by position limit ${most}) j`;
  if (row === undefined || row.upto === null) return false;
  await tx`
    insert into mandate.metric_dirty (tenant, at)
    select ${tenant}, at from mandate.metric_touched(${tenant}, ${position}, ${row.upto}, false) m (at) where at < ${new Date(closedMs)}
    on conflict do nothing`;
  await tx`update mandate.metric_state set position = ${row.upto} where tenant = ${tenant}`;
  return row.count === most;
}

/** Counts dirty buckets that are over by `overMs`. True when there may be more. */
export async function recountDirty(
  tx: Tx,
  tenant: string,
  { overMs, most, classes }: { readonly overMs: number; readonly most: number; readonly classes: Classes },
): Promise<boolean> {
  const taken = await tx<{ at: number }[]>`
    delete from mandate.metric_dirty where tenant = ${tenant} and at in (
      select at from mandate.metric_dirty where tenant = ${tenant} and at < ${new Date(overMs)} order by at limit ${most})
    returning at`;
  if (taken.length === 0) return false;
  await tx`
    select mandate.metric_count(${tenant}, i.lo, i.hi, ${jsonb(tx, classes)}) from (
      select min(at) as lo, max(at) + interval '1 minute' as hi from (
        select at, at - row_number() over (order by at) * interval '1 minute' as island
        from unnest(${taken.map(({ at }) => iso(at))}::timestamptz[]) t (at)) s group by island) i`;
  return taken.length === most;
}

/** Counts on from where counting ends, up to `overMs` or for so many acts. True when there is more. */
export async function countOn(
  tx: Tx,
  tenant: string,
  {
    closedMs,
    overMs,
    most,
    classes,
  }: {
    readonly closedMs: number;
    readonly overMs: number;
    readonly most: number;
    readonly classes: Classes;
  },
): Promise<boolean> {
  if (overMs <= closedMs) return false;
  // At least one bucket, or counting would not get on where one holds more than that.
  const [row] = await tx<{ at: number | null }[]>`
    select greatest(mandate.metric_bin(created_at, 60), ${new Date(closedMs)}::timestamptz + interval '1 minute') as at
    from mandate.act where tenant = ${tenant} and created_at >= ${new Date(closedMs)} and created_at < ${new Date(overMs)}
    order by created_at offset ${most} limit 1`;
  const untilMs = Math.min(row?.at ?? overMs, overMs);
  await tx`select mandate.metric_count(${tenant}, ${new Date(closedMs)}, ${new Date(untilMs)}, ${jsonb(tx, classes)})`;
  await tx`update mandate.metric_state set closed_until = ${new Date(untilMs)} where tenant = ${tenant}`;
  return untilMs < overMs;
}

/** Tenants for which there is something to count. */
export async function tenantsToCount(control: Sql, overMs: number): Promise<readonly string[]> {
  const rows = await control<{ tenant: string }[]>`
    select t.tenant from mandate.tenant t left join mandate.metric_state s on s.tenant = t.tenant
    where t.tenant <> '*' and (s.tenant is null or s.closed_until < ${new Date(overMs)}
      or exists (select 1 from mandate.journal j where j.tenant = t.tenant and j.position > s.position)
      or exists (select 1 from mandate.metric_dirty d where d.tenant = t.tenant and d.at < ${new Date(overMs)}))`;
  return rows.map(({ tenant }) => tenant);
}

/** How far counting is behind: entries not looked at are told by position, buckets by number. */
export async function readBacklog(
  db: Queryable,
  tenant: string,
): Promise<{ readonly dirty: number; readonly closedMs: number | null }> {
  const [row] = await db<{ dirty: number; closed_until: number | null }[]>`
    select (select count(*)::integer from mandate.metric_dirty where tenant = ${tenant}) as dirty,
      (select closed_until from mandate.metric_state where tenant = ${tenant}) as closed_until`;
  return { dirty: row?.dirty ?? 0, closedMs: row?.closed_until ?? null };
}
