// Putting the ends of steps on record for many runs at once: the next batch goes when the last one is back, without a
// timer. Nothing waits for it but the end of a run, because what a batch loses in a crash is read from the acts again.
import type { Clock } from '../../platform/clock/clock.ts';
import type { Sql } from '../../platform/postgres/store.ts';
import { settleRows } from './store.ts';
import type { SettledRow } from './store.ts';

export interface Settling {
  /** Resolves once the rows are on record. */
  write(tenant: string, rows: readonly SettledRow[]): Promise<void>;
}

interface Waiting {
  readonly tenant: string;
  readonly rows: readonly SettledRow[];
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

const BATCH = 200;

function keyOf({ run, instance, attempt }: SettledRow): string {
  return `${run}/${attempt}/${instance}`;
}

export function createSettling({ db, clock }: { readonly db: Sql; readonly clock: Clock }): Settling {
  let queue: Waiting[] = [];
  let isWriting = false;

  async function writeAll(): Promise<void> {
    if (isWriting) return;
    isWriting = true;
    while (queue.length > 0) {
      const [first] = queue;
      const batch: Waiting[] = [];
      const rest: Waiting[] = [];
      const seen = new Set<string>();
      for (const waiting of queue) {
        const keys = waiting.rows.map(keyOf);
        // One statement meets no row twice. What comes second is written after the first, which then stands.
        const fits =
          waiting.tenant === first?.tenant && batch.length < BATCH && !keys.some((key) => seen.has(key));
        (fits ? batch : rest).push(waiting);
        for (const key of keys) seen.add(key);
      }
      queue = rest;
      try {
        await settleRows(db, first?.tenant ?? '', {
          nowMs: clock.nowMs(),
          rows: batch.flatMap(({ rows }) => rows),
        });
        for (const { done } of batch) done();
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
    isWriting = false;
  }

  return {
    write(tenant, rows) {
      if (rows.length === 0) return Promise.resolve();
      return new Promise((done, failed) => {
        queue.push({
          tenant,
          rows: [...new Map(rows.map((row) => [keyOf(row), row])).values()],
          done,
          failed,
        });
        void writeAll();
      });
    },
  };
}
