import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openTestDatabase, type TestDatabase } from '../../../../test/postgres.ts';
import { createChance, systemClock } from '../clock/clock.ts';
import { type MasterKeys, parseMasterKeys } from './master-key.ts';
import { createSeals, SealBroken, type Seals } from './seal.ts';

const OLD = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)).toString('base64');
const NEW = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 5 + 1)).toString('base64');
const old = parseMasterKeys(OLD, 'test');
const chance = createChance(systemClock);

describe('sealed values', () => {
  let database: TestDatabase;
  before(async () => {
    database = await openTestDatabase();
  });
  after(() => database.drop());

  const open = (masterKeys: MasterKeys = old): Seals =>
    createSeals({ store: database.store, masterKeys, chance, clock: systemClock });
  const parameters = { path: 'src/main.ts', token: 'sk-live-1', nested: [1, null, 'ü'] };

  test('what one process seals another opens', async () => {
    const envelope = (await open().of('acme')).sealJson('act.parameters/1', parameters);
    const seal = await open().of('acme');
    assert.deepEqual(seal.openJson('act.parameters/1', envelope), parameters);
    assert.doesNotMatch(envelope.toString('latin1'), /sk-live|main\.ts/);
  });

  test('the same value is sealed differently each time', async () => {
    const seal = await open().of('acme');
    assert.notDeepEqual(seal.sealJson('a', parameters), seal.sealJson('a', parameters));
  });

  test('a sealed value does not open in another tenant, column or row', async () => {
    const seals = open();
    const envelope = (await seals.of('acme')).sealJson('act.parameters/1', parameters);
    const elsewhere = await seals.of('rival');
    assert.throws(() => elsewhere.open('act.parameters/1', envelope), SealBroken);
    const home = await seals.of('acme');
    assert.throws(() => home.open('act.result/1', envelope), /changed, or moved/);
    assert.throws(() => home.open('act.parameters/2', envelope), /changed, or moved/);
  });

  test('a tenant whose key rows were copied to another tenant cannot be read there', async () => {
    await open().of('copied');
    await database.admin`
      insert into mandate.tenant_key select 'thief', key_no, wrapped, master_id, created_at from mandate.tenant_key where tenant = 'copied'`;
    await assert.rejects(open().of('thief'), /data key 1 does not open/);
  });

  test('changing any byte of an envelope, its key number included, is noticed', async () => {
    const seal = await open().of('acme');
    const envelope = seal.seal('a', Buffer.from('value'));
    for (const at of envelope.keys()) {
      const changed = Buffer.from(envelope);
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.throws(() => seal.open('a', changed), SealBroken, `byte ${at}`);
    }
    for (const length of [0, 1, 28, 44])
      assert.throws(() => seal.open('a', envelope.subarray(0, length)), SealBroken);
  });

  test('no choice of tenant and purpose can spell another pair', async () => {
    const seals = open();
    const envelope = (await seals.of('ab')).seal('c', Buffer.from('value'));
    const other = await seals.of('a');
    assert.throws(() => other.open('bc', envelope), SealBroken);
  });

  test('after a rotation new values use the new key, older ones open, and other processes follow', async () => {
    const first = open();
    const second = open();
    const before = (await first.of('turn')).seal('a', Buffer.from('before'));
    await second.of('turn');
    assert.equal(await first.rotate('turn'), 2);
    const after = (await first.of('turn')).seal('a', Buffer.from('after'));
    assert.equal(after.readUInt32BE(1), 2);
    assert.equal((await first.open('turn', 'a', before)).toString(), 'before');
    assert.equal((await second.open('turn', 'a', after)).toString(), 'after');
  });

  test('two processes that meet a tenant for the first time agree on its key', async () => {
    const [one, two] = await Promise.all([open().of('fresh'), open().of('fresh')]);
    assert.equal(two.open('a', one.seal('a', Buffer.from('hello'))).toString(), 'hello');
  });

  test('a new master key in front opens everything, and after rewrapping the old one can go', async () => {
    const envelope = (await open().of('move')).seal('a', Buffer.from('kept'));
    await assert.rejects(
      open(parseMasterKeys(NEW, 'test')).of('move'),
      /wrapped by master key .* Add the earlier key/,
    );
    const both = open(parseMasterKeys(`${NEW},${OLD}`, 'test'));
    assert.equal((await both.open('move', 'a', envelope)).toString(), 'kept');
    assert.equal(await both.rewrap('move'), 1);
    assert.equal(await both.rewrap('move'), 0);
    assert.equal((await open(parseMasterKeys(NEW, 'test')).open('move', 'a', envelope)).toString(), 'kept');
  });

  // I9
  test('the database holds neither the master key nor a data key in the clear', async () => {
    await open().of('acme');
    const rows = await database.admin<
      { wrapped: Buffer }[]
    >`select wrapped from mandate.tenant_key where tenant = 'acme'`;
    assert.equal(rows[0]?.wrapped.length, 24 + 32 + 16);
  });

  test('a tenant never sees the keys of another, whatever it asks for', async () => {
    await open().of('acme');
    const rows = await database.store.withTenant(
      'rival-2',
      (tx) => tx`select 1 from mandate.tenant_key where tenant = 'acme'`,
    );
    assert.equal(rows.length, 0);
  });
});
