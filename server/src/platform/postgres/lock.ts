// Locks between processes that die with their holder. Node has no flock(), and a lock file with a pid in it outlives
// a kill -9; SQLite's locks on an empty file are the operating system's own and are released by the kernel.
import { setTimeout as wait } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';

export interface Lock {
  release(): void;
}

export type LockKind = 'exclusive' | 'shared';

// SQLITE_BUSY, https://www.sqlite.org/rescode.html#busy
const busy = 5;

/** Takes the lock at once, or answers null where somebody else's stands in the way. */
export function tryLock(path: string, kind: LockKind): Lock | null {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec(kind === 'exclusive' ? 'begin exclusive' : 'begin; select count(*) from sqlite_master');
  } catch (error) {
    database.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === busy) return null;
    throw new Error(
      `Cannot lock ${path}: ${error instanceof Error ? error.message : String(error)}. Is it a file of Mandate, on a local disk?`,
      {
        cause: error,
      },
    );
  }
  return {
    release() {
      if (database.isOpen) database.close();
    },
  };
}

/** Waits for the lock, at most `timeoutMs`. */
export async function takeLock(path: string, kind: LockKind, timeoutMs: number): Promise<Lock> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const lock = tryLock(path, kind);
    if (lock !== null) return lock;
    if (performance.now() > deadline)
      throw new Error(
        `Another process has held ${path} for ${timeoutMs / 1000} s. Find it (fuser ${path}) and end it, or start again later.`,
      );
    await wait(20);
  }
}
