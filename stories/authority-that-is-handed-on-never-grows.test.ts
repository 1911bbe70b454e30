// Whoever hands authority on chooses the name in the grant, the key that gives it and how long it lasts. None of
// that makes anybody more than they were: not another agent, not more trusted, not a person, not a wider key.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, approve, askHeld, look } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import type { TestServer } from '../test/server.ts';

const CHARTER = `version: 1
agents: { named-1: { class: builders } }
tiers:
  green: { actions: [test.*] }
  yellow: { actions: [deploy.staging] }
  red: { actions: [hold.it] }
`;

function inDays(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString();
}

const TOMORROW = inDays(1);

async function handOn(
  server: TestServer,
  key: string,
  to: string,
): Promise<{ readonly id: string; readonly token: string }> {
  const { status, body } = await server.call<{ id: string; token: string }>(
    '/api/v1/grants',
    { to, actions: ['*'], purpose: 'a story', expiresAt: TOMORROW },
    { key },
  );
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}

test('a token that somebody gave to the name of another agent does not make anybody that agent', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const builder = await server.makeKey({ roles: ['agent'], agents: ['builder-1'] });
  const star = await server.makeKey({ roles: ['agent'], agents: ['star'] });
  await ask(server, { agent: 'old-1', action: 'test.run' });
  for (const name of ['star', 'named-1', 'old-1']) {
    const { token } = await handOn(server, builder, name);
    const answer = await ask(server, { agent: name, action: 'test.run' }, { key: token });
    assert.equal(answer.status, 403, name);
    assert.match(answer.body.detail, /does not prove who asks/);
  }
  // Beside the key of its own the same authority counts.
  const { token } = await handOn(server, builder, 'star');
  const headers = { 'x-mandate-delegation': token };
  const own = await ask(server, { agent: 'star', action: 'test.run' }, { key: star, headers });
  assert.equal(own.status, 200);
});

test('whoever has nothing but a token sees and cancels only what was done under that grant', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const tokenOf = async (agent: string) =>
    (await handOn(server, await server.makeKey({ roles: ['agent'], agents: [agent] }), 'worker-1')).token;
  const one = await tokenOf('builder-1');
  const other = await tokenOf('builder-2');
  const headers = { 'idempotency-key': 'the-same' };
  const done = await ask(server, { agent: 'worker-1', action: 'test.run' }, { key: one, headers });
  assert.equal(done.body.status, 'permitted');
  assert.equal((await look(server, done.body.id, { key: one })).status, 200);
  assert.equal((await look(server, done.body.id, { key: other })).status, 404);
  const listed = (key: string) =>
    server.call<{ items: readonly unknown[] }>('/api/v1/actions', undefined, { key });
  assert.equal((await listed(one)).body.items.length, 1);
  assert.equal((await listed(other)).body.items.length, 0);
  const path = `/api/v1/actions/${done.body.id}`;
  assert.equal((await server.call(`${path}/cancel`, { reason: 'a story' }, { key: other })).status, 404);
  const report = { permit: done.body.permit, status: 'success' };
  assert.equal((await server.call(`${path}/outcome`, report, { key: other })).status, 404);
  const repeated = await ask(server, { agent: 'worker-1', action: 'test.run' }, { key: other, headers });
  assert.notEqual(repeated.body.id, done.body.id);
  assert.equal((await server.call(`${path}/outcome`, report, { key: one })).status, 200);
});

test('a key of several agents hands nothing on', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const key = await server.makeKey({ roles: ['agent'], agents: ['builder-1', 'builder-2'] });
  const order = { to: 'worker-1', actions: ['*'], purpose: 'a story', expiresAt: TOMORROW };
  assert.equal((await server.call('/api/v1/grants', order, { key })).status, 403);
});

test('a chain is trusted as far as whoever in it is trusted least', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const key = await server.makeKey({ roles: ['agent'], agents: ['builder-1'] });
  const { token } = await handOn(server, key, 'worker-1');
  const deploy = () => ask(server, { agent: 'worker-1', action: 'deploy.staging' }, { key: token });
  await ask(server, { agent: 'builder-1', action: 'test.run' }, { key });
  await ask(server, { agent: 'worker-1', action: 'test.run' }, { key: token });
  const { admin } = server.database;
  await admin`update mandate.agent set score = 90`;
  assert.notEqual((await deploy()).body.status, 'waiting_for_approval');
  await admin`update mandate.agent set score = 5 where id = 'builder-1'`;
  const held = await deploy();
  assert.deepEqual([held.status, held.body.decision.causes], [202, ['trust:probation']]);
  // Somebody of whom nothing is known yet is trusted like every newcomer.
  await admin`delete from mandate.agent where id = 'builder-1'`;
  const fresh = await deploy();
  assert.equal((fresh.body.decision as unknown as { trust: { score: number } }).trust.score < 90, true);
});

test('revoking a key ends what was handed on with it, and what waits under it', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const key = await server.makeKey({ roles: ['agent'], agents: ['builder-1'] });
  const worker = await handOn(server, key, 'worker-1');
  const helper = await handOn(server, worker.token, 'helper-1');
  const asHelper = () => ask(server, { agent: 'helper-1', action: 'test.run' }, { key: helper.token });
  assert.equal((await asHelper()).status, 200);
  const held = await askHeld(server, { agent: 'worker-1', action: 'hold.it' }, { key: worker.token });
  const keys = await server.call<{ items: readonly { id: string; agents: unknown }[] }>('/api/v1/keys');
  const { id } = keys.body.items.find(({ agents }) => String(agents) === 'builder-1') ?? { id: '' };
  assert.equal((await server.call(`/api/v1/keys/${id}`, undefined, { method: 'DELETE' })).status, 200);
  assert.equal((await asHelper()).status, 403);
  const lead = await server.makeKey({ roles: ['tech-lead'], user: { id: 'lead' } });
  await approve(server, held.approval, { key: lead });
  assert.equal((await look(server, held.id, { key: worker.token })).status, 403);
  assert.equal((await look(server, held.id)).body.status, 'waiting_for_approval');
});

test('a consent of a person whose key was revoked is none', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const ada = await server.makeKey({ roles: ['operator'], agents: 'any', user: { id: 'ada' } });
  const consent = {
    kind: 'consent',
    to: 'helper-1',
    actions: ['test.run'],
    purpose: 'a story',
    expiresAt: TOMORROW,
  };
  assert.equal((await server.call('/api/v1/grants', consent, { key: ada })).status, 201);
  const mail = { agent: 'helper-1', action: 'test.run', onBehalfOf: 'ada' };
  assert.equal((await ask(server, mail)).status, 200);
  await server.database
    .admin`update mandate.api_key set revoked_at = now(), revoked_by = 'a story' where user_id = 'ada'`;
  assert.equal((await ask(server, mail)).body.code, 'consent_required');
});

test('a consent is given by the person whose key asks, and by nobody on authority that was handed on', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const ada = await server.makeKey({ roles: ['operator'], agents: 'any', user: { id: 'ada' } });
  const eve = await server.makeKey({ roles: ['operator'], agents: 'any', user: { id: 'eve' } });
  const { token } = await handOn(server, ada, 'helper-1');
  const consent = {
    kind: 'consent',
    to: 'helper-1',
    actions: ['*'],
    purpose: 'a story',
    expiresAt: TOMORROW,
  };
  const headers = { 'x-mandate-delegation': token };
  const forged = await server.call<{ detail: string }>('/api/v1/grants', consent, { key: eve, headers });
  assert.equal(forged.status, 403);
  assert.match(forged.body.detail, /handed on/);
  // The admin key stands for no person.
  assert.equal((await server.call('/api/v1/grants', consent)).status, 403);
  assert.equal(
    (await server.call<{ from: string }>('/api/v1/grants', consent, { key: eve })).body.from,
    'eve',
  );
  // Nor does it take back what the other one gave.
  const grants = await server.call<{ items: readonly { id: string; from: string }[] }>('/api/v1/grants');
  assert.deepEqual(grants.body.items.map(({ from }) => from).toSorted(), ['ada', 'eve']);
});

test('a grant lasts a month at most', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const order = { to: 'helper-1', actions: ['test.run'], purpose: 'a story', expiresAt: inDays(31) };
  const answer = await server.call<{ detail: string }>('/api/v1/grants', order);
  assert.equal(answer.status, 422);
  assert.match(answer.body.detail, /30 days at most/);
});

test('a key makes no key with wider scopes or more agents than its own', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const key = await server.makeKey({ roles: ['admin'], agents: ['a-1'], scopes: ['keys.*', 'actions.*'] });
  const make = async (order: object) => {
    const made = await server.call<{ detail: string }>('/api/v1/keys', { label: 'x', ...order }, { key });
    return made.status === 201 ? 'made' : `${made.status} ${made.body.detail}`;
  };
  assert.match(await make({ roles: ['admin'] }), /403 .*narrowed to keys\.\*/);
  assert.match(await make({ roles: ['admin'], scopes: ['*'] }), /403 .*do not cover \*/);
  assert.match(await make({ roles: ['admin'], scopes: ['keys.*'], agents: 'any' }), /403 .*not for any/);
  assert.match(await make({ roles: ['agent'], scopes: ['actions.*'], agents: ['a-2'] }), /403 .*not for a-2/);
  assert.equal(await make({ roles: ['agent'], scopes: ['actions.*'], agents: ['a-1'] }), 'made');
  assert.equal(await make({ roles: ['viewer'], scopes: ['actions.read'] }), 'made');
});

test('a person’s key names an agent only with the permission to ask for others', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  for (const [scope, status] of [
    ['actions.request', 403],
    ['actions.*', 200],
  ] as const) {
    const key = await server.makeKey({ roles: ['operator'], agents: 'any', scopes: [scope] });
    assert.equal(
      (await ask(server, { agent: 'builder-1', action: 'test.run' }, { key })).status,
      status,
      scope,
    );
  }
});
