// The road's bare ground for stories about act_start(): a tenant on a database of its own, and a start that is as plain as
// one can be.
import { randomUUID } from 'node:crypto';
import type { Closing } from './closing.ts';
import { recordAct } from '../server/src/act/actions/store.ts';
import type { StartCall } from '../server/src/act/actions/store.ts';
import type { Store } from '../server/src/platform/postgres/store.ts';
import { openTestDatabase } from './postgres.ts';
import type { TestDatabase } from './postgres.ts';

export const TENANT = 'acme';

export interface Ground {
  readonly database: TestDatabase;
  /** Global plus tenant revision, as a decision would carry it. */
  readonly revision: () => Promise<number>;
}

export async function prepareGround(t: Closing): Promise<Ground> {
  const database = await openTestDatabase(t, { max: 12 });
  await database.store.withTenant(
    TENANT,
    (tx) => tx`insert into mandate.tenant (tenant, created_at) values (${TENANT}, now())`,
  );
  return {
    database,
    async revision() {
      const [row] = await database.admin<
        { revision: number }[]
      >`select mandate.revision_of(${TENANT}) as revision`;
      return Number(row?.revision);
    },
  };
}

/** A start of `worker-1`, decided at this revision. */
export function startCall(revision: number, id: string = randomUUID()): StartCall {
  const decision = { revision } as unknown as StartCall['act']['decision'];
  return {
    tenant: TENANT,
    nowMs: Date.now(),
    revision,
    act: {
      id,
      agent: 'worker-1',
      action: 'test.run',
      status: 'executing',
      tier: 'green',
      severity: 'low',
      principal: 'key:test',
      userId: null,
      resourceType: null,
      resourceId: null,
      digest: id,
      display: { parameters: {}, context: {}, resource: null, chain: [], grants: [], onBehalfOf: null },
      decision,
      error: null,
      executor: 'none',
      runsOn: 'approval',
      costMicroUsd: 0,
      reservations: [],
      approvalId: null,
      worker: null,
      compensates: null,
      traceId: null,
      startByMs: null,
      deadlineMs: Date.now() + 60_000,
    },
    sealed: new Uint8Array(),
    startScore: 50,
    slots: null,
    approval: null,
    idempotency: null,
    entries: [
      {
        kind: 'action.started',
        agent: 'worker-1',
        actId: id,
        actor: 'key:test',
        atMs: Date.now(),
        traceId: null,
        data: { revision },
      },
    ],
  };
}

/** Whether a session of this database waits for a row that another one keeps. */
export async function isWaitingForRow({ admin }: TestDatabase): Promise<boolean> {
  const waiting = await admin`
    select 1 from pg_locks l join pg_stat_activity a on a.pid = l.pid
    where a.datname = current_database() and l.locktype in ('transactionid', 'tuple') and not l.granted`;
  return waiting.length > 0;
}

/** Whether a session of this database waits for the barrier. */
export async function isWaitingForBarrier({ admin }: TestDatabase): Promise<boolean> {
  const waiting = await admin`
    select 1 from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`;
  return waiting.length > 0;
}

/** An act that waits, with its approval still pending; its digest is its id. */
export async function recordWaiting(
  store: Store,
  tenant: string,
): Promise<{ readonly id: string; readonly approval: string }> {
  const id = randomUUID();
  const approval = randomUUID();
  const { act, entries } = startCall(0, id);
  await recordAct(store.app, {
    tenant,
    nowMs: Date.now(),
    act: { ...act, status: 'waiting_for_approval', approvalId: approval },
    sealed: new Uint8Array(),
    approval: {
      id: approval,
      requester: 'key:test',
      requesterUser: null,
      editors: [],
      causes: [],
      requiredRoles: [],
      quorum: 1,
      fourEyes: false,
      expiresMs: Date.now() + 60_000,
    },
    attach: false,
    idempotency: null,
    entries,
  });
  return { id, approval };
}
