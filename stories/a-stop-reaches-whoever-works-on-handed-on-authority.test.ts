// An agent that is stopped or frozen must not go on through the workers to whom it handed its authority.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, resume, stop } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import type { TestServer } from '../test/server.ts';

async function handOn(
  server: TestServer,
  key: string,
  to: string,
): Promise<{ readonly id: string; readonly token: string; readonly from: string }> {
  const order = { to, actions: ['test.*'], purpose: 'a story', expiresAt: '2099-01-01T00:00:00Z' };
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
