import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Closing } from '../../test/closing.ts';
import { CharterRefused, openMandate } from './index.ts';

async function directory(t: Closing): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'mandate-embedded-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

const charter = {
  version: 1,
  extends: 'default',
  tiers: {
    green: { actions: ['sum.*', 'slow.work'] },
    red: { actions: [{ match: 'mail.send', approvers: ['admin'] }] },
  },
};

test('a registered function is executed by Mandate, with its cost, and a stop reaches it while it runs', async (t) => {
  await using mandate = await openMandate({ dataDir: await directory(t), charter, agent: 'a-1' });
  mandate.registerExecutor('sum.*', ({ parameters }) => ({
    result: Number(parameters['a']) + Number(parameters['b']),
    costUsd: 0.01,
  }));
  const sum = await mandate.run({ action: 'sum.two', parameters: { a: 1, b: 2 } }, () =>
    assert.fail('Mandate executes it'),
  );
  assert.ok(sum.status === 'success' && sum.executedBy === 'mandate');
  assert.equal(sum.result, 3);
  assert.ok(sum.trust !== null && sum.trust.after > sum.trust.before);
  assert.equal((await mandate.stats()).today.costUsd, 0.01);

  const { promise: begun, resolve } = Promise.withResolvers<void>();
  mandate.registerExecutor('slow.work', ({ signal }) => {
    resolve();
    return new Promise((_done, fail) =>
      signal.addEventListener('abort', () => fail(new Error('told to end'))),
    );
  });
  const slow = mandate.request({ action: 'slow.work' });
  await begun;
  const report = await mandate.stop({ reason: 'enough' });
  assert.ok(report.confirmedAt !== null);
  assert.equal((await slow).status, 'cancelled');
});

test('what waits for a person outlives the program, and the next one executes it', async (t) => {
  const dataDir = await directory(t);
  const sent: unknown[] = [];
  const open = async () => {
    const opened = await openMandate({ dataDir, charter, agent: 'writer' });
    opened.registerExecutor('mail.send', ({ parameters }) => void sent.push(parameters));
    return opened;
  };
  const first = await open();
  const held = await first.request({
    action: 'mail.send',
    parameters: { to: 'ann' },
    idempotencyKey: 'mail-1',
  });
  assert.ok(held.status === 'waiting_for_approval');
  await first.close();
  await using second = await open();
  const again = await second.request({
    action: 'mail.send',
    parameters: { to: 'ann' },
    idempotencyKey: 'mail-1',
  });
  assert.ok(
    again.status === 'waiting_for_approval' && again.id === held.id,
    'the agent is the same principal as before',
  );
  await second.approvals.approve(again.approval);
  assert.equal((await second.wait(held.id, { timeoutMs: 10_000 })).status, 'success');
  assert.deepEqual(sent, [{ to: 'ann' }]);
});

test('an agent of the program asks with its own key, and what it runs itself can be approved and begun', async (t) => {
  await using mandate = await openMandate({ dataDir: await directory(t), charter });
  const held = await mandate.run({ agent: 'b-2', action: 'mail.send' }, () => assert.fail('it ran'));
  assert.ok(held.status === 'waiting_for_approval');
  const approval = await mandate.approvals.find(held.approval.id);
  assert.match(approval.requester, /^(key|agent):/);
  await mandate.approvals.approve(approval);
  const done = await mandate.proceed(held.id, () => 'sent', { agent: 'b-2', wait: { timeoutMs: 10_000 } });
  assert.equal(done.status === 'success' && done.result, 'sent');
});

test('events arrive without a socket, and leaving the loop leaves nothing behind that keeps it open', async (t) => {
  const mandate = await openMandate({ dataDir: await directory(t), charter, agent: 'c-3' });
  t.after(() => mandate.close());
  const first = mandate.events({ after: '0' });
  await mandate.run({ action: 'sum.up' }, () => 1);
  const seen: string[] = [];
  for await (const event of first) {
    seen.push(event.type);
    if (event.subject?.startsWith('actions/') === true) break;
  }
  assert.ok(seen.length > 0);
  await mandate.close();
  await assert.rejects(mandate.request({ action: 'sum.up' }), /closed/);
});

test('a caller that gives up waiting leaves the program and what it waited for unharmed', async (t) => {
  await using mandate = await openMandate({ dataDir: await directory(t), charter, agent: 'e-5' });
  const held = await mandate.request({ action: 'mail.send' });
  assert.ok(held.status === 'waiting_for_approval');
  const controller = new AbortController();
  const waiting = mandate.wait(held.id, { signal: controller.signal });
  // Asked through the same door meanwhile, so the wait is under way when it is given up.
  await mandate.stats();
  controller.abort(new Error('no patience'));
  await assert.rejects(waiting, /no patience/);
  assert.equal((await mandate.wait(held.id, { timeoutMs: 1 })).status, 'waiting_for_approval');
});

test('with a port others can look in, over the same road', async (t) => {
  await using mandate = await openMandate({ dataDir: await directory(t), charter, port: 0 });
  assert.ok(mandate.url !== null);
  assert.equal((await fetch(`${mandate.url}/health`)).status, 200);
  assert.equal((await fetch(`${mandate.url}/api/v1/stats`)).status, 401);
});

test('a charter with mistakes is refused with their places, as text, object and file', async (t) => {
  const dataDir = await directory(t);
  const path = join(dataDir, 'charter.yaml');
  await writeFile(path, 'version: 1\ntires: {}\n');
  const open = (wrong: string | Readonly<Record<string, unknown>>) =>
    openMandate({ dataDir, charter: wrong });
  for (const wrong of ['version: 1\ntires: {}\n', { version: 1, tires: {} }, path]) {
    await assert.rejects(
      open(wrong),
      (error) => error instanceof CharterRefused && error.problems.some((problem) => /tires/.test(problem)),
    );
  }
});

test('two programs may work on one directory, and a stop by one binds the other', async (t) => {
  const dataDir = await directory(t);
  await using one = await openMandate({ dataDir, charter, agent: 'd-4' });
  await using other = await openMandate({ dataDir, charter, agent: 'd-4' });
  await one.stop({ reason: 'both' });
  const outcome = await other.run({ action: 'sum.up' }, () => assert.fail('it ran'));
  assert.ok(outcome.status === 'denied');
  assert.equal(outcome.problem.code, 'stopped');
});
