// These tests run the real binary: what they promise is about processes, files and sockets, and has no other witness.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess, ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chooseAccount } from './account.ts';
import { connect, parseAddress } from './connection.ts';
import { startEmbedded } from './launcher.ts';
import type { EmbeddedPostgres } from './launcher.ts';
import { tryLock } from './lock.ts';
import { answersSslRequest, isPostmaster } from './postmaster.ts';
import type { Sql } from './sql.ts';

const isRoot = process.getuid?.() === 0;
const silent = { info: () => {}, warn: () => {} };

test('the first start makes a durable cluster that only a local socket with a password leads to', async (t) => {
  const { dataDir, start } = await workspace(t);
  const server = await start();
  assert.equal(server.adopted, false);
  assert.equal(server.isNew, true);
  assert.equal((await stat(server.socketDir)).mode & 0o777, 0o700);
  assert.equal((await stat(join(dataDir, 'postgres', 'password'))).mode & 0o777, 0o600);
  const settings = await query(
    server,
    (sql) => sql`
    select current_setting('fsync') as fsync, current_setting('data_checksums') as checksums,
      current_setting('listen_addresses') as addresses, current_setting('synchronous_commit') as commit,
      (select datlocprovider::text || ' ' || datlocale from pg_database where datname = current_database()) as locale`,
  );
  assert.deepEqual(
    { ...settings[0] },
    { fsync: 'on', checksums: 'on', addresses: '', commit: 'on', locale: 'b C.UTF-8' },
  );
  await assert.rejects(
    query({ adminUrl: server.adminUrl.replace(/:[^:@/]+@/, ':wrong@') }, (sql) => sql`select 1`),
    /password authentication failed/,
  );
});

test('what was committed is there after a stop and a second start', async (t) => {
  const { dataDir, start } = await workspace(t);
  const first = await start();
  await query(first, (sql) => sql`create table kept as select 42 as answer`);
  await first.stop();
  assert.equal(await isPostmaster(first.pid, join(dataDir, 'postgres', 'data')), false);
  const second = await start();
  assert.equal(second.isNew, false);
  assert.deepEqual([...(await query(second, (sql) => sql`select answer from kept`))], [{ answer: 42 }]);
});

test('a second user adopts the running server, and only the last one to leave shuts it down', async (t) => {
  const { dataDir, start } = await workspace(t);
  const first = await start();
  const second = await start();
  assert.equal(second.adopted, true);
  assert.equal(second.pid, first.pid);
  await first.stop();
  await query(second, (sql) => sql`select 1`);
  await Promise.all([second.stop(), second.stop()]);
  assert.equal(await isPostmaster(first.pid, join(dataDir, 'postgres', 'data')), false);
});

test('processes that start at once on one data directory share one server', async (t) => {
  const { start, startInChild } = await workspace(t);
  const children = await Promise.all([startInChild(), startInChild(), startInChild()]);
  const own = await start();
  assert.deepEqual(new Set([...children.map(({ pid }) => pid), own.pid]).size, 1);
  assert.equal(children.filter(({ adopted }) => !adopted).length, 1);
});

test('the server survives a Mandate that is killed and is adopted by the next', async (t) => {
  const { dataDir, start, startInChild } = await workspace(t);
  const child = await startInChild();
  await kill(child.process);
  const server = await start();
  assert.equal(server.adopted, true);
  assert.equal(server.pid, child.pid);
  await server.stop();
  assert.equal(await isPostmaster(server.pid, join(dataDir, 'postgres', 'data')), false);
});

test('a server that was killed is started again at once and has lost nothing it confirmed', async (t) => {
  const { start } = await workspace(t);
  const first = await start();
  const sql = connect(first.adminUrl, { max: 2, applicationName: 'test' });
  await sql`create table kept as select 42 as answer`;
  const hanging = sql`select pg_sleep(600)`.execute();
  process.kill(first.pid, 'SIGKILL');
  await assert.rejects(hanging);
  await sql.end({ timeout: 1 });
  const second = await start();
  assert.equal(second.adopted, false);
  assert.deepEqual([...(await query(second, (again) => again`select answer from kept`))], [{ answer: 42 }]);
});

test('a stale pid file does not stand in the way, even when its pid belongs to another program by now', async (t) => {
  const { dataDir, start } = await workspace(t);
  const first = await start();
  const pidFile = join(dataDir, 'postgres', 'data', 'postmaster.pid');
  const text = await readFile(pidFile, 'utf8');
  await first.stop();
  const account = await chooseAccount();
  const stranger = spawn('sleep', ['600'], {
    ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
    stdio: 'ignore',
  });
  t.after(() => stranger.kill());
  await once(stranger, 'spawn');
  await writeFile(pidFile, text.replace(/^\d+/, String(stranger.pid)));
  const second = await start();
  assert.equal(second.adopted, false);
  assert.notEqual(second.pid, stranger.pid);
  assert.equal(stranger.exitCode, null);
});

test('a data directory with a path too long for a socket gets a short one', async (t) => {
  const { start } = await workspace(t, join('a'.repeat(60), 'b'.repeat(60)));
  const server = await start();
  assert.ok(Buffer.byteLength(server.socketDir) < 90, server.socketDir);
  assert.equal((await stat(server.socketDir)).mode & 0o777, 0o700);
  assert.equal((await start()).adopted, true);
  await query(server, (sql) => sql`select 1`);
});

test(
  'as root Postgres runs under an account without privileges, also where only root may enter',
  { skip: isRoot ? false : 'needs root' },
  async (t) => {
    const { directory, dataDir, start } = await workspace(t, join('hidden', 'project'));
    await mkdir(dataDir, { recursive: true });
    await chmod(join(directory, 'hidden'), 0o700);
    const server = await start();
    assert.ok(server.socketDir.startsWith(join(directory, 'refuge')));
    assert.notEqual((await stat(`/proc/${server.pid}`)).uid, 0);
    assert.equal((await stat(join(directory, 'hidden'))).mode & 0o777, 0o700);
    await server.stop();
    assert.equal((await start()).isNew, false);
  },
);

test('a data directory that a Mandate on another machine uses is refused', async (t) => {
  const { dataDir, start } = await workspace(t);
  const first = await start();
  await first.stop();
  await writeFile(join(dataDir, 'postgres', 'host'), 'another-container');
  const elsewhere = tryLock(join(dataDir, 'postgres', 'users.lock'), 'shared');
  t.after(() => elsewhere?.release());
  await assert.rejects(start(), /Mandate on another-container is using/);
});

test('a Postgres on the same cluster that does not know our password is not adopted', async (t) => {
  const { dataDir, start } = await workspace(t);
  await start();
  await writeFile(join(dataDir, 'postgres', 'password'), 'somebody else');
  const attempt = start();
  await assert.rejects(attempt, /is not Mandate's: password authentication failed/);
});

test('what is no cluster of this major version is refused and left alone', async (t) => {
  const { dataDir, start } = await workspace(t);
  const cluster = join(dataDir, 'postgres', 'data');
  await mkdir(cluster, { recursive: true });
  await assert.rejects(start(), /is not a Postgres cluster/);
  await writeFile(join(cluster, 'PG_VERSION'), '9\n');
  await assert.rejects(start(), /was made by Postgres 9/);
  assert.equal(await readFile(join(cluster, 'PG_VERSION'), 'utf8'), '9\n');
});

test('a socket that accepts and says nothing is no server', async (t) => {
  const { directory } = await workspace(t);
  const path = join(directory, 'silent');
  const server = createServer(() => {});
  server.listen(path);
  await once(server, 'listening');
  t.after(() => server.close());
  assert.equal(await answersSslRequest(path), false);
  assert.equal(await answersSslRequest(`${path}-absent`), false);
});

interface Workspace {
  /** Removed after the test, when every server started in it has stopped. Others may enter it, as they may /tmp. */
  readonly directory: string;
  readonly dataDir: string;
  readonly start: () => Promise<EmbeddedPostgres>;
  /** The same in a process of its own, which then waits to be killed. */
  readonly startInChild: () => Promise<ChildServer>;
}

async function workspace(t: TestContext, subdirectory = 'data'): Promise<Workspace> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'mandate-launcher-')));
  await chmod(directory, 0o755);
  const dataDir = join(directory, subdirectory);
  const servers: EmbeddedPostgres[] = [];
  const children: ChildProcess[] = [];
  t.after(async () => {
    await Promise.all(children.map(kill));
    await Promise.allSettled(servers.map((server) => server.stop()));
    await rm(directory, { recursive: true, force: true });
  });
  const start = async (): Promise<EmbeddedPostgres> => {
    const server = await startEmbedded({ dataDir, log: silent, refuge: join(directory, 'refuge') });
    servers.push(server);
    return server;
  };
  const startInChild = async (): Promise<ChildServer> => {
    const child = spawnLauncher(dataDir);
    children.push(child);
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { pid, adopted }: { pid: number; adopted: boolean } = JSON.parse(line.toString('utf8'));
    return { process: child, pid, adopted };
  };
  return { directory, dataDir, start, startInChild };
}

interface ChildServer {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly adopted: boolean;
}

function spawnLauncher(dataDir: string): ChildProcessByStdio<null, Readable, null> {
  const launcher = fileURLToPath(new URL('launcher.ts', import.meta.url));
  const program = `
    const { startEmbedded } = await import(${JSON.stringify(launcher)});
    const log = { info: () => {}, warn: () => {} };
    const { pid, adopted } = await startEmbedded({ dataDir: ${JSON.stringify(dataDir)}, log });
    console.log(JSON.stringify({ pid, adopted }));
    setInterval(() => {}, 1e6);`;
  return spawn(process.execPath, ['--conditions=mandate-source', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function query<T>(
  server: Pick<EmbeddedPostgres, 'adminUrl'>,
  fn: (sql: Sql) => Promise<T>,
): Promise<T> {
  assert.ok(parseAddress(server.adminUrl).host.startsWith('/'));
  const sql = connect(server.adminUrl, { max: 1, applicationName: 'test' });
  try {
    return await fn(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}
