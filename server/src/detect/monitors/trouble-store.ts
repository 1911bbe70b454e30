// What went wrong, read from the acts and the journal: which acts a breaker is about, whether anything has gone wrong
// since somebody looked, how long acts took. Patterns are taken apart for SQL here, so that an underscore stays one.
import type { GoodOfTotal, Trouble } from '@mandate/kernel';
import type { Tx } from '../../platform/postgres/store.ts';

export interface FailedAct {
  readonly id: string;
  readonly agent: string;
  readonly action: string;
  readonly traceId: string | null;
}

export interface Span {
  readonly patterns: readonly string[];
  readonly startMs: number;
  /** Inclusive. */
  readonly endMs: number;
}

/** Enough to see what it was; an incident of thousands of acts helps nobody. */
const MOST_ACTS = 20;

/** Newest first. */
export async function readFailedActs(tx: Tx, tenant: string, span: Span): Promise<readonly FailedAct[]> {
  return tx<FailedAct[]>`
    select id, agent, action, trace_id as "traceId" from mandate.act
    where tenant = ${tenant} and started_at is not null and status = 'failed' and ended_at >= ${new Date(span.startMs)} and ended_at <= ${new Date(span.endMs)}
      and ${covered(tx, span.patterns, 'action')}
    order by ended_at desc, id desc limit ${MOST_ACTS}`;
}

/** What counts as trouble to one condition. */
export interface About {
  readonly kinds: readonly Trouble[];
  /** Where it is about how long acts take: those that took too long. */
  readonly latency: Latency | null;
}

export interface Latency {
  readonly op: 'lt' | 'lte';
  readonly valueMs: number;
}

/** Whether anything of that kind was written down since that event was resolved or ended. */
export async function hasNewTrouble(
  tx: Tx,
  tenant: string,
  {
    event,
    patterns,
    safeStates,
    about: { kinds, latency },
  }: {
    readonly event: string;
    readonly patterns: readonly string[];
    readonly safeStates: readonly string[];
    readonly about: About;
  },
): Promise<boolean> {
  const when: Readonly<Record<Trouble, Fragment>> = {
    failures: tx`(j.kind in ('action.failed', 'action.unknown') and ${covered(tx, patterns, 'entry')})`,
    ends: tx`(j.kind in ('action.succeeded', 'action.failed', 'action.cancelled', 'action.unknown') and ${covered(tx, patterns, 'entry')})`,
    rollbacks: tx`(j.kind = 'action.succeeded' and exists (select 1 from mandate.act o where o.tenant = ${tenant} and o.id = x.compensates and ${covered(tx, patterns, 'undone')}))`,
    approvals: tx`((starts_with(j.kind, 'approval.') or j.kind in ('action.held', 'action.denied')) and ${covered(tx, patterns, 'entry')})`,
    incidents: tx`j.kind in ('incident.opened', 'incident.updated')`,
    safety: tx`((j.kind in ('action.held', 'action.denied', 'action.refused', 'action.cancelled') and ${covered(tx, patterns, 'entry')})
      or (j.kind = 'action.started' and ${covered(tx, patterns, 'entry')} and ${covered(tx, safeStates, 'entry')}))`,
  };
  const slow =
    latency === null
      ? tx`false`
      : tx`(j.kind = 'action.succeeded' and ${covered(tx, patterns, 'entry')} and not ${inTime(tx, latency, 'x')})`;
  const since = tx`j.tenant = ${tenant} and j.id <> all (e.mark_known)`;
  const [row] = await tx<{ found: boolean }[]>`
    select exists (
      select 1 from mandate.circuit_breaker_event e
        cross join lateral (
          select j.kind, j.act_id, j.data from mandate.journal j where ${since} and j.position > e.mark
          union all
          select j.kind, j.act_id, j.data from mandate.journal j where ${since} and j.position is null) j
        left join mandate.act x on x.tenant = ${tenant} and x.id = j.act_id
      where e.tenant = ${tenant} and e.id = ${event} and (${kinds.reduce((all, kind) => tx`${all} or ${when[kind]}`, slow)})) as found`;
  return row?.found ?? false;
}

/** How many acts succeeded in time, of all that succeeded or failed. */
export async function countInTime(
  tx: Tx,
  tenant: string,
  { patterns, startMs, endMs, op, valueMs }: Span & Latency,
): Promise<GoodOfTotal> {
  const [row] = await tx<{ good: number; total: number }[]>`
    select count(*)::integer as total,
      (count(*) filter (where status = 'success' and ${inTime(tx, { op, valueMs }, 'act')}))::integer as good
    from mandate.act
    where tenant = ${tenant} and status in ('success', 'failed') and started_at is not null
      and ended_at >= ${new Date(startMs)} and ended_at <= ${new Date(endMs)} and ${covered(tx, patterns, 'action')}`;
  return row ?? { good: 0, total: 0 };
}

type Fragment = ReturnType<Tx>;

function inTime(tx: Tx, { op, valueMs }: Latency, act: 'act' | 'x') {
  const took = tx`extract(epoch from ${tx(act)}.ended_at - ${tx(act)}.started_at) * 1000`;
  return op === 'lt' ? tx`(${took} < ${valueMs})` : tx`(${took} <= ${valueMs})`;
}

/** - `action`: of an act · `entry`: of a journal entry or its act · `undone`: of the act that another undid */
function covered(tx: Tx, patterns: readonly string[], where: 'action' | 'entry' | 'undone') {
  const names = {
    action: tx`action`,
    entry: tx`coalesce(x.action, j.data::jsonb ->> 'action', '')`,
    undone: tx`o.action`,
  };
  const name = names[where];
  const exact = patterns.filter((pattern) => !pattern.endsWith('*'));
  const prefixes = patterns.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1));
  return tx`(${name} = any (${exact}::text[]) or exists (select 1 from unnest(${prefixes}::text[]) prefix where starts_with(${name}, prefix)))`;
}
