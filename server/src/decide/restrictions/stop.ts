// One command stops everything. Protocol STOP-2: write the restriction and raise revision and epoch (requested),
// then take the barrier exclusively, terminating whoever hangs in it (confirmed). Every start takes the barrier
// shared and reads the revision after it, so that none can begin once the stop is confirmed (I2).
import type { Sql, Tx } from '../../platform/postgres/store.ts';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import { iso } from '../../platform/clock/iso.ts';

export type StopLevel = 'pause' | 'stop' | 'seal';

export interface StopOrder {
  /** '*' is every tenant. */
  readonly tenant: string;
  /** `tenant`, `global`, `agent:ID`, `class:NAME`, `action:PATTERN`, `user:ID` or `resource:TYPE/ID`. */
  readonly scope: string;
  readonly level: StopLevel;
  readonly reason: string;
  readonly by: string;
  readonly traceId: string | null;
}

export interface InFlight {
  readonly id: string;
  readonly agent: string;
  readonly action: string;
  readonly status: string;
  readonly startBy: string | null;
}

export interface StopReport {
  readonly id: string;
  readonly scope: string;
  readonly level: StopLevel;
  readonly confirmed: boolean;
  readonly requestedAt: string;
  /** null while it is only requested. */
  readonly confirmedAt: string | null;
  /** When the last live permit can no longer be started; for acts that agents execute the promise holds from here. */
  readonly quietAt: string | null;
  readonly epoch: number;
  readonly inFlight: readonly InFlight[];
}

export interface Stops {
  stop(order: StopOrder): Promise<StopReport>;
  /** Confirms again, e.g. after the sentinel file alone had stopped this process. */
  standing(tenant: string): Promise<readonly StandingStop[]>;
  resume(order: ResumeOrder): Promise<ResumeReport>;
}

export interface StandingStop {
  readonly id: string;
  readonly tenant: string;
  readonly kind: string;
  readonly scope: string;
  readonly level: string | null;
  readonly cause: string;
  readonly by: string;
  readonly since: string;
}

export interface ResumeOrder {
  readonly tenant: string;
  readonly scope: string;
  readonly reason: string;
  readonly by: string;
  readonly twoPersons: boolean;
  readonly traceId: string | null;
}

export type ResumeReport =
  | { readonly kind: 'resumed'; readonly lifted: number }
  | { readonly kind: 'second_person_needed'; readonly requestedBy: string }
  | { readonly kind: 'nothing_to_resume' };

export interface StopsNeeds {
  /** The control login, which sees all tenants' acts and may end hung sessions. */
  readonly control: Sql;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly writeEntry: (
    tx: Tx,
    tenant: string,
    entry: {
      kind: string;
      actor: string;
      atMs: number;
      traceId: string | null;
      data: Readonly<Record<string, string | number | null>>;
    },
  ) => Promise<void>;
}

const BARRIER_WAIT_MS = 750;
/** How often hung holders are ended before the stop reports that it is not confirmed. */
const ROUNDS = 4;

export function createStops({ control, clock, chance, writeEntry }: StopsNeeds): Stops {
  return {
    async stop(order) {
      const requestedMs = clock.nowMs();
      const id = chance.uuid();
      const epoch = await control.begin(async (tx) => {
        await tx`
          insert into mandate.restriction (tenant, id, kind, scope, floor, level, cause, created_by, created_at)
          values (${order.tenant}, ${id}, 'stop', ${order.scope}, 'black', ${order.level}, ${order.reason}, ${order.by}, ${new Date(requestedMs)})`;
        const raised = await raise(tx, order.tenant);
        await writeEntry(
          tx,
          order.tenant,
          entry('stop.requested', order, requestedMs, {
            restriction: id,
            scope: order.scope,
            level: order.level,
            reason: order.reason,
          }),
        );
        return raised;
      });
      const confirmed = await takeBarrier(control, order.tenant);
      const confirmedMs = confirmed ? clock.nowMs() : null;
      const inFlight = await readInFlight(control, order.tenant, order.scope);
      const quietMs =
        confirmedMs === null ? null : Math.max(confirmedMs, ...inFlight.map((act) => act.startByMs ?? 0));
      if (confirmedMs !== null) {
        await control.begin((tx) =>
          writeEntry(
            tx,
            order.tenant,
            entry('stop.confirmed', order, confirmedMs, { restriction: id, inFlight: inFlight.length }),
          ),
        );
      }
      return {
        id,
        scope: order.scope,
        level: order.level,
        confirmed,
        requestedAt: iso(requestedMs),
        confirmedAt: confirmedMs === null ? null : iso(confirmedMs),
        quietAt: quietMs === null ? null : iso(quietMs),
        epoch,
        inFlight: inFlight.map(({ startByMs, ...act }) => ({
          ...act,
          startBy: startByMs === null ? null : iso(startByMs),
        })),
      };
    },

    async standing(tenant) {
      const rows = await control<
        {
          id: string;
          tenant: string;
          kind: string;
          scope: string;
          level: string | null;
          cause: string;
          created_by: string;
          created_at: number;
        }[]
      >`
        select id, tenant, kind, scope, level, cause, created_by, created_at from mandate.restriction
        where tenant in (${tenant}, '*') and kind = 'stop' and lifted_at is null order by created_at`;
      return rows.map((row) => ({
        id: row.id,
        tenant: row.tenant,
        kind: row.kind,
        scope: row.scope,
        level: row.level,
        cause: row.cause,
        by: row.created_by,
        since: iso(row.created_at),
      }));
    },

    async resume(order) {
      const nowMs = clock.nowMs();
      return control.begin(async (tx): Promise<ResumeReport> => {
        const standing = await tx`
          select id from mandate.restriction
          where tenant = ${order.tenant} and scope = ${order.scope} and kind = 'stop' and lifted_at is null for update`;
        if (standing.length === 0) return { kind: 'nothing_to_resume' };
        if (order.twoPersons) {
          const first = await firstPerson(tx, order, nowMs);
          if (first === null) {
            await writeEntry(
              tx,
              order.tenant,
              entry('stop.resume_requested', order, nowMs, { scope: order.scope, reason: order.reason }),
            );
            return { kind: 'second_person_needed', requestedBy: order.by };
          }
        }
        const lifted = await tx`
          update mandate.restriction set lifted_at = ${new Date(nowMs)}, lifted_by = ${order.by}, lift_reason = ${order.reason}
          where tenant = ${order.tenant} and scope = ${order.scope} and kind = 'stop' and lifted_at is null`;
        await tx`delete from mandate.resume_request where tenant = ${order.tenant} and scope = ${order.scope}`;
        // Loosening needs no new revision for safety; raising it makes every process look again at once.
        await tx`update mandate.tenant set revision = revision + 1 where tenant = ${order.tenant}`;
        await tx`select pg_notify('mandate_revision', '')`;
        await writeEntry(
          tx,
          order.tenant,
          entry('stop.resumed', order, nowMs, {
            scope: order.scope,
            reason: order.reason,
            lifted: lifted.count,
          }),
        );
        return { kind: 'resumed', lifted: lifted.count };
      });
    },
  };
}

/** Raises revision and epoch. A tenant without a row is stopped already; its row is made so that it stays so on record. */
async function raise(tx: Tx, tenant: string): Promise<number> {
  const [row] = await tx<{ epoch: number }[]>`
    update mandate.tenant set revision = revision + 1, epoch = epoch + 1 where tenant = ${tenant} returning epoch`;
  if (row === undefined)
    throw new Error(`tenant ${tenant} has no row: nothing can begin in it, which is a stop already`);
  await tx`select pg_notify('mandate_revision', '')`;
  return row.epoch;
}

/** True once no start of before the stop can still be under way. */
async function takeBarrier(control: Sql, tenant: string): Promise<boolean> {
  for (let round = 0; round < ROUNDS; round += 1) {
    try {
      await control.begin(async (tx) => {
        await tx`select set_config('lock_timeout', ${`${BARRIER_WAIT_MS}ms`}, true)`;
        await tx`select pg_advisory_xact_lock(mandate.barrier_key(${tenant}))`;
      });
      return true;
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      await endHolders(control, tenant);
    }
  }
  return false;
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03';
}

/** A start holds the barrier for milliseconds; whoever still holds it after the wait hangs, and is ended. */
async function endHolders(control: Sql, tenant: string): Promise<void> {
  await control`
    select pg_terminate_backend(l.pid) from pg_locks l
    where l.locktype = 'advisory' and l.granted and l.mode = 'ShareLock' and l.pid <> pg_backend_pid()
      and l.database = (select oid from pg_database where datname = current_database())
      and ((l.classid::bigint << 32) | l.objid::bigint) = mandate.barrier_key(${tenant})::bigint`;
}

interface FlightRow {
  readonly id: string;
  readonly agent: string;
  readonly action: string;
  readonly status: string;
  readonly startByMs: number | null;
}

async function readInFlight(control: Sql, tenant: string, scope: string): Promise<readonly FlightRow[]> {
  const [kind = '', value = ''] = splitScope(scope);
  const rows = await control<
    { id: string; agent: string; action: string; status: string; start_by: number | null }[]
  >`
    select id, agent, action, status, start_by from mandate.act
    where status in ('executing', 'permitted') and (${tenant} = '*' or tenant = ${tenant})
      and case ${kind} when 'agent' then agent = ${value} when 'user' then user_id = ${value}
          when 'resource' then resource_type || '/' || resource_id = ${value}
          when 'action' then (action = ${value} or (right(${value}, 1) = '*' and starts_with(action, left(${value}, -1))))
          else true end
    order by started_at`;
  return rows.map((row) => ({
    id: row.id,
    agent: row.agent,
    action: row.action,
    status: row.status,
    startByMs: row.start_by,
  }));
}

function splitScope(scope: string): readonly [string, string] | readonly [string] {
  const colon = scope.indexOf(':');
  return colon < 0 ? [scope] : [scope.slice(0, colon), scope.slice(colon + 1)];
}

/** The other person who asked first; null when this one is the first, whose wish is then remembered. */
async function firstPerson(tx: Tx, order: ResumeOrder, nowMs: number): Promise<string | null> {
  const [first] = await tx<{ requested_by: string }[]>`
    select requested_by from mandate.resume_request where tenant = ${order.tenant} and scope = ${order.scope} for update`;
  if (first !== undefined && first.requested_by !== order.by) return first.requested_by;
  await tx`
    insert into mandate.resume_request (tenant, scope, requested_by, reason, requested_at)
    values (${order.tenant}, ${order.scope}, ${order.by}, ${order.reason}, ${new Date(nowMs)})
    on conflict (tenant, scope) do update set reason = excluded.reason, requested_at = excluded.requested_at`;
  return null;
}

function entry(
  kind: string,
  order: { readonly by: string; readonly traceId: string | null },
  atMs: number,
  data: Readonly<Record<string, string | number | null>>,
) {
  return { kind, actor: order.by, atMs, traceId: order.traceId, data };
}
