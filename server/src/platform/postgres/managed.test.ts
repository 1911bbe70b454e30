// Mandate on a Postgres that is not its own: a migrator that is no superuser, on the newest and on the oldest server.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { access, chmod, chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { migrationsDir, startTestServer } from '../../../../test/postgres.ts';
import { chooseAccount } from './account.ts';
import { connect, formatAddress, parseAddress } from './connection.ts';
import { openDatabase } from './database.ts';

const run = promisify(execFile);
const system = await findSystemPostgres();

test('a migrator that may only create roles suffices on the embedded version of Postgres', async (t) => {
  const server = await startTestServer();
  t.after(() => server.stop());
  await assertWorks(server.adminUrl);
});

test(
  'the migrations, the logins and the lint work on the Postgres of this system',
  {
    skip:
      system === null ? 'no Postgres 15 or newer under /usr/lib/postgresql, /usr/local or Homebrew' : false,
  },
  async (t) => {
    assert.ok(system !== null);
    await assertWorks(await startSystemServer(t, system));
  },
);

test('a migrator that may not create roles is told what an administrator has to run', async (t) => {
  const server = await startTestServer();
  t.after(() => server.stop());
  const adminUrl = await createMigrator(server.adminUrl, 'nocreaterole');
  await assert.rejects(
    openDatabase({ adminUrl, migrationsDir, secret: 'sixteen characters' }),
    /may not create roles\. .* alter role "migrator" createrole; .* create role mandate_owner nologin;/,
  );
});

async function assertWorks(superUrl: string): Promise<void> {
  const adminUrl = await createMigrator(superUrl, 'createrole');
  const { store, migrated } = await openDatabase({ adminUrl, migrationsDir, secret: 'sixteen characters' });
  try {
    assert.ok(migrated.includes('0001_foundation.sql'));
    const [row] = await store.withTenant('a', (tx) => tx`select mandate.app_tenant() as tenant`);
    assert.equal(row?.['tenant'], 'a');
    // What a stop relies on: control ends a session of the app.
    const [session] = await store.app<{ readonly pid: number }[]>`select pg_backend_pid() as pid`;
    const [ended] = await store.control`select pg_terminate_backend(${session?.pid ?? 0}, 2000) as ended`;
    assert.equal(ended?.['ended'], true);
  } finally {
    await store.close();
  }
  const again = await openDatabase({ adminUrl, migrationsDir, secret: 'sixteen characters' });
  await again.store.close();
  assert.deepEqual(again.migrated, []);
}

async function createMigrator(superUrl: string, attribute: 'createrole' | 'nocreaterole'): Promise<string> {
  const sql = connect(superUrl, { max: 1, applicationName: 'managed test' });
  try {
    await sql.unsafe(`create role migrator login ${attribute} password 'migrator'`);
    await sql`create database managed owner migrator`;
  } finally {
    await sql.end({ timeout: 5 });
  }
  return formatAddress({
    ...parseAddress(superUrl),
    database: 'managed',
    user: 'migrator',
    password: 'migrator',
  });
}

async function findSystemPostgres(): Promise<string | null> {
  const versions = await readdir('/usr/lib/postgresql').catch(() => []);
  const oldest = versions
    .map(Number)
    .filter((version) => version >= 15)
    .toSorted((a, b) => a - b);
  const candidates = [
    ...oldest.map((version) => `/usr/lib/postgresql/${version}/bin`),
    '/usr/local/pgsql/bin',
    '/opt/homebrew/opt/postgresql@17/bin',
  ];
  for (const bin of candidates) {
    const isThere = await access(join(bin, 'initdb')).then(
      () => true,
      () => false,
    );
    if (isThere) return bin;
  }
  return null;
}

async function startSystemServer(t: TestContext, bin: string): Promise<string> {
  const account = await chooseAccount();
  const identity = account === null ? {} : { uid: account.uid, gid: account.gid };
  const directory = await mkdtemp(join(tmpdir(), 'mandate-system-'));
  await chmod(directory, 0o700);
  if (account !== null) await chown(directory, account.uid, account.gid);
  const cluster = join(directory, 'data');
  const options = { ...identity, cwd: directory, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } };
  // Passwords are asked for, as a managed server would: the superuser alone is let in by the socket's owner.
  await run(
    join(bin, 'initdb'),
    ['-D', cluster, '-U', 'admin', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'],
    options,
  );
  const server = spawn(
    join(bin, 'postgres'),
    ['-D', cluster, '-k', directory, '-c', 'listen_addresses=', '-c', 'fsync=off'],
    { ...options, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  t.after(async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    server.once('exit', () => resolve());
    server.kill('SIGINT');
    if (server.exitCode === null) await promise;
    await rm(directory, { recursive: true, force: true });
  });
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  server.once('exit', () => reject(new Error('the system Postgres ended')));
  server.stderr.on('data', (text: Buffer) => {
    if (text.toString('utf8').includes('ready to accept connections')) resolve();
  });
  await ready;
  return formatAddress({
    host: directory,
    port: 5432,
    database: 'postgres',
    user: 'admin',
    password: null,
    settings: {},
  });
}
