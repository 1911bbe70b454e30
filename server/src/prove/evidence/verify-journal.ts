// Looks for damage in the journal: a position that is missing, fewer entries than once were sound, an act that began or ended without its entry, a guard that
// somebody took away. What it finds is said in sentences; nothing is repaired.
import type { Clock } from '../../platform/clock/clock.ts';
import type { Sql, Store, Tx } from '../../platform/postgres/store.ts';
import type { DrillEvidence } from './drill.ts';
import { selectPassed } from './store.ts';

/** Acts are looked at a week at a time and entries so many at a time, so that no statement grows with the history. */
const STRIDE_MS = 7 * 86_400_000;
const BATCH = 20_000;
/** An entry is given its position within moments; one that waits this long shows that nobody gives any. */
const LATE_MS = 60_000;
const MOST_TOLD = 5;

export type VerifyJournal = (tenant: string) => Promise<{
  readonly passed: boolean;
  readonly evidence: DrillEvidence;
}>;

export interface VerifyJournalNeeds {
  readonly store: Store;
  readonly clock: Clock;
  /** A gap in the line of positions that several tenants share: nobody can say whose it is, so whoever runs the server hears of it. */
  readonly told: (problem: string) => void;
}

export function createVerifyJournal({ store, clock, told }: VerifyJournalNeeds): VerifyJournal {
  return async (tenant) => {
    const problems: string[] = [];
    const own = await countOwn(store, tenant, clock.nowMs());
    problems.push(...own.problems);
    const gap = await findMissing(store.sequencer);
    if (gap !== null) {
      if (await isAlone(store.control, tenant)) problems.push(gap);
      else told(gap);
    }
    const late = await store.withTenant(tenant, (tx) => countLate(tx, tenant, clock.nowMs() - LATE_MS));
    if (late > 0)
      problems.push(`${late} entries have waited for their position for more than a minute; see /ready.`);
    const bare = await findBareActs(store, tenant);
    if (bare.begun.length > 0)
      problems.push(`Acts began without an entry: ${bare.begun.join(', ')}${bare.more ? ' and more' : ''}.`);
    if (bare.ended.length > 0)
      problems.push(`Acts ended without an entry: ${bare.ended.join(', ')}${bare.more ? ' and more' : ''}.`);
    problems.push(...(await store.withTenant(tenant, findGaps)));
    return {
      passed: problems.length === 0,
      evidence: {
        firstPosition: own.first,
        lastPosition: own.last,
        entries: own.entries,
        acts: bare.acts,
        problems,
      },
    };
  };
}

interface Counted {
  readonly entries: number;
  /** 0 where there is none. */
  readonly first: number;
  readonly last: number;
}

/** The tenant's own entries; there are still as many as when they were last found sound. */
async function countOwn(
  store: Store,
  tenant: string,
  nowMs: number,
): Promise<Counted & { readonly problems: readonly string[] }> {
  const before = await store.withTenant(tenant, (tx) =>
    selectPassed(tx, tenant, { kind: 'audit_verification', nowMs }),
  );
  const [sound, upTo] = [before?.['entries'], before?.['lastPosition']];
  if (typeof sound !== 'number' || typeof upTo !== 'number')
    return { ...(await countBetween(store, tenant, { after: 0, upTo: null })), problems: [] };
  const old = await countBetween(store, tenant, { after: 0, upTo });
  const since = await countBetween(store, tenant, { after: upTo, upTo: null });
  const problem = `Up to position ${upTo} there are ${old.entries} entries, and there were ${sound} when the journal was last found sound: entries were removed or written by hand.`;
  return {
    entries: old.entries + since.entries,
    first: old.entries > 0 ? old.first : since.first,
    last: since.entries > 0 ? since.last : old.last,
    problems: old.entries === sound ? [] : [problem],
  };
}

async function countBetween(
  store: Store,
  tenant: string,
  { after, upTo }: { readonly after: number; readonly upTo: number | null },
): Promise<Counted> {
  let sum: Counted = { entries: 0, first: 0, last: after };
  for (;;) {
    const from = sum.last;
    const batch = await store.withTenant(tenant, (tx) => selectOwn(tx, tenant, { after: from, upTo }));
    if (batch.entries > 0)
      sum = {
        entries: sum.entries + batch.entries,
        first: sum.entries === 0 ? batch.first : sum.first,
        last: batch.last,
      };
    if (batch.entries < BATCH) return sum.entries === 0 ? { entries: 0, first: 0, last: 0 } : sum;
  }
}

async function selectOwn(
  tx: Tx,
  tenant: string,
  { after, upTo }: { readonly after: number; readonly upTo: number | null },
): Promise<Counted> {
  const [row] = await tx<Counted[]>`
    select count(*)::integer as entries, coalesce(min(position), 0) as first, coalesce(max(position), 0) as last from (
      select position from mandate.journal
      where tenant = ${tenant} and position is not null and position > ${after} ${upTo === null ? tx`` : tx`and position <= ${upTo}`}
      order by position limit ${BATCH}) j`;
  if (row === undefined) throw new Error('counting the journal gave no row');
  return row;
}

/** What is missing in the line of positions, which all tenants share; null where nothing is. */
async function findMissing(sequencer: Sql): Promise<string | null> {
  let [missing, first, last] = [0, 0, 0];
  for (;;) {
    const batch = await selectLine(sequencer, last);
    if (batch.entries > 0) {
      const begin = first === 0 ? batch.first : last + 1;
      missing += batch.last - begin + 1 - batch.entries;
      first = first === 0 ? batch.first : first;
      last = batch.last;
    }
    if (batch.entries < BATCH) break;
  }
  return missing === 0
    ? null
    : `${missing} positions between ${first} and ${last} are missing: entries were removed or written by hand.`;
}

async function selectLine(sequencer: Sql, after: number): Promise<Counted> {
  const [row] = await sequencer<Counted[]>`
    select count(*)::integer as entries, coalesce(min(position), 0) as first, coalesce(max(position), 0) as last from (
      select position from mandate.journal where position is not null and position > ${after} order by position limit ${BATCH}) j`;
  if (row === undefined) throw new Error('counting the journal gave no row');
  return row;
}

/** Whether there is no other tenant: then whatever is missing was its own. */
async function isAlone(control: Sql, tenant: string): Promise<boolean> {
  const others = await control`select 1 from mandate.tenant where tenant not in (${tenant}, '*') limit 1`;
  return others.length === 0;
}

async function countLate(tx: Tx, tenant: string, beforeMs: number): Promise<number> {
  const [row] = await tx<{ late: number }[]>`
    select count(*)::integer as late from mandate.journal where tenant = ${tenant} and position is null and at < ${new Date(beforeMs)}`;
  return row?.late ?? 0;
}

interface BareActs {
  readonly acts: number;
  readonly begun: readonly string[];
  readonly ended: readonly string[];
  readonly more: boolean;
}

async function findBareActs(store: Store, tenant: string): Promise<BareActs> {
  let acts = 0;
  const begun: string[] = [];
  const ended: string[] = [];
  const { first, last } = await store.withTenant(tenant, (tx) => selectSpan(tx, tenant));
  for (let fromMs = first; fromMs <= last && begun.length + ended.length < MOST_TOLD; fromMs += STRIDE_MS) {
    const span = { from: new Date(fromMs), to: new Date(fromMs + STRIDE_MS) };
    const found = await store.withTenant(tenant, (tx) => selectBareActs(tx, tenant, span));
    acts += found.acts;
    begun.push(...found.begun);
    ended.push(...found.ended);
  }
  const told = { begun: begun.slice(0, MOST_TOLD), ended: ended.slice(0, MOST_TOLD) };
  return { acts, ...told, more: begun.length + ended.length >= MOST_TOLD };
}

/** From the first act to the last; nothing to look through where there is none. */
async function selectSpan(
  tx: Tx,
  tenant: string,
): Promise<{ readonly first: number; readonly last: number }> {
  const [row] = await tx<{ first: number | null; last: number | null }[]>`
    select min(created_at) as first, max(created_at) as last from mandate.act where tenant = ${tenant}`;
  return { first: row?.first ?? 0, last: row?.last ?? -1 };
}

async function selectBareActs(
  tx: Tx,
  tenant: string,
  { from, to }: { readonly from: Date; readonly to: Date },
): Promise<Omit<BareActs, 'more'>> {
  const [row] = await tx<{ acts: number; begun: readonly string[]; ended: readonly string[] }[]>`
    with looked as (
      select x.id,
        exists (select 1 from mandate.journal j where j.tenant = x.tenant and j.act_id = x.id and j.kind in ('action.started', 'action.permitted')) as has_start,
        x.status not in ('success', 'failed', 'cancelled', 'unknown') or exists (select 1 from mandate.journal j
          where j.tenant = x.tenant and j.act_id = x.id and j.kind in ('action.succeeded', 'action.failed', 'action.cancelled', 'action.unknown')) as has_end
      from mandate.act x
      where x.tenant = ${tenant} and x.created_at >= ${from} and x.created_at < ${to} and x.started_at is not null
    )
    select count(*)::integer as acts,
      coalesce((array_agg(id::text) filter (where not has_start))[1:5], '{}') as begun,
      coalesce((array_agg(id::text) filter (where not has_end))[1:5], '{}') as ended
    from looked`;
  return row ?? { acts: 0, begun: [], ended: [] };
}

/** What keeps the journal append-only, as the catalogue has it. */
async function findGaps(tx: Tx): Promise<readonly string[]> {
  const rows = await tx<{ problem: string }[]>`
    select 'The trigger ' || name || ' on mandate.journal is missing or disabled: entries can be changed. Restore it from migration 0004.' as problem
    from unnest(array['journal_guard', 'journal_keep']) name
    where not exists (select 1 from pg_trigger t where t.tgrelid = 'mandate.journal'::regclass and t.tgname = name
      and t.tgenabled in ('O', 'A') and t.tgfoid = 'mandate.journal_is_append_only()'::regprocedure)
    union all
    select 'The role ' || role || ' may ' || what || ' journal entries. Revoke it.'
    from unnest(array['mandate_app', 'mandate_control', 'mandate_sequencer']) role
    cross join lateral (values
      ('delete', has_table_privilege(role, 'mandate.journal', 'delete')),
      ('truncate', has_table_privilege(role, 'mandate.journal', 'truncate')),
      ('rewrite', has_column_privilege(role, 'mandate.journal', 'data', 'update'))
    ) may (what, is_so) where may.is_so
    union all
    select 'Row-level security of mandate.journal is not forced. Restore it from migration 0004.'
    from pg_class where oid = 'mandate.journal'::regclass and not (relrowsecurity and relforcerowsecurity)`;
  return rows.map(({ problem }) => problem);
}
