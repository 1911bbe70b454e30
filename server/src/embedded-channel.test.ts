import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../../test/until.ts';
import { openMandate } from './index.ts';
import type { ChannelMessage } from './index.ts';

test('a channel of one’s own is one function: stops reach it at once, and the digest when somebody asks', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'mandate-channel-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  await using mandate = await openMandate({
    dataDir,
    charter: { version: 1, extends: 'default' },
    agent: 'a-1',
  });
  const got: ChannelMessage[] = [];
  mandate.registerChannel('pager', (message) => void got.push(message));
  assert.throws(() => mandate.registerChannel('pager', () => undefined), /registered already/);

  await until('the channel is on record', async () => (await mandate.notifications.channels()).length === 1);
  const ran = await mandate.run({ action: 'deploy.staging' }, () => 'done');
  assert.equal(ran.status, 'success');
  assert.equal((await mandate.stats()).pendingDigestEntries, 1);
  const [sent] = await mandate.notifications.now();
  assert.deepEqual([sent?.status, sent?.kind, sent?.channel], ['sent', 'digest', 'pager']);
  assert.equal(got[0]?.subject, 'Mandate: a-1 deployed to staging');
  assert.deepEqual(await mandate.notifications.now(), []);

  await mandate.stop({ reason: 'enough' });
  const urgent = await until('the stop is told', () => got[1]);
  assert.match(urgent.subject, /stopped everything: enough$/);
  assert.equal(urgent.urgent, true);

  const [tested] = await mandate.notifications.test('pager');
  assert.equal(tested?.status, 'sent');
  assert.deepEqual(await mandate.notifications.dead(), []);
  assert.deepEqual(await mandate.notifications.replay(), { ids: [], left: 0 });
  assert.equal((await mandate.notifications.list({ status: 'sent', channel: 'pager' })).length, 3);
});
