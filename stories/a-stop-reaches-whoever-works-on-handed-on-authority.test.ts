// An agent that is stopped or frozen must not go on through the workers to whom it handed its authority.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, resume, stop } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import type { TestServer } from '../test/server.ts';

const SOON = new Date(Date.now() + 3_600_000).toISOString();

async function handOn(
  server: TestServer,
  key: string,
  to: string,
): Promise<{ readonly id: string; readonly token: string; readonly from: string }> {
  const order = { to, actions: ['test.*'], purpose: 'a story', expiresAt: SOON };
  const { status, body } = await server.call<{ id: string; token: string; from: string }>(
    '/api/v1/grants',
    order,
    { key },
  );
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}

// I2
test('a stop of an agent reaches its workers and theirs, whatever kind of key began the chain', async (t) => {
  const server = await startServer(t);
  const plain = await server.makeKey({ roles: ['agent'], agents: ['builder-1'] });
  const ofAda = await server.makeKey({ roles: ['agent'], agents: ['builder-1'], user: { id: 'ada' } });
  for (const key of [plain, ofAda]) {
    const worker = await handOn(server, key, 'worker-1');
    assert.equal(worker.from, 'builder-1');
    const helper = await handOn(server, worker.token, 'helper-1');
    const asWorker = () => ask(server, { agent: 'worker-1', action: 'test.run' }, { key: worker.token });
    const asHelper = () => ask(server, { agent: 'helper-1', action: 'test.run' }, { key: helper.token });
    assert.equal((await asHelper()).status, 200);
    await stop(server, { scope: 'agent:builder-1' });
    assert.equal((await asWorker()).body.code, 'stopped');
    assert.equal((await asHelper()).body.code, 'stopped');
    await resume(server, { scope: 'agent:builder-1' });
    assert.equal((await asWorker()).status, 200);
    await server.call('/api/v1/agents/worker-1/freeze', { reason: 'a story' });
    assert.equal((await asHelper()).body.code, 'frozen');
    await server.call('/api/v1/agents/worker-1/unfreeze', { reason: 'a story' });
  }
});

test('an agent takes back what it handed on, and what hangs on it opens nothing any more', async (t) => {
  const server = await startServer(t);
  const key = await server.makeKey({ roles: ['agent'], agents: ['builder-1'] });
  const worker = await handOn(server, key, 'worker-1');
  const helper = await handOn(server, worker.token, 'helper-1');
  const taken = await server.call(`/api/v1/grants/${worker.id}`, undefined, { key, method: 'DELETE' });
  assert.equal(taken.status, 200, JSON.stringify(taken.body));
  const asHelper = await ask(server, { agent: 'helper-1', action: 'test.run' }, { key: helper.token });
  assert.equal(asHelper.status, 403);
});

// I2
test('what a stop finds at work, and when all is quiet, counts workers on handed-on authority and whole classes', async (t) => {
  const server = await startServer(t, {
    charter: `version: 1
agents: { builder-1: { class: background } }
tiers: { green: { actions: [test.*] } }
`,
  });
  const key = await server.makeKey({ roles: ['agent'], agents: ['builder-1'] });
  const worker = await handOn(server, key, 'worker-1');
  const own = await ask(server, { agent: 'builder-1' }, { key });
  const theirs = await ask(server, { agent: 'worker-1' }, { key: worker.token });
  const others = await ask(server, { agent: 'bystander-1', resource: { type: 'portal', id: 'crm' } });
  for (const { status, body } of [own, theirs, others])
    assert.deepEqual([status, body.status], [200, 'permitted'], JSON.stringify(body));
  const found = async (scope: string): Promise<readonly string[]> => {
    const { body } = await stop(server, { scope });
    assert.ok(body.confirmedAt !== null && body.quietAt !== null);
    assert.equal(
      body.quietAt > body.confirmedAt,
      body.inFlight.length > 0,
      `${scope} is quiet with its last permit`,
    );
    return body.inFlight.map(({ agent }) => agent);
  };
  assert.deepEqual(await found('agent:builder-1'), ['builder-1', 'worker-1']);
  assert.deepEqual(await found('agent:worker-1'), ['worker-1']);
  assert.deepEqual(await found('class:background'), ['builder-1']);
  assert.deepEqual(await found('class:night'), []);
  assert.deepEqual(await found('action:test.r*'), ['builder-1', 'worker-1', 'bystander-1']);
  assert.deepEqual(await found('resource:portal/tms'), ['builder-1', 'worker-1'], 'whatever does not say');
});
