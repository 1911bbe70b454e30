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
  const sleepers = new Set<() => void>();

  /** Leaves nothing behind when it is over: a feed lives for days and sleeps every second. */
  const sleep = (signal: AbortSignal): { readonly over: Promise<void>; readonly end: () => void } => {
    let end = (): void => undefined;
    const over = new Promise<void>((resolve) => {
      const cancel = clock.after(POLL_MS, () => end());
      end = () => {
        cancel();
        sleepers.delete(end);
        signal.removeEventListener('abort', end);
        resolve();
      };
      sleepers.add(end);
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted) end();
    });
    return { over, end: () => end() };
  };

  return {
    wake() {
      for (const end of sleepers) end();
    },
    async *follow(tenant, from, signal) {
      let position = from ?? (await journal.head(tenant));
      while (!signal.aborted) {
        // Registered before reading, so that what commits in between is not slept through.
        const sleeping = sleep(signal);
        try {
          const entries = await journal.read(tenant, {
            after: position,
            limit: BATCH,
            kind: null,
            agent: null,
            actId: null,
            fromMs: null,
            toMs: null,
            newestFirst: false,
          });
          const last = entries.at(-1);
          if (last === undefined) {
            await sleeping.over;
            continue;
          }
          position = last.position;
          yield entries;
        } finally {
          sleeping.end();
        }
      }
    },
  };
}
