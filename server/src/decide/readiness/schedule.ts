// Readiness changes while nobody asks: evidence runs out, drills grow old, a rate falls. So every tenant is checked once a
// minute, and a phase on probation does not have to wait for somebody to look.
import type { Clock } from '../../platform/clock/clock.ts';

export interface ReadinessScheduleNeeds {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly tenants: () => Promise<readonly string[]>;
  readonly check: (tenant: string) => Promise<unknown>;
  readonly failed: (error: unknown, what: string) => void;
}

export interface ReadinessSchedule {
  /** Checks every tenant once; one that fails keeps no other from it. */
  turn(): Promise<void>;
  /** The first check comes after a while: right after a start nobody has scraped yet, and that is no one's fault. */
  start(): void;
  close(): Promise<void>;
}

export function createReadinessSchedule(needs: ReadinessScheduleNeeds): ReadinessSchedule {
  const { clock, everyMs, failed } = needs;
  const closing = new AbortController();
  let turning: Promise<void> | null = null;
  let cancelTimer: () => void = () => undefined;

  async function attempt(what: string, run: () => Promise<unknown>): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (!closing.signal.aborted) failed(error, `${what}; it is tried again in a minute`);
    }
  }

  async function turn(): Promise<void> {
    await attempt('nobody could find out whose readiness there is to check', async () => {
      for (const tenant of await needs.tenants()) {
        if (closing.signal.aborted) return;
        await attempt('the readiness of a tenant could not be checked', () => needs.check(tenant));
      }
    });
  }

  function run(): void {
    turning = turn().finally(() => {
      turning = null;
      arm();
    });
  }

  function arm(): void {
    if (!closing.signal.aborted) cancelTimer = clock.after(everyMs, run);
  }

  return {
    turn,
    start: arm,
    async close() {
      closing.abort();
      cancelTimer();
      await turning;
    },
  };
}
