// Deliveries: put down once, claimed by one process at a time, and settled as what became of them.
import { jsonb } from '../../platform/postgres/jsonb.ts';
import type { Sql, Tx } from '../../platform/postgres/store.ts';
import type { Content, DeliveryKind } from './message.ts';

/** - `cancelled`: what it asked for was decided before it was sent (again) */
export type DeliveryStatus = 'pending' | 'sending' | 'sent' | 'dead' | 'cancelled';

export interface Delivery {
  readonly id: string;
  readonly channel: string;
  readonly recipient: string;
  readonly user: string | null;
  readonly kind: DeliveryKind;
  readonly urgent: boolean;
  readonly content: Content;
  readonly contentBytes: number;
  readonly status: DeliveryStatus;
  readonly tries: number;
  readonly inDoubt: boolean;
  readonly nextMs: number;
  readonly lastError: string | null;
  readonly reference: string | null;
  readonly createdMs: number;
  readonly sentMs: number | null;
  readonly diedMs: number | null;
  readonly replays: number;
}

export interface NewDelivery {
  readonly id: string;
  readonly channel: string;
  readonly recipient: string;
  readonly user: string | null;
  readonly urgent: boolean;
  /** What it is about; the same is put down once for each recipient. */
  readonly key: string;
  readonly content: Content;
  readonly nowMs: number;
  /** Not before; now, unless quiet hours hold it. */
  readonly nextMs: number;
}

/** False where the same had been put down before. */
export async function putDelivery(tx: Tx, tenant: string, of: NewDelivery): Promise<boolean> {
  const done = await tx`
    insert into mandate.delivery (tenant, id, channel, recipient, user_id, kind, urgent, key, content, content_bytes, status, next_at, planned_at, created_at)
    values (${tenant}, ${of.id}, ${of.channel}, ${of.recipient}, ${of.user}, ${of.content.kind}, ${of.urgent}, ${of.key}, ${jsonb(tx, of.content)},
      ${Buffer.byteLength(JSON.stringify(of.content))}, 'pending', ${new Date(of.nextMs)}, ${new Date(of.nowMs)}, ${new Date(of.nowMs)})
    on conflict (tenant, channel, recipient, key) do nothing`;
  return done.count === 1;
}

/** How many messages one channel is sent at a time: a slow one keeps nobody else waiting. */
const AT_ONCE = 4;
/** What was planned this far ahead was planned by a clock that has been put back since: it is due at once. */
export const AHEAD_MS = 60_000;

export interface DueChannel {
  readonly tenant: string;
  readonly channel: string;
}

export interface DueDelivery extends DueChannel {
  readonly id: string;
}

/** What may be sent now, urgent things first, some of every channel. Without names of tenants' recipients: control sees none. */
export function findDue(
  control: Sql,
  {
    nowMs,
    limit,
    except,
  }: { readonly nowMs: number; readonly limit: number; readonly except: readonly DueChannel[] },
): Promise<readonly DueDelivery[]> {
  const now = new Date(nowMs);
  const tenants = except.map(({ tenant }) => tenant);
  const channels = except.map(({ channel }) => channel);
  return control<DueDelivery[]>`
    with busy as (
      select tenant, channel, count(*) as n from mandate.delivery where status = 'sending' and lease_until >= now() group by tenant, channel),
    due as (
      select tenant, id, channel, urgent, next_at, row_number() over (partition by tenant, channel order by urgent desc, next_at, id) as n
      from mandate.delivery
      where ((status = 'pending' and (next_at <= ${now} or planned_at > ${new Date(nowMs + AHEAD_MS)}))
          or (status = 'sending' and lease_until < now()))
        and (tenant, channel) not in (select * from unnest(${tenants}::text[], ${channels}::text[])))
    select due.tenant, due.id, due.channel from due left join busy on busy.tenant = due.tenant and busy.channel = due.channel
    where due.n + coalesce(busy.n, 0) <= ${AT_ONCE} order by due.urgent desc, due.next_at, due.id limit ${limit}`;
}

/** The channel that it goes over; null where there is no such delivery. */
export async function readChannel(tx: Tx, tenant: string, id: string): Promise<string | null> {
  const [row] = await tx<
    { channel: string }[]
  >`select channel from mandate.delivery where tenant = ${tenant} and id = ${id}`;
  return row?.channel ?? null;
}

/** Nobody is asked what has been decided meanwhile: over the night, between two tries, before a replay. */
export async function cancelDecided(tx: Tx, tenant: string, id: string): Promise<boolean> {
  const done = await tx`
    update mandate.delivery d set status = 'cancelled', in_doubt = in_doubt or status = 'sending', lease_until = null,
      last_error = 'It was not sent, because what it asks for had been decided.'
    where tenant = ${tenant} and id = ${id} and kind = 'approval' and (status = 'pending' or (status = 'sending' and lease_until < now()))
      and not exists (select 1 from mandate.approval a where a.tenant = d.tenant and a.id = (d.content->>'approvalId')::uuid and a.status = 'pending')`;
  return done.count === 1;
}

/** Takes a delivery to send it; null where another process was faster, or it is not to be sent (yet, or any more). */
export async function claimDelivery(
  tx: Tx,
  tenant: string,
  { id, leaseMs, nowMs }: { readonly id: string; readonly leaseMs: number; readonly nowMs: number },
): Promise<Delivery | null> {
  // Somebody else may have tried it since it was found: then it is due later, and not at once.
  const isDue = tx`(next_at <= ${new Date(nowMs)} or planned_at > ${new Date(nowMs + AHEAD_MS)})`;
  // Whoever had it before and did not say what became of it may have sent it.
  const [row] = await tx<StoredDelivery[]>`
    update mandate.delivery set status = 'sending', tries = tries + 1, in_doubt = in_doubt or status = 'sending',
      lease_until = now() + make_interval(secs => ${leaseMs / 1_000})
    where tenant = ${tenant} and id = ${id} and ((status = 'pending' and ${isDue}) or (status = 'sending' and lease_until < now()))
    returning *`;
  return row === undefined ? null : deliveryOf(row);
}

export type Settlement =
  | { readonly kind: 'sent'; readonly reference: string | null }
  | { readonly kind: 'again'; readonly error: string; readonly inDoubt: boolean; readonly nextMs: number }
  | { readonly kind: 'dead'; readonly error: string; readonly inDoubt: boolean };

export async function settleDelivery(
  tx: Tx,
  tenant: string,
  {
    id,
    tries,
    nowMs,
    settlement,
  }: { readonly id: string; readonly tries: number; readonly nowMs: number; readonly settlement: Settlement },
): Promise<boolean> {
  const now = new Date(nowMs);
  // Only the try that is settled: a process that was thought dead must not undo what another did since.
  const mine = tx`tenant = ${tenant} and id = ${id} and status = 'sending' and tries = ${tries}`;
  switch (settlement.kind) {
    case 'sent': {
      const done = await tx`
        update mandate.delivery set status = 'sent', sent_at = ${now}, reference = ${settlement.reference}, lease_until = null where ${mine}`;
      return done.count === 1;
    }
    case 'again': {
      const done = await tx`
        update mandate.delivery set status = 'pending', next_at = ${new Date(settlement.nextMs)}, planned_at = ${now}, in_doubt = in_doubt or ${settlement.inDoubt},
          last_error = ${settlement.error}, lease_until = null where ${mine}`;
      return done.count === 1;
    }
    case 'dead': {
      const done = await tx`
        update mandate.delivery set status = 'dead', died_at = ${now}, in_doubt = in_doubt or ${settlement.inDoubt},
          last_error = ${settlement.error}, lease_until = null where ${mine}`;
      return done.count === 1;
    }
  }
}

export interface DeliveryQuery {
  readonly status: DeliveryStatus | null;
  readonly channel: string | null;
  readonly ids: readonly string[] | null;
  readonly limit: number;
}

/** Newest first. */
export async function listDeliveries(
  tx: Tx,
  tenant: string,
  query: DeliveryQuery,
): Promise<readonly Delivery[]> {
  const rows = await tx<StoredDelivery[]>`
    select * from mandate.delivery where tenant = ${tenant}
      ${query.status === null ? tx`` : tx`and status = ${query.status}`}
      ${query.channel === null ? tx`` : tx`and channel = ${query.channel}`}
      ${query.ids === null ? tx`` : tx`and id = any (${[...query.ids]}::uuid[])`}
    order by created_at desc, id desc limit ${query.limit}`;
  return rows.map(deliveryOf);
}

interface StoredDelivery {
  readonly id: string;
  readonly channel: string;
  readonly recipient: string;
  readonly user_id: string | null;
  readonly kind: DeliveryKind;
  readonly urgent: boolean;
  readonly content: Content;
  readonly content_bytes: number;
  readonly status: DeliveryStatus;
  readonly tries: number;
  readonly in_doubt: boolean;
  readonly next_at: number;
  readonly last_error: string | null;
  readonly reference: string | null;
  readonly created_at: number;
  readonly sent_at: number | null;
  readonly died_at: number | null;
  readonly replays: number;
}

function deliveryOf(row: StoredDelivery): Delivery {
  return {
    id: row.id,
    channel: row.channel,
    recipient: row.recipient,
    user: row.user_id,
    kind: row.kind,
    urgent: row.urgent,
    content: row.content,
    contentBytes: row.content_bytes,
    status: row.status,
    tries: row.tries,
    inDoubt: row.in_doubt,
    nextMs: row.next_at,
    lastError: row.last_error,
    reference: row.reference,
    createdMs: row.created_at,
    sentMs: row.sent_at,
    diedMs: row.died_at,
    replays: row.replays,
  };
}
