// The stop that works when nothing else does: a file in the data directory. While it exists, no process on that
// directory begins anything, whatever the database says or whether it can be reached at all.
import { existsSync, watch } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../platform/clock/clock.ts';

export const SENTINEL_FILE = 'STOP';
/** Obeyed within this, also where the operating system tells nothing about file changes. */
const POLL_MS = 50;

export interface SentinelNote {
  readonly reason: string;
  readonly by: string;
  readonly at: string;
}

export interface Sentinel {
  isStopped(): boolean;
  /** When this process first saw it; null while it is not there. */
  sinceMs(): number | null;
  read(): Promise<SentinelNote>;
  lift(): Promise<void>;
  close(): void;
}

/** `appeared` is called once each time the file comes into being. */
export function watchSentinel({
  dataDir,
  clock,
  appeared,
}: {
  dataDir: string;
  clock: Clock;
  appeared: () => void;
}): Sentinel {
  const path = join(dataDir, SENTINEL_FILE);
  let sinceMs = existsSync(path) ? clock.nowMs() : null;
  let closed = false;
  const look = (): void => {
    if (!existsSync(path)) {
      sinceMs = null;
    } else if (sinceMs === null) {
      sinceMs = clock.nowMs();
      appeared();
    }
  };
  const watcher = watch(dirname(path), look);
  watcher.on('error', () => watcher.close());
  watcher.unref();
  const poll = (): void => {
    if (closed) return;
    look();
    clock.after(POLL_MS, poll);
  };
  poll();
  if (sinceMs !== null) appeared();

  return {
    isStopped: () => sinceMs !== null,
    sinceMs: () => sinceMs,
    read: () => readSentinel(path),
    async lift() {
      await rm(path, { force: true });
      look();
    },
    close() {
      closed = true;
      watcher.close();
    },
  };
}

/** Writes the file; a second writer keeps the first one's note. */
export async function raiseSentinel(dataDir: string, note: SentinelNote): Promise<string> {
  const path = join(dataDir, SENTINEL_FILE);
  try {
    await writeFile(path, `${JSON.stringify(note)}\n`, { flag: 'wx', mode: 0o644 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return path;
}

/** An empty or unreadable file stops just as well: only its being there counts. */
async function readSentinel(path: string): Promise<SentinelNote> {
  const unknown: SentinelNote = {
    reason: 'the file STOP is in the data directory',
    by: 'somebody with access to the data directory',
    at: '',
  };
  try {
    const note: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof note !== 'object' || note === null) return unknown;
    const written = new Map<string, unknown>(Object.entries(note));
    const text = (key: 'reason' | 'by' | 'at'): string => {
      const value = written.get(key);
      return typeof value === 'string' ? value : unknown[key];
    };
    return { reason: text('reason'), by: text('by'), at: text('at') };
  } catch {
    return unknown;
  }
}
