// The journal as it is read for people, with the acts and approvals that its entries are about.
import type { JsonObject, Resource, Tier } from '@mandate/kernel';
import type { Tx } from '../../platform/postgres/store.ts';
import type { ToldAct, ToldEntry } from './told.ts';

/** How far telling people has come in the tenant's own journal, and in the one that concerns everybody. */
export const CONSUMER = 'notifications';
export const EVERYBODY = 'notifications-everybody';

export async function readPosition(tx: Tx, tenant: string, consumer: string): Promise<number> {
  return (await findPosition(tx, tenant, consumer)) ?? 0;
}

/** null where it has read nothing yet. */
export async function findPosition(tx: Tx, tenant: string, consumer: string): Promise<number | null> {
  const [row] = await tx<
    { position: number }[]
  >`select position from mandate.consumer where tenant = ${tenant} and name = ${consumer}`;
  return row?.position ?? null;
}

/** The last position of everybody's journal from before the tenant was there. `all` reads as `*`. */
export async function readBeginning({
  tx,
  tenant,
  all,
}: {
  readonly tx: Tx;
  readonly tenant: string;
  readonly all: Tx;
}): Promise<number> {
  const [row] = await tx<
    { at: number }[]
  >`select created_at as at from mandate.tenant where tenant = ${tenant}`;
  if (row === undefined) return 0;
  const [last] = await all<
    { position: number | null }[]
  >`select max(position) as position from mandate.journal where tenant = '*' and at < ${new Date(row.at)}`;
  return last?.position ?? 0;
}

export async function movePosition(
  tx: Tx,
  tenant: string,
  {
    consumer,
    position,
    nowMs,
  }: { readonly consumer: string; readonly position: number; readonly nowMs: number },
): Promise<void> {
  await tx`
    insert into mandate.consumer as c (tenant, name, position, updated_at) values (${tenant}, ${consumer}, ${position}, ${new Date(nowMs)})
    on conflict (tenant, name) do update set position = excluded.position, updated_at = excluded.updated_at where c.position < excluded.position`;
}

/** Entries after `after`, up to `upTo` where that is given, in the order of their positions. */
export async function readEntries(
  tx: Tx,
  tenant: string,
  { after, upTo, limit }: { readonly after: number; readonly upTo: number | null; readonly limit: number },
): Promise<readonly ToldEntry[]> {
  const rows = await tx<
    {
      position: number;
      kind: string;
      agent: string | null;
      act_id: string | null;
      actor: string;
      at: number;
      trace_id: string | null;
      data: string;
    }[]
  >`
    select position, kind, agent, act_id, actor, at, trace_id, data from mandate.journal
    where tenant = ${tenant} and position > ${after} ${upTo === null ? tx`` : tx`and position <= ${upTo}`}
    order by position limit ${limit}`;
  return rows.map((row) => ({
    position: row.position,
    kind: row.kind,
    agent: row.agent,
    actId: row.act_id,
    actor: row.actor,
    atMs: row.at,
    traceId: row.trace_id,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the journal writes canonical JSON of objects and is never changed
    data: JSON.parse(row.data) as JsonObject,
  }));
}

/** The acts that these entries are about. */
export async function readActs(
  tx: Tx,
  tenant: string,
  entries: readonly ToldEntry[],
): Promise<ReadonlyMap<string, ToldAct>> {
  const ids = [...new Set(entries.flatMap(({ actId }) => (actId === null ? [] : [actId])))];
  if (ids.length === 0) return new Map();
  const rows = await tx<
    {
      id: string;
      agent: string;
      action: string;
      tier: Tier;
      status: string;
      error: string | null;
      cost: number;
      parameters: JsonObject | null;
      resource: Resource | null;
      trace_id: string | null;
      approval_id: string | null;
      reasons: readonly string[] | null;
    }[]
  >`
    select id, agent, action, tier, status, error, trace_id, approval_id,
      coalesce(actual_cost_micro_usd, case when status in ('success', 'failed', 'unknown') then cost_micro_usd else 0 end) as cost,
      display->'parameters' as parameters, nullif(display->'resource', 'null') as resource, decision->'reasons' as reasons
    from mandate.act where tenant = ${tenant} and id = any (${ids}::uuid[])`;
  return new Map(
    rows.map((row) => [
      row.id,
      {
        id: row.id,
        agent: row.agent,
        action: row.action,
        tier: row.tier,
        status: row.status,
        error: row.error,
        costMicroUsd: row.cost,
        parameters: row.parameters ?? {},
        resource: row.resource,
        traceId: row.trace_id,
        approvalId: row.approval_id,
        reasons: row.reasons ?? [],
      },
    ]),
  );
}

export interface OpenApproval {
  readonly id: string;
  readonly actId: string | null;
  readonly title: string | null;
  readonly agent: string | null;
  readonly action: string | null;
  readonly subject: string;
  readonly requester: string;
  /** Redacted: what voters are shown. */
  readonly display: JsonObject;
  readonly requiredRoles: readonly string[];
  readonly quorum: number;
  readonly expiresMs: number;
}

/** The approval that an entry tells of, as long as it still waits. */
export async function readOpenApproval(
  tx: Tx,
  tenant: string,
  entry: ToldEntry,
): Promise<OpenApproval | null> {
  const named = entry.data['approval'];
  const id = typeof named === 'string' ? named : null;
  if (id === null && entry.actId === null) return null;
  const [row] = await tx<
    {
      id: string;
      act_id: string | null;
      title: string | null;
      agent: string | null;
      action: string | null;
      subject: string;
      requester: string;
      display: JsonObject | null;
      required_roles: string[];
      quorum: number;
      expires_at: number;
    }[]
  >`
    select id, act_id, title, agent, action, subject, requester, display, required_roles, quorum, expires_at
    from mandate.approval
    where tenant = ${tenant} and ${id === null ? tx`act_id = ${entry.actId}` : tx`id = ${id}`} and status = 'pending'
    order by created_at desc limit 1`;
  return row === undefined
    ? null
    : {
        id: row.id,
        actId: row.act_id,
        title: row.title,
        agent: row.agent,
        action: row.action,
        subject: row.subject,
        requester: row.requester,
        display: row.display ?? {},
        requiredRoles: row.required_roles,
        quorum: row.quorum,
        expiresMs: row.expires_at,
      };
}
