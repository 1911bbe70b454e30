// Reading acts back: one function per statement, always under the tenant's row-level security.
import type { Decision, Reservation, Severity, Tier } from '@mandate/kernel';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import type { Act, ActDisplay, ActStatus, KnownKey, RunsOn } from './act.ts';
import type { StoredTrust } from './store.ts';

export async function findIdempotent(
  store: Store,
  tenant: string,
  principal: string,
  key: string,
): Promise<KnownKey | null> {
  return store.withTenant(tenant, async (tx) => {
    const [row] = await tx<{ act_id: string; request_digest: string; attempt: string | null }[]>`
      select act_id, request_digest, attempt from mandate.idempotency where tenant = ${tenant} and principal = ${principal} and key = ${key}`;
    return row === undefined ? null : { actId: row.act_id, digest: row.request_digest, attempt: row.attempt };
  });
}

export async function findAct(store: Store, tenant: string, id: string): Promise<Act | null> {
  return store.withTenant(tenant, async (tx) => {
    const [row] = await tx<
      ActRow[]
    >`select x.*, ${rollbackOf(tx)} as rollback from mandate.act x where x.tenant = ${tenant} and x.id = ${id}`;
    return row === undefined ? null : actOf(row);
  });
}

/** The same act beside the one that it undoes, in one statement. */
const rollbackOf = (tx: Tx) => tx`
  (select jsonb_build_object('id', u.id, 'status', u.status) from mandate.act u where u.tenant = x.tenant and u.compensates = x.id
    and u.status not in ('denied', 'failed', 'cancelled', 'expired', 'recorded'))`;

/** The act that undoes this one, or is about to; the same acts as in the index act_compensates_once. */
export async function findCompensation(
  store: Store,
  tenant: string,
  id: string,
): Promise<{ readonly id: string; readonly status: ActStatus } | null> {
  return store.withTenant(tenant, async (tx) => {
    const [row] = await tx<{ id: string; status: ActStatus }[]>`
      select id, status from mandate.act where tenant = ${tenant} and compensates = ${id}
        and status not in ('denied', 'failed', 'cancelled', 'expired', 'recorded')`;
    return row ?? null;
  });
}

export interface ActQuery {
  readonly agent: string | null;
  readonly status: string | null;
  readonly tier: string | null;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly limit: number;
  /** The last act of the page before: created_at and id. */
  readonly cursor: { readonly createdMs: number; readonly id: string } | null;
}

export async function listActs(store: Store, tenant: string, query: ActQuery): Promise<readonly Act[]> {
  return store.withTenant(tenant, async (tx) => {
    const rows = await tx<ActRow[]>`
      select x.*, ${rollbackOf(tx)} as rollback from mandate.act x where tenant = ${tenant}
        ${query.agent === null ? tx`` : tx`and agent = ${query.agent}`}
        ${query.status === null ? tx`` : tx`and status = ${query.status}`}
        ${query.tier === null ? tx`` : tx`and tier = ${query.tier}`}
        ${query.fromMs === null ? tx`` : tx`and created_at >= ${at(query.fromMs)}`}
        ${query.toMs === null ? tx`` : tx`and created_at < ${at(query.toMs)}`}
        ${query.cursor === null ? tx`` : tx`and (created_at, id) < (${at(query.cursor.createdMs)}, ${query.cursor.id})`}
      order by created_at desc, id desc limit ${query.limit}`;
    return rows.map(actOf);
  });
}

interface ActRow {
  tenant: string;
  id: string;
  agent: string;
  action: string;
  status: ActStatus;
  tier: Tier;
  severity: Severity;
  principal: string;
  user_id: string | null;
  digest: string;
  display: ActDisplay;
  decision: Decision;
  sealed: Uint8Array;
  sealed_result: Uint8Array | null;
  error: string | null;
  executor: string | null;
  runs_on: RunsOn;
  cost_micro_usd: number;
  actual_cost_micro_usd: number | null;
  reservations: readonly Reservation[];
  approval_id: string | null;
  worker: string | null;
  trust_before: number | null;
  trust_after: number | null;
  confirmed_by: string | null;
  compensates: string | null;
  rollback?: { readonly id: string; readonly status: ActStatus } | null;
  trace_id: string | null;
  created_at: number;
  started_at: number | null;
  start_by: number | null;
  deadline_at: number | null;
  ended_at: number | null;
}

function actOf(row: ActRow): Act {
  return {
    id: row.id,
    tenant: row.tenant,
    agent: row.agent,
    action: row.action,
    status: row.status,
    tier: row.tier,
    severity: row.severity,
    principal: row.principal,
    userId: row.user_id,
    digest: row.digest,
    display: row.display,
    decision: row.decision,
    sealed: row.sealed,
    sealedResult: row.sealed_result,
    error: row.error,
    executor: row.executor,
    runsOn: row.runs_on,
    costMicroUsd: row.cost_micro_usd,
    actualCostMicroUsd: row.actual_cost_micro_usd,
    reservations: row.reservations,
    approvalId: row.approval_id,
    worker: row.worker,
    trust:
      row.trust_before === null || row.trust_after === null
        ? null
        : { before: row.trust_before, after: row.trust_after },
    confirmedBy: row.confirmed_by,
    compensates: row.compensates,
    ...(row.rollback === undefined || row.rollback === null ? {} : { rollback: row.rollback }),
    traceId: row.trace_id,
    createdMs: row.created_at,
    startedMs: row.started_at,
    startByMs: row.start_by,
    deadlineMs: row.deadline_at,
    endedMs: row.ended_at,
  };
}

function at(ms: number): Date {
  return new Date(ms);
}

/** The agent's trust with its version; null for an agent that has never begun an act. */
export async function readTrust(store: Store, tenant: string, agent: string): Promise<StoredTrust | null> {
  return store.withTenant(tenant, async (tx) => {
    const [row] = await tx<{ trust: StoredTrust }[]>`
      select mandate.trust_of(a) as trust from mandate.agent a where tenant = ${tenant} and id = ${agent}`;
    return row?.trust ?? null;
  });
}
