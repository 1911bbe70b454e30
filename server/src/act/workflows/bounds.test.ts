// What keeps a run within the authority of those who answer for it: whoever steers it, takes its steps, edits them or has
// them begun by a schedule.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { wholeFile } from '../../../../test/closing.ts';
import { openRunDoor } from '../../../../test/runs.ts';
import type { RunDoor } from '../../../../test/runs.ts';
import { until } from '../../../../test/until.ts';
import { schedulesSection } from '../../decide/charter/schedules-schema.ts';
import { forgetRuns } from './machine.ts';

let runs: RunDoor;
const file = wholeFile();
before(async () => {
  runs = await openRunDoor(file);
});

const SHAKY = `name: shaky
agent: builder-1
steps: [{ id: shaky, action: work.shaky }]
`;

async function startAs(key: string, template: string): Promise<string> {
  const started = await runs.door.call('POST', '/api/v1/workflows', { key, body: { template } });
  assert.equal(started.status, 201, started.text);
  return String(started.json?.['id']);
}

async function revoke(id: string): Promise<void> {
  const revoked = await runs.door.call('DELETE', `/api/v1/keys/${id}`);
  assert.ok(revoked.status < 300, revoked.text);
}

function change(id: string, what: string, options: { key?: string; body?: unknown } = {}) {
  return runs.door.call('POST', `/api/v1/workflows/${id}/${what}`, { body: {}, ...options });
}

test('a held step that is approved with other parameters is done with those, and its run goes on', async () => {
  runs.executes(() => Promise.resolve({}));
  const held = await runs.held(await runs.start('held'));
  const step = held.steps.find((each) => each.step === 'ship');
  const path = `/api/v1/approvals/${step?.approvalId ?? ''}`;
  const { json } = await runs.door.call('GET', path);
  const edited = await runs.door.call('POST', `${path}/edit`, {
    body: { digest: json?.['digest'], parameters: { slowly: true }, reason: 'not at once' },
  });
  assert.equal(edited.status, 201, edited.text);
  const run = await runs.ended(held.id);
  assert.equal(run.status, 'succeeded', JSON.stringify(run));
  assert.deepEqual(runs.done.slice(1), [
    { action: 'deploy.production', parameters: { slowly: true } },
    { action: 'work.tell', parameters: {} },
  ]);
  assert.notEqual(run.steps.find((each) => each.step === 'ship')?.actionId, step?.actionId);
});

test('an offered step is handed out only while the key that started the run stands', async () => {
  await runs.write(`name: offering
agent: builder-1
steps: [{ id: mine, action: own.mine }]
`);
  const operator = await runs.door.makeKey({ roles: ['operator'], agents: 'any' });
  const agent = await runs.door.makeKey({ roles: ['agent'], agents: ['builder-1'] });
  const id = await startAs(operator.text, 'offering');
  await until('it is offered', async () => (await runs.look(id)).waitsFor.includes('agent'));
  await revoke(operator.id);
  const taken = await change(id, 'take', { key: agent.text, body: { step: 'mine' } });
  assert.equal(taken.status, 409, taken.text);
  assert.match(taken.text, /has been revoked/);
});

test('an offered step can be taken although an earlier one has become ready since', async () => {
  runs.executes(() => Promise.resolve({}));
  await runs.write(`name: crowded
agent: builder-1
parallel: 1
steps:
  - { id: nap, wait: 700ms }
  - { id: first, wait: 1ms }
  - { id: early, action: work.early, needs: nap }
  - { id: mine, action: own.mine, needs: first }
`);
  const agent = await runs.door.makeKey({ roles: ['agent'], agents: ['builder-1'] });
  const id = await runs.start('crowded');
  await until('the nap is over', async () => {
    const { steps, waitsFor } = await runs.look(id);
    return (
      waitsFor.includes('agent') && steps.some(({ step, status }) => step === 'nap' && status === 'succeeded')
    );
  });
  const taken = await change(id, 'take', { key: agent.text, body: { step: 'mine' } });
  assert.equal(taken.status, 200, taken.text);
});

test('a key for one agent steers no run of another, and whoever has a run done again answers for it', async () => {
  let isBroken = true;
  runs.executes(() => (isBroken ? Promise.reject(new Error('shaky')) : Promise.resolve({})));
  await runs.write(SHAKY);
  const starter = await runs.door.makeKey({ roles: ['operator'], agents: 'any' });
  const tester = await runs.door.makeKey({ roles: ['operator'], agents: ['tester-1'] });
  const builder = await runs.door.makeKey({ roles: ['operator'], agents: ['builder-1'] });
  const id = await startAs(starter.text, 'shaky');
  assert.equal((await runs.ended(id)).status, 'failed');
  isBroken = false;
  for (const what of ['retry', 'cancel', 'pause', 'resume']) {
    const answer = await change(id, what, { key: tester.text });
    assert.equal(answer.status, 403, `${what}: ${answer.text}`);
    assert.match(answer.text, /acts as builder-1/);
  }
  assert.equal(runs.done.length, 1);
  await revoke(starter.id);
  const again = await change(id, 'retry', { key: builder.text });
  assert.equal(again.status, 200, again.text);
  const run = await runs.ended(id);
  assert.equal(run.status, 'succeeded', JSON.stringify(run));
  assert.equal(runs.done.length, 2);
});

test('what was done is undone although the key that had it done is gone', async () => {
  runs.executes(() => Promise.resolve({}));
  await runs.write(`name: undone
agent: builder-1
steps:
  - { id: one, action: work.one, compensate: undo.one }
  - { id: ship, action: deploy.production, needs: one }
`);
  const starter = await runs.door.makeKey({ roles: ['operator'], agents: 'any' });
  const { id } = await runs.held(await startAs(starter.text, 'undone'));
  await revoke(starter.id);
  const cancelled = await change(id, 'cancel');
  assert.equal(cancelled.status, 200, cancelled.text);
  assert.equal((await runs.ended(id)).status, 'cancelled');
  assert.deepEqual(
    runs.done.map(({ action }) => action),
    ['work.one', 'undo.one'],
  );
});

test('a step that begins while a run is being done again is seen, and it is not done twice', async () => {
  runs.executes(() => Promise.reject(new Error('shaky')));
  await runs.write(SHAKY);
  const { store } = runs.door.infrastructure;
  const held = await runs.held(
    await runs.start('held').finally(() => runs.executes(() => Promise.resolve({}))),
  );
  runs.executes(() => Promise.reject(new Error('shaky')));
  const id = await runs.start('shaky');
  await runs.ended(id);
  const act = held.steps.find(({ step }) => step === 'ship')?.actionId ?? '';
  const asked = await store.withTenant('default', async (tx) => {
    // As a step begins: it holds the run, then stands there.
    await tx`select 1 from mandate.workflow_run where id = ${id} for key share`;
    const answer = change(id, 'retry');
    await until('it waits for the step', async () => {
      const [row] = await store.control<{ waits: boolean }[]>`
        select exists (select 1 from pg_locks where not granted and locktype in ('transactionid', 'tuple')) as waits`;
      return row?.waits === true;
    });
    await tx`insert into mandate.workflow_step (tenant, run, instance, attempt, act_id, begun_at)
      values ('default', ${id}, 'shaky', 9, ${act}, now())`;
    // In a list, so that it is not waited for in here.
    return [answer];
  });
  const [answer] = await Promise.all(asked);
  assert.ok(answer !== undefined);
  assert.equal(answer.status, 409, answer.text);
  assert.match(answer.text, /is still waiting_for_approval/);
});

test('how an act ended is said by those who answer for its agent, and neither by its own key nor by an attestor', async () => {
  runs.executes(() => Promise.resolve({}));
  await runs.write(`name: own
agent: builder-1
steps: [{ id: only, action: work.only }]
`);
  const own = await runs.door.makeKey({ roles: ['operator'], agents: ['builder-1'] });
  const other = await runs.door.makeKey({ roles: ['operator'], agents: ['tester-1'] });
  const attestor = await runs.door.makeKey({ roles: ['attestor'], agents: 'any' });
  const run = await runs.ended(await startAs(own.text, 'own'));
  const act = run.steps[0]?.actionId ?? '';
  const resolve = (key?: string) =>
    runs.door.call('POST', `/api/v1/actions/${act}/resolve`, {
      body: { status: 'success', reason: 'looked' },
      ...(key === undefined ? {} : { key }),
    });
  assert.equal((await resolve(attestor.text)).status, 403);
  assert.equal((await resolve(other.text)).status, 404);
  const mine = await resolve(own.text);
  assert.equal(mine.status, 403, mine.text);
  assert.match(mine.text, /somebody else has to look/);
  // Its end is known; who may say so comes first.
  assert.equal((await resolve()).status, 409);
});

test('a schedule names what it runs by its version, which nobody who writes templates can replace', () => {
  const schedule = (template: string) => [{ name: 'nightly', cron: '0 2 * * *', template }];
  assert.equal(schedulesSection.safeParse(schedule('report')).success, false);
  assert.equal(schedulesSection.safeParse(schedule('report@latest')).success, false);
  assert.equal(schedulesSection.safeParse(schedule(`report@${'a'.repeat(64)}`)).success, true);
});

test('runs that ended long ago are forgotten with their steps, all of them at once', async () => {
  const { store } = runs.door.infrastructure;
  const count = () =>
    store.withTenant('default', async (tx) => {
      const [row] = await tx<{ runs: number; steps: number }[]>`
        select (select count(*)::integer from mandate.workflow_run where template = 'old') as runs,
          (select count(*)::integer from mandate.workflow_step where instance = 'old') as steps`;
      return row;
    });
  await store.withTenant('default', async (tx) => {
    await tx`
      insert into mandate.workflow_run (tenant, id, template, version, status, started_by, sealed, created_at, ended_at)
      select 'default', gen_random_uuid(), 'old', '', 'succeeded', 'somebody', '', now(), now() - interval '1 day' * case when n <= 1200 then 91 else 89 end
      from generate_series(1, 1203) n`;
    await tx`
      insert into mandate.workflow_step (tenant, run, instance, attempt, begun_at)
      select tenant, id, 'old', 1, created_at from mandate.workflow_run where template = 'old'`;
  });
  assert.equal(await forgetRuns(store.control, Date.now()), 1_200);
  assert.deepEqual(await count(), { runs: 3, steps: 3 });
  const [grants] = await store.control<{ whole: boolean; due: boolean }[]>`
    select has_column_privilege('mandate_control', 'mandate.workflow_run', 'status', 'update') as whole,
      has_column_privilege('mandate_control', 'mandate.workflow_run', 'wake_at', 'update') as due`;
  assert.deepEqual(grants, { whole: false, due: true }, 'how a run stands the machine cannot change');
});
