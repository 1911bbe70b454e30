// A client that does not know whether its request arrived sends it again, perhaps a thousand times at once. It must
// come to one execution, and no answer may contradict another.
import assert from 'node:assert/strict';
import test from 'node:test';
import { makeEffectProgram } from '../test/effects.ts';
import { ask, askPatiently, many } from '../test/road.ts';
import { startServer } from '../test/server.ts';

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
