// The rows of breaker events, one statement per function. What a breaker noticed and the figures of that moment are
// written once; only how it went on is added.
import type { AlertSeverity, BreakerAction, JsonObject } from '@mandate/kernel';
import { jsonb } from '../../platform/postgres/jsonb.ts';
import type { Tx } from '../../platform/postgres/store.ts';

/** - `breaker`: its condition held · `slo`: an error budget burnt · `problem`: a rule could not be evaluated */
export type EventSource = 'breaker' | 'slo' | 'problem';
export type EventAction = BreakerAction | 'throttle';

/** Which episode: of all with the same subject one goes on at most. */
export interface Subject {
  readonly source: EventSource;
  readonly rule: string;
  /** The full action name, or ''. */
  readonly commandType: string;
}

export interface BreakerEvent extends Subject {
  readonly id: string;
  /** '' for an objective of no set. */
  readonly set: string;
  readonly condition: string;
  readonly window: string;
  readonly action: EventAction;
  readonly alertSeverity: AlertSeverity;
  readonly detail: string;
  readonly metrics: JsonObject;
  readonly openedMs: number;
  readonly seenMs: number;
  readonly endedMs: number | null;
  readonly resolvedMs: number | null;
  readonly resolvedBy: string | null;
  readonly reason: string | null;
  readonly actId: string | null;
  readonly agent: string | null;
  readonly traceId: string | null;
  readonly incidentId: string | null;
  readonly restrictions: readonly string[];
  readonly respondedMs: number | null;
}

interface EventRow {
  readonly id: string;
  readonly set_name: string;
  readonly source: EventSource;
  readonly rule: string;
  readonly command_type: string;
  readonly condition: string;
  readonly time_window: string;
  readonly action: EventAction;
  readonly alert_severity: AlertSeverity;
  readonly detail: string;
  readonly metrics: JsonObject;
  readonly opened_at: number;
  readonly seen_at: number;
  readonly ended_at: number | null;
  readonly resolved_at: number | null;
  readonly resolved_by: string | null;
  readonly resolve_reason: string | null;
  readonly act_id: string | null;
  readonly agent: string | null;
  readonly trace_id: string | null;
  readonly incident_id: string | null;
  readonly restrictions: readonly string[];
  readonly responded_at: number | null;
}

const columns = (tx: Tx) => tx`
  id, set_name, source, rule, command_type, condition, time_window, action, alert_severity, detail, metrics, opened_at, seen_at, ended_at,
  resolved_at, resolved_by, resolve_reason, act_id, agent, trace_id, incident_id, restrictions, responded_at`;

/** Episodes of a set that go on, those that somebody has resolved meanwhile included. */
export async function readGoingOn(tx: Tx, tenant: string, set: string): Promise<readonly BreakerEvent[]> {
  const rows = await tx<EventRow[]>`
    select ${columns(tx)} from mandate.circuit_breaker_event where tenant = ${tenant} and set_name = ${set} and ended_at is null order by number`;
  return rows.map(eventFrom);
}

/** The same of some sources, locked until the transaction ends: whoever resolves one meanwhile comes before or after. */
export async function lockGoingOn(
  tx: Tx,
  tenant: string,
  { set, sources }: { readonly set: string; readonly sources: readonly EventSource[] },
): Promise<readonly BreakerEvent[]> {
  const rows = await tx<EventRow[]>`
    select ${columns(tx)} from mandate.circuit_breaker_event
    where tenant = ${tenant} and set_name = ${set} and source = any (${[...sources]}) and ended_at is null order by number for update`;
  return rows.map(eventFrom);
}

/** Sets of which an episode goes on; '' for objectives of none. */
export async function readSetsGoingOn(tx: Tx, tenant: string): Promise<readonly string[]> {
  const rows = await tx<{ set_name: string }[]>`
    select distinct set_name from mandate.circuit_breaker_event where tenant = ${tenant} and ended_at is null order by set_name`;
  return rows.map((row) => row.set_name);
}

/** Whether anything was ever noticed of a set. */
export async function hasEvents(tx: Tx, tenant: string, set: string): Promise<boolean> {
  const [row] = await tx<{ found: boolean }[]>`
    select exists (select 1 from mandate.circuit_breaker_event where tenant = ${tenant} and set_name = ${set}) as found`;
  return row?.found ?? false;
}

/** Sets of which something is unresolved; '' for objectives of none. */
export async function readSetsUnresolved(tx: Tx, tenant: string): Promise<readonly string[]> {
  const rows = await tx<{ set_name: string }[]>`
    select distinct set_name from mandate.circuit_breaker_event where tenant = ${tenant} and resolved_at is null order by set_name`;
  return rows.map((row) => row.set_name);
}

/** The newest episode of a subject, whether it goes on or not. */
export async function readNewest(
  tx: Tx,
  tenant: string,
  { set, source, rule, commandType }: Subject & { readonly set: string },
): Promise<BreakerEvent | null> {
  const [row] = await tx<EventRow[]>`
    select ${columns(tx)} from mandate.circuit_breaker_event
    where tenant = ${tenant} and set_name = ${set} and source = ${source} and rule = ${rule} and command_type = ${commandType}
    order by number desc limit 1`;
  return row === undefined ? null : eventFrom(row);
}

/** Events whose response has still to take effect. */
export async function readOwed(tx: Tx, tenant: string, set: string): Promise<readonly BreakerEvent[]> {
  const rows = await tx<EventRow[]>`
    select ${columns(tx)} from mandate.circuit_breaker_event
    where tenant = ${tenant} and set_name = ${set} and resolved_at is null and responded_at is null order by number`;
  return rows.map(eventFrom);
}

export interface EventQuery {
  /** null: of every set and none. */
  readonly set: string | null;
  /** Also those that are of none of these sets: of objectives that belong to none, and of sets that the charter has dropped. */
  readonly besides?: readonly string[];
  readonly unresolved: boolean;
  readonly limit: number;
}

/** Newest first. */
export async function readEvents(
  tx: Tx,
  tenant: string,
  { set, besides, unresolved, limit }: EventQuery,
): Promise<readonly BreakerEvent[]> {
  const rows = await tx<EventRow[]>`
    select ${columns(tx)} from mandate.circuit_breaker_event where tenant = ${tenant}
      ${set === null ? tx`` : tx`and (set_name = ${set} ${besides === undefined ? tx`` : tx`or set_name <> all (${[...besides]}::text[])`})`} ${unresolved ? tx`and resolved_at is null` : tx``}
    order by number desc limit ${limit}`;
  return rows.map(eventFrom);
}

export async function countUnresolved(tx: Tx, tenant: string, set: string): Promise<number> {
  const [row] = await tx<{ count: number }[]>`
    select count(*)::integer as count from mandate.circuit_breaker_event
    where tenant = ${tenant} and set_name = ${set} and resolved_at is null`;
  return row?.count ?? 0;
}

export async function lockEvent(tx: Tx, tenant: string, id: string): Promise<BreakerEvent | null> {
  const [row] = await tx<EventRow[]>`
    select ${columns(tx)} from mandate.circuit_breaker_event where tenant = ${tenant} and id = ${id} for update`;
  return row === undefined ? null : eventFrom(row);
}

/** False where another server has opened the same episode first. */
export async function insertEvent(tx: Tx, tenant: string, it: BreakerEvent): Promise<boolean> {
  const done = await tx`
    insert into mandate.circuit_breaker_event (tenant, id, set_name, source, rule, command_type, condition, time_window, action, alert_severity,
      detail, metrics, opened_at, seen_at, act_id, agent, trace_id, incident_id, restrictions, responded_at)
    values (${tenant}, ${it.id}, ${it.set}, ${it.source}, ${it.rule}, ${it.commandType}, ${it.condition}, ${it.window}, ${it.action}, ${it.alertSeverity},
      ${it.detail}, ${jsonb(tx, it.metrics)}, ${new Date(it.openedMs)}, ${new Date(it.seenMs)}, ${it.actId}, ${it.agent}, ${it.traceId}, ${it.incidentId},
      ${[...it.restrictions]}::uuid[], ${it.respondedMs === null ? null : new Date(it.respondedMs)})
    on conflict (tenant, set_name, source, rule, command_type) where ended_at is null do nothing`;
  return done.count === 1;
}

export async function updateSeen(tx: Tx, tenant: string, id: string, nowMs: number): Promise<void> {
  await tx`
    update mandate.circuit_breaker_event set seen_at = greatest(seen_at, ${new Date(nowMs)}) where tenant = ${tenant} and id = ${id}`;
}

/** What the journal held at a moment. */
export interface Mark {
  readonly position: number;
  /** Ids of entries that had no position yet, as an array of Postgres. */
  readonly known: string;
}

/** Read before figures are: what they may have missed is not known. */
export async function readMark(tx: Tx, tenant: string): Promise<Mark> {
  const [row] = await tx<Mark[]>`${markNow(tx, tenant)}`;
  return row ?? { position: 0, known: '{}' };
}

/** One statement sees one moment: an entry that it does not see has a later position, or none. */
const markNow = (tx: Tx, tenant: string) => tx`
  select (select coalesce(max(j.position), 0) from mandate.journal j where j.tenant = ${tenant} and j.position is not null) as position,
    (select coalesce(array_agg(j.id), '{}') from mandate.journal j where j.tenant = ${tenant} and j.position is null)::text as known`;

export async function updateEnded(
  tx: Tx,
  tenant: string,
  { id, nowMs, mark }: { readonly id: string; readonly nowMs: number; readonly mark: Mark },
): Promise<void> {
  await tx`
    update mandate.circuit_breaker_event set ended_at = ${new Date(nowMs)}, mark = ${mark.position}, mark_known = ${mark.known}::text::bigint[]
    where tenant = ${tenant} and id = ${id} and ended_at is null`;
}

/** Nothing up to that mark was new trouble: the next look begins there. On, never back. */
export async function updateMark(tx: Tx, tenant: string, id: string, mark: Mark): Promise<void> {
  await tx`
    update mandate.circuit_breaker_event set mark = ${mark.position}, mark_known = ${mark.known}::text::bigint[]
    where tenant = ${tenant} and id = ${id} and mark < ${mark.position}`;
}

/** What its response made; null where it is owed. */
export async function updateEffect(
  tx: Tx,
  tenant: string,
  {
    id,
    restrictions,
    respondedMs,
  }: { readonly id: string; readonly restrictions: readonly string[]; readonly respondedMs: number | null },
): Promise<void> {
  await tx`
    update mandate.circuit_breaker_event set restrictions = ${[...restrictions]}::uuid[],
      responded_at = ${respondedMs === null ? null : new Date(respondedMs)}
    where tenant = ${tenant} and id = ${id}`;
}

export async function updateResponded(tx: Tx, tenant: string, id: string, nowMs: number): Promise<void> {
  await tx`
    update mandate.circuit_breaker_event set responded_at = ${new Date(nowMs)} where tenant = ${tenant} and id = ${id} and responded_at is null`;
}

export async function updateResolved(
  tx: Tx,
  tenant: string,
  {
    id,
    by,
    reason,
    nowMs,
  }: { readonly id: string; readonly by: string; readonly reason: string; readonly nowMs: number },
): Promise<void> {
  await tx`
    update mandate.circuit_breaker_event set resolved_at = ${new Date(nowMs)}, resolved_by = ${by}, resolve_reason = ${reason},
      mark = m.position, mark_known = m.known::bigint[]
    from (${markNow(tx, tenant)}) m
    where tenant = ${tenant} and id = ${id} and resolved_at is null`;
}

function eventFrom(row: EventRow): BreakerEvent {
  return {
    id: row.id,
    set: row.set_name,
    source: row.source,
    rule: row.rule,
    commandType: row.command_type,
    condition: row.condition,
    window: row.time_window,
    action: row.action,
    alertSeverity: row.alert_severity,
    detail: row.detail,
    metrics: row.metrics,
    openedMs: row.opened_at,
    seenMs: row.seen_at,
    endedMs: row.ended_at,
    resolvedMs: row.resolved_at,
    resolvedBy: row.resolved_by,
    reason: row.resolve_reason,
    actId: row.act_id,
    agent: row.agent,
    traceId: row.trace_id,
    incidentId: row.incident_id,
    restrictions: row.restrictions,
    respondedMs: row.responded_at,
  };
}
