// A thread of its own, because a main loop that hangs cannot notice that it hangs. By then others take this process's
// acts for lost, so nothing that it started may go on: the watchdog ends its executors' process groups, then itself.
import { Worker } from 'node:worker_threads';

export interface Watchdog {
  /** The main loop has turned. */
  turned(): void;
  /** A process group of an executor has started or ended. */
  group(groupId: number, state: 'started' | 'ended'): void;
  close(): Promise<void>;
}

/** A main loop that has not turned for this long hangs; its lease has been over for most of it. */
const HUNG_MS = 10_000;

const SOURCE = `
const { parentPort, workerData } = require('node:worker_threads');
const turns = new BigInt64Array(workerData.shared);
const groups = new Set();
parentPort.on('message', ({ groupId, state }) => (state === 'started' ? groups.add(groupId) : groups.delete(groupId)));
let seen = Atomics.load(turns, 0);
let since = performance.now();
setInterval(() => {
  const now = Atomics.load(turns, 0);
  if (now !== seen) { seen = now; since = performance.now(); return; }
  if (performance.now() - since < workerData.hungMs) return;
  process.stderr.write('mandate: the main loop has hung for ' + workerData.hungMs + ' ms and its lease is over; ending what it executes, and the process\\n');
  for (const group of groups) { try { process.kill(-group, 'SIGKILL'); } catch {} }
  process.kill(process.pid, 'SIGKILL');
}, 500);`;

/** `hungMs` is for tests; a program that is paused by a debugger should have no watchdog at all. */
export function startWatchdog(hungMs: number = HUNG_MS): Watchdog {
  const turns = new BigInt64Array(new SharedArrayBuffer(8));
  const worker = new Worker(SOURCE, { eval: true, workerData: { shared: turns.buffer, hungMs } });
  worker.unref();
  return {
    turned: () => void Atomics.add(turns, 0, 1n),
    group: (groupId, state) =>
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
      worker.postMessage({ groupId, state }),
    close: async () => void (await worker.terminate()),
  };
}
