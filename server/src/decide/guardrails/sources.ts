// What was done before, as far as guardrails ask: acts that brought something untrusted in, and acts that begin a flow.
// Only that they happened is written down; what they brought in stays sealed as their result.
import type { Store, Tx } from '../../platform/postgres/store.ts';

/** An act that has begun, and what later decisions have to know of it. */
export interface SourceAct {
  readonly actId: string;
  readonly agent: string;
  readonly action: string;
  readonly startedMs: number;
  readonly status: string;
  /** null: the agent executed it. */
  readonly executor: string | null;
  readonly untrusted: boolean;
  readonly claimed: boolean;
}

export interface NewSource {
  readonly tenant: string;
  readonly scopes: readonly Uint8Array[];
  readonly actId: string;
  readonly agent: string;
  readonly action: string;
  readonly untrusted: boolean;
  readonly claimed: boolean;
  readonly atMs: number;
}

/** Where to look. Parties remember for a while only, runs for as long as anything is kept. */
export interface SoughtScopes {
  readonly tenant: string;
  readonly parties: readonly Uint8Array[];
  readonly runs: readonly Uint8Array[];
}

/** What is looked for. null: nobody asks for it. */
export interface SoughtSources extends SoughtScopes {
  /** Acts that brought something untrusted in, the latest ones. */
  readonly untrusted: { readonly sinceMs: number; readonly limit: number } | null;
  /** For each pattern of an action the latest act that may have begun a flow. */
  readonly flows: { readonly sinceMs: number; readonly patterns: readonly string[] } | null;
}

export interface FoundSources {
  readonly untrusted: readonly SourceAct[];
  readonly flows: readonly SourceAct[];
}

/** Remembers an act before it starts. */
export async function writeSource(store: Store, source: NewSource): Promise<void> {
  await store.withTenant(source.tenant, async (tx) => {
    await tx`
      insert into mandate.act_source (tenant, scope, act_id, agent, action, untrusted, claimed, at)
      select ${source.tenant}, scope, ${source.actId}, ${source.agent}, ${source.action}, ${source.untrusted}, ${source.claimed}, ${new Date(source.atMs)}
      from unnest(${source.scopes.map(hex)}::text[]) h, decode(h, 'hex') scope
      on conflict (tenant, scope, act_id) do update set at = excluded.at`;
  });
}

/** What has begun in these scopes, latest first. Neither kind takes up room of the other: an agent makes as many of one as it likes. */
export async function readSources(store: Store, sought: SoughtSources): Promise<FoundSources> {
  const { tenant, untrusted, flows } = sought;
  const [taint, begun] = await store.withTenant(tenant, (tx) =>
    Promise.all([
      untrusted === null
        ? NONE
        : tx<SourceRow[]>`
            with found as (${foundIn(tx, sought, untrusted.sinceMs)})
            select * from found where untrusted or claimed order by started_at desc, act_id limit ${untrusted.limit}`,
      // A read that failed here has given nothing to anybody; what an agent calls a failure may have.
      flows === null
        ? NONE
        : tx<SourceRow[]>`
            with found as (${foundIn(tx, sought, flows.sinceMs)}), latest as (
              select distinct on (action) * from found where status <> 'failed' or executor is null order by action, started_at desc, act_id
            ), first as (
              select distinct on (p) l.* from unnest(${[...flows.patterns]}::text[]) p
                join latest l on case when p like '%*' then starts_with(l.action, left(p, -1)) else l.action = p end
              order by p, l.started_at desc, l.act_id
            )
            select distinct on (started_at, act_id) * from first order by started_at desc, act_id`,
    ]),
  );
  return { untrusted: taint.map(sourceOf), flows: begun.map(sourceOf) };
}

const NONE: readonly SourceRow[] = [];
/** Longer than any start takes: the index knows when a row was written, and what counts is when its act started. */
const WRITTEN_BEFORE_MS = 3_600_000;

function foundIn(tx: Tx, { tenant, parties, runs }: SoughtScopes, sinceMs: number) {
  return tx`
    select distinct on (s.act_id) s.act_id, s.agent, s.action, s.untrusted, s.claimed, a.started_at, a.status, a.executor
    from mandate.act_source s join mandate.act a on a.tenant = s.tenant and a.id = s.act_id
    where s.tenant = ${tenant} and a.started_at is not null and (a.status <> 'cancelled' or a.executor is null)
      and ((a.started_at >= ${new Date(sinceMs)} and s.at >= ${new Date(sinceMs - WRITTEN_BEFORE_MS)} and s.scope in (select decode(h, 'hex') from unnest(${parties.map(hex)}::text[]) h))
        or s.scope in (select decode(h, 'hex') from unnest(${runs.map(hex)}::text[]) h))
    order by s.act_id`;
}

function sourceOf(row: SourceRow): SourceAct {
  return {
    actId: row.act_id,
    agent: row.agent,
    action: row.action,
    startedMs: row.started_at,
    status: row.status,
    executor: row.executor,
    untrusted: row.untrusted,
    claimed: row.claimed,
  };
}

interface SourceRow {
  readonly act_id: string;
  readonly agent: string;
  readonly action: string;
  readonly untrusted: boolean;
  readonly claimed: boolean;
  readonly started_at: number;
  readonly status: string;
  readonly executor: string | null;
}

/** What an act brought in, as it lies sealed; null where there is none of it. */
export interface SealedContent {
  readonly result: Uint8Array | null;
  readonly evidence: Uint8Array;
  readonly error: string | null;
}

export function readSealed(
  store: Store,
  tenant: string,
  actIds: readonly string[],
): Promise<ReadonlyMap<string, SealedContent>> {
  return store.withTenant(tenant, async (tx) => {
    const rows = await tx<
      { id: string; sealed: Uint8Array; sealed_result: Uint8Array | null; error: string | null }[]
    >`
      select id, sealed, sealed_result, error from mandate.act where tenant = ${tenant} and id = any (${[...actIds]}::uuid[])`;
    return new Map(
      rows.map((row) => [row.id, { result: row.sealed_result, evidence: row.sealed, error: row.error }]),
    );
  });
}

/** Forgets what no window and no run reaches any more. */
export async function pruneSources(store: Store, tenant: string, beforeMs: number): Promise<number> {
  return store.withTenant(tenant, async (tx) => {
    const gone = await tx`
      delete from mandate.act_source where tenant = ${tenant} and at < ${new Date(beforeMs)}`;
    return gone.count;
  });
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
