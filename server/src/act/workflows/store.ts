// The SQL of workflows, one function per statement. What a step's act says is read from the act; nothing here repeats it.
import { redactText } from '@mandate/kernel';
import type { Json } from '@mandate/kernel';
import { jsonb } from '../../platform/postgres/jsonb.ts';
import type { Sql, Store, Tx } from '../../platform/postgres/store.ts';

export type RunStatus = 'running' | 'paused' | 'cancelling' | 'succeeded' | 'failed' | 'cancelled';

export interface RunRow {
  readonly tenant: string;
  readonly id: string;
  readonly template: string;
  readonly version: string;
  readonly status: RunStatus;
  readonly waits_for: readonly string[];
  readonly started_by: string;
  readonly sealed: Uint8Array;
  readonly sealed_output: Uint8Array | null;
  readonly error: string | null;
  readonly schedule: string | null;
  readonly tick: number | null;
  readonly segment: number;
  /** How often people have steered it. */
  readonly steering: number;
  readonly busy: boolean;
  readonly wake_at: number | null;
  readonly trace_id: string | null;
  readonly created_at: number;
  readonly ended_at: number | null;
}

export interface TemplateRow {
  readonly version: string;
  readonly name: string;
  readonly text: string;
  readonly created_by: string;
  readonly created_at: number;
  readonly current_at: number;
}

/** One attempt of one step with what its act says. */
export interface StepRow {
  readonly instance: string;
  readonly attempt: number;
  /** Attempts since the beginning, or since somebody had it done again. */
  readonly tries: number;
  readonly act_id: string | null;
  readonly status: 'offered' | 'put_off' | 'succeeded' | 'failed' | 'skipped' | null;
  readonly why: string | null;
  readonly error: string | null;
  readonly is_final: boolean;
  readonly until_at: number | null;
  readonly result: Json;
  readonly superseded: boolean;
  readonly begun_at: number;
  readonly ended_at: number | null;
  readonly act_status: string | null;
  readonly act_error: string | null;
  readonly act_started_at: number | null;
  readonly act_ended_at: number | null;
  readonly action: string | null;
  readonly agent: string | null;
  readonly approval_id: string | null;
}

export function findRun(store: Store, tenant: string, id: string): Promise<RunRow | null> {
  return store.withTenant(tenant, async (tx) => {
    const [row] = await tx<
      RunRow[]
    >`select * from mandate.workflow_run where tenant = ${tenant} and id = ${id}`;
    return row ?? null;
  });
}

/** Takes note of what woke it, before the steps are read: what happens from now on wakes it again. */
export function takeUp(store: Store, tenant: string, id: string): Promise<RunRow | null> {
  return store.withTenant(tenant, async (tx) => {
    const [row] = await tx<RunRow[]>`
      update mandate.workflow_run set wake_at = null where tenant = ${tenant} and id = ${id} and ended_at is null returning *`;
    return row ?? null;
  });
}

/** The latest attempt of every instance. */
export function latestSteps(store: Store, tenant: string, run: string): Promise<readonly StepRow[]> {
  return store.withTenant(
    tenant,
    (tx) => tx<StepRow[]>`
      select distinct on (s.instance) s.instance, s.attempt, s.act_id, s.status, s.why, s.error, s.is_final, s.until_at, s.result, s.superseded,
        s.begun_at, s.ended_at, (count(*) filter (where not s.superseded) over (partition by s.instance))::integer as tries,
        a.status as act_status, a.error as act_error, a.started_at as act_started_at, a.ended_at as act_ended_at, a.action, a.agent, a.approval_id
      from mandate.workflow_step s left join mandate.act a on a.tenant = s.tenant and a.id = s.act_id
      where s.tenant = ${tenant} and s.run = ${run} order by s.instance, s.attempt desc`,
  );
}

/** Every attempt, in the order in which they began. */
export function allSteps(store: Store, tenant: string, run: string): Promise<readonly StepRow[]> {
  return store.withTenant(
    tenant,
    (tx) => tx<StepRow[]>`
      select s.instance, s.attempt, s.act_id, s.status, s.why, s.error, s.is_final, s.until_at, s.result, s.superseded, s.begun_at, s.ended_at, 1 as tries,
        a.status as act_status, a.error as act_error, a.started_at as act_started_at, a.ended_at as act_ended_at, a.action, a.agent, a.approval_id
      from mandate.workflow_step s left join mandate.act a on a.tenant = s.tenant and a.id = s.act_id
      where s.tenant = ${tenant} and s.run = ${run} order by s.begun_at, s.attempt, s.instance`,
  );
}

export function sealedResults(
  store: Store,
  tenant: string,
  acts: readonly string[],
): Promise<readonly { readonly id: string; readonly sealed_result: Uint8Array | null }[]> {
  return store.withTenant(
    tenant,
    (tx) => tx<{ id: string; sealed_result: Uint8Array | null }[]>`
      select id, sealed_result from mandate.act where tenant = ${tenant} and id = any(${[...acts]})`,
  );
}

/** A line of mandate.workflow_settle(). `data` is canonical text, or null where nobody needs to be told. */
export interface SettledRow {
  readonly run: string;
  /** Up to which steering of the run whoever settles it has seen; without an act an older one settles nothing. */
  readonly steering: number;
  readonly instance: string;
  readonly attempt: number;
  readonly status: 'offered' | 'put_off' | 'succeeded' | 'failed' | 'skipped';
  readonly why: string | null;
  readonly error: string | null;
  readonly isFinal: boolean;
  readonly untilMs: number | null;
  readonly result: Json;
  readonly actId: string | null;
  readonly actor: string;
  readonly traceId: string | null;
  readonly data: string | null;
}

export async function settleRows(
  db: Sql,
  tenant: string,
  { nowMs, rows }: { readonly nowMs: number; readonly rows: readonly SettledRow[] },
): Promise<void> {
  await db`select mandate.workflow_settle(${tenant}, ${new Date(nowMs)}, ${jsonb(db, rows)})`;
}

/** Lays it down until something happens, or until `wakeAtMs`. False when something has happened already. */
export function park(
  store: Store,
  tenant: string,
  run: { readonly id: string; readonly waitsFor: readonly string[]; readonly wakeAtMs: number | null },
): Promise<boolean> {
  return store.withTenant(tenant, async (tx) => {
    const parked = await tx`
      update mandate.workflow_run set busy = false, waits_for = ${[...run.waitsFor]}, wake_at = ${at(run.wakeAtMs)}
      where tenant = ${tenant} and id = ${run.id} and wake_at is null and ended_at is null`;
    return parked.count === 1;
  });
}

/** Gives it back to be taken up at once by whoever comes next. */
export function release(store: Store, tenant: string, id: string, nowMs: number): Promise<void> {
  return store.withTenant(tenant, async (tx) => {
    await tx`
      update mandate.workflow_run set busy = false, wake_at = ${new Date(nowMs)}
      where tenant = ${tenant} and id = ${id} and ended_at is null`;
  });
}

export interface Move {
  readonly id: string;
  readonly from: readonly RunStatus[];
  readonly to: RunStatus;
  readonly nowMs: number;
  /** Only as it was when its steps were read: false too when it has been steered or woken since. */
  readonly seen?: Pick<RunRow, 'steering'>;
  readonly error?: string | null;
  readonly sealedOutput?: Uint8Array | null;
}

const ENDS: ReadonlySet<RunStatus> = new Set(['succeeded', 'failed', 'cancelled']);

/** One winner: false when it no longer is in any of the states that it is to be moved from. */
export async function moveRun(tx: Tx, tenant: string, move: Move): Promise<boolean> {
  const now = new Date(move.nowMs);
  const isEnd = ENDS.has(move.to);
  const output = move.sealedOutput ?? null;
  const error = move.error === undefined || move.error === null ? null : redactText(move.error);
  const moved = await tx`
    update mandate.workflow_run set status = ${move.to}, error = ${error}, steering = steering + ${isEnd ? 0 : 1},
      ended_at = ${isEnd ? now : null}, wake_at = ${isEnd ? null : now}, busy = case when ${isEnd} then false else busy end,
      waits_for = case when ${isEnd} then '{}' else waits_for end,
      sealed_output = ${output === null ? null : Buffer.from(output)}
    where tenant = ${tenant} and id = ${move.id} and status = any(${[...move.from]})
      ${move.seen === undefined ? tx`` : tx`and wake_at is null and steering = ${move.seen.steering}`}`;
  return moved.count === 1;
}

export async function insertRun(
  tx: Tx,
  tenant: string,
  run: Pick<RunRow, 'id' | 'template' | 'version' | 'started_by' | 'sealed' | 'schedule' | 'trace_id'> & {
    readonly tickMs: number | null;
    readonly idempotency: { readonly key: string; readonly digest: string } | null;
    readonly nowMs: number;
  },
): Promise<boolean> {
  const inserted = await tx`
    insert into mandate.workflow_run (tenant, id, template, version, status, started_by, sealed, schedule, tick, start_key, start_digest, wake_at, trace_id, created_at)
    values (${tenant}, ${run.id}, ${run.template}, ${run.version}, 'running', ${run.started_by}, ${Buffer.from(run.sealed)}, ${run.schedule},
      ${at(run.tickMs)}, ${run.idempotency?.key ?? null}, ${run.idempotency?.digest ?? null}, ${new Date(run.nowMs)}, ${run.trace_id}, ${new Date(run.nowMs)})
    on conflict do nothing`;
  return inserted.count === 1;
}

/** The run that was started under this key before. */
export function findStarted(
  store: Store,
  tenant: string,
  by: string,
  key: string,
): Promise<{ readonly id: string; readonly start_digest: string } | null> {
  return store.withTenant(tenant, async (tx) => {
    const [row] = await tx<{ id: string; start_digest: string }[]>`
      select id, start_digest from mandate.workflow_run where tenant = ${tenant} and started_by = ${by} and start_key = ${key}`;
    return row ?? null;
  });
}

export interface RunQuery {
  readonly template: string | null;
  readonly status: string | null;
  readonly limit: number;
  readonly cursor: { readonly createdMs: number; readonly id: string } | null;
}

export function listRuns(store: Store, tenant: string, query: RunQuery): Promise<readonly RunRow[]> {
  return store.withTenant(
    tenant,
    (tx) => tx<RunRow[]>`
      select * from mandate.workflow_run where tenant = ${tenant}
        ${query.template === null ? tx`` : tx`and template = ${query.template}`}
        ${query.status === null ? tx`` : tx`and status = ${query.status}`}
        ${query.cursor === null ? tx`` : tx`and (created_at, id) < (${new Date(query.cursor.createdMs)}, ${query.cursor.id})`}
      order by created_at desc, id desc limit ${query.limit}`,
  );
}

export async function saveTemplate(
  tx: Tx,
  tenant: string,
  template: {
    readonly version: string;
    readonly name: string;
    readonly text: string;
    readonly by: string;
    readonly nowMs: number;
  },
): Promise<void> {
  const now = new Date(template.nowMs);
  await tx`
    insert into mandate.workflow_template (tenant, version, name, text, created_by, created_at, current_at)
    values (${tenant}, ${template.version}, ${template.name}, ${template.text}, ${template.by}, ${now}, ${now})
    on conflict (tenant, version) do update set current_at = excluded.current_at`;
}

export function findTemplate(
  store: Store,
  tenant: string,
  of: { readonly name: string | null; readonly version: string | null },
): Promise<TemplateRow | null> {
  return store.withTenant(tenant, async (tx) => {
    const [row] = await tx<TemplateRow[]>`
      select version, name, text, created_by, created_at, current_at from mandate.workflow_template where tenant = ${tenant}
        ${of.name === null ? tx`` : tx`and name = ${of.name}`} ${of.version === null ? tx`` : tx`and version = ${of.version}`}
      order by current_at desc, version limit 1`;
    return row ?? null;
  });
}

/** The current version of each name. */
export function listTemplates(store: Store, tenant: string): Promise<readonly TemplateRow[]> {
  return store.withTenant(
    tenant,
    (tx) => tx<TemplateRow[]>`
      select distinct on (name) version, name, text, created_by, created_at, current_at from mandate.workflow_template
      where tenant = ${tenant} order by name, current_at desc, version`,
  );
}

/** What an approval must not begin now: the step of a run that has been paused or is being ended. */
export function isHeldBack(store: Store, tenant: string, actId: string): Promise<boolean> {
  return store.withTenant(tenant, async (tx) => {
    const [row] = await tx`
      select 1 from mandate.workflow_step s join mandate.workflow_run r on r.tenant = s.tenant and r.id = s.run
      where s.act_id = ${actId} and s.tenant = ${tenant} and r.status <> 'running'
        and not (r.status = 'cancelling' and starts_with(s.instance, '~'))`;
    return row !== undefined;
  });
}

function at(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
}

/** A step that waits for its agent to take it. */
export interface OfferRow {
  readonly run: string;
  readonly template: string;
  readonly instance: string;
  readonly attempt: number;
  readonly agent: string;
  readonly begun_at: number;
}

export function offeredSteps(
  store: Store,
  tenant: string,
  of: { readonly agents: readonly string[] | null; readonly run: string | null },
): Promise<readonly OfferRow[]> {
  return store.withTenant(
    tenant,
    (tx) => tx<OfferRow[]>`
      select s.run, r.template, s.instance, s.attempt, s.why as agent, s.begun_at
      from mandate.workflow_step s join mandate.workflow_run r on r.tenant = s.tenant and r.id = s.run
      where s.tenant = ${tenant} and s.status = 'offered' and not s.superseded and r.status = 'running'
        ${of.run === null ? tx`` : tx`and s.run = ${of.run}`} ${of.agents === null ? tx`` : tx`and s.why = any(${[...of.agents]})`}
      order by s.begun_at limit 200`,
  );
}
