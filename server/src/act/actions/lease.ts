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
  /** A heartbeat did not get through, or the database has forgotten stops. */
  readonly lost: (error: unknown) => void;
  /** Told when the lease ends, and at every turn until it is held again: what runs must be broken off. */
  readonly lapsed: () => void;
  /** Told each time the main loop has turned. */
  readonly turned: () => void;
}

const BEAT_MS = 500;
/** Heartbeats under way at most: one that hangs must not hold up the next, and many must not queue behind it. */
const BEATS_MAX = 3;
const LEASE_MS = 2_000;

export function createLease({ db, clock, chance, lost, lapsed, turned }: LeaseNeeds): Lease {
  const worker = chance.uuid();
  let heldUntilMs = 0;
  let epochSeen = 0;
  let isRewound = false;
  let closed = false;
  let beating = 0;
  let cancelTimer: () => void = () => undefined;
  let cancelLapse: () => void = () => undefined;

  async function beat(): Promise<void> {
    const sentMs = clock.monotonicMs();
    // Of several heartbeats under way the first may be answered last: it is held against what was known when it was sent.
    const epochKnown = epochSeen;
    const [row] = await db<{ epoch: number }[]>`
      insert into mandate.worker (id, host, pid, started_at, lease_until)
      values (${worker}, ${hostname()}, ${pid}, now(), now() + ${`${LEASE_MS} ms`}::interval)
      on conflict (id) do update set lease_until = excluded.lease_until
      returning (select coalesce(sum(epoch), 0)::bigint from mandate.tenant) as epoch`;
    const epoch = row?.epoch ?? 0;
    if (epoch < epochKnown) {
      isRewound = true;
      lapsed();
      throw new Error(
        `the database has forgotten stops (epoch ${epoch}, ${epochKnown} was seen before): it was restored or a replica took over; look at what stands and restart this process`,
      );
    }
    epochSeen = Math.max(epochSeen, epoch);
    if (closed || sentMs + LEASE_MS <= heldUntilMs) return;
    heldUntilMs = sentMs + LEASE_MS;
    cancelLapse();
    cancelLapse = clock.after(heldUntilMs - clock.monotonicMs(), lapsed);
  }

  const isHeld = (): boolean => !closed && !isRewound && clock.monotonicMs() < heldUntilMs;

  function turn(): void {
    if (closed) return;
    turned();
    // Again and again, for an act may have passed the last question before its start just when the lease ended.
    if (!isHeld()) lapsed();
    if (beating < BEATS_MAX) {
      beating += 1;
      beat()
        .catch((error: unknown) => {
          if (!closed) lost(error);
        })
        .finally(() => {
          beating -= 1;
        });
    }
    cancelTimer = clock.after(BEAT_MS, turn);
  }

  return {
    worker,
    isHeld,
    async start() {
      await beat();
      cancelTimer = clock.after(BEAT_MS, turn);
    },
    async close() {
      closed = true;
      cancelTimer();
      cancelLapse();
      await db`delete from mandate.worker where id = ${worker}`;
    },
  };
}
