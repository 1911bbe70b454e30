// A worker process beside a server of test/server.ts: `mandate worker` on the same database, to be killed without warning.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Closing } from './closing.ts';

export interface TestWorker {
  readonly pid: number;
  readonly log: () => string;
  readonly kill: (signal?: NodeJS.Signals) => Promise<void>;
}

const MAIN = fileURLToPath(new URL('../server/src/main.ts', import.meta.url));
const START_MS = 30_000;

/** `env` names the database and the master key, as for the server. Resolves once it is at work. */
export async function startWorker(t: Closing, env: Readonly<Record<string, string>>): Promise<TestWorker> {
  const dataDir = await mkdtemp(join(tmpdir(), 'mandate-worker-'));
  const child = spawn(process.execPath, ['--conditions=mandate-source', MAIN, 'worker', '--json'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '',
      HOME: dataDir,
      MANDATE_DATA_DIR: dataDir,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const written: string[] = [];
  const exited = once(child, 'exit');
  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await exited;
  };
  t.after(async () => {
    await kill();
    await rm(dataDir, { recursive: true, force: true });
  });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`the worker did not start:\n${written.join('')}`)),
      START_MS,
    );
    const read = (chunk: Buffer): void => {
      written.push(chunk.toString('utf8'));
      if (!written.join('').includes('"pid"')) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', () => reject(new Error(`the worker ended:\n${written.join('')}`)));
  });
  return { pid: child.pid ?? 0, log: () => written.join(''), kill };
}
