// The real command line in processes of its own, for tests that must see exit codes, streams and signals. One data
// directory each; whatever was started on it is ended with it, also what a killed server left behind.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../server/src/main.ts', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningServer {
  readonly url: string;
  readonly pid: number;
  /** What `start --json` printed. */
  readonly greeting: Readonly<Record<string, unknown>>;
  /** Everything on stderr so far. */
  stderr(): string;
  /** Sends the signal and waits for the end of the process. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export interface CommandLine {
  readonly dataDir: string;
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
  /** `start --json` on a free port; resolves when the address has been printed, with null when the process ended instead. */
  start(args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<RunningServer>;
  close(): Promise<void>;
}

export async function openCommandLine(): Promise<CommandLine> {
  const dataDir = await mkdtemp(join(tmpdir(), 'mandate-cli-'));
  const servers: ChildProcess[] = [];

  function launch(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
    const clean = Object.fromEntries(
      Object.entries(process.env).filter(
        ([name]) =>
          !/^(MANDATE_|npm_|PORT$|HOST$|DATABASE_URL$|LOG_LEVEL$|NODE_(?!COMPILE_CACHE$)|FORCE_COLOR$)/.test(
            name,
          ),
      ),
    );
    return spawn(process.execPath, ['--conditions=mandate-source', MAIN, ...args], {
      env: { ...clean, MANDATE_DATA_DIR: dataDir, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  return {
    dataDir,
    async run(args, env = {}) {
      const child = launch(args, env);
      if (child.stdout === null || child.stderr === null) throw new Error('the command line has no streams');
      const [stdout, stderr, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'close'),
      ]);
      return { code, stdout, stderr };
    },
    async start(args = [], env = {}) {
      const child = launch(['start', '--json', ...args], { PORT: '0', ...env });
      servers.push(child);
      if (child.stdout === null || child.stderr === null) throw new Error('the server has no streams');
      let stderr = '';
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      const ended = once(child, 'exit');
      const line = await Promise.race([
        once(createInterface(child.stdout), 'line'),
        ended.then(() => [null]),
      ]);
      if (typeof line[0] !== 'string') throw new Error(`the server did not come up:\n${stderr}`);
      const greeting: Readonly<Record<string, unknown>> = JSON.parse(line[0]);
      return {
        url: String(greeting['url']),
        pid: Number(greeting['pid']),
        greeting,
        stderr: () => stderr,
        async end(signal) {
          child.kill(signal);
          const [code] = await ended;
          return typeof code === 'number' ? code : null;
        },
      };
    },
    async close() {
      for (const child of servers) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      const pid = await postgresPid(dataDir);
      if (pid !== null) process.kill(pid, 'SIGQUIT');
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** The Postgres of a data directory that runs right now; null when there is none. */
export async function postgresPid(dataDir: string): Promise<number | null> {
  const file = await readFile(join(dataDir, 'postgres/data/postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number(file.split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 0) return null;
  try {
    process.kill(pid, 0);
    return pid;
  } catch {
    return null;
  }
}
