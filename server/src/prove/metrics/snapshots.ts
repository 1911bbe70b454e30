// What was measured, kept as history: every day, and with each cycle. A snapshot says what was known when it was taken, so
// it is written once and stays, also where an act has been cleared up since.
import type { Clock } from '../../platform/clock/clock.ts';
import { iso } from '../../platform/clock/iso.ts';
import { jsonb } from '../../platform/postgres/jsonb.ts';
import type { Store } from '../../platform/postgres/store.ts';
import type { Metrics, SetWindow } from './command-metrics.ts';

export interface Snapshot extends Metrics {
  readonly set: string | null;
  readonly why: 'daily' | 'cycle';
  readonly takenAt: string;
}

/** A governed set as far as it is measured. */
export interface MeasuredSet {
  readonly name: string;
  readonly patterns: readonly string[];
}

export interface Snapshots {
  /** Measures a window and keeps it. A window of the same set, reason and end is kept once: the first answer stands. */
  take(tenant: string, window: SetWindow, why: Snapshot['why']): Promise<Metrics>;
  /** The newest; null where none has been taken. */
  latest(tenant: string, set: string | null): Promise<Metrics | null>;
  /** Newest first. */
  list(tenant: string, set: string | null, limit: number): Promise<readonly Snapshot[]>;
  start(): void;
  close(): Promise<void>;
}

export interface SnapshotsNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly of: (tenant: string, window: SetWindow) => Promise<Metrics>;
  /** Empty where the charter governs nothing: then everything together is measured. */
  readonly setsOf: (tenant: string) => Promise<readonly MeasuredSet[]>;
  /** Whether another process counts more of a tenant than this one can, and measures its days. */
  readonly isElsewhere: (tenant: string) => Promise<boolean>;
  readonly failed: (error: unknown) => void;
}

const DAY_MS = 86_400_000;
const LOOK_MS = 60_000;
/** A server that was away for longer has left a gap that a look at the acts fills better. */
const CATCH_UP_DAYS = 31;

export function createSnapshots({
  store,
  clock,
  of,
  setsOf,
  isElsewhere,
  failed,
}: SnapshotsNeeds): Snapshots {
  let closed = false;
  let looking: Promise<void> = Promise.resolve();
  let cancelTimer: () => void = () => undefined;

  const take: Snapshots['take'] = async (tenant, window, why) => {
    const metrics = await of(tenant, window);
    return store.withTenant(tenant, async (tx) => {
      await tx`
        insert into mandate.metric_snapshot (tenant, governed_set, why, period_start, period_end, taken_at, metrics)
        values (${tenant}, ${window.set ?? ''}, ${why}, ${new Date(window.startMs)}, ${new Date(window.endMs)}, ${new Date(clock.nowMs())}, ${jsonb(tx, metrics)})
        on conflict do nothing`;
      const [kept] = await tx<{ metrics: Metrics }[]>`
        select metrics from mandate.metric_snapshot where tenant = ${tenant} and governed_set = ${window.set ?? ''} and why = ${why} and period_end = ${new Date(window.endMs)}`;
      return kept?.metrics ?? metrics;
    });
  };

  async function list(tenant: string, set: string | null, limit: number): Promise<readonly Snapshot[]> {
    return store.withTenant(tenant, async (tx) => {
      const rows = await tx<{ why: Snapshot['why']; taken_at: number; metrics: Metrics }[]>`
        select why, taken_at, metrics from mandate.metric_snapshot where tenant = ${tenant} and governed_set = ${set ?? ''}
        order by period_end desc, taken_at desc limit ${limit}`;
      return rows.map((row) => ({ ...row.metrics, set, why: row.why, takenAt: iso(row.taken_at) }));
    });
  }

  /** The days that are over and have no snapshot yet, the oldest first; nothing from before the tenant was there. */
  async function missingDays(tenant: string, set: string, sinceMs: number): Promise<readonly number[]> {
    const today = Math.floor(clock.nowMs() / DAY_MS) * DAY_MS;
    const rows = await store.withTenant(
      tenant,
      (tx) => tx<{ start: number }[]>`
        select period_start as start from mandate.metric_snapshot where tenant = ${tenant} and governed_set = ${set} and why = 'daily'
          and period_end >= ${new Date(today - (CATCH_UP_DAYS + 1) * DAY_MS)}`,
    );
    const kept = new Set(rows.map(({ start }) => start));
    const oldest = Math.max(today - CATCH_UP_DAYS * DAY_MS, Math.floor(sinceMs / DAY_MS) * DAY_MS);
    const days: number[] = [];
    for (let day = oldest; day < today; day += DAY_MS) if (!kept.has(day)) days.push(day);
    return days;
  }

  async function takeDaily(): Promise<void> {
    const tenants = await store.control<{ tenant: string; created_at: number }[]>`
      select tenant, created_at from mandate.tenant where tenant <> '*'`;
    for (const { tenant, created_at: sinceMs } of tenants)
      // One whose figures cannot be had keeps no other waiting.
      await takeDaysOf(tenant, sinceMs).catch(tell);
  }

  async function takeDaysOf(tenant: string, sinceMs: number): Promise<void> {
    if (closed || (await isElsewhere(tenant))) return;
    const sets = await setsOf(tenant);
    const measured = sets.length === 0 ? [{ name: null, patterns: ['*'] }] : sets;
    for (const { name, patterns } of measured)
      for (const day of await missingDays(tenant, name ?? '', sinceMs)) {
        if (closed) return;
        await take(tenant, { set: name, patterns, startMs: day, endMs: day + DAY_MS - 1 }, 'daily');
      }
  }

  function tell(error: unknown): void {
    if (!closed) failed(error);
  }

  function again(): void {
    if (closed) return;
    looking = takeDaily()
      .catch(tell)
      .finally(() => {
        if (!closed) cancelTimer = clock.after(LOOK_MS, again);
      });
  }

  return {
    take,
    list,
    async latest(tenant, set) {
      const [newest] = await list(tenant, set, 1);
      if (newest === undefined) return null;
      const { set: _set, why: _why, takenAt: _takenAt, ...metrics } = newest;
      return metrics;
    },
    start: again,
    async close() {
      closed = true;
      cancelTimer();
      await looking;
    },
  };
}
