// The rows of incidents, one function per statement, in the caller's transaction.
import { jsonb } from '../../platform/postgres/jsonb.ts';
import type { Tx } from '../../platform/postgres/store.ts';
import type {
  Incident,
  IncidentCounts,
  IncidentSeverity,
  IncidentSource,
  IncidentStep,
  InvolvedAct,
} from './incident.ts';

/** The acts of these ids as far as the tenant has them; one began by itself where it has begun and had no approval. */
export async function selectActs(
  tx: Tx,
  tenant: string,
  ids: readonly string[],
): Promise<readonly (InvolvedAct & { readonly begun: boolean })[]> {
  if (ids.length === 0) return [];
  return tx<(InvolvedAct & { begun: boolean })[]>`
    select id, agent, action, started_at is not null and approval_id is null as autonomous, started_at is not null as begun
    from mandate.act where tenant = ${tenant} and id = any (${[...ids]}::uuid[]) order by id`;
}

export async function insertIncident(tx: Tx, incident: Incident): Promise<void> {
  const openedAt = new Date(incident.openedMs);
  await tx`
    with opened as (
      insert into mandate.incident (tenant, id, governed_set, severity, worst_severity, title, cause, source, autonomous, critical_at, opened_at, opened_by, trace_id)
      values (${incident.tenant}, ${incident.id}, ${incident.set}, ${incident.severity}, ${incident.worstSeverity}, ${incident.title}, ${incident.cause}, ${incident.source},
        ${incident.fromAutonomousActions}, ${incident.severity === 'critical' ? openedAt : null}, ${openedAt}, ${incident.openedBy}, ${incident.traceId})
    ), involved as (
      insert into mandate.incident_act (tenant, incident_id, act_id, agent, action, autonomous)
      select ${incident.tenant}, ${incident.id}, (a->>'id')::uuid, a->>'agent', a->>'action', (a->>'autonomous')::boolean
      from jsonb_array_elements(${jsonb(tx, incident.acts)}) a
    )
    insert into mandate.incident_step (tenant, incident_id, kind, at, by, text, severity_to)
    values (${incident.tenant}, ${incident.id}, 'opened', ${openedAt}, ${incident.openedBy}, ${incident.cause}, ${incident.severity})`;
}

/** The row, locked until the transaction ends: of two who change it at once, one comes second and sees it. */
export async function lockIncident(tx: Tx, tenant: string, id: string): Promise<Incident | null> {
  const [row] = await tx<IncidentRow[]>`
    select i.*, ${actsOf(tx)} as acts from mandate.incident i where i.tenant = ${tenant} and i.id = ${id} for update of i`;
  return row === undefined ? null : incidentOf(row);
}

export async function selectIncident(tx: Tx, tenant: string, id: string): Promise<Incident | null> {
  const [row] = await tx<IncidentRow[]>`
    select i.*, ${actsOf(tx)} as acts from mandate.incident i where i.tenant = ${tenant} and i.id = ${id}`;
  return row === undefined ? null : incidentOf(row);
}

export interface IncidentQuery {
  readonly status: 'open' | 'resolved' | null;
  readonly severity: IncidentSeverity | null;
  readonly set: string | null;
  readonly actId: string | null;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly limit: number;
  /** The last one of the page before. */
  readonly cursor: { readonly openedMs: number; readonly id: string } | null;
}

export async function selectIncidents(
  tx: Tx,
  tenant: string,
  query: IncidentQuery,
): Promise<readonly Incident[]> {
  const rows = await tx<IncidentRow[]>`
    select i.*, ${actsOf(tx)} as acts from mandate.incident i where i.tenant = ${tenant}
      ${query.status === null ? tx`` : query.status === 'open' ? tx`and i.resolved_at is null` : tx`and i.resolved_at is not null`}
      ${query.severity === null ? tx`` : tx`and i.severity = ${query.severity}`}
      ${query.set === null ? tx`` : tx`and i.governed_set = ${query.set}`}
      ${query.actId === null ? tx`` : tx`and exists (select 1 from mandate.incident_act a where a.tenant = i.tenant and a.incident_id = i.id and a.act_id = ${query.actId})`}
      ${query.fromMs === null ? tx`` : tx`and i.opened_at >= ${new Date(query.fromMs)}`}
      ${query.toMs === null ? tx`` : tx`and i.opened_at < ${new Date(query.toMs)}`}
      ${query.cursor === null ? tx`` : tx`and (i.opened_at, i.id) < (${new Date(query.cursor.openedMs)}, ${query.cursor.id})`}
    order by i.opened_at desc, i.id desc limit ${query.limit}`;
  return rows.map(incidentOf);
}

/** How many somebody has open. Of two who ask at once for the same, one comes second and sees it. */
export async function countOpenBy(tx: Tx, tenant: string, by: string): Promise<number> {
  await tx`select pg_advisory_xact_lock(hashtext('mandate:incidents'), hashtext(${`${tenant}/${by}`}))`;
  const [row] = await tx<{ open: number }[]>`
    select count(*)::integer as open from mandate.incident where tenant = ${tenant} and opened_by = ${by} and resolved_at is null`;
  return row?.open ?? 0;
}

export async function selectSteps(tx: Tx, tenant: string, id: string): Promise<readonly IncidentStep[]> {
  const rows = await tx<StepRow[]>`
    select kind, at, by, text, severity_from, severity_to from mandate.incident_step
    where tenant = ${tenant} and incident_id = ${id} order by id`;
  return rows.map((row) => ({
    kind: row.kind,
    atMs: row.at,
    by: row.by,
    text: row.text,
    severityFrom: row.severity_from,
    severityTo: row.severity_to,
  }));
}

export async function insertStep(tx: Tx, tenant: string, id: string, step: IncidentStep): Promise<void> {
  await tx`
    insert into mandate.incident_step (tenant, incident_id, kind, at, by, text, severity_from, severity_to)
    values (${tenant}, ${id}, ${step.kind}, ${new Date(step.atMs)}, ${step.by}, ${step.text}, ${step.severityFrom}, ${step.severityTo})`;
}

export async function updateSeverity(
  tx: Tx,
  { tenant, id }: Pick<Incident, 'tenant' | 'id'>,
  { severity, worstSeverity, atMs }: Pick<Incident, 'severity' | 'worstSeverity'> & { readonly atMs: number },
): Promise<void> {
  await tx`
    update mandate.incident set severity = ${severity}, worst_severity = ${worstSeverity}
      ${severity === 'critical' ? tx`, critical_at = ${new Date(atMs)}` : tx``}
    where tenant = ${tenant} and id = ${id}`;
}

export async function updateResolved(
  tx: Tx,
  { tenant, id }: Pick<Incident, 'tenant' | 'id'>,
  { by, reason, atMs }: { readonly by: string; readonly reason: string; readonly atMs: number },
): Promise<void> {
  await tx`
    update mandate.incident set resolved_at = ${new Date(atMs)}, resolved_by = ${by}, resolution = ${reason}
    where tenant = ${tenant} and id = ${id}`;
}

/** Which incidents are meant: those of a governed set, or all of the tenant. */
export interface IncidentScope {
  /** null counts the whole tenant. */
  readonly set: string | null;
  /** What the set governs: exact names, or a literal prefix with one trailing `*`. */
  readonly patterns: readonly string[];
  readonly startMs: number;
  /** Exclusive. */
  readonly endMs: number;
}

/**
 * An incident belongs to the set that it names, to every set whose actions are involved, and to all of them where it
 * names neither set nor act: what nobody has said more about must not look harmless to anybody.
 */
const belongs = (tx: Tx, { set, patterns }: Pick<IncidentScope, 'set' | 'patterns'>) =>
  set === null
    ? tx`true`
    : tx`(i.governed_set = ${set}
          or exists (select 1 from mandate.incident_act a, unnest(${[...patterns]}::text[]) p
            where a.tenant = i.tenant and a.incident_id = i.id
              and case when right(p, 1) = '*' then starts_with(a.action, left(p, -1)) else a.action = p end)
          or (i.governed_set is null and not exists (select 1 from mandate.incident_act a where a.tenant = i.tenant and a.incident_id = i.id)))`;

/** What is counted of a window was opened in it or became critical in it. */
const happened = (tx: Tx, from: Date, to: Date) =>
  tx`((i.opened_at >= ${from} and i.opened_at < ${to}) or (i.critical_at >= ${from} and i.critical_at < ${to}))`;

/** Everything that is counted of a window, what was resolved in it, and what is open: that before the others, else newest first. */
export async function selectConcerning(
  tx: Tx,
  tenant: string,
  { limit, ...scope }: IncidentScope & { readonly limit: number },
): Promise<readonly Incident[]> {
  const [from, to] = [new Date(scope.startMs), new Date(scope.endMs)];
  const rows = await tx<IncidentRow[]>`
    select i.*, ${actsOf(tx)} as acts from mandate.incident i
    where i.tenant = ${tenant} and ${belongs(tx, scope)}
      and (i.resolved_at is null or (i.resolved_at >= ${from} and i.resolved_at < ${to}) or ${happened(tx, from, to)})
    order by i.resolved_at is not null, i.opened_at desc, i.id desc limit ${limit}`;
  return rows.map(incidentOf);
}

export async function countIncidents(tx: Tx, tenant: string, scope: IncidentScope): Promise<IncidentCounts> {
  const from = new Date(scope.startMs);
  const to = new Date(scope.endMs);
  const [row] = await tx<CountRow[]>`
    with meant as (
      select i.autonomous, i.worst_severity as severity, i.critical_at >= ${from} and i.critical_at < ${to} as critical
      from mandate.incident i
      where i.tenant = ${tenant}
        and ${happened(tx, from, to)} and ${belongs(tx, scope)}
    )
    select count(*)::integer as total, (count(*) filter (where critical))::integer as critical,
      (count(*) filter (where autonomous))::integer as autonomous, (count(*) filter (where autonomous and critical))::integer as critical_autonomous,
      (count(*) filter (where severity = 'low'))::integer as low, (count(*) filter (where severity = 'medium'))::integer as medium,
      (count(*) filter (where severity = 'high'))::integer as high, (count(*) filter (where severity = 'critical'))::integer as worst
    from meant`;
  if (row === undefined) throw new Error('counting incidents gave no row');
  return {
    total: row.total,
    critical: row.critical,
    fromAutonomousActions: row.autonomous,
    criticalFromAutonomousActions: row.critical_autonomous,
    bySeverity: { low: row.low, medium: row.medium, high: row.high, critical: row.worst },
  };
}

interface CountRow {
  readonly total: number;
  readonly critical: number;
  readonly autonomous: number;
  readonly critical_autonomous: number;
  readonly low: number;
  readonly medium: number;
  readonly high: number;
  readonly worst: number;
}

const actsOf = (tx: Tx) => tx`
  coalesce((select jsonb_agg(jsonb_build_object('id', a.act_id, 'agent', a.agent, 'action', a.action, 'autonomous', a.autonomous) order by a.act_id)
    from mandate.incident_act a where a.tenant = i.tenant and a.incident_id = i.id), '[]')`;

interface IncidentRow {
  readonly tenant: string;
  readonly id: string;
  readonly governed_set: string | null;
  readonly severity: IncidentSeverity;
  readonly worst_severity: IncidentSeverity;
  readonly title: string;
  readonly cause: string;
  readonly source: IncidentSource;
  readonly autonomous: boolean;
  readonly acts: readonly InvolvedAct[];
  readonly opened_at: number;
  readonly opened_by: string;
  readonly resolved_at: number | null;
  readonly resolved_by: string | null;
  readonly resolution: string | null;
  readonly trace_id: string | null;
}

interface StepRow {
  readonly kind: IncidentStep['kind'];
  readonly at: number;
  readonly by: string;
  readonly text: string;
  readonly severity_from: IncidentSeverity | null;
  readonly severity_to: IncidentSeverity | null;
}

function incidentOf(row: IncidentRow): Incident {
  return {
    id: row.id,
    tenant: row.tenant,
    set: row.governed_set,
    severity: row.severity,
    worstSeverity: row.worst_severity,
    title: row.title,
    cause: row.cause,
    source: row.source,
    fromAutonomousActions: row.autonomous,
    acts: row.acts,
    openedMs: row.opened_at,
    openedBy: row.opened_by,
    resolvedMs: row.resolved_at,
    resolvedBy: row.resolved_by,
    resolution: row.resolution,
    traceId: row.trace_id,
  };
}
