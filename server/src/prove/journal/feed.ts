// The live feed: entries in the order of their positions, from any position, at least once. A notification only
// wakes it; what it sends it always reads from the journal, so a lost notification delays and loses nothing.
import type { Clock } from '../../platform/clock/clock.ts';
import type { Journal, JournalEntry } from './journal.ts';

export interface Feed {
  /** Entries after `from` until the signal aborts. `null` starts at the newest one. */
  follow(tenant: string, from: number | null, signal: AbortSignal): AsyncGenerator<readonly JournalEntry[]>;
  /** New entries have been given positions. */
  wake(): void;
}

const BATCH = 500;
/** How long a missed notification can delay the feed. */
const POLL_MS = 1_000;

export function createFeed({ journal, clock }: { journal: Journal; clock: Clock }): Feed {
  let sleepers: (() => void)[] = [];

  const slept = (signal: AbortSignal): Promise<void> =>
    new Promise((wake) => {
      const cancel = clock.after(POLL_MS, wake);
      signal.addEventListener('abort', () => wake(), { once: true });
      sleepers.push(() => {
        cancel();
        wake();
      });
    });

  return {
    wake() {
      const woken = sleepers;
      sleepers = [];
      for (const wake of woken) wake();
    },
    async *follow(tenant, from, signal) {
      let position = from ?? (await journal.head(tenant));
      while (!signal.aborted) {
        // Registered before reading, so that what commits in between is not slept through.
        const sleeping = slept(signal);
        const entries = await journal.read(tenant, { after: position, limit: BATCH, kind: null, agent: null, actId: null, fromMs: null, toMs: null, newestFirst: false });
        const last = entries.at(-1);
        if (last === undefined) {
          await sleeping;
          continue;
        }
        position = last.position;
        yield entries;
      }
    },
  };
}
