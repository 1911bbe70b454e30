// What went wrong, read from the acts and the journal: which acts a breaker is about, whether anything has gone wrong
// since somebody looked, how long acts took. Patterns are taken apart for SQL here, so that an underscore stays one.
import type { GoodOfTotal, Trouble } from '@mandate/kernel';
import { jsonb } from '../../platform/postgres/jsonb.ts';
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

/** From the mildest to the worst, as incidents call it. */
const SEVERITIES = ['low', 'medium', 'high', 'critical'];

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

export interface TroubleQuery {
  readonly event: string;
  readonly set: string;
  readonly patterns: readonly string[];
  readonly safeStates: readonly string[];
  /** Patterns of rules that are constraints. */
  readonly constraints: readonly string[];
  readonly classes: Readonly<Record<string, string>>;
  readonly about: About;
}

/** Whether anything of that kind was written down since that event was resolved or ended, or was last looked through. */
export async function hasNewTrouble(tx: Tx, tenant: string, query: TroubleQuery): Promise<boolean> {
  const {
    event,
    patterns,
    safeStates,
    about: { kinds, latency },
  } = query;
  const own = covered(tx, patterns, 'entry');
  const when: Readonly<Record<Trouble, Fragment>> = {
    failures: tx`(j.kind in ('action.failed', 'action.unknown') and ${own})`,
    ends: tx`(j.kind in ('action.succeeded', 'action.failed', 'action.cancelled', 'action.unknown') and ${own})`,
    // limit: looked up act by act. The planner would rather read every act there is.
    rollbacks: tx`(j.kind = 'action.succeeded' and x.compensates is not null
      and coalesce((select ${covered(tx, patterns, 'undone')} from mandate.act o where o.tenant = ${tenant} and o.id = x.compensates limit 1), false))`,
    proposals: tx`(j.kind = 'action.held' and ${own})`,
    approvals: tx`(j.kind = 'approval.approved' and ${own})`,
    rejections: tx`(j.kind = 'approval.denied' and ${own})`,
    incidents: isIncident(tx, tenant, query, tx`true`),
    critical: isIncident(
      tx,
      tenant,
      query,
      tx`coalesce(d.data ->> 'to', d.data ->> 'severity') = 'critical'`,
    ),
    autonomous: isIncident(tx, tenant, query, tx`i.autonomous`),
    violations: tx`(${stoodStill(tx)} and ${own} and ${counted(tx, tenant, query, {
      at: tx`x.created_at`,
      as: tx`(m.violations > 0 or (m.held_by_rule > 0 and m.rule = any (${[...query.constraints]}::text[])))`,
    })})`,
    gates: tx`((${stoodStill(tx)} or j.kind = 'action.refused') and ${own} and ${counted(tx, tenant, query, {
      at: tx`coalesce(x.created_at, j.at)`,
      as: tx`m.gates > 0`,
    })})`,
    aborts: tx`((j.kind in ('action.started', 'action.permitted') and ${own} and ${covered(tx, safeStates, 'entry')})
      or (j.kind = 'action.cancelled' and ${own} and ${counted(tx, tenant, query, { at: tx`x.ended_at`, as: tx`m.stopped > 0` })}))`,
  };
  const slow =
    latency === null
      ? tx`false`
      : tx`(j.kind = 'action.succeeded' and ${own} and not ${inTime(tx, latency, 'x')})`;
  const since = tx`j.tenant = ${tenant} and j.id <> all (e.mark_known)`;
  const [row] = await tx<{ found: boolean }[]>`
    select exists (
      select 1 from mandate.circuit_breaker_event e
        cross join lateral (
          select j.kind, j.act_id, j.at, j.data from mandate.journal j where ${since} and j.position > e.mark
          union all
          select j.kind, j.act_id, j.at, j.data from mandate.journal j where ${since} and j.position is null) j
        left join mandate.act x on x.tenant = ${tenant} and x.id = j.act_id
      where e.tenant = ${tenant} and e.id = ${event} and (${kinds.reduce((all, kind) => tx`${all} or ${when[kind]}`, slow)})) as found`;
  return row?.found ?? false;
}

/** It was held, or refused outright: what people refuse was held before. */
function stoodStill(tx: Tx): Fragment {
  return tx`(j.kind = 'action.held' or (j.kind = 'action.denied' and x.approval_id is null))`;
}

/** Whether the figures count the act as that. Two of one name and one millisecond are told apart by nobody here. */
function counted(
  tx: Tx,
  tenant: string,
  { classes }: TroubleQuery,
  { at, as }: { readonly at: Fragment; readonly as: Fragment },
): Fragment {
  return tx`exists (select 1 from mandate.metric_moment(${tenant}, ${at}, ${nameOf(tx, 'entry')}, ${jsonb(tx, classes)}) m where ${as})`;
}

/** An incident of the set, as incidents are counted, that was opened or became worse: a note or a milder word is nothing new. */
function isIncident(tx: Tx, tenant: string, { set, patterns }: TroubleQuery, which: Fragment): Fragment {
  return tx`(case when j.kind in ('incident.opened', 'incident.updated') then exists (
    select 1 from (select j.data::jsonb as data) d join mandate.incident i on i.tenant = ${tenant} and i.id = (d.data ->> 'incident')::uuid
    where ${which}
      and (j.kind = 'incident.opened' or array_position(${SEVERITIES}::text[], d.data ->> 'to') > array_position(${SEVERITIES}::text[], d.data ->> 'from'))
      and (i.governed_set = ${set}
        or exists (select 1 from mandate.incident_act a where a.tenant = ${tenant} and a.incident_id = i.id and ${covered(tx, patterns, 'involved')})
        or (i.governed_set is null and not exists (select 1 from mandate.incident_act a where a.tenant = ${tenant} and a.incident_id = i.id))))
    else false end)`;
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

/** - `action`: of an act · `entry`: of a journal entry or its act · `undone`: of the act that another undid · `involved`: in an incident */
type Where = 'action' | 'entry' | 'undone' | 'involved';

function nameOf(tx: Tx, where: Where) {
  const names = {
    action: tx`action`,
    entry: tx`coalesce(x.action, j.data::jsonb ->> 'action', '')`,
    undone: tx`o.action`,
    involved: tx`a.action`,
  };
  return names[where];
}

function covered(tx: Tx, patterns: readonly string[], where: Where): Fragment {
  const name = nameOf(tx, where);
  const exact = patterns.filter((pattern) => !pattern.endsWith('*'));
  const prefixes = patterns.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1));
  return tx`(${name} = any (${exact}::text[]) or exists (select 1 from unnest(${prefixes}::text[]) prefix where starts_with(${name}, prefix)))`;
}
