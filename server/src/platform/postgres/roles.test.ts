// Logins by what they can do: derived ones, supplied ones, and every way in which a supplied one can be wrong.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { migrationsDir, openEmptyDatabase, openTestDatabase } from '../../../../test/postgres.ts';
import { connect, formatAddress, parseAddress } from './connection.ts';
import { openDatabase } from './database.ts';
import { verifyLogins } from './login-check.ts';
import { ensureLogins, loginUrls, quoteName, scramVerifier } from './roles.ts';
import { openStore } from './store.ts';
import type { Logins } from './store.ts';

const secret = 'sixteen characters at least';

test('processes that know the secret derive the same logins, and others derive other passwords', () => {
  const needs = { adminUrl: 'postgresql://admin:x@db.example:5432/app', secret };
  assert.deepEqual(loginUrls(needs), loginUrls(needs));
  const [mine, theirs] = [loginUrls(needs), loginUrls({ ...needs, secret: `${secret}!` })].map(({ appUrl }) =>
    parseAddress(appUrl),
  );
  assert.equal(mine?.user, theirs?.user);
  assert.notEqual(mine?.password, theirs?.password);
  assert.notEqual(parseAddress(loginUrls({ ...needs, scope: 'other' }).appUrl).user, mine?.user);
  assert.equal(new Set(Object.values(loginUrls(needs)).map((url) => parseAddress(url).password)).size, 3);
});

test('the stored verifier is what Postgres itself would store', async (t) => {
  const { admin } = await openTestDatabase(t);
  const role = `verifier_${randomBytes(4).toString('hex')}`;
  // A verifier is taken as it is only if it is well-formed; and that the password then opens is what every test shows.
  await admin.unsafe(`create role ${role} password '${scramVerifier(role, 'päss')}'`);
  const [row] = await admin`select rolpassword from pg_authid where rolname = ${role}`;
  await admin.unsafe(`drop role ${role}`);
  assert.equal(row?.['rolpassword'], scramVerifier(role, 'päss'));
});

test('a new secret replaces the old passwords', async (t) => {
  const { adminUrl, admin } = await openTestDatabase(t);
  const scope = randomBytes(6).toString('hex');
  const old = await ensureLogins(admin, { adminUrl, secret, scope });
  const renewed = await ensureLogins(admin, { adminUrl, secret: 'another secret altogether', scope });
  await assert.rejects(oneQuery(old.appUrl), /password authentication failed/);
  await oneQuery(renewed.appUrl);
  await dropLogins(adminUrl, renewed);
  await assert.rejects(ensureLogins(admin, { adminUrl, secret: 'short', scope }), /at least 16 characters/);
});

test('the derived logins pass their own check', async (t) => {
  const { store, logins } = await openTestDatabase(t);
  await verifyLogins(store, logins);
});

test('whoever serves requests cannot turn off what binds it', async (t) => {
  const { store } = await openTestDatabase(t);
  const attempts = [
    'set role mandate_owner',
    'set role mandate_control',
    'set session authorization mandate_owner',
    'alter table mandate.tenant disable row level security',
    'drop policy tenant_seen on mandate.tenant',
    'truncate mandate.tenant',
    'create table mandate.own ()',
    `select pg_read_file('postmaster.pid')`,
  ];
  for (const attempt of attempts)
    await assert.rejects(store.app.unsafe(attempt), /permission denied|must be owner/, attempt);
});

test('a supplied login that is too powerful, in the wrong group or cannot end sessions is refused with the statement that mends it', async (t) => {
  const { adminUrl, admin, logins } = await openTestDatabase(t);
  const app = await supplyLogin(t, adminUrl, 'app');
  const control = await supplyLogin(t, adminUrl, 'control');
  const supplied = { ...logins, appUrl: app.url, controlUrl: control.url };
  await refused(supplied, [
    `${app.name} (MANDATE_APP_URL) is not a member of mandate_app. Run: grant mandate_app to "${app.name}";`,
  ]);
  await admin.unsafe(`grant mandate_app to ${app.name}; grant mandate_control to ${control.name}`);
  await refused(supplied, [
    `may not end the sessions of ${app.name}`,
    `grant "${app.name}" to "${control.name}";`,
  ]);
  await admin.unsafe(`grant pg_signal_backend to ${control.name}`);
  await accepted(supplied);
  await admin.unsafe(`alter role ${app.name} bypassrls`);
  await refused(supplied, [`alter role "${app.name}" nosuperuser nobypassrls;`]);
  await admin.unsafe(`alter role ${app.name} nobypassrls; grant mandate_owner to ${app.name}`);
  await refused(supplied, [`revoke mandate_owner from "${app.name}";`]);
  await admin.unsafe(`revoke mandate_owner from ${app.name}`);
  await refused({ ...supplied, sequencerUrl: app.url }, [
    'must be three users',
    'is not a member of mandate_sequencer',
  ]);
});

test('a supplied login that cannot connect is named with its variable, and its password is not shown', async (t) => {
  const { logins } = await openTestDatabase(t);
  const broken = {
    ...logins,
    sequencerUrl: formatAddress({ ...parseAddress(logins.sequencerUrl), password: 'secret-guess' }),
  };
  const store = openStore(broken);
  t.after(() => store.close());
  const isClear = (error: unknown): boolean =>
    error instanceof Error &&
    /MANDATE_SEQUENCER_URL/.test(error.message) &&
    !error.message.includes('secret-guess');
  await assert.rejects(verifyLogins(store, broken), isClear);
});

test('a database that starts twice at once, with logins still to be made, starts twice', async (t) => {
  const { adminUrl, drop } = await openEmptyDatabase();
  const needs = { adminUrl, migrationsDir, secret, store: { max: 2 } };
  const opened = await Promise.all([openDatabase(needs), openDatabase(needs), openDatabase(needs)]);
  t.after(async () => {
    await Promise.all(opened.map(({ store }) => store.close()));
    await dropLogins(adminUrl, opened[0].logins);
    await drop();
  });
  assert.ok(opened[0].migrated.length + opened[1].migrated.length + opened[2].migrated.length > 0);
  const [row] = await opened[0].store.withTenant('*', (tx) => tx`select tenant from mandate.tenant`);
  assert.equal(row?.['tenant'], '*');
});

async function refused(logins: Logins, sentences: readonly string[]): Promise<void> {
  const store = openStore(logins);
  try {
    await assert.rejects(
      verifyLogins(store, logins),
      (error) => error instanceof Error && sentences.every((sentence) => error.message.includes(sentence)),
    );
  } finally {
    await store.close();
  }
}

async function accepted(logins: Logins): Promise<void> {
  const store = openStore(logins);
  try {
    await verifyLogins(store, logins);
  } finally {
    await store.close();
  }
}

async function supplyLogin(
  t: TestContext,
  adminUrl: string,
  duty: string,
): Promise<{ readonly name: string; readonly url: string }> {
  const name = `supplied_${duty}_${randomBytes(4).toString('hex')}`;
  await adminRuns(adminUrl, `create role ${name} login password 'supplied'`);
  // The database is dropped by an earlier hook: roles are cleared away from the maintenance database.
  t.after(() => adminRuns(maintenance(adminUrl), `drop role ${name}`));
  return { name, url: formatAddress({ ...parseAddress(adminUrl), user: name, password: 'supplied' }) };
}

async function dropLogins(adminUrl: string, logins: Logins): Promise<void> {
  for (const url of Object.values(logins))
    await adminRuns(
      adminUrl,
      `drop owned by ${quoteName(parseAddress(url).user)}; drop role ${quoteName(parseAddress(url).user)}`,
    );
}

function maintenance(url: string): string {
  return formatAddress({ ...parseAddress(url), database: 'postgres' });
}

async function oneQuery(url: string): Promise<void> {
  await adminRuns(url, 'select 1');
}

async function adminRuns(url: string, statements: string): Promise<void> {
  const sql = connect(url, { max: 1, applicationName: 'roles test' });
  try {
    await sql.unsafe(statements);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
