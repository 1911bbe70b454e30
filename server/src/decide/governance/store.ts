// The rows of governed sets, one statement per function. Whoever changes one holds the tenant's row first: charters come
// into force under the same lock, so a set and what its charter says of it never change past each other.
import type { JsonObject } from '@mandate/kernel';
import type { Tx } from '../../platform/postgres/store.ts';

export interface SetRow {
  readonly name: string;
  readonly phase: string;
  readonly ladder: readonly string[];
  readonly since: number;
  readonly entered: 'governed' | 'risen' | 'fallen';
  readonly previous: string | null;
  readonly governed_at: number;
  readonly fallen_at: number | null;
  readonly changes: number;
  readonly restrictions: readonly string[];
  readonly dropped_at: number | null;
}

export interface ChangeRow {
  readonly number: number;
  readonly kind: 'governed' | 'risen' | 'fallen' | 'rewritten' | 'dropped';
  readonly from_phase: string | null;
  readonly to_phase: string | null;
  readonly cause: string;
  readonly actor: string;
  readonly at: number;
  readonly act_id: string | null;
  readonly approval_id: string | null;
}

export interface NewChange {
  readonly kind: ChangeRow['kind'];
  readonly from: string | null;
  readonly to: string | null;
  readonly cause: string;
  readonly by: string;
  readonly atMs: number;
  readonly actId: string | null;
  readonly approvalId: string | null;
  readonly traceId: string | null;
}

export interface PhaseRow {
  readonly scope: string;
  readonly except_actions: readonly string[];
  readonly cause: string;
}

const HISTORY = 50;

/** Makes changes of one tenant's sets, and of its charter, wait for each other. */
export async function lockTenant(tx: Tx, tenant: string): Promise<void> {
  await tx`select 1 from mandate.tenant where tenant = ${tenant} for update`;
}

/** All sets that the tenant has or had. */
export function readSets(tx: Tx, tenant: string): Promise<readonly SetRow[]> {
  return tx<SetRow[]>`
    select name, phase, ladder, since, entered, previous, governed_at, fallen_at, changes, restrictions, dropped_at
    from mandate.governed_set where tenant = ${tenant} order by name`;
}

/** One set that is governed now. */
export async function readSet(tx: Tx, tenant: string, name: string): Promise<SetRow | null> {
  const [row] = await tx<SetRow[]>`
    select name, phase, ladder, since, entered, previous, governed_at, fallen_at, changes, restrictions, dropped_at
    from mandate.governed_set where tenant = ${tenant} and name = ${name} and dropped_at is null`;
  return row ?? null;
}

export async function writeSet(tx: Tx, tenant: string, row: SetRow): Promise<void> {
  const at = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));
  await tx`
    insert into mandate.governed_set (tenant, name, phase, ladder, since, entered, previous, governed_at, fallen_at, changes, restrictions, dropped_at)
    values (${tenant}, ${row.name}, ${row.phase}, ${[...row.ladder]}, ${at(row.since)}, ${row.entered}, ${row.previous}, ${at(row.governed_at)},
      ${at(row.fallen_at)}, ${row.changes}, ${[...row.restrictions]}::uuid[], ${at(row.dropped_at)})
    on conflict (tenant, name) do update set phase = excluded.phase, ladder = excluded.ladder, since = excluded.since,
      entered = excluded.entered, previous = excluded.previous, governed_at = excluded.governed_at, fallen_at = excluded.fallen_at,
      changes = excluded.changes, restrictions = excluded.restrictions, dropped_at = excluded.dropped_at`;
}

/** Newest first. */
export function readChanges(tx: Tx, tenant: string, set: string): Promise<readonly ChangeRow[]> {
  return tx<ChangeRow[]>`
    select number, kind, from_phase, to_phase, cause, actor, at, act_id, approval_id
    from mandate.phase_change where tenant = ${tenant} and governed_set = ${set} order by number desc limit ${HISTORY}`;
}

export async function insertChange(tx: Tx, tenant: string, set: string, it: NewChange): Promise<void> {
  await tx`
    insert into mandate.phase_change (tenant, governed_set, number, kind, from_phase, to_phase, cause, actor, at, act_id, approval_id, trace_id)
    select ${tenant}, ${set}, coalesce(max(number), 0) + 1, ${it.kind}, ${it.from}, ${it.to}, ${it.cause}, ${it.by}, ${new Date(it.atMs)},
      ${it.actId}, ${it.approvalId}, ${it.traceId}
    from mandate.phase_change where tenant = ${tenant} and governed_set = ${set}`;
}

/** The restrictions of these ids that still stand. */
export function readRestrictions(
  tx: Tx,
  tenant: string,
  ids: readonly string[],
): Promise<readonly PhaseRow[]> {
  return tx<PhaseRow[]>`
    select scope, except_actions, cause from mandate.restriction
    where tenant = ${tenant} and id = any (${[...ids]}::uuid[]) and lifted_at is null order by scope`;
}

export async function insertRestriction(
  tx: Tx,
  tenant: string,
  it: PhaseRow & {
    readonly id: string;
    readonly kind: 'phase' | 'pause';
    readonly by: string;
    readonly atMs: number;
  },
): Promise<void> {
  await tx`
    insert into mandate.restriction (tenant, id, kind, scope, floor, except_actions, cause, created_by, created_at)
    values (${tenant}, ${it.id}, ${it.kind}, ${it.scope}, 'red', ${[...it.except_actions]}, ${it.cause}, ${it.by}, ${new Date(it.atMs)})`;
}

export interface Lifting {
  readonly ids: readonly string[];
  readonly kind: 'phase' | 'pause';
  readonly by: string;
  readonly why: string;
  readonly atMs: number;
}

/** Answers with how many stood. */
export async function liftRestrictions(
  tx: Tx,
  tenant: string,
  { ids, kind, by, why, atMs }: Lifting,
): Promise<number> {
  const lifted = await tx`
    update mandate.restriction set lifted_at = ${new Date(atMs)}, lifted_by = ${by}, lift_reason = ${why}
    where tenant = ${tenant} and id = any (${[...ids]}::uuid[]) and kind = ${kind} and lifted_at is null`;
  return lifted.count;
}

/** Wakes every process that holds decisions of the tenant. */
export async function raiseRevision(tx: Tx, tenant: string): Promise<void> {
  await tx`select mandate.raise_revision(${tenant})`;
}

/**
 * Ids of proposals that wait. Those which somebody is voting on at this moment are left out when `idle`: their vote waits
 * for what we hold, and then finds that the proposal no longer holds.
 */
export async function pendingProposals(
  tx: Tx,
  tenant: string,
  { set, idle }: { readonly set: string; readonly idle: boolean },
): Promise<readonly { readonly id: string; readonly content: JsonObject; readonly expires_at: number }[]> {
  return tx<{ id: string; content: JsonObject; expires_at: number }[]>`
    select id, content, expires_at from mandate.approval
    where tenant = ${tenant} and subject = 'proposal' and content ->> 'set' = ${set} and status = 'pending'
    order by created_at, id ${idle ? tx`for update skip locked` : tx``}`;
}

/** Ids of a set's proposals, newest first; of all sets without one. */
export async function listProposals(
  tx: Tx,
  tenant: string,
  { set, limit }: { readonly set: string | null; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await tx<{ id: string }[]>`
    select id from mandate.approval
    where tenant = ${tenant} and subject = 'proposal' ${set === null ? tx`` : tx`and content ->> 'set' = ${set}`}
    order by created_at desc, id desc limit ${limit}`;
  return rows.map(({ id }) => id);
}
