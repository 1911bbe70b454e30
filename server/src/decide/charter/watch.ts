// Tells when files change, by two roads: the operating system's notice, which is quick but silent on network
// mounts and when its table is full, and a look at the files now and then, which is slow but always works.
import { watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Clock } from '../../platform/clock/clock.ts';

export interface WatchNeeds {
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
  /** Asked anew at every look, because a reload may have changed the set. */
  readonly paths: () => readonly string[];
  /** Called once for a burst of changes; never while an earlier call runs. Must not throw. */
  readonly onChange: () => Promise<void>;
  /** How long a burst must be over, in ms; editors write a file in several steps. */
  readonly settleMs: number;
  /** Between two looks, in ms. */
  readonly pollMs: number;
}

export interface Watch {
  /** Ends both roads, and waits for a call of onChange that is under way. */
  stop(): Promise<void>;
}

/** Starts watching. Directories are watched, not files: editors replace a file by another one of the same name. */
export async function watchFiles(needs: WatchNeeds): Promise<Watch> {
  const { clock, log, paths, onChange, settleMs, pollMs } = needs;
  const watchers = new Map<string, { close(): void }>();
  let seen = await signatureOf(paths());
  let running: Promise<void> = Promise.resolve();
  let isStopped = false;
  let cancelSettle = (): void => {};
  let cancelPoll = (): void => {};

  const look = async (): Promise<void> => {
    const now = await signatureOf(paths());
    if (isStopped || now === seen) return;
    seen = now;
    await onChange();
    follow();
    // A changed set of files differs from what was seen, so the next look reads once more: a change of a new file
    // between its reading and its first look is not missed.
  };
  const enqueue = (): void => {
    running = running.then(look);
  };
  const settle = (): void => {
    cancelSettle();
    if (!isStopped) cancelSettle = clock.after(settleMs, enqueue);
  };
  const follow = (): void => {
    for (const directory of new Set(paths().map((path) => dirname(resolve(path))))) {
      if (isStopped || watchers.has(directory)) continue;
      try {
        const watcher = watch(directory, { persistent: false }, settle);
        watcher.on('error', (error) => {
          log.warn(
            { directory, error: error.message },
            'a charter directory is no longer watched; changes are seen at the next look',
          );
          watchers.delete(directory);
          watcher.close();
        });
        watchers.set(directory, watcher);
      } catch (error) {
        log.warn(
          { directory, error: String(error) },
          'a charter directory cannot be watched; changes are seen at the next look',
        );
      }
    }
  };
  const poll = (): void => {
    if (isStopped) return;
    enqueue();
    cancelPoll = clock.after(pollMs, poll);
  };

  follow();
  cancelPoll = clock.after(pollMs, poll);
  return {
    async stop() {
      isStopped = true;
      cancelSettle();
      cancelPoll();
      for (const watcher of watchers.values()) watcher.close();
      await running;
    },
  };
}

/** What changes whenever a file does, without reading it. */
async function signatureOf(paths: readonly string[]): Promise<string> {
  const parts = await Promise.all(
    paths.map(async (path) => {
      try {
        const { ino, size, mtimeMs, ctimeMs } = await stat(path);
        return `${path} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
      } catch {
        return `${path} none`;
      }
    }),
  );
  return parts.join('\n');
}
