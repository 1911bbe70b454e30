// Against a real Postgres: what is in force is a row, and every process judges by the same one or by none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { openTestDatabase } from '../../../../test/postgres.ts';
import type { TestDatabase } from '../../../../test/postgres.ts';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import type { Activation } from './activation.ts';
import { createCharters } from './charter.ts';
import type { Charters } from './charter.ts';
import { shippedCharters } from './disk.ts';
import { createFollower } from './follow.ts';
import type { Follower } from './follow.ts';
import { createHistory } from './history.ts';
import type { CharterHistory } from './history.ts';
import type { ReadFile } from './extends.ts';
import { charterOrigin } from './origin.ts';

interface Bench {
  readonly database: TestDatabase;
  readonly charters: Charters;
  readonly history: CharterHistory;
  /** Files by path, as if on disk. */
  readonly disk: Map<string, string>;
  readonly errors: string[];
  /** Another process with its own cache and, if given, its own shipped charters. */
  readonly another: (readShipped?: ReadFile) => Charters;
}

async function open(t: TestContext): Promise<Bench> {
  const database = await openTestDatabase(t);
  await addTenant(database, 'acme');
  await addTenant(database, 'other');
  const disk = new Map<string, string>();
  const errors: string[] = [];
  const another = (readShipped: ReadFile = shippedCharters): Charters =>
    createCharters({
      store: database.store,
      clock: manualClock(),
      log: { error: (_fields, message) => void errors.push(message) },
      readFile: async (path) => disk.get(path) ?? null,
      readShipped,
    });
  const charters = another();
  const history = createHistory({ store: database.store, charters });
  return { database, charters, history, disk, errors, another };
}

async function addTenant({ store }: TestDatabase, tenant: string): Promise<void> {
  await store.withTenant(
    tenant,
    (tx) =>
      tx`insert into mandate.tenant (tenant, created_at) values (${tenant}, '2026-01-01') on conflict do nothing`,
  );
}

async function revisionOf({ store }: TestDatabase, tenant: string): Promise<number> {
  const [row] = await store.withTenant(
    tenant,
    (tx) => tx<{ revision: number }[]>`select revision from mandate.tenant where tenant = ${tenant}`,
  );
  return row?.revision ?? assert.fail('no such tenant');
}

function versionOf(activation: Activation): string {
  return activation.kind === 'refused'
    ? assert.fail(JSON.stringify(activation.problems))
    : activation.version;
}

const fromFile = { tenant: 'acme', path: 'charter.yaml', author: 'file' };
const request = { tenant: 'acme', author: 'ada', note: null };
const green = 'version: 1\ntiers: { green: { actions: [a.b] } }\n';
const black = 'version: 1\ntiers: { black: { actions: [a.b] } }\n';

test('activating a charter raises the revision and tells the journal, in one transaction with the pointer', async (t) => {
  const { database, charters } = await open(t);
  const before = await revisionOf(database, 'acme');
  const first = await charters.activate({ ...request, text: green, note: 'first' });
  assert.equal(first.kind, 'activated');
  assert.equal(first.kind === 'activated' && first.revision, before + 1);
  assert.equal(await revisionOf(database, 'acme'), before + 1);
  assert.equal(await revisionOf(database, 'other'), 1);
  const [entry] = await database.store.withTenant(
    'acme',
    (tx) =>
      tx<{ kind: string; actor: string; data: string }[]>`select kind, actor, data from mandate.journal`,
  );
  assert.deepEqual(
    { ...entry },
    {
      kind: 'charter.activated',
      actor: 'ada',
      data: `{"note":"first","previous":null,"version":"${versionOf(first)}"}`,
    },
  );
  assert.equal((await charters.active('acme'))?.law.charter.rules[0]?.tier, 'green');
});

test('activating what is in force already changes nothing', async (t) => {
  const { database, charters } = await open(t);
  await charters.activate({ ...request, text: green });
  const revision = await revisionOf(database, 'acme');
  assert.equal((await charters.activate({ ...request, text: `# again\n${green}` })).kind, 'unchanged');
  assert.equal(await revisionOf(database, 'acme'), revision);
});

test('a charter with a mistake is refused as a whole and the last good one stays', async (t) => {
  const { charters, database } = await open(t);
  const good = await charters.activate({ ...request, text: green });
  const revision = await revisionOf(database, 'acme');
  const bad = await charters.activate({
    ...request,
    text: 'version: 1\ntiers: { grene: { actions: [a.b] } }\n',
  });
  assert.equal(
    bad.kind === 'refused' && bad.problems[0]?.message,
    'The key grene is unknown. Did you mean green?',
  );
  assert.equal((await charters.active('acme'))?.version, versionOf(good));
  assert.equal(await revisionOf(database, 'acme'), revision);
});

test('a text that is checked is neither stored nor in force, and may not reach for files', async (t) => {
  const { charters, history, disk } = await open(t);
  disk.set('base.yaml', green);
  assert.equal((await charters.check(`${green}extends: default\n`)).kind, 'loaded');
  const reaching = await charters.check('version: 1\nextends: ./base.yaml\n');
  assert.equal(reaching.kind === 'refused' && reaching.problems[0]?.pointer, 'extends');
  assert.equal(await charters.active('acme'), null);
  assert.deepEqual([...(await history.versions('acme', 10))], []);
});

test('another process reads the same law from the row, whatever its own files say', async (t) => {
  const { charters, another, disk } = await open(t);
  disk.set('charter.yaml', 'version: 1\nextends: [default, ./parts/more.yaml]\n');
  disk.set('parts/more.yaml', black);
  const version = versionOf(await charters.activateFile(fromFile));
  disk.clear();
  const elsewhere = another(async () => null);
  assert.deepEqual(
    await elsewhere.lawOf('acme', version).then((law) => law?.charter),
    (await charters.active('acme'))?.law.charter,
  );
  assert.deepEqual(
    (await elsewhere.active('acme'))?.sources.map((source) => source.name),
    ['default', 'parts/more.yaml', 'charter.yaml'],
  );
});

test('no tenant sees the charter of another one', async (t) => {
  const { charters, another } = await open(t);
  const version = versionOf(await charters.activate({ ...request, text: green }));
  assert.equal(await another().lawOf('other', version), null);
  assert.equal(await another().active('other'), null);
});

test('the file is taken at boot, left alone while it says the same, and taken again when it says something else', async (t) => {
  const { charters, disk } = await open(t);
  disk.set('charter.yaml', green);
  const first = await charters.activateFile(fromFile);
  assert.equal(first.kind, 'activated');
  assert.equal((await charters.activateFile(fromFile)).kind, 'unchanged');
  disk.set('charter.yaml', `# only a comment\n${green}`);
  assert.equal((await charters.activateFile(fromFile)).kind, 'unchanged');
  disk.set('charter.yaml', black);
  const second = await charters.activateFile(fromFile);
  assert.deepEqual(
    [second.kind, second.kind === 'activated' && second.previous],
    ['activated', versionOf(first)],
  );
});

test('a file that has not changed does not overrule what an administrator activated since', async (t) => {
  const { charters, disk } = await open(t);
  disk.set('charter.yaml', green);
  await charters.activateFile(fromFile);
  const byHand = versionOf(await charters.activate({ ...request, text: black }));
  assert.deepEqual(await charters.activateFile(fromFile), {
    kind: 'unchanged',
    version: byHand,
    ownPaths: ['charter.yaml'],
  });
  disk.set('charter.yaml', 'version: 1\ntiers: { red: { actions: [a.b] } }\n');
  assert.equal((await charters.activateFile(fromFile)).kind, 'activated');
});

test('whoever starts a server is told which charter counts, and not which file they meant', async (t) => {
  const { database, charters, disk } = await open(t);
  const clock = manualClock();
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const { tenant, path, author } = fromFile;
  const follower = createFollower({ charters, clock, log, tenant, path, author });
  const origin = async (of: Follower | null = follower) => {
    const found = await charterOrigin(database.store, 'acme', of);
    return found === null ? null : [found.kind, found.version, found.by];
  };
  assert.equal(await origin(), null);
  disk.set('charter.yaml', green);
  const first = versionOf(await follower.reload());
  assert.deepEqual(await origin(), ['file', first, 'file']);
  assert.deepEqual(await origin(null), ['elsewhere', first, 'file'], 'no file was named');
  const put = versionOf(await charters.activate({ ...request, text: black }));
  await follower.reload();
  assert.deepEqual(await origin(), ['elsewhere', put, 'ada']);
  disk.set('charter.yaml', 'version: 1\ntiers: { grene: {} }\n');
  await follower.reload();
  assert.deepEqual(await origin(), ['refused', put, 'ada']);
});

test('processes that take the same new file at once make one activation of it', async (t) => {
  const { database, disk, another } = await open(t);
  disk.set('charter.yaml', green);
  const kinds = await Promise.all(
    [another(), another(), another()].map(async (it) => (await it.activateFile(fromFile)).kind),
  );
  assert.deepEqual(kinds.toSorted(), ['activated', 'unchanged', 'unchanged']);
  assert.equal(await revisionOf(database, 'acme'), 2);
});

test('a process that reads the charter in force otherwise than it was meant judges by none', async (t) => {
  const { charters, database, another, errors } = await open(t);
  const version = versionOf(await charters.activate({ ...request, text: green }));
  // As after an upgrade in which the same text has come to mean something else.
  await database.admin`update mandate.charter set content = replace(content, 'a.b', 'a.*') where version = ${version}`;
  assert.equal(await another().active('acme'), null);
  assert.match(errors[0] ?? '', /cannot be read by this process \(it reads as [0-9a-f]{64}\)/);
});

test('what was looked at over one charter is not put in place of another', async (t) => {
  const { charters, history } = await open(t);
  assert.equal(await charters.activeVersion('acme'), null);
  const base = versionOf(await charters.activate({ ...request, text: green }));
  const first = await charters.activateOn({ ...request, text: black, base });
  assert.equal(first.kind, 'activated');
  const active = await charters.activeVersion('acme');
  assert.ok(active !== null && active !== base);
  const second = await charters.activateOn({ ...request, text: `${green}# again\n`, base });
  assert.deepEqual(second, { kind: 'stale', active });
  const back = { tenant: 'acme', author: 'ben', reason: 'better', version: base };
  assert.deepEqual(await history.rollback({ ...back, base }), { kind: 'stale', active });
  assert.equal(await charters.activeVersion('acme'), active);
  assert.equal((await history.rollback({ ...back, base: active })).kind, 'rolled_back');
});

/** Gives a version the hash that an older Mandate would have computed for the same files. */
async function renameVersion(database: TestDatabase, version: string, older: string): Promise<void> {
  await database.admin.begin(async (tx) => {
    await tx`alter table mandate.charter_active drop constraint charter_active_tenant_version_fkey, drop constraint charter_active_tenant_from_file_fkey`;
    await tx`alter table mandate.charter_activation drop constraint charter_activation_tenant_version_fkey, drop constraint charter_activation_tenant_previous_fkey`;
    await tx`update mandate.charter set version = ${older} where version = ${version}`;
    await tx`update mandate.charter_activation set version = ${older} where version = ${version}`;
    await tx`update mandate.charter_activation set previous = ${older} where previous = ${version}`;
    await tx`update mandate.charter_active set version = case version when ${version} then ${older} else version end,
      from_file = case from_file when ${version} then ${older} else from_file end`;
  });
}

test('at boot the same files become a version of their own when they have come to mean something else', async (t) => {
  const { charters, database, disk, another } = await open(t);
  disk.set('charter.yaml', green);
  const version = versionOf(await charters.activateFile(fromFile));
  await renameVersion(database, version, '0'.repeat(64));
  const upgraded = another();
  assert.equal(await upgraded.active('acme'), null);
  assert.equal((await upgraded.activateFile(fromFile)).kind, 'activated');
  assert.equal((await upgraded.active('acme'))?.version, version);
  assert.equal((await upgraded.activateFile(fromFile)).kind, 'unchanged');
});

test('an upgrade does not bring back a file that an administrator has replaced', async (t) => {
  const { charters, database, disk, another } = await open(t);
  disk.set('charter.yaml', green);
  const ofFile = versionOf(await charters.activateFile(fromFile));
  const byHand = versionOf(await charters.activate({ ...request, text: black }));
  await renameVersion(database, ofFile, '0'.repeat(64));
  const upgraded = another();
  const boot = await upgraded.activateFile(fromFile);
  assert.deepEqual([boot.kind, versionOf(boot)], ['unchanged', byHand]);
});

test('a tenant that does not exist can have no charter', async (t) => {
  const { charters } = await open(t);
  await assert.rejects(
    charters.activate({ ...request, tenant: 'nobody', text: green }),
    /Tenant nobody has no row/,
  );
});

test('versions are listed newest first and cannot be changed by the app', async (t) => {
  const { charters, history, database } = await open(t);
  const version = versionOf(await charters.activate({ ...request, text: green, note: 'one' }));
  assert.deepEqual(
    (await history.versions('acme', 10)).map((it) => [it.version, it.author, it.note]),
    [[version, 'ada', 'one']],
  );
  await assert.rejects(
    database.store.withTenant('acme', (tx) => tx`update mandate.charter set content = ''`),
    /permission denied/,
  );
  await assert.rejects(
    database.store.withTenant('acme', (tx) => tx`delete from mandate.charter`),
    /permission denied/,
  );
  for (const change of ['delete from', 'update'])
    await assert.rejects(
      database.store.withTenant('acme', (tx) =>
        tx.unsafe(`${change} mandate.charter_activation${change === 'update' ? ' set author = author' : ''}`),
      ),
      /permission denied/,
    );
});

// I6
test('what was approved as one version is not put in force as another, whatever made it read otherwise', async (t) => {
  const { database, another } = await open(t);
  let shipped = green;
  const charters = another(() => Promise.resolve(shipped));
  await charters.activate({ ...request, text: black });
  const base = await charters.activeVersion('acme');
  const text = 'version: 1\nextends: default\n';
  const checked = await charters.check(text);
  const proposed = checked.kind === 'loaded' ? checked.version : assert.fail('it loads');
  const order = { ...request, source: { kind: 'text', text }, base, proposed } as const;
  shipped = 'version: 1\ntiers: { green: { actions: [a.b, a.c] } }\n';
  const apply = () => database.store.withTenant('acme', (tx) => charters.activateIn(tx, order));
  const done = await apply();
  assert.ok(done.kind === 'refused');
  assert.match(
    done.problems[0]?.message ?? '',
    /^It read as [0-9a-f]{12} when it was proposed .* Propose it again/,
  );
  assert.equal(await charters.activeVersion('acme'), base);
  shipped = green;
  assert.equal((await apply()).kind, 'activated');
  assert.equal(await charters.activeVersion('acme'), proposed);
});
