// Runs that begin by themselves. Every process looks at the clock; the database lets one of them begin the run of a
// tick, because schedule and tick are a key. After a time in which nobody looked, the last tick that was missed is made
// up for, and none before it.
import { parseCron, ticksOf } from '@mandate/kernel';
import type { CronTicks, ScheduleSetting } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import { bareAsker } from '../../platform/identity/asker.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Sql } from '../../platform/postgres/store.ts';

export interface Ticks {
  /** Begins the runs of all ticks that have come. */
  look(): Promise<void>;
}

export interface TicksNeeds {
  readonly control: Sql;
  readonly clock: Clock;
  readonly schedulesOf: (tenant: string) => Promise<readonly ScheduleSetting[]>;
  /** Begins the run of one tick, unless somebody has already. */
  readonly begin: (asker: Asker, schedule: ScheduleSetting, tickMs: number) => Promise<void>;
  readonly failed: (error: unknown, what: string) => void;
}

const RELOAD_MS = 5_000;
const LOOKBACK_MS = 7 * 86_400_000;

interface Due {
  readonly tenant: string;
  readonly schedule: ScheduleSetting;
  readonly ticks: CronTicks;
  /** Ticks up to here have been seen to. */
  readonly seenMs: number;
  readonly dueMs: number | null;
}

export function createTicks({ control, clock, schedulesOf, begin, failed }: TicksNeeds): Ticks {
  let known: ReadonlyMap<string, Due> = new Map();
  let loadedMs = Number.NEGATIVE_INFINITY;

  async function load(): Promise<void> {
    const tenants = await control<
      { tenant: string }[]
    >`select tenant from mandate.tenant where tenant <> '*'`;
    const fresh = new Map<string, Due>();
    for (const { tenant } of tenants) {
      for (const schedule of await schedulesOf(tenant)) {
        const key = JSON.stringify([tenant, schedule.name, schedule.cron, schedule.timezone]);
        const due = known.get(key) ?? (await firstDue(tenant, schedule));
        // What it begins may have been changed; when it does has not.
        if (due !== null) fresh.set(key, { ...due, schedule });
      }
    }
    known = fresh;
  }

  /** From the last run on, where there has been one; else from now on. */
  async function firstDue(tenant: string, schedule: ScheduleSetting): Promise<Due | null> {
    const parsed = parseCron(schedule.cron);
    if (parsed.kind === 'refused') return null;
    const [row] = await control<{ tick: number | null }[]>`
      select max(tick) as tick from mandate.workflow_run where tenant = ${tenant} and schedule = ${schedule.name}`;
    return dueAfter(
      { tenant, schedule, ticks: ticksOf(parsed.cron, schedule.timezone) },
      row?.tick ?? clock.nowMs(),
    );
  }

  return {
    async look() {
      const nowMs = clock.nowMs();
      if (clock.monotonicMs() - loadedMs >= RELOAD_MS) {
        loadedMs = clock.monotonicMs();
        await load();
      }
      for (const [key, due] of known) {
        if (due.dueMs === null || due.dueMs > nowMs) continue;
        const { tenant, schedule } = due;
        try {
          // One rule whether nobody was there to look or somebody was and could not: the last one that was missed, once.
          const tickMs = due.ticks.last(Math.max(due.seenMs, nowMs - LOOKBACK_MS), nowMs);
          if (tickMs !== null) await begin(askerOf(tenant, schedule), schedule, tickMs);
          known = new Map([...known, [key, dueAfter(due, nowMs)]]);
        } catch (error) {
          failed(
            error,
            `the run that the schedule ${schedule.name} is due for could not begin; it is tried again`,
          );
        }
      }
    },
  };
}

function dueAfter(
  { tenant, schedule, ticks }: Pick<Due, 'tenant' | 'schedule' | 'ticks'>,
  seenMs: number,
): Due {
  return { tenant, schedule, ticks, seenMs, dueMs: ticks.after(seenMs) };
}

/** A schedule stands in the charter, so it asks as nobody but itself; what its steps may do the charter says too. */
function askerOf(tenant: string, { name }: ScheduleSetting): Asker {
  return bareAsker({
    id: `schedule:${name}`,
    tenant,
    roles: ['operator'],
    agents: 'any',
    mayAskForOthers: true,
    traceId: null,
    schedule: name,
  });
}
