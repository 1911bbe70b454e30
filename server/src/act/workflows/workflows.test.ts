// Runs on a real database with the real run machine: what a template says is done, once, by way of the road.
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

test('a run does its steps in order, hands results on and answers with its outputs', async () => {
  runs.executes((call) => Promise.resolve({ got: call.parameters, number: 7 }));
  await runs.write(`name: chain
inputs: { who: string }
agent: builder-1
steps:
  - { id: first, action: work.one, parameters: { greet: 'hello \${{ inputs.who }}' }, outputs: { n: 'result.number' } }
  - { id: second, role: tester, action: work.two, needs: first, parameters: { n: '\${{ steps.first.outputs.n }}', text: '\${{ steps.first.result.got.greet }}!' } }
outputs: { said: '\${{ steps.second.result.got.text }}' }
`);
  const id = await runs.start('chain', { who: 'world' });
  const run = await runs.ended(id);
  assert.equal(run.status, 'succeeded', JSON.stringify(run));
  assert.deepEqual(runs.done, [
    { action: 'work.one', parameters: { greet: 'hello world' } },
    { action: 'work.two', parameters: { n: 7, text: 'hello world!' } },
  ]);
  assert.deepEqual(run.output, { said: 'hello world!' });
  assert.deepEqual(
    run.steps.map(({ step, status }) => [step, status]),
    [
      ['first', 'succeeded'],
      ['second', 'succeeded'],
    ],
  );
});

test('a held step parks the run; its approval, and nothing else, lets it go on', async () => {
  runs.executes(() => Promise.resolve({}));
  const id = await runs.start('held');
  const held = await until('it waits', async () => {
    const run = await runs.look(id);
    return run.status === 'waiting' && run.waitsFor.includes('approval') && run;
  });
  assert.deepEqual(
    runs.done.map(({ action }) => action),
    ['work.build'],
  );
  const approvalId = held.steps.find(({ step }) => step === 'ship')?.approvalId ?? '';
  const approval = await runs.door.call('GET', `/api/v1/approvals/${approvalId}`);
  const approved = await runs.door.call('POST', `/api/v1/approvals/${approvalId}/decision`, {
    body: { decision: 'approve', digest: approval.json?.['digest'] },
  });
  assert.equal(approved.status, 200, approved.text);
  const run = await runs.ended(id);
  assert.equal(run.status, 'succeeded');
  assert.deepEqual(
    runs.done.map(({ action }) => action),
    ['work.build', 'deploy.production', 'work.tell'],
  );
});

test('a list is worked through at most so many at a time, and its results come in its order', async () => {
  let live = 0;
  let most = 0;
  runs.executes(async (call) => {
    live += 1;
    most = Math.max(most, live);
    await new Promise((resolve) => setImmediate(resolve));
    live -= 1;
    return { doubled: Number(call.parameters['n']) * 2 };
  });
  await runs.write(`name: fan
inputs: { numbers: list }
agent: builder-1
steps:
  - { id: each, action: work.each, forEach: { in: inputs.numbers, max: 2 }, parameters: { n: '\${{ item }}', at: '\${{ index }}' } }
outputs: { all: '\${{ steps.each.result.map(r, r.doubled) }}' }
`);
  const run = await runs.ended(await runs.start('fan', { numbers: [1, 2, 3, 4, 5] }));
  assert.deepEqual(run.output, { all: [2, 4, 6, 8, 10] }, JSON.stringify(run));
  assert.ok(most <= 2, `${most} at once`);
});

test('a condition skips its step and what needs it; a timer lets the run sleep', async () => {
  runs.executes(() => Promise.resolve({}));
  await runs.write(`name: choice
inputs: { ship: { type: boolean, default: false } }
agent: builder-1
steps:
  - { id: nap, wait: 20ms }
  - { id: ship, action: work.ship, when: inputs.ship, needs: nap }
  - { id: announce, action: work.announce, needs: ship }
  - { id: report, action: work.report, needs: ship, when: "steps.ship.status == 'skipped'" }
`);
  const run = await runs.ended(await runs.start('choice'));
  assert.equal(run.status, 'succeeded', JSON.stringify(run));
  assert.deepEqual(
    runs.done.map(({ action }) => action),
    ['work.report'],
  );
});

test('what is denied ends the run with the reason, and a dry run would have said so', async () => {
  await runs.write(`name: forbidden
inputs: { n: number }
agent: builder-1
steps:
  - { id: fine, action: work.fine, parameters: { n: '\${{ inputs.n }}' } }
  - { id: ship, action: deploy.production, needs: fine, parameters: { got: '\${{ steps.fine.result.x }}' } }
  - { id: bad, action: never.this, needs: ship }
`);
  const dry = await runs.door.call('POST', '/api/v1/workflows?dryRun=true', {
    body: { template: 'forbidden', input: { n: 1 } },
  });
  const steps = dry.json?.['steps'] as { step: string; would: string; assumes: string[] }[];
  assert.deepEqual(
    steps.map(({ step, would, assumes }) => [step, would, assumes]),
    [
      ['fine', 'run', []],
      ['ship', 'hold', ['fine']],
      ['bad', 'deny', []],
    ],
  );
  assert.equal(
    (await runs.door.call('GET', '/api/v1/workflows?template=forbidden')).text,
    '{"items":[],"nextCursor":null}',
  );
  const wrong = await runs.door.call('POST', '/api/v1/workflows', {
    body: { template: 'forbidden', input: { m: 1 } },
  });
  assert.equal(wrong.status, 422);
  assert.match(
    String(wrong.json?.['detail']),
    /no input m .*did you mean 'n'.*the input n \(number\) is missing/,
  );
});

test('the stream of a run tells of its steps and their acts, from the beginning, and of nothing else', async () => {
  runs.executes(() => Promise.resolve({}));
  const other = await runs.start('plain');
  const id = await runs.start('plain');
  await Promise.all([runs.ended(other), runs.ended(id)]);
  const aborting = new AbortController();
  const response = await fetch(`${runs.door.url}/api/v1/workflows/${id}/events?from=0`, {
    headers: { 'x-api-key': runs.door.adminKey },
    signal: aborting.signal,
  });
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString('utf8');
    if (text.includes('mandate.workflow.succeeded')) break;
  }
  aborting.abort();
  const events = [...text.matchAll(/^data: (.*)$/gm)].map(
    ([, data = '']) => JSON.parse(data) as { type: string; subject?: string },
  );
  assert.deepEqual(
    events.map(({ type }) => type.replace('mandate.', '')).filter((type) => type !== 'trust.moved'),
    [
      'workflow.started',
      'workflow.step_begun',
      'action.started',
      'action.succeeded',
      'workflow.step_succeeded',
      'workflow.succeeded',
    ],
  );
  assert.equal(events[0]?.subject, `workflows/${id}`);
  assert.equal((await runs.door.call('GET', '/api/v1/workflows/nothing/events?from=0')).status, 404);
});

test('the same Idempotency-Key starts one run, however often and at once it is sent', async () => {
  const send = (body: object) =>
    runs.door.call('POST', '/api/v1/workflows', { body, headers: { 'idempotency-key': 'once' } });
  const answers = await Promise.all([1, 2, 3].map(() => send({ template: 'plain' })));
  assert.equal(new Set(answers.map(({ json }) => json?.['id'])).size, 1);
  assert.equal((await send({ template: 'held' })).status, 422);
  // Or its step is done in the middle of the next test.
  await runs.ended(String(answers[0]?.json?.['id']));
  const nobody = await runs.door.call('POST', '/api/v1/actions', {
    body: { agent: 'builder-1', action: 'work.only', idempotencyKey: '§not/for/callers' },
  });
  assert.equal(nobody.status, 422, 'nobody else begins a step of a run');
});

test('what an expression makes of a name is a name at every other door too, or its step fails', async () => {
  runs.executes(() => Promise.resolve({ odd: 'a\ud800b', turned: 'safe\u202egpj.exe', fine: 'tester-1' }));
  await runs.write(`name: named
agent: builder-1
steps:
  - { id: one, action: work.one }
  - { id: odd, action: work.two, needs: one, agent: '\${{ steps.one.result.odd }}' }
  - { id: offered, action: own.two, needs: one, agent: '\${{ steps.one.result.turned }}' }
  - { id: touching, action: work.two, needs: one, resource: { type: page, id: '\${{ steps.one.result.turned }}' } }
  - { id: fine, action: work.two, needs: one, agent: '\${{ steps.one.result.fine }}' }
`);
  const { steps } = await runs.ended(await runs.start('named'));
  const errors = Object.fromEntries(steps.map(({ step, error = '' }) => [step, error]));
  assert.match(errors['odd'] ?? '', /names as its agent is not a name of letters/);
  assert.match(errors['offered'] ?? '', /names as its agent is not a name of letters/);
  assert.match(errors['touching'] ?? '', /^The id of what the step touching touches must be without control/);
  assert.equal(errors['fine'], '');
});

test('a step that no executor takes waits for its agent, which does it under a permit of its own', async () => {
  runs.executes(() => Promise.resolve({}));
  await runs.write(`name: by-hand
agent: builder-1
steps:
  - { id: write, action: own.write, parameters: { what: poem } }
  - { id: after, action: work.after, needs: write, parameters: { got: '\${{ steps.write.result.text }}' } }
`);
  runs.executes(() => Promise.resolve({}));
  const id = await runs.start('by-hand');
  const { text: key } = await runs.door.makeKey({ roles: ['agent'], agents: ['builder-1'] });
  const { text: stranger } = await runs.door.makeKey({ roles: ['agent'], agents: ['other-1'] });
  const offered = await until('it is offered', async () => {
    const { json } = await runs.door.call('GET', '/api/v1/workflow-steps', { key });
    const items = json?.['items'] as { run: string; step: string }[];
    return items.length > 0 && items;
  });
  assert.deepEqual(
    offered.map(({ run, step }) => [run, step]),
    [[id, 'write']],
  );
  assert.deepEqual((await runs.door.call('GET', '/api/v1/workflow-steps', { key: stranger })).json, {
    items: [],
  });
  assert.equal(
    (await runs.door.call('POST', `/api/v1/workflows/${id}/take`, { key: stranger, body: { step: 'write' } }))
      .status,
    403,
  );
  const taken = await runs.door.call('POST', `/api/v1/workflows/${id}/take`, {
    key,
    body: { step: 'write' },
  });
  assert.equal(taken.json?.['status'], 'permitted', taken.text);
  assert.deepEqual(taken.json?.['parameters'], { what: 'poem' });
  const steps = (await runs.door.call('GET', `/api/v1/workflows/${id}`)).json?.['steps'] as {
    step: string;
    status: string;
  }[];
  assert.deepEqual(
    steps.filter(({ step }) => step === 'write').map(({ status }) => status),
    ['permitted'],
    'nobody is sent to take it again',
  );
  assert.equal(
    (await runs.door.call('POST', `/api/v1/workflows/${id}/take`, { key, body: { step: 'write' } })).status,
    409,
  );
  const reported = await runs.door.call('POST', `/api/v1/actions/${String(taken.json?.['id'])}/outcome`, {
    key,
    body: { permit: taken.json?.['permit'], status: 'success', result: { text: 'roses' } },
  });
  assert.equal(reported.status, 200, reported.text);
  assert.equal((await runs.ended(id)).status, 'succeeded');
  assert.deepEqual(runs.done, [{ action: 'work.after', parameters: { got: 'roses' } }]);
});
