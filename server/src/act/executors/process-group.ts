// Stopping a command means stopping everything it started. Each child therefore leads a process group of its own, and
// signals go to the group: a child that ignores SIGTERM, and grandchildren nobody told us about, die with it.
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { After } from './execution.ts';

export interface ProcessNeeds {
  readonly after: After;
  /** Between SIGTERM and SIGKILL. */
  readonly killGraceMs: number;
  /** Told of every living process group, so that a watchdog outside this event loop can kill it too. */
  readonly onGroup?: ((groupId: number, state: 'started' | 'ended') => void) | undefined;
}

export interface ProcessStart {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export type ProcessEnd =
  | { readonly kind: 'notStarted'; readonly error: Error }
  | { readonly kind: 'exited'; readonly code: number | null; readonly signal: NodeJS.Signals | null }
  /** SIGKILL did not end it (it hangs in the kernel). */
  | { readonly kind: 'stuck' };

export interface ProcessGroup {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<ProcessEnd>;
  /** SIGTERM now, SIGKILL after the grace; `ended` tells when it is over. Safe to call twice. */
  stop(): void;
}

/**
 * Starts a program without a shell, as the leader of a new process group, with exactly the given environment. Throws where
 * the system refuses at once (arguments too long); a program that cannot be found ends as `notStarted`.
 */
export function startGroup(start: ProcessStart, needs: ProcessNeeds): ProcessGroup {
  const child = spawnDetached(start);
  const { promise: ended, resolve } = Promise.withResolvers<ProcessEnd>();
  const { pid } = child;
  if (pid === undefined) {
    // Nothing runs, and with no file descriptors left the child does not even have pipes.
    child.once('error', (error) => resolve({ kind: 'notStarted', error }));
    return { child, ended, stop() {} };
  }
  let exit: ProcessEnd | null = null;
  let cancelTimer: (() => void) | null = null;

  const settle = (end: ProcessEnd): void => {
    cancelTimer?.();
    // Whoever is left in the group has lost its leader and its act.
    signalGroup(pid, child, 'SIGKILL');
    needs.onGroup?.(pid, 'ended');
    resolve(end);
  };
  const release = (): void => {
    // A descendant that left the group may still hold the pipes; they must not keep the act open.
    child.stdin.destroy();
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const kill = (): void => {
    signalGroup(pid, child, 'SIGKILL');
    cancelTimer = needs.after(needs.killGraceMs, () => {
      release();
      settle(exit ?? { kind: 'stuck' });
    });
    if (exit !== null) release();
  };
  const stop = (): void => {
    signalGroup(pid, child, 'SIGTERM');
    cancelTimer ??= needs.after(needs.killGraceMs, kill);
  };

  needs.onGroup?.(pid, 'started');
  // A child that does not read its input closes the pipe early; that is its right.
  child.stdin.on('error', () => {});
  // Emitted when a signal could not be delivered; the exit still comes.
  child.on('error', () => {});
  child.once('exit', (code, signal) => {
    exit = { kind: 'exited', code, signal };
    stop();
  });
  child.once('close', () => {
    if (exit !== null) settle(exit);
  });
  return { child, ended, stop };
}

function spawnDetached({ file, args, cwd, env }: ProcessStart): ChildProcessWithoutNullStreams {
  return spawn(file, [...args], {
    cwd,
    env: { ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    shell: false,
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
}

function signalGroup(pid: number, child: ChildProcessWithoutNullStreams, signal: NodeJS.Signals): void {
  try {
    if (process.platform === 'win32') child.kill(signal);
    else process.kill(-pid, signal);
  } catch {
    // ESRCH: the whole group is gone, which is what was wanted.
  }
}
