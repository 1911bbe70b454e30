// The thread that reads the command database: somebody else's file may be locked, large or on a slow disk, and the thread
// that judges must not wait for it. It keeps what it read until something was committed, so that a look with ten windows
// reads the file once.
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../platform/clock/clock.ts';
import { countIn, identityOf, openFile, readFile } from './command-db-file.ts';
import type { CommandRows, OpenFile, RowKind } from './command-db-file.ts';

/** A window to count. */
export interface Ask {
  readonly id: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** What is in a window. */
export interface Counted {
  readonly kinds: readonly { readonly kind: RowKind; readonly n: number }[];
  readonly unreadable: number;
  readonly ours: number;
}

export interface Answer {
  readonly id: number;
  readonly counted: Counted | null;
  /** Why there is nothing, in words for people. */
  readonly problem: string | null;
}

interface Known {
  readonly file: OpenFile;
  readonly version: number;
  readonly rows: CommandRows;
  /** Until then nobody asks whether anything was committed. */
  readonly restsUntilMs: number;
}

/** After a reading the file is left alone for so many times as long as that took: the other program wants it, too. */
const REST = 4;

/** On the main thread there is nobody to answer. */
if (parentPort !== null) serve(parentPort, String(workerData));

function serve(port: NonNullable<typeof parentPort>, path: string): void {
  let known: Known | null = null;

  function look(): CommandRows {
    const beganMs = systemClock.monotonicMs();
    const before = known?.file.identity === identityOf(path) ? known : null;
    if (before !== null && beganMs < before.restsUntilMs) return before.rows;
    if (before === null) known?.file.db.close();
    // Until it is read anew there is nothing to answer with.
    known = null;
    const file = before?.file ?? openFile(path);
    try {
      const fresh = readFile(path, file, before);
      const endedMs = systemClock.monotonicMs();
      known =
        fresh === before ? before : { file, ...fresh, restsUntilMs: endedMs + REST * (endedMs - beganMs) };
      return fresh.rows;
    } finally {
      if (known === null) file.db.close();
    }
  }

  port.on('message', ({ id, startMs, endMs }: Ask) => {
    const answer = (more: Omit<Answer, 'id'>): void =>
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
      port.postMessage({ id, ...more } satisfies Answer);
    try {
      answer({ counted: count(look(), startMs, endMs), problem: null });
    } catch (error) {
      answer({ counted: null, problem: error instanceof Error ? error.message : String(error) });
    }
  });
}

function count(rows: CommandRows, startMs: number, endMs: number): Counted {
  const kinds: { readonly kind: RowKind; readonly n: number }[] = [];
  let unreadable = rows.timeless;
  let ours = 0;
  for (const { kind, times } of rows.kinds) {
    const n = countIn(times, startMs, endMs);
    if (kind === 'unknown') unreadable += n;
    else if (kind === 'ours') ours += n;
    else if (n > 0) kinds.push({ kind, n });
  }
  return { kinds, unreadable, ours };
}
