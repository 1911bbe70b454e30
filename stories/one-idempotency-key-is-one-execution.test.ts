// A client that does not know whether its request arrived sends it again, perhaps a thousand times at once. It must
// come to one execution, and no answer may contradict another.
import assert from 'node:assert/strict';
import test from 'node:test';
import { makeEffectProgram } from '../test/effects.ts';
import { ask, askPatiently, many } from '../test/road.ts';
import type { ActReply } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import type { Reply } from '../test/server.ts';

// I1, I7
test('a thousand identical requests at once with one key run once, and every answer is that act or asks to come back', async (t) => {
  const program = await makeEffectProgram(t);
  const server = await startServer(t, {
    charter: `version: 1
executors: { program: { command: ${program.command} } }
actions: { test.run: { executor: program } }
tiers: { green: { actions: [test.run] }, red: { actions: [deploy.production] } }
`,
  });
  const same = { headers: { 'idempotency-key': 'the one key' } };
  const answers = await many(1_000, 1_000, () =>
    askPatiently(server, { parameters: { suite: 'all' } }, same),
  );

  const acts = new Set<string>();
  for (const { status, body, headers } of answers) {
    if (status === 200) acts.add(body.id);
    else {
      assert.deepEqual([status, body.code], [409, 'in_flight'], JSON.stringify(body));
      assert.ok(Number(headers.get('retry-after')) >= 1, 'whoever is told to come back is told when');
      acts.add(body.actionId ?? 'none');
    }
  }
  assert.equal(acts.size, 1, 'all answers speak of one act');
  const [actId] = acts;
  assert.deepEqual(await program.lines(), [actId], 'it ran exactly once');
  const later = await ask(server, { parameters: { suite: 'all' } }, same);
  assert.deepEqual(
    [later.status, later.body.id, later.body.status],
    [200, actId, 'success'],
    'a late repeat is answered with the act and its end',
  );

  const other = await ask(server, { parameters: { suite: 'another' } }, same);
  assert.deepEqual(
    [other.status, other.body.code],
    [422, 'idempotency_mismatch'],
    'the same key for another body is a mistake',
  );
  const stranger = await server.makeKey({ roles: ['agent'], agents: ['worker-1'] });
  const theirs = await ask(server, { parameters: { suite: 'all' } }, { ...same, key: stranger });
  assert.notEqual(theirs.body.id, actId, 'keys of different principals are different keys');
  const [row] = await server.database.admin<{ n: number }[]>`select count(*)::integer as n from mandate.act`;
  assert.equal(row?.n, 2);
});

// I6, I7
test('two hundred identical requests that need approval open one approval', async (t) => {
  const server = await startServer(t, {
    charter: 'version: 1\ntiers: { red: { actions: [deploy.production] } }\n',
  });
  const answers = await many(200, 200, () =>
    askPatiently(server, { action: 'deploy.production' }, { headers: { 'idempotency-key': 'one deploy' } }),
  );
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [202]);
  assert.equal(new Set(answers.map(({ body }) => body.approval?.id)).size, 1);
  const [row] = await server.database.admin<
    { n: number }[]
  >`select count(*)::integer as n from mandate.approval`;
  assert.equal(row?.n, 1);
});

// I7
test('a request that joined an open approval is answered with it again', async (t) => {
  const server = await startServer(t, {
    charter: 'version: 1\ntiers: { red: { actions: [deploy.production] } }\n',
  });
  const body = { agent: 'worker-1', action: 'deploy.production', attach: true };
  const answers: Reply<ActReply>[] = [];
  for (const key of ['first', 'second', 'second'])
    answers.push(
      await server.call<ActReply>('/api/v1/actions', body, { headers: { 'idempotency-key': key } }),
    );
  assert.deepEqual(
    answers.map(({ status, body: act }) => [status, act.id]),
    answers.map(() => [202, answers[0]?.body.id]),
  );
});

// I7
test('what was done is undone once, whoever asks for it and with whatever key', async (t) => {
  const server = await startServer(t, {
    charter: `version: 1
actions: { pay.out: { compensate: pay.back } }
tiers: { green: { actions: [pay.*, test.run] } }
`,
  });
  const paid = (await ask(server, { action: 'pay.out' })).body;
  const report = { permit: paid.permit, status: 'success' };
  assert.equal((await server.call(`/api/v1/actions/${paid.id}/outcome`, report)).status, 200);
  await ask(server, {}, { headers: { 'idempotency-key': `rollback:${paid.id}` } });
  const operator = await server.makeKey({ roles: ['operator'], agents: 'any' });
  const undo = (key?: string) =>
    server.call<ActReply>(
      `/api/v1/actions/${paid.id}/rollback`,
      { reason: 'a story' },
      key === undefined ? {} : { key },
    );
  const first = await undo();
  assert.deepEqual([first.status, first.body.status], [200, 'permitted'], JSON.stringify(first.body));
  const failed = { permit: first.body.permit, status: 'failed' };
  assert.equal((await server.call(`/api/v1/actions/${first.body.id}/outcome`, failed)).status, 200);
  // Of both at once the index lets one through; what failed was not undone and may be tried again.
  const answers = await Promise.all([undo(), undo(operator)]);
  assert.deepEqual(
    answers.map(({ status }) => `${status}`).toSorted(),
    ['200', '409'],
    JSON.stringify(answers),
  );
  const undone = answers.find(({ status }) => status === 200);
  const again = await undo();
  assert.deepEqual([again.status, again.body.code], [409, 'conflict'], JSON.stringify(again.body));
  assert.match(again.body.detail, new RegExp(`look at act ${undone?.body.id}, which is permitted`));
});
