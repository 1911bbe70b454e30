// A worker may only act while it can prove that others still believe it alive. Its lease ends two seconds after the
// heartbeat was *sent*, on its own monotonic clock; others wait for the database's. So a process that hung, lost the
// database or was suspended never does something that has already been given up as `unknown`.
import { hostname } from 'node:os';
import { pid } from 'node:process';
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
  /** Told each time the main loop has turned. */
  readonly turned: () => void;
}

const BEAT_MS = 500;
const LEASE_MS = 2_000;

export function createLease({ db, clock, chance, lost, turned }: LeaseNeeds): Lease {
  const worker = chance.uuid();
  let heldUntilMs = 0;
  let closed = false;
  let cancelTimer: () => void = () => undefined;

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
    turned();
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
      cancelTimer = clock.after(BEAT_MS, turn);
    },
    async close() {
      closed = true;
      cancelTimer();
      await db`delete from mandate.worker where id = ${worker}`;
    },
  };
}
