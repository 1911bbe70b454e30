// One command stops everything. Protocol STOP-2: write the restriction and raise revision and epoch (requested),
// then take the barrier exclusively, terminating whoever hangs in it (confirmed). Every start takes the barrier
// shared and reads the revision after it, so that none can begin once the stop is confirmed (I2).
import { redactText } from '@mandate/kernel';
import type { WriteEntry } from '../../platform/events/entry.ts';
import type { Sql, Tx } from '../../platform/postgres/store.ts';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import { iso } from '../../platform/clock/iso.ts';
import { createBarrier } from './barrier.ts';
import { readInFlight } from './in-flight.ts';
import type { ClassesOf } from './in-flight.ts';
import { createResume } from './resume.ts';
import type { Resume, ResumeNeeds } from './resume.ts';

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
  /** The stops that nobody has lifted yet, oldest first: the tenant's own and everybody's. */
  standing(tenant: string): Promise<readonly StandingStop[]>;
  readonly resume: Resume;
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

export interface StopsNeeds {
  /** The control login, which sees all tenants' acts and may end hung sessions. */
  readonly control: Sql;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly classesOf: ClassesOf;
  readonly agree: ResumeNeeds['agree'];
  readonly writeEntry: WriteEntry;
}

export function createStops({ control, clock, chance, classesOf, agree, writeEntry }: StopsNeeds): Stops {
  const takeBarrier = createBarrier(control);
  return {
    resume: createResume({ control, clock, writeEntry, agree }),

    async stop(order) {
      const requestedMs = clock.nowMs();
      const id = chance.uuid();
      const epoch = await control.begin(async (tx) => {
        await tx`
          insert into mandate.restriction (tenant, id, kind, scope, floor, level, cause, created_by, created_at)
          values (${order.tenant}, ${id}, 'stop', ${order.scope}, 'black', ${order.level}, ${redactText(order.reason)}, ${order.by}, ${new Date(requestedMs)})`;
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
      const confirmed = await takeBarrier(order.tenant);
      const confirmedMs = confirmed ? clock.nowMs() : null;
      const inFlight = await readInFlight(control, { ...order, sinceMs: requestedMs }, classesOf);
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
  };
}

/** Raises revision and epoch. A tenant without a row is stopped already, and there is nothing to raise. */
async function raise(tx: Tx, tenant: string): Promise<number> {
  const [row] = await tx<{ epoch: number }[]>`
    update mandate.tenant set revision = revision + 1, epoch = epoch + 1 where tenant = ${tenant} returning epoch`;
  if (row === undefined)
    throw new Error(`tenant ${tenant} has no row: nothing can begin in it, which is a stop already`);
  await tx`select pg_notify('mandate_revision', '')`;
  return row.epoch;
}

function entry(
  kind: string,
  order: { readonly by: string; readonly traceId: string | null },
  atMs: number,
  data: Readonly<Record<string, string | number | null>>,
) {
  return { kind, actor: order.by, atMs, traceId: order.traceId, data };
}
