import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTestDatabase } from '../../../../test/postgres.ts';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import { createJournal, writeEntry } from './journal.ts';
import type { EntryQuery, Journal } from './journal.ts';
import { createSequencer } from './sequencer.ts';

const ONWARDS: EntryQuery = {
  after: 0,
  limit: 100,
  kind: null,
  agent: null,
  actId: null,
  fromMs: null,
  toMs: null,
  newestFirst: false,
};

async function next(journal: Journal, tenant: string, group: string): Promise<readonly string[]> {
  const entries = await journal.read(tenant, { ...ONWARDS, after: await journal.consumer(tenant, group) });
  return entries.map(({ kind }) => kind);
}

test('a consumer group goes on where it committed, never back by itself, and replays when it is told to', async (t) => {
  const { store } = await openTestDatabase(t);
  const clock = manualClock();
  const journal = createJournal({ store, clock });
  const failed = (error: unknown): never => assert.fail(String(error));
  const sequencer = createSequencer({ db: store.sequencer, clock, failed });
  await store.withTenant('acme', async (tx) => {
    for (const kind of ['one', 'two', 'three']) {
      await writeEntry(tx, 'acme', { kind, actor: 'test', atMs: clock.nowMs(), traceId: null, data: {} });
    }
  });
  assert.deepEqual(await next(journal, 'acme', 'digest'), [], 'without a position nobody reads it');
  assert.deepEqual(await sequencer.pass(), { leads: true, sequenced: 3 });
  assert.deepEqual(await next(journal, 'acme', 'digest'), ['one', 'two', 'three']);

  const head = await journal.head('acme');
  await journal.commit('acme', 'digest', head - 1);
  assert.deepEqual(await next(journal, 'acme', 'digest'), ['three']);
  await journal.commit('acme', 'digest', head - 3);
  assert.deepEqual(await next(journal, 'acme', 'digest'), ['three'], 'a late commit takes nothing back');
  assert.deepEqual(await next(journal, 'acme', 'webhooks'), ['one', 'two', 'three'], 'groups are apart');
  assert.deepEqual(await next(journal, 'other', 'digest'), [], 'and so are tenants');

  await journal.rewind('acme', 'digest', head - 2);
  assert.deepEqual(await next(journal, 'acme', 'digest'), ['two', 'three']);
});
