// What stops a run, and what makes it go on: failures and retries, pause, cancel, a stop.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { wholeFile } from '../../../../test/closing.ts';
import { openRunDoor } from '../../../../test/runs.ts';
import type { RunDoor } from '../../../../test/runs.ts';
import { until } from '../../../../test/until.ts';

let runs: RunDoor;
const file = wholeFile();
before(async () => {
  runs = await openRunDoor(file);
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

/** Who waits for a row in this test's database, by process id. */
async function waiters(): Promise<readonly number[]> {
  const rows = await runs.door.infrastructure.store.control<{ pid: number }[]>`
    select l.pid from pg_locks l join pg_stat_activity a using (pid)
    where not l.granted and l.locktype in ('transactionid', 'tuple') and a.datname = current_database()`;
  return [...new Set(rows.map(({ pid }) => pid))];
}

function waiting(count: number): Promise<readonly number[]> {
  return until(`${count} wait for the row`, async () => {
    const pids = await waiters();
    return pids.length >= count && pids;
  });
}

/** Has `id` done again from `a` in the moment between the end of `a` and what the worker makes of it. */
async function doneAgainAtOnce(id: string, finish: () => void): Promise<void> {
  // In a list, so that the answer, which waits for this transaction, is not waited for in here.
  const [answer] = await runs.door.infrastructure.store.withTenant('default', async (tx) => {
    await tx`select 1 from mandate.workflow_run where id = ${id} for update`;
    const asked = runs.door.call('POST', `/api/v1/workflows/${id}/retry`, { body: { from: 'a' } });
    // The retry is the first in the queue for the run, and the worker, which knows of no retry, the second.
    await waiting(1);
    finish();
    await waiting(2);
    return [asked];
  });
  const retried = await answer;
  assert.equal(retried?.status, 200, retried?.text);
}

/** Does `work.a` with the results 1, 2, …; the first ends only when it is told to. */
function countedA(): { readonly finish: () => void; readonly begun: () => boolean } {
  let finish = (): void => undefined;
  const told = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let count = 0;
  runs.executes(async ({ action }) => {
    if (action !== 'work.a') return {};
    count += 1;
    const v = count;
    if (v === 1) await told;
    return { v };
  });
  return { finish, begun: () => count > 0 };
}

test('a retry that was answered is done, also where the run was just about to end', async () => {
  await runs.write(`name: single
agent: builder-1
steps: [{ id: a, action: work.a }]
`);
  const { finish, begun } = countedA();
  const id = await runs.start('single');
  await until('a has begun', begun);
  await doneAgainAtOnce(id, finish);
  assert.equal((await runs.ended(id)).status, 'succeeded');
  assert.equal(runs.done.length, 2, JSON.stringify(runs.done));
});

test('a step that was about to begin when what it builds on was to be done again begins with the new result', async () => {
  await runs.write(`name: pair
agent: builder-1
steps:
  - { id: a, action: work.a }
  - { id: b, action: work.b, needs: a, parameters: { of: '\${{ steps.a.result.v }}' } }
`);
  const { finish, begun } = countedA();
  const id = await runs.start('pair');
  await until('a has begun', begun);
  await doneAgainAtOnce(id, finish);
  assert.equal((await runs.ended(id)).status, 'succeeded');
  assert.deepEqual(runs.done.slice(2), [{ action: 'work.b', parameters: { of: 2 } }]);
});

test('a step that was about to be skipped when what it depends on was to be done again is asked about again', async () => {
  await runs.write(`name: second
agent: builder-1
steps:
  - { id: a, action: work.a }
  - { id: b, action: work.b, needs: a, when: 'steps.a.result.v == 2' }
`);
  const { finish, begun } = countedA();
  const id = await runs.start('second');
  await until('a has begun', begun);
  await doneAgainAtOnce(id, finish);
  assert.equal((await runs.ended(id)).status, 'succeeded');
  assert.deepEqual(
    runs.done.map(({ action }) => action),
    ['work.a', 'work.a', 'work.b'],
  );
});

test('an approved step that was about to begin when its run was paused begins only when it is resumed', async () => {
  runs.executes(() => Promise.resolve({}));
  const id = await runs.start('held');
  const held = await runs.held(id);
  const { store } = runs.door.infrastructure;
  const late = await store.withTenant('default', async (tx) => {
    // Its start has been let through and comes to a halt before it is committed.
    await tx`select 1 from mandate.agent where id = 'builder-1' for update`;
    await runs.approve(held, 'ship');
    await waiting(1);
    const paused = await runs.door.call('POST', `/api/v1/workflows/${id}/pause`, { body: {} });
    assert.equal(paused.status, 200, paused.text);
    return waiters();
  });
  await until('the late start is over', async () => {
    const rows = await store.control`
      select 1 from pg_locks where pid = any(${[...late]}) and locktype in ('transactionid', 'tuple')`;
    return rows.length === 0;
  });
  const ship = held.steps.find(({ step }) => step === 'ship')?.actionId ?? '';
  const act = await runs.door.call('GET', `/api/v1/actions/${ship}`);
  assert.equal(act.json?.['status'], 'waiting_for_approval');
  assert.equal(
    runs.done.some(({ action }) => action === 'deploy.production'),
    false,
  );
  assert.equal((await runs.door.call('POST', `/api/v1/workflows/${id}/resume`, { body: {} })).status, 200);
  assert.equal((await runs.ended(id)).status, 'succeeded');
});
