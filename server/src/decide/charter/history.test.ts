// Against a real Postgres: what was in force stays readable, and the way back is an activation like any other.
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
import { createHistory } from './history.ts';
import type { CharterHistory } from './history.ts';

interface Bench {
  readonly database: TestDatabase;
  readonly charters: Charters;
  readonly history: CharterHistory;
  readonly disk: Map<string, string>;
}

async function open(t: TestContext): Promise<Bench> {
  const database = await openTestDatabase(t);
  const { store } = database;
  for (const tenant of ['acme', 'other'])
    await store.withTenant(
      tenant,
      (tx) =>
        tx`insert into mandate.tenant (tenant, created_at) values (${tenant}, '2026-01-01') on conflict do nothing`,
    );
  const disk = new Map<string, string>();
  const clock = manualClock();
  const charters = createCharters({
    store,
    clock,
    log: { error: (_fields, message) => assert.fail(message) },
    readFile: async (path) => disk.get(path) ?? null,
    readShipped: shippedCharters,
  });
  return { database, charters, history: createHistory({ store, charters }), disk };
}

async function revisionOf({ store }: TestDatabase): Promise<number> {
  const [row] = await store.withTenant(
    'acme',
    (tx) => tx<{ revision: number }[]>`select revision from mandate.tenant where tenant = 'acme'`,
  );
  return row?.revision ?? assert.fail('no such tenant');
}

function versionOf(activation: Activation): string {
  return activation.kind === 'refused'
    ? assert.fail(JSON.stringify(activation.problems))
    : activation.version;
}

const written = (tier: string): string => `version: 1\ntiers: { ${tier}: { actions: [a.b] } }\n`;
const by = { tenant: 'acme', author: 'ada', note: null };
const file = { tenant: 'acme', path: 'charter.yaml', author: 'file' };
const back = { tenant: 'acme', author: 'ben', reason: 'it held too much' };

test('going back raises the revision, stands in the journal with its reason, and is in the history', async (t) => {
  const { database, charters, history } = await open(t);
  const green = versionOf(await charters.activate({ ...by, text: written('green'), note: 'first' }));
  const red = versionOf(await charters.activate({ ...by, text: written('red') }));
  const before = await revisionOf(database);
  assert.deepEqual(await history.rollback({ ...back, version: green.slice(0, 8) }), {
    kind: 'rolled_back',
    version: green,
    previous: red,
    revision: before + 1,
  });
  assert.equal(await revisionOf(database), before + 1);
  assert.equal((await charters.active('acme'))?.law.charter.rules[0]?.tier, 'green');
  const [entry] = await database.store.withTenant(
    'acme',
    (tx) =>
      tx<{ actor: string; data: string }[]>`
        select actor, data from mandate.journal where kind = 'charter.activated' order by id desc limit 1`,
  );
  assert.equal(entry?.actor, 'ben');
  assert.deepEqual(JSON.parse(entry?.data ?? ''), {
    kind: 'rolled_back',
    note: 'it held too much',
    previous: red,
    version: green,
  });
  assert.deepEqual(
    (await history.activations('acme', 10)).map(({ number, version, previous, kind, author, note }) => [
      number,
      version,
      previous,
      kind,
      author,
      note,
    ]),
    [
      [3, green, red, 'rolled_back', 'ben', 'it held too much'],
      [2, red, green, 'activated', 'ada', null],
      [1, green, null, 'activated', 'ada', 'first'],
    ],
  );
  assert.deepEqual(
    (await history.versions('acme', 10)).map((it) => [
      it.version,
      it.author,
      it.note,
      it.active,
      it.activatedBy,
    ]),
    [
      [green, 'ada', 'first', true, 'ben'],
      [red, 'ada', null, false, 'ada'],
    ],
  );
});

test('a file on disk that has not changed overrules nobody after a rollback, and one that has changed does', async (t) => {
  const { charters, history, disk } = await open(t);
  disk.set('charter.yaml', written('green'));
  const green = versionOf(await charters.activateFile(file));
  disk.set('charter.yaml', written('red'));
  await charters.activateFile(file);
  await history.rollback({ ...back, version: green });
  assert.deepEqual(await charters.activateFile(file), {
    kind: 'unchanged',
    version: green,
    ownPaths: ['charter.yaml'],
  });
  // Written back to what is in force, and then to what had been left: both times somebody has changed the file.
  disk.set('charter.yaml', written('green'));
  assert.equal((await charters.activateFile(file)).kind, 'unchanged');
  disk.set('charter.yaml', written('red'));
  assert.equal((await charters.activateFile(file)).kind, 'activated');
  assert.equal((await charters.active('acme'))?.law.charter.rules[0]?.tier, 'red');
});

test('going back to what is in force changes nothing, and a version that is not one’s own is unknown', async (t) => {
  const { database, charters, history } = await open(t);
  const green = versionOf(await charters.activate({ ...by, text: written('green') }));
  const foreign = versionOf(await charters.activate({ ...by, tenant: 'other', text: written('black') }));
  const revision = await revisionOf(database);
  assert.deepEqual(await history.rollback({ ...back, version: green }), {
    kind: 'unchanged',
    version: green,
  });
  assert.deepEqual(await history.rollback({ ...back, version: foreign }), {
    kind: 'unknown',
    version: foreign,
  });
  assert.equal((await history.version('acme', foreign)).kind, 'unknown');
  assert.equal((await history.diff('acme', green, foreign)).kind, 'unknown');
  assert.equal(await revisionOf(database), revision);
});

test('a version is read as it was written, and two are compared by what they say', async (t) => {
  const { charters, history } = await open(t);
  const text = `# why\n${written('green')}`;
  const green = versionOf(await charters.activate({ ...by, text }));
  const red = versionOf(await charters.activate({ ...by, text: written('red') }));
  const stored = await history.version('acme', green);
  assert.deepEqual(stored.kind === 'version' && [stored.active, stored.sources], [
    false,
    [{ kind: 'own', name: 'charter.yaml', text }],
  ]);
  const diff = await history.diff('acme', green, red.slice(0, 12));
  assert.deepEqual(diff.kind === 'diff' && [diff.from, diff.to, diff.lines], [
    green,
    red,
    ['~ rule a.b: tier green → red (stricter)'],
  ]);
});

test('versions that share their first digits are told apart by more of them, and one with mistakes is not gone back to', async (t) => {
  const { database, charters, history } = await open(t);
  await charters.activate({ ...by, text: written('green') });
  const [one, two] = [`abcdef01${'0'.repeat(56)}`, `abcdef01${'1'.repeat(56)}`];
  const content = JSON.stringify([{ kind: 'own', name: 'charter.yaml', text: 'version: 2\n' }]);
  for (const version of [one, two])
    await database.store.withTenant(
      'acme',
      (tx) =>
        tx`insert into mandate.charter (tenant, version, content, author, created_at) values ('acme', ${version}, ${content}, 'x', '2026-01-01')`,
    );
  assert.equal((await history.rollback({ ...back, version: 'abcdef01' })).kind, 'ambiguous');
  const refused = await history.rollback({ ...back, version: one });
  assert.equal(refused.kind === 'unreadable' && refused.problems.length, 1);
});
