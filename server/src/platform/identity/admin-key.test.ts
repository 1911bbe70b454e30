import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openTestDatabase, type TestDatabase } from '../../../../test/postgres.ts';
import { until } from '../../../../test/until.ts';
import { manualClock, seededChance } from '../clock/manual-clock.ts';
import { parseMasterKeys } from '../crypto/master-key.ts';
import { ensureAdminKey } from './admin-key.ts';
import { createKeys, type Keys } from './keys.ts';

const masterKeys = parseMasterKeys(
  Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)).toString('base64'),
  'test',
);

describe('the first admin key', () => {
  const clock = manualClock();
  const chance = seededChance(clock);
  let database: TestDatabase;
  let keys: Keys;
  let dataDir: string;
  before(async () => {
    database = await openTestDatabase();
    keys = createKeys({ app: database.store.app, masterKeys, clock, chance });
    dataDir = await mkdtemp(join(tmpdir(), 'mandate-identity-'));
  });
  after(async () => {
    await rm(dataDir, { recursive: true });
    await database.drop();
  });

  const ensure = () => ensureAdminKey({ keys, store: database.store, chance, dataDir, tenant: 'first' });

  test('is made once, even by two first starts, in a file that only its owner reads', async () => {
    const answers = await Promise.all([ensure(), ensure()]);
    assert.deepEqual(answers.map(({ kind }) => kind).toSorted(), ['created', 'kept']);
    const path = join(dataDir, 'admin.key');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    const text = (await readFile(path, 'utf8')).trim();
    assert.deepEqual((await keys.find(text))?.roles, ['admin']);
    assert.equal((await ensure()).kind, 'kept');
  });

  test('is not made again after it was lost or revoked', async () => {
    const text = (await readFile(join(dataDir, 'admin.key'), 'utf8')).trim();
    const id = (await keys.find(text))?.id ?? '';
    const { store } = database;
    const revoke = (of: string) =>
      store.withTenant('first', (tx) => keys.revoke(tx, { tenant: 'first', id: of, by: 'user:root' }));
    const another = (more: { readonly scopes?: readonly string[]; readonly expiresMs?: number } = {}) =>
      store.withTenant('first', async (tx) => {
        const { key } = await keys.create(tx, {
          tenant: 'first',
          label: 'another',
          roles: ['admin'],
          agents: 'any',
          createdBy: 'user:root',
          ...more,
        });
        return key.id;
      });
    // Neither a narrowed one nor one that has run out could make its successor.
    const [narrow] = [await another({ scopes: ['test.*'] }), await another({ expiresMs: clock.nowMs() + 1 })];
    clock.advance(1);
    assert.equal(await revoke(id), 'last_admin');
    assert.equal(await revoke(narrow), 'revoked');
    // Of two that end each other's key at once, one is left.
    const second = await another();
    const both = await store.withTenant('first', async (tx) => {
      const one = await keys.revoke(tx, { tenant: 'first', id: second, by: 'user:root' });
      const other = { isDone: false, answer: revoke(id) };
      void other.answer.then(() => (other.isDone = true));
      await until('the other waits for the first', async () => {
        const waiting = await tx`
          select 1 from pg_locks where locktype = 'advisory' and not granted
            and database = (select oid from pg_database where datname = current_database())`;
        return other.isDone || waiting.length > 0;
      });
      return { one, other };
    });
    assert.deepEqual([both.one, await both.other.answer], ['revoked', 'last_admin']);
    await another();
    assert.equal(await revoke(id), 'revoked');
    assert.equal((await ensure()).kind, 'elsewhere');
    await rm(join(dataDir, 'admin.key'));
    assert.equal((await ensure()).kind, 'elsewhere');
  });

  test('is not read from a file that others can read', async () => {
    const other = await mkdtemp(join(tmpdir(), 'mandate-identity-'));
    const needs = { keys, store: database.store, chance, dataDir: other, tenant: 'second' };
    await ensureAdminKey(needs);
    await chmod(join(other, 'admin.key'), 0o640);
    await assert.rejects(ensureAdminKey(needs), /mode 640/);
    await rm(other, { recursive: true });
  });
});
