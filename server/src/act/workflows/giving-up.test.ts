// Steps that are given up while they are at work: a run believes their acts and nothing else.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { wholeFile } from '../../../../test/closing.ts';
import { openRunDoor } from '../../../../test/runs.ts';
import type { RunDoor } from '../../../../test/runs.ts';
import { until } from '../../../../test/until.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import { createGiveUp } from './give-up.ts';
import { createSettling } from './settling.ts';
import { findRun } from './store.ts';
import type { SettledRow } from './store.ts';

let runs: RunDoor;
const file = wholeFile();
before(async () => {
  runs = await openRunDoor(file);
});

const TOKEN = `ghp_${'aB3dE6'.repeat(6)}`;

/** The action `work.slow` goes on, whatever it is told, until it is let go. */
function slowly() {
  const told = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  runs.executes(async ({ action, signal }) => {
    if (action !== 'work.slow') return {};
    signal.addEventListener('abort', () => told.resolve(), { once: true });
    await go.promise;
    return { is: 'done' };
  });
  return { told: told.promise, go: () => go.resolve() };
}

const actions = (): readonly string[] => runs.done.map(({ action }) => action);

async function steer(id: string, how: string): Promise<void> {
  const answer = await runs.door.call('POST', `/api/v1/workflows/${id}/${how}`, { body: {} });
  assert.equal(answer.status, 200, answer.text);
}

// I7
test('a step that takes too long is told to end, and is not begun again while it is still at work', async () => {
  await runs.write(`name: slow
agent: builder-1
steps: [{ id: slow, action: work.slow, timeout: 50ms, retries: { max: 3, backoff: 1ms } }]
`);
  const { told, go } = slowly();
  const id = await runs.start('slow');
  await told;
  assert.deepEqual([actions(), (await runs.look(id)).status], [['work.slow'], 'running']);
  go();
  const run = await runs.ended(id);
  assert.equal(run.status, 'succeeded', JSON.stringify(run));
  assert.deepEqual(actions(), ['work.slow'], 'it was done once, and counts as what it is');
});

// I7
test('what another process is doing is not written off because it could not be told to end', async () => {
  const { store, clock } = runs.door.infrastructure;
  const run = await findRun(store, 'default', await runs.start('plain'));
  assert.ok(run !== null);
  await runs.ended(run.id);
  const asker = { tenant: 'default', id: 'x', roles: [] } as unknown as Asker;
  const written: unknown[] = [];
  const giveUp = createGiveUp({
    store,
    clock,
    road: {
      cancel: () => Promise.resolve({ kind: 'refused', refusal: { code: 'conflict', detail: 'elsewhere' } }),
    },
    writeEntry: () => Promise.resolve(),
  });
  const isToBeReadAgain = await giveUp(
    [{ instance: 'only', why: 'It took longer than its timeout.', isTimeout: true }],
    {
      run,
      asker,
      states: new Map([['only', { kind: 'begun', attempt: 1, sinceMs: 0, awaiting: 'run' }]]),
      acts: new Map([['only', run.id]]),
      settle: (rows) => Promise.resolve(void written.push(...rows)),
    },
  );
  assert.deepEqual([isToBeReadAgain, written], [true, []]);
});

// I7
test('a run that is cancelled waits for what is at work, and undoes it if it was done after all', async () => {
  await runs.write(`name: late
agent: builder-1
steps: [{ id: slow, action: work.slow, compensate: undo.slow }]
`);
  const { told, go } = slowly();
  const id = await runs.start('late');
  await until('it is at work', () => runs.done.length === 1);
  await steer(id, 'cancel');
  await told;
  assert.equal((await runs.look(id)).status, 'cancelling');
  go();
  const run = await runs.ended(id);
  assert.deepEqual(
    [run.status, run.error, actions()],
    ['cancelled', 'Cancelled.', ['work.slow', 'undo.slow']],
  );
});

// I7
test('a run that is cancelled says of which steps nobody knows how they ended', async () => {
  runs.executes(
    ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('broken off')), { once: true });
      }),
  );
  const id = await runs.start('late');
  await until('it is at work', () => runs.done.length === 1);
  await steer(id, 'cancel');
  const run = await runs.ended(id);
  assert.equal(run.status, 'cancelled');
  assert.match(run.error ?? '', /^Cancelled\. Nobody knows how this ended: slow\./);
  assert.deepEqual(actions(), ['work.slow']);
});

test('an offer that nobody takes in time is withdrawn, and the run ends', async () => {
  runs.executes(() => Promise.resolve({}));
  await runs.write(`name: unwanted
agent: builder-1
steps: [{ id: write, action: own.write, timeout: 20ms }]
`);
  const run = await runs.ended(await runs.start('unwanted'));
  assert.deepEqual([run.status, run.error], ['failed', 'write: It took longer than its timeout.']);
  assert.deepEqual((await runs.door.call('GET', '/api/v1/workflow-steps')).json, { items: [] });
});

test('a run that is paused while its step fails rests until it is resumed, and undoes nothing before', async () => {
  const go = Promise.withResolvers<void>();
  runs.executes(async ({ action }) => {
    if (action === 'work.fails') await go.promise;
    if (action === 'work.fails') throw new Error('no');
    return {};
  });
  await runs.write(`name: resting
agent: builder-1
onFailure: compensate
steps:
  - { id: one, action: work.one, compensate: undo.one }
  - { id: two, action: work.fails, needs: one }
`);
  const id = await runs.start('resting');
  await until('the second is at work', () => runs.done.length === 2);
  await steer(id, 'pause');
  go.resolve();
  await until('it rests', async () => (await runs.look(id)).waitsFor.includes('resume'));
  assert.deepEqual(actions(), ['work.one', 'work.fails']);
  await steer(id, 'resume');
  assert.equal((await runs.ended(id)).status, 'failed');
  assert.deepEqual(actions(), ['work.one', 'work.fails', 'undo.one']);
});

test('what was undone is done again before anything is built on it, and undone again if that fails', async () => {
  let failures = 2;
  runs.executes(({ action }) =>
    action === 'work.fails' && failures-- > 0 ? Promise.reject(new Error('no')) : Promise.resolve({}),
  );
  const id = await runs.start('resting');
  await runs.ended(id);
  await steer(id, 'retry');
  const again = await runs.ended(id);
  assert.equal(again.status, 'failed', JSON.stringify(again));
  await steer(id, 'retry');
  assert.equal((await runs.ended(id)).status, 'succeeded');
  const round = ['work.one', 'work.fails', 'undo.one'];
  assert.deepEqual(actions(), [...round, ...round, 'work.one', 'work.fails']);
});

// I9
test('a secret in what an executor or an expression complains of is on no record of the run', async () => {
  runs.executes(() => Promise.reject(new Error(`401 for ${TOKEN}`)));
  await runs.write(`name: leaky
inputs: { text: string }
agent: builder-1
steps:
  - { id: thrown, action: work.thrown }
  - { id: made, action: work.made, parameters: { n: '\${{ int(inputs.text) }}' } }
`);
  const id = await runs.start('leaky', { text: TOKEN });
  const run = await runs.ended(id);
  assert.match(run.error ?? '', /made: .*a value cannot be read as int/, JSON.stringify(run));
  const thrown = await runs.ended(await runs.start('plain'));
  assert.match(thrown.error ?? '', /401 for \[redacted/);
  const { control } = runs.door.infrastructure.store;
  const rows = await control`
    select (select string_agg(to_jsonb(r)::text, ' ') from mandate.workflow_run r) as runs,
      (select string_agg(to_jsonb(s)::text, ' ') from mandate.workflow_step s) as steps,
      (select string_agg(data::text, ' ') from mandate.journal) as entries`;
  const record = JSON.stringify(rows);
  for (const place of ['runs', 'steps', 'entries'])
    assert.match(String(rows[0]?.[place]), /401 for \[redacted/, place);
  assert.equal(record.includes(TOKEN.slice(8, 24)), false);
});

test('a run whose template cannot be read any more ends with that reason instead of being tried for ever', async () => {
  runs.executes(() => Promise.resolve({}));
  const id = await runs.start('held');
  await runs.held(id);
  await runs.door.infrastructure.store.control`
    update mandate.workflow_run set version = 'of-yesterday', wake_at = now() where id = ${id}`;
  const run = await runs.ended(id);
  assert.equal(run.status, 'failed');
  assert.match(run.error ?? '', /The template held@of-yesterday cannot be read/);
});

test('an end that is told twice at once is on record once, and holds up no other run', async () => {
  const [one, two] = [await runs.start('plain'), await runs.start('plain')];
  await Promise.all([runs.ended(one), runs.ended(two)]);
  const { store, clock } = runs.door.infrastructure;
  const settling = createSettling({ db: store.app, clock });
  const row = (run: string, instance: string): SettledRow => ({
    run,
    steering: 0,
    instance,
    attempt: 1,
    status: 'failed',
    why: null,
    error: 'x',
    isFinal: true,
    untilMs: null,
    result: null,
    actId: null,
    actor: 'test',
    traceId: null,
    data: '{"step":"x"}',
  });
  // The first goes alone; the others wait for it and go together.
  await Promise.all([
    settling.write('default', [row(one, 'first')]),
    settling.write('default', [row(one, 'same'), row(one, 'same')]),
    settling.write('default', [row(one, 'same')]),
    settling.write('default', [row(two, 'other')]),
  ]);
  const [count] = await store.control<{ steps: number }[]>`
    select count(*)::integer as steps from mandate.workflow_step where instance in ('first', 'same', 'other')`;
  assert.equal(count?.steps, 3);
});
