// The lint is only worth something if it finds each hole: every test plants one and expects to be told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTestDatabase } from '../../../../test/postgres.ts';
import type { TestDatabase } from '../../../../test/postgres.ts';
import { parseAddress } from './connection.ts';
import { lintCatalogue, lintWithin } from './lint.ts';
import { quoteName } from './roles.ts';

/** A table as the conventions ask for it. */
const goodTable = `
  create table mandate.planted (tenant text not null, id uuid not null, primary key (tenant, id));
  alter table mandate.planted owner to mandate_owner;
  alter table mandate.planted enable row level security;
  alter table mandate.planted force row level security;
  create policy planted_own on mandate.planted using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
  grant select, insert, update, delete on mandate.planted to mandate_app;`;

test('the schema that the migrations make has no problem', async (t) => {
  const database = await openTestDatabase(t);
  assert.deepEqual(await lintCatalogue(database.admin), []);
});

test('a table made by the conventions has no problem', async (t) => {
  const database = await openTestDatabase(t);
  assert.deepEqual(await problemsAfter(database, goodTable), []);
});

const violations: readonly (readonly [name: string, sql: string, expected: RegExp])[] = [
  [
    'row-level security not enabled',
    'alter table mandate.planted disable row level security',
    /planted has a tenant column but no row-level security/,
  ],
  [
    'row-level security not forced',
    'alter table mandate.planted no force row level security',
    /planted has a tenant column but its owner passes/,
  ],
  ['no policy', 'drop policy planted_own on mandate.planted', /planted has a tenant column but no policy/],
  [
    'a tenant that may be null',
    'alter table mandate.planted drop constraint planted_pkey, alter tenant drop not null',
    /planted has a tenant column but it may be null/,
  ],
  [
    'a second, wide policy',
    'create policy wide on mandate.planted for select using (true)',
    /policy wide on mandate\.planted lets the app beyond its tenant/,
  ],
  [
    'a policy that is wide by an or',
    'alter policy planted_own on mandate.planted using (tenant = mandate.app_tenant() or id is not null)',
    /policy planted_own .* beyond its tenant/,
  ],
  [
    'a policy that lets the app write rows for everybody',
    `create policy w on mandate.planted for update using (tenant = mandate.app_tenant() or tenant = '*')`,
    /policy w on .* beyond/,
  ],
  [
    'a wide policy for the app by name',
    'create policy named on mandate.planted to mandate_app using (true)',
    /policy named on .* beyond/,
  ],
  [
    'a table of another owner',
    'alter table mandate.planted owner to current_user',
    /table mandate\.planted belongs to/,
  ],
  [
    'a function of another owner',
    'create function mandate.f() returns int language sql return 1',
    /function mandate\.f\(\) belongs to/,
  ],
  [
    'a security definer function of a superuser',
    'create function mandate.f() returns int language sql security definer set search_path = mandate return 1',
    /mandate\.f\(\) is security definer and owned by/,
  ],
  [
    'a security definer function without search_path',
    'create function mandate.f() returns int language sql security definer return 1; alter function mandate.f() owner to mandate_owner',
    /mandate\.f\(\) is security definer without a search_path/,
  ],
  [
    'a view that reads as its owner',
    'create view mandate.v as select * from mandate.planted',
    /view mandate\.v reads as its owner/,
  ],
  [
    'a materialized view that the app may read',
    'create materialized view mandate.m as select * from mandate.planted; grant select on mandate.m to mandate_app',
    /materialized view mandate\.m knows no row-level security/,
  ],
  [
    'a global unique constraint',
    'alter table mandate.planted add unique (id)',
    /unique index mandate\.planted_id_key .* tells one tenant/,
  ],
  [
    'a global unique index on an expression',
    'create unique index planted_low on mandate.planted (lower(id::text))',
    /unique index mandate\.planted_low/,
  ],
  [
    'a tenant that is only included in a unique index',
    'create unique index planted_inc on mandate.planted (id) include (tenant)',
    /unique index mandate\.planted_inc/,
  ],
  [
    'a foreign key without tenant',
    'create unique index k on mandate.planted (id); create table mandate.child (tenant text not null, parent uuid references mandate.planted (id)); alter table mandate.child owner to mandate_owner',
    /foreign key child_parent_fkey of mandate\.child does not carry tenant/,
  ],
  [
    'a table without tenant that the app reaches',
    'create table mandate.g (id int); grant select (id) on mandate.g to mandate_app',
    /mandate\.g has no tenant column and the app reaches it/,
  ],
  [
    'truncate',
    'grant truncate on mandate.planted to mandate_app',
    /mandate_app holds truncate on mandate\.planted/,
  ],
  [
    'references, by way of public',
    'grant references on mandate.planted to public',
    /mandate_app holds references on mandate\.planted/,
  ],
  [
    'create on the schema',
    'grant create on schema mandate to mandate_app',
    /mandate_app may create objects in schema mandate/,
  ],
  ['a group that can log in', 'alter role mandate_sequencer login', /role mandate_sequencer is a group/],
];

test('every planted violation is found, and named so that it can be mended', async (t) => {
  const database = await openTestDatabase(t);
  for (const [name, sql, expected] of violations) {
    const problems = await problemsAfter(database, `${goodTable}; ${sql}`);
    assert.ok(
      problems.some((problem) => expected.test(problem)),
      `${name}: ${JSON.stringify(problems)}`,
    );
  }
});

test('a partition that the app may read past its parent is found', async (t) => {
  const database = await openTestDatabase(t);
  const partitioned = goodTable.replace(
    'primary key (tenant, id))',
    'primary key (tenant, id)) partition by list (tenant)',
  );
  const partition = `create table mandate.part partition of mandate.planted for values in ('a'); alter table mandate.part owner to mandate_owner;`;
  assert.deepEqual(await problemsAfter(database, `${partitioned}; ${partition}`), []);
  const problems = await problemsAfter(
    database,
    `${partitioned}; ${partition} grant select (id) on mandate.part to mandate_app`,
  );
  assert.match(problems.join(), /mandate_app may read or write the partition mandate\.part/);
});

test('a login that bypasses row-level security, or may become who does, is found', async (t) => {
  const database = await openTestDatabase(t);
  const app = quoteName(parseAddress(database.logins.appUrl).user);
  assert.match(
    (await problemsAfter(database, `alter role ${app} bypassrls`)).join(),
    /may become mandate_app_\w+, whom row-level security does not bind/,
  );
  assert.match(
    (
      await problemsAfter(database, `create role planted_power bypassrls; grant planted_power to ${app}`)
    ).join(),
    /may become planted_power/,
  );
  assert.match(
    (await problemsAfter(database, `grant mandate_owner to ${app}`)).join(),
    /is also a member of mandate_owner/,
  );
  const sequencer = quoteName(parseAddress(database.logins.sequencerUrl).user);
  assert.match(
    (await problemsAfter(database, `alter role ${sequencer} bypassrls`)).join(),
    /\(mandate_sequencer\) may become/,
  );
});

test('policies for control and sequencer, and rows for everybody, are no problem', async (t) => {
  const database = await openTestDatabase(t);
  const wider = `
    create policy controlled on mandate.planted to mandate_control using (true) with check (true);
    create policy sequenced on mandate.planted to mandate_sequencer using (true);
    drop policy planted_own on mandate.planted;
    create policy seen on mandate.planted for select using (tenant = mandate.app_tenant() or tenant = '*');
    create policy added on mandate.planted for insert with check (tenant = mandate.app_tenant());
    create policy narrow on mandate.planted for delete using (tenant = mandate.app_tenant() and id is not null)`;
  assert.deepEqual(await problemsAfter(database, `${goodTable}; ${wider}`), []);
});

test('what is global on purpose says so in its comment, with a reason', async (t) => {
  const database = await openTestDatabase(t);
  const global = 'alter table mandate.planted add constraint planted_id unique (id)';
  const comment = (text: string): string =>
    `${goodTable}; ${global}; comment on constraint planted_id on mandate.planted is '${text}'`;
  assert.equal((await problemsAfter(database, comment('lint: global because '))).length, 1);
  assert.deepEqual(
    await problemsAfter(database, comment('lint: global because the id is random and tells nothing')),
    [],
  );
});

/** The problems that the statements add. Everything is taken back, roles included. */
async function problemsAfter({ admin }: TestDatabase, sql: string): Promise<readonly string[]> {
  const connection = await admin.reserve();
  try {
    const before = await lintCatalogue(admin);
    await connection`begin`;
    await connection.unsafe(sql);
    const problems = await lintWithin(connection);
    return problems.filter((problem) => !before.includes(problem));
  } finally {
    await connection`rollback`;
    connection.release();
  }
}
