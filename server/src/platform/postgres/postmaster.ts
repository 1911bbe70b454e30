// What can be learnt about a Postgres server from outside: its pid file, whether that pid is still the server, and
// whether it answers. connect() alone proves nothing, since a dying server's socket still accepts.
import { execFile } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { connect, formatAddress } from './connection.ts';
import type { Address } from './connection.ts';

/** The lines of postmaster.pid that matter (source: src/include/utils/pidfile.h). */
export interface PidFile {
  readonly pid: number;
  readonly port: number;
  /** Absolute; '' while the server is still opening its sockets. */
  readonly socketDir: string;
  readonly isReady: boolean;
}

/** Reads the pid file of a cluster; null when there is none or it is still empty. */
export async function readPidFile(cluster: string): Promise<PidFile | null> {
  let text: string;
  try {
    text = await readFile(join(cluster, 'postmaster.pid'), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  const lines = text.split('\n');
  // A negative pid marks a single-user server.
  const pid = Math.abs(Number(lines[0]));
  if (!Number.isSafeInteger(pid) || pid === 0) return null;
  return {
    pid,
    port: Number(lines[3] ?? 0),
    socketDir: lines[4] ?? '',
    isReady: (lines[7] ?? '').trim() === 'ready',
  };
}

/** Whether the process exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Whether the pid is a Postgres server on this cluster: pids are reused, and quickly so in a container. */
export async function isPostmaster(pid: number, cluster: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  if (process.platform === 'linux') {
    // A server's working directory is its cluster. A zombie has none, and neither has one that is not ours to see.
    return readlink(`/proc/${pid}/cwd`).then(
      (cwd) => cwd === cluster,
      () => false,
    );
  }
  const command = await new Promise<string>((resolve) => {
    execFile('ps', ['-o', 'command=', '-p', String(pid)], (error, stdout) =>
      resolve(error === null ? stdout : ''),
    );
  });
  return command.includes('postgres') && command.includes(cluster);
}

/**
 * - `ready`: it let us log in and serves this cluster
 * - `busy`: it exists but is starting, stopping or silent: ask again
 * - `stranger`: it answers and is not our server, with the reason
 */
export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'stranger'; readonly why: string };

/** Asks a server for SSL, which every living one answers, and then logs in to see that it is the right one. */
export async function ask(address: Address, cluster: string): Promise<Answer> {
  if (!(await answersSslRequest(join(address.host, `.s.PGSQL.${address.port}`)))) return { kind: 'busy' };
  const sql = connect(formatAddress(address), {
    max: 1,
    applicationName: 'mandate launcher',
    connectSeconds: 5,
  });
  try {
    const [row] = await sql<
      { readonly directory: string }[]
    >`select current_setting('data_directory') as directory`;
    if (row?.directory === cluster) return { kind: 'ready' };
    return { kind: 'stranger', why: `it serves ${row?.directory ?? 'nothing'}` };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    // Wrong password, no such role, no such database: a server that will never be ours, however often we ask.
    if (['28P01', '28000', '3D000'].includes(code))
      return { kind: 'stranger', why: error instanceof Error ? error.message : code };
    return { kind: 'busy' };
  } finally {
    await sql.end({ timeout: 1 });
  }
}

// https://www.postgresql.org/docs/current/protocol-message-formats.html: length 8, code 80877103.
const sslRequest = Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47);

/** Whether something at the socket speaks Postgres within a second. */
export async function answersSslRequest(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(socketPath);
    const finish = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.write(sslRequest));
    socket.once('data', (bytes) => finish(bytes[0] === 0x4e || bytes[0] === 0x53));
  });
}
