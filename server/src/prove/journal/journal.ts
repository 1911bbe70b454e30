// The one append-only table: whatever happens is written in the transaction that it tells of, and read back by
// position only. Positions come after commit (sequencer.ts), so that no reader can pass by a late commit.
import { canonicalJson, redactText } from '@mandate/kernel';
import type { Json, JsonObject } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { NewEntry } from '../../platform/events/entry.ts';
import { jsonb } from '../../platform/postgres/jsonb.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import { iso } from '../../platform/clock/iso.ts';

export interface JournalEntry {
  readonly position: number;
  readonly kind: string;
  readonly agent: string | null;
  readonly actId: string | null;
  readonly actor: string;
  readonly at: string;
  readonly traceId: string | null;
  readonly data: JsonObject;
}

/** CloudEvents 1.0 (cloudevents.io), structured mode; `id` is the position, stable over every delivery. */
export interface CloudEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly traceparent?: string;
  readonly data: JsonObject;
}

export interface EntryQuery {
  readonly after: number;
  readonly limit: number;
  readonly kind: string | null;
  readonly agent: string | null;
  readonly actId: string | null;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** Newest first, for people who look; feeds read oldest first. */
  readonly newestFirst: boolean;
}

export interface Journal {
  read(tenant: string, query: EntryQuery): Promise<readonly JournalEntry[]>;
  /** The position of the newest entry; 0 for none. */
  head(tenant: string): Promise<number>;
  consumer(tenant: string, name: string): Promise<number>;
  /** Moves a consumer group on, never back; replay is an explicit `rewind`. */
  commit(tenant: string, name: string, position: number): Promise<void>;
  rewind(tenant: string, name: string, position: number): Promise<void>;
}

/** Writes one entry in the caller's transaction, with what people and agents wrote in words freed of secrets (I9). */
export async function writeEntry(tx: Tx, tenant: string, entry: NewEntry): Promise<void> {
  const rows = [{ ...entry, data: canonicalJson(withoutSecrets(entry.data)) }];
  await tx`select mandate.journal_write(${tenant}, ${jsonb(tx, rows)})`;
}

/** Texts only: names of keys are our own here, and a digest or an id under a name like `key` must stay readable. */
function withoutSecrets(value: Json): Json {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) return value.map(withoutSecrets);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutSecrets(inner)]));
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

export function createJournal({ store, clock }: { store: Store; clock: Clock }): Journal {
  return {
    read: (tenant, query) =>
      store.withTenant(tenant, async (tx) => {
        const rows = await tx<EntryRow[]>`
          select position, kind, agent, act_id, actor, at, trace_id, data from mandate.journal
          where tenant = ${tenant} and position is not null
            ${query.newestFirst ? (query.after === 0 ? tx`` : tx`and position < ${query.after}`) : tx`and position > ${query.after}`}
            ${query.kind === null ? tx`` : tx`and (kind = ${query.kind} or starts_with(kind, ${`${query.kind}.`}))`}
            ${query.agent === null ? tx`` : tx`and agent = ${query.agent}`}
            ${query.actId === null ? tx`` : tx`and act_id = ${query.actId}`}
            ${query.fromMs === null ? tx`` : tx`and at >= ${new Date(query.fromMs)}`}
            ${query.toMs === null ? tx`` : tx`and at < ${new Date(query.toMs)}`}
          order by position ${query.newestFirst ? tx`desc` : tx`asc`} limit ${query.limit}`;
        return rows.map(entryOf);
      }),

    head: (tenant) =>
      store.withTenant(tenant, async (tx) => {
        const [row] = await tx<
          { head: number | null }[]
        >`select max(position) as head from mandate.journal where tenant = ${tenant}`;
        return row?.head ?? 0;
      }),

    consumer: (tenant, name) =>
      store.withTenant(tenant, async (tx) => {
        const [row] = await tx<
          { position: number }[]
        >`select position from mandate.consumer where tenant = ${tenant} and name = ${name}`;
        return row?.position ?? 0;
      }),

    commit: (tenant, name, position) =>
      move(store, tenant, { name, position, now: new Date(clock.nowMs()), back: false }),
    rewind: (tenant, name, position) =>
      move(store, tenant, { name, position, now: new Date(clock.nowMs()), back: true }),
  };
}

function move(
  store: Store,
  tenant: string,
  to: { name: string; position: number; now: Date; back: boolean },
): Promise<void> {
  return store.withTenant(tenant, async (tx) => {
    await tx`
      insert into mandate.consumer as c (tenant, name, position, updated_at) values (${tenant}, ${to.name}, ${to.position}, ${to.now})
      on conflict (tenant, name) do update set position = excluded.position, updated_at = excluded.updated_at
      where ${to.back} or c.position < excluded.position`;
  });
}

interface EntryRow {
  readonly position: number;
  readonly kind: string;
  readonly agent: string | null;
  readonly act_id: string | null;
  readonly actor: string;
  readonly at: number;
  readonly trace_id: string | null;
  readonly data: string;
}

function entryOf(row: EntryRow): JournalEntry {
  return {
    position: row.position,
    kind: row.kind,
    agent: row.agent,
    actId: row.act_id,
    actor: row.actor,
    at: iso(row.at),
    traceId: row.trace_id,
    // Written by canonicalJson() above and guarded against change by the database.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
    data: JSON.parse(row.data) as JsonObject,
  };
}

export function cloudEventOf(tenant: string, entry: JournalEntry): CloudEvent {
  return {
    specversion: '1.0',
    id: String(entry.position),
    source: `/mandate/tenants/${tenant}`,
    type: `mandate.${entry.kind}`,
    ...(entry.actId === null
      ? entry.agent === null
        ? {}
        : { subject: `agents/${entry.agent}` }
      : { subject: `${entry.kind.startsWith('workflow.') ? 'workflows' : 'actions'}/${entry.actId}` }),
    time: entry.at,
    datacontenttype: 'application/json',
    ...(entry.traceId === null
      ? {}
      : { traceparent: `00-${entry.traceId}-${entry.traceId.slice(0, 16)}-01` }),
    data: { ...entry.data, agent: entry.agent, actor: entry.actor, traceId: entry.traceId },
  };
}
