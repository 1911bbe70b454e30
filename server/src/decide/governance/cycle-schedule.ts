// The weekly cycle begins by itself, at the time that the charter gives each set. Every process looks at the clock; the
// report is a key in the database, so one cycle of a week counts. After a time in which nobody looked, the last tick that
// was missed is made up for.
import { parseCron, ticksOf } from '@mandate/kernel';
import type { CronTicks, GovernedSet } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { RunCycle } from './cycle.ts';

export interface CycleSchedule {
  start(): void;
  /** Runs every cycle that is due; resolves when none is under way any more. */
  look(): Promise<void>;
  stop(): Promise<void>;
}

export interface CycleScheduleNeeds {
  readonly clock: Clock;
  /** Tenants that have anything governed. */
  readonly tenants: () => Promise<readonly string[]>;
  readonly setsOf: (tenant: string) => Promise<readonly GovernedSet[]>;
  /** Up to when a set has been looked at: the end of its last report, or when it was first governed. */
  readonly seenMs: (tenant: string, set: string) => Promise<number | null>;
  readonly run: RunCycle;
  readonly failed: (error: unknown, what: string) => void;
}

const LOOK_MS = 5_000;
const RELOAD_MS = 30_000;
/** After a cycle that could not be run. */
const RETRY_MS = 60_000;
const LOOKBACK_MS = 7 * 86_400_000;

interface Due {
  readonly tenant: string;
  readonly set: string;
  readonly ticks: CronTicks;
  /** Ticks up to here have been seen to. */
  readonly seenMs: number;
  readonly dueMs: number | null;
}

export function createCycleSchedule(needs: CycleScheduleNeeds): CycleSchedule {
  const { clock, tenants, setsOf, run, failed } = needs;
  let known: ReadonlyMap<string, Due> = new Map();
  let loadedMs = Number.NEGATIVE_INFINITY;
  let cancelTimer: () => void = () => undefined;
  let isStopped = false;
  let looking: Promise<void> = Promise.resolve();

  async function load(): Promise<void> {
    const fresh = new Map<string, Due>();
    for (const tenant of await tenants())
      for (const [key, due] of await dueOf(tenant)) if (due !== null) fresh.set(key, due);
    known = fresh;
  }

  function tell(error: unknown, what: string): void {
    if (!isStopped) failed(error, what);
  }

  /** What cannot be read of one tenant, or of one set, keeps no other from its cycle, and is due as it was known to be. */
  async function dueOf(tenant: string): Promise<readonly (readonly [key: string, due: Due | null])[]> {
    try {
      const found: (readonly [string, Due | null])[] = [];
      for (const set of await setsOf(tenant)) {
        // A set that is timed anew is another one: what was due by the old time no longer is.
        const key = JSON.stringify([tenant, set.name, set.cycle, set.timeZone]);
        found.push([key, await dueOfSet(tenant, set, known.get(key) ?? null)]);
      }
      return found;
    } catch (error) {
      tell(error, 'the sets of a tenant could not be read; their weekly cycles run as they were known');
      return [...known].filter(([, due]) => due.tenant === tenant);
    }
  }

  async function dueOfSet(tenant: string, set: GovernedSet, before: Due | null): Promise<Due | null> {
    // What was seen to in what is the future by now, was by a clock that has been set back.
    if (before !== null && before.seenMs <= clock.nowMs()) return before;
    try {
      return await firstDue(tenant, set);
    } catch (error) {
      tell(error, `nobody could find out when the weekly cycle of ${set.name} is due`);
      return before;
    }
  }

  async function firstDue(tenant: string, set: GovernedSet): Promise<Due | null> {
    const parsed = parseCron(set.cycle);
    if (parsed.kind === 'refused') return null;
    const nowMs = clock.nowMs();
    const seenMs = Math.min((await needs.seenMs(tenant, set.name)) ?? nowMs, nowMs);
    return dueAfter({ tenant, set: set.name, ticks: ticksOf(parsed.cron, set.timeZone) }, seenMs);
  }

  async function runDue(key: string, due: Due): Promise<void> {
    const { tenant, set, ticks } = due;
    const nowMs = clock.nowMs();
    const tickMs = ticks.last(Math.max(due.seenMs, nowMs - LOOKBACK_MS), nowMs);
    let next = dueAfter(due, nowMs);
    try {
      if (tickMs !== null) {
        const answer = await run({ tenant, set, atMs: tickMs, by: 'schedule', traceId: null });
        // A charter without the set, or a newer report: there is nothing left to do for this tick.
        if (answer.kind === 'refused')
          failed(new Error(answer.refusal.detail), `the weekly cycle of ${set} was not run`);
      }
    } catch (error) {
      failed(error, `the weekly cycle of ${set} did not get through; it is run again in a minute`);
      next = { ...due, dueMs: nowMs + RETRY_MS };
    }
    known = new Map([...known, [key, next]]);
  }

  async function look(): Promise<void> {
    if (clock.monotonicMs() - loadedMs >= RELOAD_MS) {
      await load();
      loadedMs = clock.monotonicMs();
    }
    for (const [key, due] of known)
      if (!isStopped && due.dueMs !== null && due.dueMs <= clock.nowMs()) await runDue(key, due);
  }

  /** One look at a time, whoever asks for it. */
  function lookAgain(): Promise<void> {
    looking = looking
      .then(look)
      .catch((error: unknown) => tell(error, 'weekly cycles could not be looked for; they are in a moment'));
    return looking;
  }

  async function goOn(): Promise<void> {
    await lookAgain();
    if (!isStopped) cancelTimer = clock.after(LOOK_MS, () => void goOn());
  }

  return {
    start: () => void goOn(),
    look: lookAgain,
    async stop() {
      isStopped = true;
      cancelTimer();
      await looking;
    },
  };
}

function dueAfter({ tenant, set, ticks }: Pick<Due, 'tenant' | 'set' | 'ticks'>, seenMs: number): Due {
  return { tenant, set, ticks, seenMs, dueMs: ticks.after(seenMs) };
}
