// Servers in processes of their own: what is measured must not share an event loop with what measures it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What lib/mandate-process.ts tells when it listens. */
export interface Served {
  readonly url: string;
  readonly tenant: string;
  readonly adminKey: string;
  /** The login of the server itself: no superuser, row-level security forced. */
  readonly appUrl: string;
}

export interface Child<Told> {
  readonly told: Told;
  stop(): Promise<void>;
}

/** Starts a file of this folder and waits for what it tells. `MANDATE_BENCH_NODE` adds options of Node, e.g. --cpu-prof. */
export async function startProcess<Told>(file: string, args: readonly string[]): Promise<Child<Told>> {
  const extra = process.env['MANDATE_BENCH_NODE']?.split(' ') ?? [];
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [...args], {
    execArgv: ['--conditions=mandate-source', ...extra],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const ended = once(child, 'exit');
  const told: unknown = await Promise.race([
    once(child, 'message').then(([first]) => first as unknown),
    ended.then(() => null),
  ]);
  if (told === null) throw new Error(`${file} ended before it listened; what it said stands above`);
  return {
    told: told as Told,
    async stop() {
      child.send('stop');
      await ended;
    },
  };
}
