// Keeps the rollups up with the acts, from outside the road: it follows the journal, which every change of an act writes
// in its own transaction, and counts again what was touched. Any process may do it at any time; doing it twice changes
// nothing, and what has not been done yet is read from the acts by whoever asks.
import type { Clock } from '../../platform/clock/clock.ts';
import type { Store } from '../../platform/postgres/store.ts';
import {
  countOn,
  forget,
  noteClasses,
  noteTouched,
  recountDirty,
  takeState,
  tenantsToCount,
  type Classes,
} from './rollup-store.ts';

export interface Rollups {
  /** One pass for one tenant: `more` when there is more to do at once, `busy` while another process is at it. */
  pass(tenant: string): Promise<'done' | 'more' | 'busy'>;
  /** Passes until nothing is left to do. Waits where another process is at it. */
  settle(tenant: string): Promise<void>;
  /** Forgets what is counted and counts everything again. Windows stay exact meanwhile, only slower. */
  rebuild(tenant: string): Promise<void>;
  start(): void;
  close(): Promise<void>;
}

export interface RollupsNeeds {
  readonly store: Store;
  readonly clock: Clock;
  /** The agents' classes by the charter in force. */
  readonly classesOf: (tenant: string) => Promise<Classes>;
  readonly failed: (error: unknown) => void;
}

const BUCKET_MS = 60_000;
/** A bucket is counted when it has been over for so long: most of what commits late is in it by then. */
const LATE_MS = 20_000;
const PASS_MS = 2_000;
const ENTRIES = 20_000;
const DIRTY = 500;
/** Well within the longest statement also on a machine that has much else to do. */
const ACTS = 10_000;
const WAIT_MS = 50;

export function createRollups({ store, clock, classesOf, failed }: RollupsNeeds): Rollups {
  let closed = false;
  let turning: Promise<void> = Promise.resolve();
  let cancelTimer: () => void = () => undefined;

  const overMs = (): number => Math.floor((clock.nowMs() - LATE_MS) / BUCKET_MS) * BUCKET_MS;

  async function pass(tenant: string): Promise<'done' | 'more' | 'busy'> {
    const classes = await classesOf(tenant);
    return store.withTenant(tenant, async (tx) => {
      const state = await takeState(tx, tenant, classes);
      if (state === null) return 'busy';
      if (state.isOtherwise) await noteClasses(tx, tenant, { closedMs: state.closedMs, classes });
      const hasEntries = await noteTouched(tx, tenant, state, ENTRIES);
      const hasDirty = await recountDirty(tx, tenant, { overMs: overMs(), most: DIRTY, classes });
      const hasActs = await countOn(tx, tenant, {
        closedMs: state.closedMs,
        overMs: overMs(),
        most: ACTS,
        classes,
      });
      return hasEntries || hasDirty || hasActs ? 'more' : 'done';
    });
  }

  async function settle(tenant: string): Promise<void> {
    for (;;) {
      const done = await pass(tenant);
      if (done === 'done' || closed) return;
      if (done === 'busy') await new Promise<void>((wake) => clock.after(WAIT_MS, wake));
    }
  }

  async function turn(): Promise<void> {
    for (const tenant of await tenantsToCount(store.control, overMs())) {
      for (;;) {
        const passed = await pass(tenant);
        if (closed) return;
        if (passed !== 'more') break;
      }
    }
  }

  function again(): void {
    if (closed) return;
    turning = turn()
      .catch((error: unknown) => {
        if (!closed) failed(error);
      })
      .finally(() => {
        if (!closed) cancelTimer = clock.after(PASS_MS, again);
      });
  }

  return {
    pass,
    settle,
    async rebuild(tenant) {
      await store.withTenant(tenant, (tx) => forget(tx, tenant));
      await settle(tenant);
    },
    start: again,
    async close() {
      closed = true;
      cancelTimer();
      await turning;
    },
  };
}
