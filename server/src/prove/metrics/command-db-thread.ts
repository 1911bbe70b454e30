// The thread that reads the command database: somebody else's file may be locked, large or on a slow disk, and the thread
// that judges must not wait for it. It keeps what it read until something was committed, so that a look with ten windows
// reads the file once, and it looks up while it reads, so that whoever cannot wait is answered with what was read last.
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../platform/clock/clock.ts';
import {
  CommandDbUnreadable,
  countIn,
  identityOf,
  LOCKED_MS,
  openFile,
  readFile,
} from './command-db-file.ts';
import type { CommandRows, OpenFile, RowKind } from './command-db-file.ts';

/** A window to count. */
export interface Ask {
  readonly id: number;
  readonly startMs: number;
  readonly endMs: number;
  /** Whoever cannot wait is answered with what was read last. */
  readonly isPatient: boolean;
}

/** What is in a window. */
export interface Counted {
  readonly kinds: readonly { readonly kind: RowKind; readonly n: number }[];
  readonly unreadable: number;
  readonly ours: number;
}

export interface Answer {
  readonly id: number;
  /** For whoever cannot wait also where the file cannot be read any more; null where it was never read. */
  readonly counted: Counted | null;
  /** Why the file could not be read when that was last tried, in words for people. */
  readonly problem: string | null;
}

interface Known {
  readonly file: OpenFile;
  readonly version: number;
  readonly rows: CommandRows;
  /** Until then nobody asks whether anything was committed. */
  readonly restsUntilMs: number;
}

interface Attempt {
  readonly beganMs: number;
  readonly done: Promise<void>;
}

/** After a reading the file is left alone for so many times as long as that took: the other program wants it, too. */
const REST = 4;
/** Whoever cannot wait does not have it tried again so soon after it could not be read. */
const FAILED_REST_MS = 5_000;
const AGAIN_MS = 25;
/** A small file is read within this; nobody who cannot wait waits for longer than this after its reading began. */
const AT_ONCE_MS = 100;

/** On the main thread there is nobody to answer. */
if (parentPort !== null) serve(parentPort, String(workerData));

function serve(port: NonNullable<typeof parentPort>, path: string): void {
  let known: Known | null = null;
  /** Of the newest attempt that has ended. */
  let problem: string | null = null;
  let failedMs = Number.NEGATIVE_INFINITY;
  let attempt: Attempt | null = null;

  async function lookOnce(): Promise<void> {
    const beganMs = systemClock.monotonicMs();
    const before = known?.file.identity === identityOf(path) ? known : null;
    const file = before?.file ?? openFile(path, 0);
    try {
      const fresh = await readFile(path, file, { before, lookUp });
      if (fresh === before) return;
      if (before === null) known?.file.db.close();
      const endedMs = systemClock.monotonicMs();
      known = { file, ...fresh, restsUntilMs: endedMs + REST * (endedMs - beganMs) };
    } finally {
      if (known?.file !== file) file.db.close();
    }
  }

  /** Without holding up anybody: SQLite itself would wait with this thread. */
  async function look(): Promise<void> {
    const untilMs = systemClock.monotonicMs() + LOCKED_MS;
    for (;;)
      try {
        return await lookOnce();
      } catch (error) {
        const isLocked = error instanceof CommandDbUnreadable && error.isLocked;
        if (!isLocked || systemClock.monotonicMs() >= untilMs) throw error;
        await pause(AGAIN_MS);
      }
  }

  function begin(): Attempt {
    const done = look().then(
      () => void (problem = null),
      (error: unknown) => {
        problem = error instanceof Error ? error.message : String(error);
        failedMs = systemClock.monotonicMs();
      },
    );
    const begun = { beganMs: systemClock.monotonicMs(), done: done.then(() => void (attempt = null)) };
    attempt = begun;
    return begun;
  }

  function isResting(): boolean {
    return problem === null && known !== null && systemClock.monotonicMs() < known.restsUntilMs;
  }

  async function wait({ isPatient }: Ask): Promise<void> {
    if (isPatient) return isResting() ? undefined : (attempt ?? begin()).done;
    const hasJustFailed = problem !== null && systemClock.monotonicMs() - failedMs < FAILED_REST_MS;
    if (attempt === null && (isResting() || hasJustFailed)) return;
    const { beganMs, done } = attempt ?? begin();
    const leftMs = beganMs + AT_ONCE_MS - systemClock.monotonicMs();
    if (leftMs > 0) await Promise.race([done, pause(leftMs)]);
  }

  async function answer(ask: Ask): Promise<void> {
    await wait(ask);
    const { id, startMs, endMs, isPatient } = ask;
    const rows = isPatient && problem !== null ? null : (known?.rows ?? null);
    const counted = rows === null ? null : count(rows, startMs, endMs);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
    port.postMessage({ id, counted, problem } satisfies Answer);
  }

  port.on('message', (ask: Ask) => void answer(ask));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void systemClock.after(ms, resolve));
}

/** Lets whoever has asked meanwhile have their turn. */
function lookUp(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
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
