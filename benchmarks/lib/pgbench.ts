// What Postgres alone can do on this machine: pgbench, as the same login over the same socket, calling what the server
// calls with the same values. No server can be faster, so this is what the server is held against.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAddress } from '../../server/src/platform/postgres/connection.ts';
import { quantile } from './measure.ts';

export interface Bench {
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly transactions: number;
}

export interface BenchCall {
  readonly appUrl: string;
  readonly script: string;
  readonly clients: number;
  readonly seconds: number;
  /** Transactions a second to keep to; null runs as fast as it can. */
  readonly rate: number | null;
}

/** The version, or null where pgbench is not installed. */
export function pgbenchVersion(): string | null {
  const { status, stdout } = spawnSync('pgbench', ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}

export async function pgbench({ appUrl, script, clients, seconds, rate }: BenchCall): Promise<Bench> {
  const { host, port, database, user, password } = parseAddress(appUrl);
  const folder = mkdtempSync(join(tmpdir(), 'mandate-pgbench-'));
  try {
    writeFileSync(join(folder, 'script.sql'), script);
    const paced = rate === null ? [] : ['--rate', String(Math.max(1, Math.round(rate)))];
    const args = [
      '-n',
      '-f',
      'script.sql',
      '-c',
      String(clients),
      '-j',
      '2',
      '-T',
      String(seconds),
      '-l',
      // What finishScript counts with.
      '-D',
      'v=0',
      ...paced,
      database,
    ];
    const child = spawn('pgbench', args, {
      cwd: folder,
      env: { ...process.env, PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSWORD: password ?? '' },
    });
    const [status, said] = await finished(child);
    const perSecond = Number(/^tps = ([\d.]+)/m.exec(said)?.[1]);
    const failed = Number(/number of failed transactions: (\d+)/.exec(said)?.[1] ?? 0);
    if (status !== 0 || failed > 0 || !Number.isFinite(perSecond))
      throw new Error(`pgbench failed:\n${said.slice(0, 4_000)}`);
    const times = latenciesMs(folder);
    return { perSecond, p99Ms: quantile(times, 0.99), transactions: times.length };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function finished(child: ReturnType<typeof spawn>): Promise<readonly [status: number | null, said: string]> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.once('error', reject);
    child.once('close', (status) => resolve([status, said]));
  });
}

/** The third column of pgbench's log is the time of a transaction in µs, counted from when it was due where it is paced. */
function latenciesMs(folder: string): readonly number[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith('pgbench_log'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').trim().split('\n'))
    .map((line) => Number(line.split(' ')[2]) / 1_000);
}
