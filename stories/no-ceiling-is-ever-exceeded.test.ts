// Ceilings are promises to whoever pays. A thousand agents asking at the same moment must not find a gap in them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { startEffects } from '../test/effects.ts';
import { ask, askPatiently, look, many } from '../test/road.ts';
import type { ActReply } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import type { Reply, TestServer } from '../test/server.ts';
import { until } from '../test/until.ts';

const PERMITTED = `version: 1
actions: { test.run: { severity: low }, test.short: { deadline: 1s } }
tiers: { green: { actions: [test.*] } }
`;

interface Use {
  readonly key: string;
  readonly used: number;
}

async function usage(server: TestServer): Promise<Readonly<Record<string, number>>> {
  const rows = await server.database.admin<Use[]>`select key, used from mandate.limit_use`;
  return Object.fromEntries(rows.map(({ key, used }) => [key, used]));
}

function statuses(answers: readonly Reply<ActReply>[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

// I1
test('a thousand concurrent actions reserve exactly up to the ceilings of tenant and agent, and the rest are told who can raise them', async (t) => {
  const server = await startServer(t, {
    charter: `${PERMITTED}agents: { thrifty: { usdPerDay: 0.5 } }\nlimits: { usdPerDay: 2, concurrentAgents: 500 }\n`,
  });
  // 300 of the thousand are of the agent with a ceiling of its own, which holds 50 of these; the tenant holds 200.
  const answers = await many(1_000, 1_000, (at) =>
    askPatiently(server, {
      agent: at % 10 < 3 ? 'thrifty' : `agent-${at % 10}`,
      estimatedCostUsd: 0.01,
      parameters: { at },
    }),
  );

  assert.deepEqual(statuses(answers), { 200: 200, 409: 800 });
  const thrifty = answers.filter(({ body, status }) => status === 200 && body.agent === 'thrifty').length;
  assert.ok(thrifty <= 50, `the agent stayed under its own ceiling (${thrifty})`);
  assert.deepEqual(
    await usage(server),
    { 'usd/tenant': 2_000_000, 'usd/agent:thrifty': thrifty * 10_000 },
    'what was refused took nothing from either counter',
  );
  for (const { body } of answers.filter(({ status }) => status === 409)) {
    assert.equal(body.code, 'limit_exceeded');
    assert.match(body.detail, /usd\/(tenant|agent:thrifty)/, 'the refusal names the ceiling');
    assert.match(
      body.detail,
      /(limits\.usdPerDay|agents\.thrifty\.usdPerDay) in the charter, which an admin may change/,
      'and who can raise it',
    );
  }
});

test('a ceiling of one agent binds that agent alone', async (t) => {
  const server = await startServer(t, {
    charter: `${PERMITTED}agents: { thrifty: { usdPerDay: 0.05 } }\nlimits: { usdPerDay: 100, concurrentAgents: 500 }\n`,
  });
  const answers = await many(60, 60, (at) =>
    askPatiently(server, {
      agent: at < 30 ? 'thrifty' : 'other',
      estimatedCostUsd: 0.01,
      parameters: { at },
    }),
  );
  const granted = (agent: string): number =>
    answers.filter(({ status, body }) => status === 200 && body.agent === agent).length;
  assert.deepEqual([granted('thrifty'), granted('other')], [5, 30]);
});

test('what an act really cost is settled: more than reserved blocks the next, cancelled gives back, unknown keeps', async (t) => {
  const server = await startServer(t, {
    charter: `${PERMITTED}limits: { usdPerDay: 1, concurrentAgents: 500 }\n`,
  });
  const first = await ask(server, { estimatedCostUsd: 0.4 });
  const second = await ask(server, { estimatedCostUsd: 0.4, parameters: { second: true } });
  assert.deepEqual([first.status, second.status], [200, 200]);
  const silent = await ask(server, { action: 'test.short', estimatedCostUsd: 0.1 });
  assert.equal((await ask(server, { estimatedCostUsd: 0.4 })).status, 409, 'no room for another');

  const cancelled = await server.call(`/api/v1/actions/${second.body.id}/cancel`, {
    reason: 'not needed after all',
  });
  assert.equal(cancelled.status, 200);
  await until(
    'nobody reports on the silent one',
    async () => (await look(server, silent.body.id)).body.status === 'unknown',
  );
  assert.deepEqual(await usage(server), { 'usd/tenant': 500_000 }, 'cancelled gives back, unknown does not');

  const reported = await server.call(`/api/v1/actions/${first.body.id}/outcome`, {
    permit: first.body.permit,
    status: 'success',
    costUsd: 1.7,
  });
  assert.equal(reported.status, 200, JSON.stringify(reported.body));
  assert.deepEqual(
    await usage(server),
    { 'usd/tenant': 1_800_000, 'overrun/agent:worker-1': 1_300_000 },
    'what was spent is recorded, above the ceiling too',
  );
  assert.equal(
    (await ask(server, { estimatedCostUsd: 0.000001 })).status,
    409,
    'and nothing more fits, however small',
  );
  assert.equal(
    (await ask(server, { agent: 'free', estimatedCostUsd: 0 })).status,
    409,
    'not even what costs nothing, while the ceiling is overdrawn',
  );
});

// I1
test('an agent does not write its own bill: what it reports or gives up costs no less than was reserved', async (t) => {
  const server = await startServer(t, {
    charter: `${PERMITTED}limits: { usdPerDay: 1, concurrentAgents: 500 }\n`,
  });
  const key = await server.makeKey({ roles: ['agent'], agents: ['worker-1'] });
  const reported = (await ask(server, { estimatedCostUsd: 0.4 }, { key })).body;
  const report = { permit: reported.permit, status: 'success', costUsd: 0 };
  assert.equal((await server.call(`/api/v1/actions/${reported.id}/outcome`, report, { key })).status, 200);
  assert.deepEqual(await usage(server), { 'usd/tenant': 400_000 });
  const dropped = (await ask(server, { estimatedCostUsd: 0.4, parameters: { at: 2 } }, { key })).body;
  const reason = { reason: 'did it all the same' };
  const cancelled = await server.call<ActReply>(`/api/v1/actions/${dropped.id}/cancel`, reason, { key });
  assert.deepEqual([cancelled.status, cancelled.body.status], [200, 'unknown']);
  assert.deepEqual(await usage(server), { 'usd/tenant': 800_000 });
  assert.equal((await ask(server, { estimatedCostUsd: 0.4, parameters: { at: 3 } }, { key })).status, 409);
});

// I1
test('five agents may be at work and not a sixth, whoever asks at the same moment', async (t) => {
  const service = await startEffects(t);
  service.hold();
  const server = await startServer(t, {
    charter: `version: 1
executors: { service: { http: '${service.url}', allowPrivate: true } }
actions: { test.run: { executor: service } }
tiers: { green: { actions: [test.run] } }
limits: { concurrentAgents: 5 }
`,
  });
  const asking = many(200, 200, (at) =>
    askPatiently(server, { agent: `agent-${at % 40}`, parameters: { at } }),
  );
  // The five that got in wait in the service, so that everybody else is answered while they work.
  const [row] = await until('everybody but the five has an answer', async () => {
    const rows = await server.database.admin<{ agents: number; slots: number; acts: number }[]>`
      select count(distinct agent)::integer as agents, count(*)::integer as acts, (select count(*)::integer from mandate.slot where agent is not null) as slots
      from mandate.act where status = 'executing'`;
    return rows[0]?.acts === service.effects.length && service.effects.length >= 5 && rows;
  });
  assert.deepEqual([row?.agents, row?.slots], [5, 5]);
  const more = await ask(server, { agent: 'one-more' });
  assert.deepEqual([more.status, more.body.code], [429, 'throttled']);
  assert.ok(Number(more.headers.get('retry-after')) >= 1);
  service.release();
  const answers = await asking;

  for (const { status, headers, body } of answers) {
    assert.ok(status === 200 || status === 429, JSON.stringify(body));
    if (status === 429)
      assert.ok(Number(headers.get('retry-after')) >= 1, 'whoever is throttled is told when to come back');
  }
  const [left] = await server.database.admin<{ live: number; slots: number }[]>`
    select (select sum(live_acts)::integer from mandate.agent) as live, (select count(*)::integer from mandate.slot where agent is not null) as slots`;
  assert.deepEqual({ ...left }, { live: 0, slots: 0 }, 'every slot is given back');
  assert.equal((await ask(server, { agent: 'one-more', parameters: { later: true } })).status, 200);
});
