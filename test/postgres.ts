// A database of its own for every test file, cloned from a migrated template in some 50 ms. The cluster behind it is
// started once by the global setup (test/postgres-setup.ts), or by the first file that needs one.
import { createHash, randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Closing } from './closing.ts';
import { connect, withDatabase } from '../server/src/platform/postgres/connection.ts';
import { startEmbedded } from '../server/src/platform/postgres/launcher.ts';
import type { EmbeddedPostgres } from '../server/src/platform/postgres/launcher.ts';
import { migrate, readMigrations } from '../server/src/platform/postgres/migrate.ts';
import { ensureGroups, ensureLogins, loginUrls } from '../server/src/platform/postgres/roles.ts';
import type { Sql } from '../server/src/platform/postgres/sql.ts';
import { openStore } from '../server/src/platform/postgres/store.ts';
import type { Logins, Store, StoreOptions } from '../server/src/platform/postgres/store.ts';

export const migrationsDir = fileURLToPath(new URL('../server/migrations', import.meta.url));

/** All test databases of a cluster share three logins: creating roles costs more than cloning a database. */
const testLogins = { secret: 'a secret for tests and nothing else', scope: 'mandate tests' } as const;

export interface TestDatabase {
  readonly store: Store;
  /** The migrator's URL to this database. */
  readonly adminUrl: string;
  readonly logins: Logins;
  /** The migrator's pool, for fixtures and for looking behind row-level security. Connects on first use. */
  readonly admin: Sql;
  /** Closes the pools and drops the database. Called by itself where `openTestDatabase` got a test context. */
  readonly drop: () => Promise<void>;
}

/** Clones the migrated template. Hand over the test context, or call `drop()` in an `after` hook. */
export async function openTestDatabase(
  t?: Closing,
  options: Omit<StoreOptions, keyof Logins> = {},
): Promise<TestDatabase> {
  const cluster = await findCluster();
  const name = `mandate_test_${randomBytes(6).toString('hex')}`;
  await withAdmin(cluster.adminUrl, (sql) =>
    sql.unsafe(`create database ${name} template ${cluster.template} strategy ${cluster.strategy}`),
  );
  const adminUrl = withDatabase(cluster.adminUrl, name);
  const logins = loginUrls({ adminUrl, ...testLogins });
  const store = openStore({ ...logins, max: 6, name: 'mandate test', ...options });
  const admin = connect(adminUrl, { max: 2, applicationName: 'mandate test admin' });
  let dropping: Promise<void> | null = null;
  const drop = (): Promise<void> => {
    dropping ??= (async () => {
      await Promise.all([store.close(), admin.end({ timeout: 5 })]);
      await withAdmin(cluster.adminUrl, (sql) => sql.unsafe(`drop database if exists ${name} with (force)`));
    })();
    return dropping;
  };
  t?.after(drop);
  return { store, adminUrl, logins, admin, drop };
}

/** An empty database, without even the schema, for tests of the migrations themselves. */
export async function openEmptyDatabase(
  t?: Closing,
): Promise<{ readonly adminUrl: string; readonly drop: () => Promise<void> }> {
  const cluster = await findCluster();
  const name = `mandate_empty_${randomBytes(6).toString('hex')}`;
  await withAdmin(cluster.adminUrl, (sql) =>
    sql.unsafe(`create database ${name} strategy ${cluster.strategy}`),
  );
  const drop = async (): Promise<void> => {
    await withAdmin(cluster.adminUrl, (sql) => sql.unsafe(`drop database if exists ${name} with (force)`));
  };
  t?.after(drop);
  return { adminUrl: withDatabase(cluster.adminUrl, name), drop };
}

export interface TestCluster {
  /** Database `postgres`, as superuser (or as a migrator that may create databases and roles). */
  readonly adminUrl: string;
  /** The migrated template's name. */
  readonly template: string;
  /** Copying files is three times faster than writing them to the log (30 against 95 ms), unless it must be synced. */
  readonly strategy: 'file_copy' | 'wal_log';
}

const findCluster = once(async (): Promise<TestCluster> => {
  const inherited = process.env['MANDATE_TEST_CLUSTER'];
  if (inherited !== undefined) return readCluster(inherited);
  const external = process.env['MANDATE_TEST_DATABASE_URL'];
  if (external !== undefined) return prepareCluster(external);
  const { adminUrl } = await startTestServer();
  return prepareCluster(adminUrl);
});

function readCluster(text: string): TestCluster {
  const value: unknown = JSON.parse(text);
  if (
    typeof value === 'object' &&
    value !== null &&
    'adminUrl' in value &&
    'template' in value &&
    'strategy' in value
  )
    return {
      adminUrl: String(value.adminUrl),
      template: String(value.template),
      strategy: value.strategy === 'file_copy' ? 'file_copy' : 'wal_log',
    };
  throw new Error('MANDATE_TEST_CLUSTER is written by test/postgres-setup.ts and by nothing else. Unset it.');
}

/** Starts an embedded server in a temporary directory, which ends and is deleted with this process. */
export async function startTestServer(): Promise<EmbeddedPostgres> {
  const directory = await mkdtemp(join(tmpdir(), 'mandate-test-'));
  const silent = { info: () => {}, warn: () => {} };
  const server = await startEmbedded({ dataDir: directory, log: silent, isDurable: false });
  guard(server.pid, directory);
  return server;
}

// A test process may end in any way, kill -9 included. The guardian's standard input closes with it, and then the
// guardian clears away what is left.
function guard(pid: number, directory: string): void {
  const script =
    'cat > /dev/null; kill -QUIT "$1" 2> /dev/null; while kill -0 "$1" 2> /dev/null; do sleep 0.1; done; rm -rf "$2"';
  const guardian = spawn('/bin/sh', ['-c', script, 'guardian', String(pid), directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guardian.unref();
  // A pipe to a child is a socket, which would keep this process alive.
  if ('unref' in guardian.stdin && typeof guardian.stdin.unref === 'function') guardian.stdin.unref();
}

/** Makes the template of these very migrations, unless the cluster has it already. */
export async function prepareCluster(adminUrl: string): Promise<TestCluster> {
  const migrations = await readMigrations(migrationsDir);
  const content = createHash('sha256')
    .update(migrations.map(({ name, checksum }) => `${name} ${checksum}\n`).join(''))
    .digest('hex');
  const template = `mandate_template_${content.slice(0, 16)}`;
  const strategy = await withAdmin(adminUrl, async (sql) => {
    // Several test processes may share an external server: the lock is held by one connection while another works.
    await sql.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(hashtext('mandate test template'))`;
      const [found] = await tx`select 1 from pg_database where datname = ${template}`;
      if (found === undefined) await makeTemplate(adminUrl, template);
    });
    const [setting] = await sql<{ readonly fsync: string }[]>`select current_setting('fsync') as fsync`;
    return setting?.fsync === 'off' ? 'file_copy' : 'wal_log';
  });
  return { adminUrl, template, strategy };
}

async function makeTemplate(adminUrl: string, template: string): Promise<void> {
  const unfinished = `${template}_new`;
  await withAdmin(adminUrl, async (sql) => {
    await sql.unsafe(`drop database if exists ${unfinished} with (force)`);
    await sql.unsafe(`create database ${unfinished}`);
  });
  const url = withDatabase(adminUrl, unfinished);
  await withAdmin(url, async (sql) => {
    await ensureGroups(sql);
    await migrate(sql, await readMigrations(migrationsDir));
    await ensureLogins(sql, { adminUrl: url, ...testLogins });
  });
  await withAdmin(adminUrl, (sql) => sql.unsafe(`alter database ${unfinished} rename to ${template}`));
}

async function withAdmin<T>(url: string, fn: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = connect(url, { max: 1, applicationName: 'mandate test setup' });
  try {
    return await fn(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => (made ??= make());
}
