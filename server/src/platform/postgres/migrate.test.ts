// What must hold when several processes of several versions meet one database.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { migrationsDir, openEmptyDatabase } from '../../../../test/postgres.ts';
import { connect } from './connection.ts';
import { migrate, nextMigration, readMigrations, toMigration } from './migrate.ts';
import { ensureGroups } from './roles.ts';
import type { Sql } from './sql.ts';

const foundation = toMigration('0001_foundation.sql', 'create table mandate.first (id integer)');
const second = toMigration(
  '0002_second.sql',
  'create table mandate.second (id integer); insert into mandate.second values (1)',
);

test('starters that migrate at once apply every migration exactly once', async (t) => {
  const starters = await emptyDatabases(t, 6);
  const migrations = await readMigrations(migrationsDir);
  const applied = await Promise.all(
    starters.map(async (sql) => {
      await ensureGroups(sql);
      return migrate(sql, migrations);
    }),
  );
  assert.deepEqual(
    applied.flat().toSorted(),
    migrations.map(({ name }) => name),
  );
});

test('what a migration creates belongs to mandate_owner, whoever runs it', async (t) => {
  const [sql] = await emptyDatabases(t, 1);
  await migrate(sql, [foundation, second]);
  const owners = await sql`select distinct tableowner from pg_tables where schemaname = 'mandate'`;
  assert.deepEqual([...owners], [{ tableowner: 'mandate_owner' }]);
});

test('a second run changes nothing', async (t) => {
  const [sql] = await emptyDatabases(t, 1);
  assert.deepEqual(await migrate(sql, [foundation, second]), ['0001_foundation.sql', '0002_second.sql']);
  assert.deepEqual(await migrate(sql, [foundation, second]), []);
  assert.deepEqual([...(await sql`select id from mandate.second`)], [{ id: 1 }]);
});

test('a migration that was edited after it ran is refused by name, and nothing more is applied', async (t) => {
  const [sql] = await emptyDatabases(t, 1);
  await migrate(sql, [foundation]);
  const edited = toMigration(foundation.name, `${foundation.text} -- edited`);
  await assert.rejects(migrate(sql, [edited, second]), /0001_foundation\.sql was changed after it ran/);
  assert.equal((await sql`select to_regclass('mandate.second') as found`)[0]?.['found'], null);
});

test('a database that a newer version has migrated is refused by an older one', async (t) => {
  const [sql] = await emptyDatabases(t, 1);
  await migrate(sql, [foundation, second]);
  await assert.rejects(
    migrate(sql, [foundation]),
    /0002_second\.sql, which this version of Mandate does not know/,
  );
});

test('a migration that fails leaves nothing behind and says in which file and line', async (t) => {
  const [sql] = await emptyDatabases(t, 1);
  const broken = toMigration(
    '0002_broken.sql',
    'create table mandate.half (id integer);\n\nselect nonsense from mandate.half;',
  );
  await assert.rejects(
    migrate(sql, [foundation, broken]),
    /0002_broken\.sql line 3 failed: column "nonsense" does not exist/,
  );
  assert.equal((await sql`select to_regclass('mandate.half') as found`)[0]?.['found'], null);
  assert.deepEqual(await migrate(sql, [foundation, second]), ['0002_second.sql']);
});

test('a gap that is filled in later is refused: migrations only go forward', () => {
  const third = toMigration('0003_third.sql', 'select 1');
  assert.throws(
    () => nextMigration([foundation, second, third], [foundation, third]),
    /0002_second\.sql comes before 0003_third\.sql/,
  );
});

test('line ends do not change a checksum, anything else does', () => {
  const unix = toMigration('0001_a.sql', 'select 1;\nselect 2;\n');
  assert.equal(toMigration('0001_a.sql', 'select 1;\r\nselect 2;\r\n').checksum, unix.checksum);
  assert.notEqual(toMigration('0001_a.sql', 'select 1;\nselect 3;\n').checksum, unix.checksum);
});

test('a directory with unreadable names, numbers used twice or nothing at all is refused', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'mandate-migrations-'));
  t.after(() => rm(directory, { recursive: true }));
  await assert.rejects(readMigrations(directory), /No migrations in/);
  await writeFile(join(directory, '0001_a.sql'), 'select 1');
  await writeFile(join(directory, '0001_b.sql'), 'select 2');
  await assert.rejects(readMigrations(directory), /0001_a\.sql and 0001_b\.sql/);
  await rm(join(directory, '0001_b.sql'));
  await writeFile(join(directory, 'later.sql'), 'select 2');
  await assert.rejects(readMigrations(directory), /later\.sql must be named like/);
});

async function emptyDatabases(t: TestContext, count: number): Promise<readonly [Sql, ...Sql[]]> {
  const { adminUrl, drop } = await openEmptyDatabase();
  const pools = Array.from({ length: count }, () =>
    connect(adminUrl, { max: 1, applicationName: 'migrate test' }),
  );
  t.after(async () => {
    await Promise.all(pools.map((sql) => sql.end({ timeout: 5 })));
    await drop();
  });
  const [first, ...rest] = pools;
  assert.ok(first !== undefined);
  await ensureGroups(first);
  return [first, ...rest];
}
