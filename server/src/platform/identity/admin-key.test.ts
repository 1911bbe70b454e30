import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openTestDatabase, type TestDatabase } from '../../../../test/postgres.ts';
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
    await database.store.withTenant('first', (tx) =>
      keys.revoke(tx, { tenant: 'first', id, by: 'user:root' }),
    );
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
