// What telling people does without being asked: read on, make the digests that are due, send. Every process does it;
// each step has one winner in the database, and a step that fails is tried again with the next turn.
import type { Clock } from '../../platform/clock/clock.ts';
import type { Sql } from '../../platform/postgres/store.ts';
import { CONSUMER, EVERYBODY } from './store.ts';

export interface ScheduleNeeds {
  readonly control: Sql;
  readonly clock: Clock;
  readonly before: () => Promise<void>;
  readonly pass: (tenant: string) => Promise<{ readonly read: number }>;
  readonly makeDue: () => Promise<number>;
  readonly sendDue: () => Promise<number>;
  readonly prune: () => Promise<void>;
  readonly failed: (error: unknown, what: string) => void;
}

export interface Schedule {
  /** One turn; tests call it directly. */
  turn(): Promise<void>;
  start(): void;
  /** Something new is in the journal: the next turn begins soon. */
  wake(): void;
  close(): Promise<void>;
}

const IDLE_MS = 1_000;
/** A journal that is written all the time must not have its reader commit a hundred times a second. */
const SOON_MS = 200;
const PRUNE_MS = 3_600_000;
/** How many batches of one tenant are read before the others' turn. */
const PASSES = 20;

export function createSchedule(needs: ScheduleNeeds): Schedule {
  const { control, clock, failed } = needs;
  const closing = new AbortController();
  let turning: Promise<void> | null = null;
  let cancelTimer: () => void = () => undefined;
  let prunedMs = clock.monotonicMs();
  let isStarted = false;
  let isAwake = false;

  async function step(what: string, run: () => Promise<unknown>): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (!closing.signal.aborted) failed(error, `${what}; it is tried again in a second`);
    }
  }

  async function readAll(): Promise<void> {
    for (const tenant of await findTold(control)) {
      await step('the journal could not be read for people', async () => {
        for (let passes = 0; passes < PASSES && !closing.signal.aborted; passes += 1)
          if ((await needs.pass(tenant)).read === 0) break;
      });
    }
  }

  async function turn(): Promise<void> {
    await step('channels of this program could not be put on record', needs.before);
    await step('nobody could find out whom there is something to tell', readAll);
    await step('digests could not be made', needs.makeDue);
    await step('messages could not be sent', needs.sendDue);
    if (clock.monotonicMs() - prunedMs < PRUNE_MS) return;
    prunedMs = clock.monotonicMs();
    await step('old messages could not be cleared away', needs.prune);
  }

  function run(): void {
    if (closing.signal.aborted || turning !== null) return;
    isAwake = false;
    turning = turn().finally(() => {
      turning = null;
      arm(isAwake ? SOON_MS : IDLE_MS);
    });
  }

  function arm(delayMs: number): void {
    cancelTimer();
    if (!closing.signal.aborted) cancelTimer = clock.after(delayMs, run);
  }

  return {
    turn,
    start() {
      isStarted = true;
      run();
    },
    wake() {
      if (isAwake || !isStarted) return;
      isAwake = true;
      if (turning === null) arm(SOON_MS);
    },
    async close() {
      closing.abort();
      cancelTimer();
      await turning;
    },
  };
}

/** Tenants for whom there are entries that nobody has read yet. */
async function findTold(control: Sql): Promise<readonly string[]> {
  const rows = await control<{ tenant: string }[]>`
    select t.tenant from mandate.tenant t where t.tenant <> '*' and (
      exists (select 1 from mandate.journal j where j.tenant = t.tenant
        and j.position > coalesce((select c.position from mandate.consumer c where c.tenant = t.tenant and c.name = ${CONSUMER}), 0))
      or exists (select 1 from mandate.journal j where j.tenant = '*'
        and j.position > coalesce((select c.position from mandate.consumer c where c.tenant = t.tenant and c.name = ${EVERYBODY}), 0)))
    order by t.tenant`;
  return rows.map(({ tenant }) => tenant);
}
