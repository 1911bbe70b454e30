// Gives journal entries their position after they have committed. One leader at a time does it (a session advisory
// lock), so positions have no gaps and no reader who goes by them can miss a transaction that commits late.
import type { Clock } from '../../platform/clock/clock.ts';
import type { Sql } from '../../platform/postgres/store.ts';

export interface Sequencer {
  /** One pass; false when another process leads. Tests and shutdown call it directly. */
  pass(): Promise<{ readonly leads: boolean; readonly sequenced: number }>;
  start(): void;
  close(): Promise<void>;
}

export interface SequencerNeeds {
  /** The sequencer login. */
  readonly db: Sql;
  readonly clock: Clock;
  readonly failed: (error: unknown) => void;
}

const LEADER_LOCK = 7_305_001;
const BATCH = 5_000;
const IDLE_MS = 50;
const RETRY_MS = 500;

export function createSequencer({ db, clock, failed }: SequencerNeeds): Sequencer {
  let closed = false;
  let turning: Promise<void> = Promise.resolve();
  let cancelTimer: () => void = () => undefined;

  async function pass(): Promise<{ leads: boolean; sequenced: number }> {
    return db.begin(async (tx) => {
      // Held to the end of the transaction: leadership passes on by itself when its holder dies.
      const [lock] = await tx<
        { leads: boolean }[]
      >`select pg_try_advisory_xact_lock(${LEADER_LOCK}) as leads`;
      if (lock?.leads !== true) return { leads: false, sequenced: 0 };
      const done = await tx`
        with waiting as (select tenant, id from mandate.journal where position is null order by id limit ${BATCH}),
             head as (select coalesce(max(position), 0) as position from mandate.journal where position is not null),
             numbered as (select tenant, id, row_number() over (order by id) as n from waiting)
        update mandate.journal j set position = head.position + numbered.n
        from numbered, head where j.tenant = numbered.tenant and j.id = numbered.id`;
      // One wake-up per batch; a notification per entry would make every commit wait for every other.
      if (done.count > 0) await tx`select pg_notify('mandate_journal', '')`;
      return { leads: true, sequenced: done.count };
    });
  }

  function turn(): void {
    if (closed) return;
    turning = pass().then(
      ({ leads, sequenced }) => again(sequenced > 0 ? 0 : leads ? IDLE_MS : RETRY_MS),
      (error: unknown) => {
        if (!closed) failed(error);
        again(RETRY_MS);
      },
    );
  }

  function again(delayMs: number): void {
    if (!closed) cancelTimer = clock.after(delayMs, turn);
  }

  return {
    pass,
    start: turn,
    async close() {
      closed = true;
      cancelTimer();
      await turning;
    },
  };
}
