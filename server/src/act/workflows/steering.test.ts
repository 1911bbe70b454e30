// What stops a run, and what makes it go on: failures and retries, pause, cancel, a stop.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openRunDoor } from '../../../../test/runs.ts';
import type { RunDoor } from '../../../../test/runs.ts';
import { until } from '../../../../test/until.ts';

let runs: RunDoor;
const closing: (() => Promise<void>)[] = [];
before(async () => {
  runs = await openRunDoor({ after: (fn) => void closing.push(fn) });
});
after(async () => {
  for (const close of closing) await close();
});

test('a failed step is tried again as often as it says, and the run can be done again from there', async () => {
  let isBroken = true;
  runs.executes((call) =>
    call.action === 'work.shaky' && isBroken ? Promise.reject(new Error('shaky')) : Promise.resolve({}),
  );
  await runs.write(`name: shaky
agent: tester-1
steps:
  - { id: before, action: work.before }
  - { id: shaky, action: work.shaky, needs: before, retries: { max: 1, backoff: 1ms } }
  - { id: later, action: work.later, needs: shaky }
`);
  const id = await runs.start('shaky');
  const failed = await runs.ended(id);
  assert.equal(failed.status, 'failed');
  assert.match(failed.error ?? '', /shaky: .*shaky/);
  assert.deepEqual(
    runs.done.map(({ action }) => action),
    ['work.before', 'work.shaky', 'work.shaky'],
  );
  isBroken = false;
  const again = await runs.door.call('POST', `/api/v1/workflows/${id}/retry`, { body: {} });
  assert.equal(again.status, 200, again.text);
  assert.equal((await runs.ended(id)).status, 'succeeded');
  assert.deepEqual(
    runs.done.slice(3).map(({ action }) => action),
    ['work.shaky', 'work.later'],
    'what was done is not done again',
  );
});

test('a cancelled run cancels what waits and undoes what was done, the last first', async () => {
  runs.executes((call) => Promise.resolve({ of: call.action }));
  await runs.write(`name: saga
agent: builder-1
steps:
  - { id: one, action: work.one, compensate: { action: undo.one, parameters: { of: '\${{ result.of }}' } } }
  - { id: two, action: work.two, needs: one, compensate: undo.two }
  - { id: ship, action: deploy.production, needs: two, compensate: undo.ship }
`);
  const id = await runs.start('saga');
  const held = await until('it waits', async () => {
    const run = await runs.look(id);
    return run.waitsFor.includes('approval') && run;
  });
  const cancelled = await runs.door.call('POST', `/api/v1/workflows/${id}/cancel`, {
    body: { reason: 'changed our minds' },
  });
  assert.equal(cancelled.status, 200, cancelled.text);
  const run = await runs.ended(id);
  assert.equal(run.status, 'cancelled', JSON.stringify(run));
  assert.deepEqual(runs.done, [
    { action: 'work.one', parameters: {} },
    { action: 'work.two', parameters: {} },
    { action: 'undo.two', parameters: { step: 'two' } },
    { action: 'undo.one', parameters: { of: 'work.one' } },
  ]);
  const act = await runs.door.call(
    'GET',
    `/api/v1/actions/${held.steps.find(({ step }) => step === 'ship')?.actionId ?? ''}`,
  );
  assert.equal(act.json?.['status'], 'cancelled');
});

test('a paused run begins nothing, not even what is approved meanwhile, until it is resumed', async () => {
  runs.executes(() => Promise.resolve({}));
  const id = await runs.start('held');
  const held = await until('it waits', async () => {
    const run = await runs.look(id);
    return run.waitsFor.includes('approval') && run;
  });
  assert.equal((await runs.door.call('POST', `/api/v1/workflows/${id}/pause`, { body: {} })).status, 200);
  const approvalId = held.steps.find(({ step }) => step === 'ship')?.approvalId ?? '';
  const { json } = await runs.door.call('GET', `/api/v1/approvals/${approvalId}`);
  await runs.door.call('POST', `/api/v1/approvals/${approvalId}/decision`, {
    body: { decision: 'approve', digest: json?.['digest'] },
  });
  let begun: number | undefined;
  // Two looks of the upkeep, which begins what is approved.
  await until('upkeep has looked', async () => {
    const [row] = await runs.door.infrastructure.store.control<
      { at: number }[]
    >`select extract(epoch from lease_until)::float8 as at from mandate.worker`;
    begun ??= row?.at ?? 0;
    return (row?.at ?? 0) > begun + 2;
  });
  assert.equal(
    runs.done.some(({ action }) => action === 'deploy.production'),
    false,
  );
  assert.equal((await runs.look(id)).status, 'paused');
  assert.equal((await runs.door.call('POST', `/api/v1/workflows/${id}/resume`, { body: {} })).status, 200);
  assert.equal((await runs.ended(id)).status, 'succeeded');
});

test('a stop lets no step begin, and when it is lifted the run goes on', async () => {
  runs.executes(() => Promise.resolve({}));
  assert.equal((await runs.door.call('POST', '/api/v1/stop', { body: { reason: 'a test' } })).status, 200);
  const id = await runs.start('plain');
  await until('it is held back', async () => (await runs.look(id)).waitsFor.includes('blocked'));
  assert.deepEqual(runs.done, []);
  assert.equal((await runs.door.call('POST', '/api/v1/resume', { body: { reason: 'over' } })).status, 200);
  assert.equal((await runs.ended(id)).status, 'succeeded');
  assert.equal(runs.done.length, 1);
});
