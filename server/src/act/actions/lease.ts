// A worker may only act while it can prove that others still believe it alive. Its lease ends two seconds after the
// heartbeat was *sent*, on its own monotonic clock; others wait for the database's. So a process that hung, lost the
// database or was suspended never does something that has already been given up as `unknown`.
import { hostname } from 'node:os';
import { pid } from 'node:process';
import { Worker } from 'node:worker_threads';
import type { Chance, Clock } from '../../platform/clock/clock.ts';
import type { Sql } from '../../platform/postgres/store.ts';

export interface Lease {
  readonly worker: string;
  /** Whether this process may still begin an effect. */
  isHeld(): boolean;
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface LeaseNeeds {
  readonly db: Sql;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly lost: (error: unknown) => void;
  /** Process groups of running executors, which the watchdog ends when this process hangs. */
  readonly watchdog: boolean;
}

const BEAT_MS = 500;
export const LEASE_MS = 2_000;
/** The watchdog ends a process whose main loop has not turned for this long: its acts are unknown to others by then. */
const HUNG_MS = 10_000;

export function createLease({ db, clock, chance, lost, watchdog }: LeaseNeeds): Lease {
  const worker = chance.uuid();
  let heldUntilMs = 0;
  let closed = false;
  let cancelTimer: () => void = () => undefined;
  let dog: Worker | null = null;
  const turned = new BigInt64Array(new SharedArrayBuffer(8));

  async function beat(): Promise<void> {
    const sentMs = clock.monotonicMs();
    await db`
      insert into mandate.worker (id, host, pid, started_at, lease_until)
      values (${worker}, ${hostname()}, ${pid}, now(), now() + ${`${LEASE_MS} ms`}::interval)
      on conflict (id) do update set lease_until = excluded.lease_until`;
    heldUntilMs = sentMs + LEASE_MS;
  }

  function turn(): void {
    if (closed) return;
    Atomics.add(turned, 0, 1n);
    beat().catch((error: unknown) => {
      if (!closed) lost(error);
    });
    cancelTimer = clock.after(BEAT_MS, turn);
  }

  return {
    worker,
    isHeld: () => !closed && clock.monotonicMs() < heldUntilMs,
    async start() {
      await beat();
      if (watchdog) dog = startWatchdog(turned.buffer);
      cancelTimer = clock.after(BEAT_MS, turn);
    },
    async close() {
      closed = true;
      cancelTimer();
      await dog?.terminate();
      await db`delete from mandate.worker where id = ${worker}`;
    },
  };
}

/** A thread of its own, because a main loop that hangs cannot notice that it hangs. */
function startWatchdog(shared: SharedArrayBuffer): Worker {
  const source = `
    const { workerData } = require('node:worker_threads');
    const turned = new BigInt64Array(workerData.shared);
    let seen = Atomics.load(turned, 0), since = performance.now();
    setInterval(() => {
      const now = Atomics.load(turned, 0);
      if (now !== seen) { seen = now; since = performance.now(); return; }
      if (performance.now() - since < workerData.hungMs) return;
      process.stderr.write('mandate: the main loop has hung for ' + workerData.hungMs + ' ms and its lease is over; ending the process\\n');
      process.kill(process.pid, 'SIGKILL');
    }, 500);`;
  const dog = new Worker(source, { eval: true, workerData: { shared, hungMs: HUNG_MS } });
  dog.unref();
  return dog;
}
