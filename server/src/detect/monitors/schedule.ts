// When monitors look: every interval at everything, at once where an act has failed in this process, and where the journal
// tells of a failure or an incident anywhere. The first is the safety net of the others, and none waits for another.
import type { Clock } from '../../platform/clock/clock.ts';
import type { Sql, Store, Tx } from '../../platform/postgres/store.ts';
import { createLooks } from './looks.ts';
import type { Because, MonitorsNeeds } from './needs.ts';
import { BY_TIME } from './needs.ts';
import type { Monitors } from './monitors.ts';

export interface Schedule {
  start(): void;
  /** Something went wrong just now: its tenant is looked at, at once. */
  look(tenant: string, because: Because): void;
  /** The journal has grown. */
  wake(): void;
  /** Resolves when nothing that was asked for before is under way any more; for tests and at the end. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export interface ScheduleNeeds {
  readonly monitors: Pick<Monitors, 'checkTenant' | 'forget'>;
  readonly store: Pick<Store, 'withTenant'>;
  readonly control: Sql;
  /** Whether another process counts more of a tenant than this one can: then it is that one's to look at. */
  readonly isElsewhere: (tenant: string) => Promise<boolean>;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly failed: MonitorsNeeds['failed'];
}

/** How the journal tells how far monitors have read it. */
const CONSUMER = 'monitors';
/** A journal that is written all the time must not have a reader commit a hundred times a second. */
const SOON_MS = 200;
/** Read anew when what was to be read could not be. */
const RETRY_MS = 1_000;

export function createSchedule(needs: ScheduleNeeds): Schedule {
  const { monitors, store, control, isElsewhere, clock, intervalMs, failed } = needs;
  let isClosed = false;
  let cancelRound: () => void = () => undefined;
  let cancelRead: (() => void) | null = null;
  let isReading = false;
  /** Asked for while a read was under way: it may have passed what the journal has grown by. */
  let again = false;
  let isStarted = false;
  const running = new Set<Promise<unknown>>();
  const looks = createLooks(monitors.checkTenant);
  /** Checks that have failed since the journal was last read to its end, by tenant, and how far it was read for all others. */
  const behind = new Map<string, Behind>();

  /** Answers with the checks that came to no end. */
  async function lookNow(tenant: string, because: Because): Promise<readonly string[]> {
    const report = await looks(tenant, because);
    for (const { check, error } of report.failed)
      failed(error, `the monitors of ${tenant} could not check ${check}; they try again`);
    return report.failed.map(({ check }) => check);
  }

  function background(work: () => Promise<unknown>, what: string): void {
    const done = work().catch((error: unknown) => {
      if (!isClosed) failed(error, what);
    });
    running.add(done);
    void done.finally(() => running.delete(done));
  }

  async function isOthers(tenant: string): Promise<boolean> {
    if (!(await isElsewhere(tenant))) return false;
    monitors.forget(tenant);
    behind.delete(tenant);
    return true;
  }

  async function round(): Promise<void> {
    for (const tenant of await tenantsOf(control)) {
      if (isClosed) return;
      try {
        if (!(await isOthers(tenant))) await lookNow(tenant, BY_TIME);
      } catch (error) {
        failed(error, `the monitors of ${tenant} could not be checked; they are with the next round`);
      }
    }
  }

  function turn(): void {
    background(round, 'the monitors could not be checked; they are with the next round');
    if (!isClosed) cancelRound = clock.after(intervalMs, turn);
  }

  /** From the journal: also what failed in a process that died before it could look. False where it has to be read anew. */
  async function read(): Promise<boolean> {
    let isWhole = true;
    for (const tenant of await tenantsOf(control)) {
      if (isClosed) break;
      try {
        if (!(await isOthers(tenant)) && !(await readOne(tenant))) isWhole = false;
      } catch (error) {
        isWhole = false;
        if (!isClosed)
          failed(error, `the journal of ${tenant} could not be read for monitors; it is in a second`);
      }
    }
    return isWhole;
  }

  async function readOne(tenant: string): Promise<boolean> {
    const owing = behind.get(tenant);
    const news = await store.withTenant(tenant, (tx) => readNews(tx, tenant, owing?.position ?? null));
    if (news === null || isClosed) return true;
    const { because, owedMs } = news;
    // What a check has not come to an end with, it still has to see; the others need not look back so far.
    const owed = owing === undefined || owedMs === null ? null : { checks: owing.checks, sinceMs: owedMs };
    const failing =
      because === null && owed === null ? [] : await lookNow(tenant, { ...(because ?? BY_TIME), owed });
    if (failing.length > 0) {
      behind.set(tenant, { position: news.position, checks: failing });
      return false;
    }
    behind.delete(tenant);
    await store.withTenant(tenant, (tx) =>
      movePosition(tx, tenant, { position: news.position, nowMs: clock.nowMs() }),
    );
    return true;
  }

  function readSoon(delayMs: number): void {
    if (isClosed || !isStarted) return;
    if (isReading) again = true;
    if (isReading || cancelRead !== null) return;
    cancelRead = clock.after(delayMs, () => {
      cancelRead = null;
      isReading = true;
      again = false;
      background(async () => {
        let isWhole = false;
        try {
          isWhole = await read();
        } finally {
          isReading = false;
          if (!isWhole) readSoon(RETRY_MS);
          else if (again) readSoon(SOON_MS);
        }
      }, 'the journal could not be read for monitors; it is in a second');
    });
  }

  return {
    start() {
      isStarted = true;
      turn();
      readSoon(0);
    },
    look(tenant, because) {
      if (!isClosed)
        background(async () => {
          // Where somebody else looks, the journal tells them.
          if (!(await isOthers(tenant))) await lookNow(tenant, because);
        }, `the monitors of ${tenant} could not be checked at once; the journal will have them checked`);
    },
    wake: () => readSoon(SOON_MS),
    async idle() {
      while (running.size > 0) await Promise.all(running);
    },
    async close() {
      isClosed = true;
      cancelRound();
      cancelRead?.();
      await Promise.all(running);
    },
  };
}

async function tenantsOf(control: Sql): Promise<readonly string[]> {
  const rows = await control<{ tenant: string }[]>`
    select tenant from mandate.tenant where tenant <> '*' order by tenant`;
  return rows.map(({ tenant }) => tenant);
}

interface Behind {
  readonly position: number;
  readonly checks: readonly string[];
}

interface NewsRow {
  readonly position: number;
  readonly head: number;
  readonly isFirst: boolean;
  readonly action: string | null;
  readonly traceId: string | null;
  readonly at: number | null;
  readonly since: number | null;
  readonly owed: number | null;
}

interface News {
  readonly position: number;
  readonly because: Because | null;
  /** The oldest trouble of what was read before in vain. */
  readonly owedMs: number | null;
}

/**
 * Whether anything has gone wrong since the journal was last read; null where there is nothing new at all. `after` is how
 * far it was read, where not every check has come to an end with it.
 */
async function readNews(tx: Tx, tenant: string, after: number | null): Promise<News | null> {
  const [row] = await tx<NewsRow[]>`
    with stood as (select max(position) as position from mandate.consumer where tenant = ${tenant} and name = ${CONSUMER}),
      read as (select coalesce(position, 0) as position, position is null as is_first,
        greatest(coalesce(position, 0), ${after ?? 0}::bigint) as seen from stood),
      head as (select coalesce(max(j.position), 0) as position from mandate.journal j where j.tenant = ${tenant}),
      bad as (
        select j.position, j.data, j.trace_id, j.at from mandate.journal j, read, head
        -- What was written down before anybody watched is history.
        where j.tenant = ${tenant} and not read.is_first and j.position > read.position and j.position <= head.position
          and (j.kind in ('action.failed', 'action.unknown', 'incident.opened', 'incident.updated')
            -- What was undone has no kind of its own.
            or (j.kind = 'action.succeeded' and exists (
              select 1 from mandate.act x where x.tenant = ${tenant} and x.id = j.act_id and x.compensates is not null))))
    select read.position, head.position as head, read.is_first as "isFirst", newest.data::jsonb ->> 'action' as action,
      newest.trace_id as "traceId", newest.at, (select min(at) from bad where bad.position > read.seen) as since, (select min(at) from bad) as owed
    from read cross join head left join lateral (
      select bad.* from bad where bad.position > read.seen order by bad.position desc limit 1) newest on true`;
  if (row === undefined || (row.head <= row.position && !row.isFirst)) return null;
  const { action, traceId, at, since } = row;
  const because = at === null ? null : { ...BY_TIME, action, traceId, atMs: at, sinceMs: since };
  return { position: row.head, because, owedMs: row.owed };
}

/** On, never back. */
async function movePosition(
  tx: Tx,
  tenant: string,
  { position, nowMs }: { readonly position: number; readonly nowMs: number },
): Promise<void> {
  await tx`
    insert into mandate.consumer as c (tenant, name, position, updated_at) values (${tenant}, ${CONSUMER}, ${position}, ${new Date(nowMs)})
    on conflict (tenant, name) do update set position = excluded.position, updated_at = excluded.updated_at where c.position < excluded.position`;
}
