// Where the agent itself executes, Mandate sees only a permit go out and a report come in. What that report is worth,
// who may add to it, and what silence means, is what these stories are about.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { manualClock } from '../server/src/platform/clock/manual-clock.ts';
import type { ManualClock } from '../server/src/platform/clock/manual-clock.ts';
import { openDoor } from '../test/door.ts';
import type { Door } from '../test/door.ts';
import { makeEffectProgram, startEffects } from '../test/effects.ts';
import { ask, askPatiently, callerOf, look, many } from '../test/road.ts';
import type { ActReply, Caller } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import type { Reply } from '../test/server.ts';
import { until } from '../test/until.ts';

const CHARTER = `version: 1
actions: { test.run: { deadline: 1m }, test.grave: { severity: critical } }
tiers: { green: { actions: [test.*] } }
`;

function report(
  server: Caller,
  id: string,
  body: Readonly<Record<string, unknown>>,
  key?: string,
): Promise<Reply<ActReply>> {
  return server.call<ActReply>(`/api/v1/actions/${id}/outcome`, body, key === undefined ? {} : { key });
}

async function permitted(
  server: Caller,
  key: string,
  parameters: Readonly<Record<string, unknown>> = {},
): Promise<ActReply & { readonly permit: string }> {
  const { status, body } = await ask(server, { parameters }, { key });
  assert.deepEqual([status, body.status], [200, 'permitted'], JSON.stringify(body));
  return { ...body, permit: body.permit ?? '' };
}

async function scoreOf(server: Caller, agent = 'worker-1'): Promise<number> {
  return (await server.call<{ trustScore: number }>(`/api/v1/agents/${agent}`)).body.trustScore;
}

async function openManual(t: TestContext): Promise<{
  readonly door: Door;
  readonly clock: ManualClock;
  readonly server: Caller;
  readonly key: string;
}> {
  const clock = manualClock();
  const door = await openDoor(t, { clock, charter: CHARTER });
  return {
    door,
    clock,
    server: callerOf(door),
    key: (await door.makeKey({ roles: ['agent'], agents: ['worker-1'] })).text,
  };
}

test('a permit is good for one report of one act by its own agent', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const key = await server.makeKey({ roles: ['agent'], agents: ['worker-1'] });
  const stranger = await server.makeKey({ roles: ['agent'], agents: ['worker-2'] });
  const one = await permitted(server, key, { n: 1 });
  const other = await permitted(server, key, { n: 2 });

  const forged = `${one.permit.slice(0, -1)}${one.permit.endsWith('A') ? 'B' : 'A'}`;
  for (const permit of [other.permit, forged, 'permit.v1.e30.', 'nonsense']) {
    const refused = await report(server, one.id, { permit, status: 'success' }, key);
    assert.deepEqual([refused.status, refused.body.code], [403, 'permit_invalid'], permit);
  }
  assert.equal(
    (await report(server, one.id, { permit: one.permit, status: 'success' }, stranger)).status,
    404,
    'a permit in the hands of another agent is worth nothing',
  );
  assert.equal((await look(server, one.id)).body.status, 'permitted', 'none of that has moved the act');

  assert.equal(
    (await report(server, one.id, { permit: one.permit, status: 'success', result: { n: 1 } }, key)).body
      .status,
    'success',
  );
  const second = await report(
    server,
    one.id,
    { permit: one.permit, status: 'failed', error: 'no, it failed' },
    key,
  );
  assert.deepEqual([second.status, second.body.code], [409, 'conflict'], 'a used permit is used');
  const reports = await many(20, 20, () =>
    report(server, other.id, { permit: other.permit, status: 'success' }, key),
  );
  assert.deepEqual(
    reports.map(({ status }) => status).toSorted((a, b) => a - b),
    [200, ...Array.from({ length: 19 }, () => 409)],
    'of twenty reports at once one counts',
  );
});

// I7, I10
test('an act whose agent goes silent is unknown at its deadline, and a late report still resolves it', async (t) => {
  const { clock, server, key, door } = await openManual(t);
  const act = await permitted(server, key);
  clock.advance(59_000);
  assert.equal((await look(server, act.id)).body.status, 'permitted');
  await until('it is given up at its deadline', async () => {
    clock.advance(1_000);
    return (await look(server, act.id)).body.status === 'unknown';
  });
  assert.equal(await scoreOf(server), 50, 'unknown moves no trust');
  const late = await report(
    server,
    act.id,
    { permit: act.permit, status: 'failed', error: 'it had broken' },
    key,
  );
  assert.deepEqual([late.status, late.body.status], [200, 'failed']);
  assert.equal(await scoreOf(server), 47, 'the failure counts, however late');
  const [agent] = await door.infrastructure.store.withTenant(
    'default',
    (tx) => tx<{ live_acts: number }[]>`select live_acts from mandate.agent`,
  );
  assert.equal(agent?.live_acts, 0, 'and the act is not taken off the agent twice');
});

test('a success that only the agent has seen moves no trust until another principal confirms it, once', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const key = await server.makeKey({ roles: ['agent'], agents: ['worker-1'] });
  const attestor = await server.makeKey({ roles: ['attestor'] });
  const act = await permitted(server, key);
  const done = await report(server, act.id, { permit: act.permit, status: 'success' }, key);
  assert.deepEqual(done.body.trust, { before: 50, after: 50 });
  assert.equal(await scoreOf(server), 50);

  const own = await server.call(`/api/v1/actions/${act.id}/confirm`, undefined, { method: 'POST', key });
  assert.equal(own.status, 403, 'not by the agent');
  const confirms = await many(10, 10, () =>
    server.call<ActReply>(`/api/v1/actions/${act.id}/confirm`, undefined, { method: 'POST', key: attestor }),
  );
  assert.deepEqual(
    confirms.map(({ status }) => status).toSorted((a, b) => a - b),
    [200, ...Array.from({ length: 9 }, () => 409)],
  );
  assert.equal(await scoreOf(server), 51, 'it counts once, whoever confirms how often');

  const requested = (await ask(server, { parameters: { by: 'an operator' } })).body;
  await report(server, requested.id, { permit: requested.permit, status: 'success' });
  assert.equal(
    (await server.call(`/api/v1/actions/${requested.id}/confirm`, undefined, { method: 'POST' })).status,
    403,
    'who asked for it does not confirm it',
  );
});

test('the first medium success that Mandate itself executed moves trust from 50 to exactly 51', async (t) => {
  const program = await makeEffectProgram(t);
  const server = await startServer(t, {
    charter: `version: 1\nexecutors: { program: { command: ${program.command} } }\nactions: { test.run: { executor: program } }\ntiers: { green: { actions: [test.run] } }\n`,
  });
  const { body } = await ask(server);
  assert.deepEqual(body.trust, { before: 50, after: 51 });
  assert.equal(await scoreOf(server), 51);
  assert.deepEqual(await program.lines(), [body.id]);
});

// I2
test('failures count at once, and three in a row freeze the agent until a person lifts it with a reason', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const key = await server.makeKey({ roles: ['agent'], agents: ['worker-1'] });
  for (const [n, score] of [47, 44, 41].entries()) {
    const act = await permitted(server, key, { n });
    const failed = await report(server, act.id, { permit: act.permit, status: 'failed', error: 'no' }, key);
    assert.equal(failed.body.trust?.after, score);
  }
  const frozen = await ask(server, { parameters: { n: 4 } }, { key });
  assert.deepEqual([frozen.status, frozen.body.code], [403, 'frozen']);
  assert.equal(
    (await server.call('/api/v1/agents/worker-1/unfreeze', {})).status,
    422,
    'not without a reason',
  );
  await server.restart();
  assert.equal(
    (await ask(server, { parameters: { n: 4 } }, { key })).body.code,
    'frozen',
    'a restart thaws nobody',
  );
  assert.equal(
    (await server.call('/api/v1/agents/worker-1/unfreeze', { reason: 'the disk was full' })).status,
    200,
  );
  assert.equal(await scoreOf(server), 41, 'lifting the freeze gives no trust back');

  const next = await permitted(server, key, { n: 5 });
  await report(server, next.id, { permit: next.permit, status: 'failed', error: 'once more' }, key);
  assert.equal(
    (await ask(server, { parameters: { n: 6 } }, { key })).status,
    200,
    'after a person has looked it takes three new ones',
  );

  const grave = (await ask(server, { action: 'test.grave' }, { key })).body;
  await report(server, grave.id, { permit: grave.permit, status: 'failed', error: 'badly' }, key);
  assert.equal(
    (await ask(server, { parameters: { n: 7 } }, { key })).body.code,
    'frozen',
    'one critical failure is enough',
  );
});

test('two hundred successes that end at once give exactly the trust of two hundred in a row', async (t) => {
  const service = await startEffects(t);
  const server = await startServer(t, {
    charter: `version: 1
executors: { service: { http: '${service.url}', allowPrivate: true } }
actions: { test.run: { executor: service } }
tiers: { green: { actions: [test.run] } }
trust: { success: { medium: 0.05 }, streakBonus: 0.001, streakBonusMax: 1, gainPerDay: 100 }
`,
  });
  const mixed = await many(200, 200, (at) => askPatiently(server, { agent: 'crowd', parameters: { at } }));
  assert.deepEqual([...new Set(mixed.map(({ body }) => body.status))], ['success']);
  await many(200, 1, (at) => askPatiently(server, { agent: 'queue', parameters: { at } }));
  const scores = [await scoreOf(server, 'crowd'), await scoreOf(server, 'queue')];
  // 200 × 0.05 and 0.001 × (0 + 1 + … + 199)
  assert.deepEqual(scores, [79.9, 79.9]);
  const [row] = await server.database.admin<{ moves: number; versions: number }[]>`
    select (select count(*)::integer from mandate.journal where kind = 'trust.moved' and agent = 'crowd') as moves, (select trust_version::integer from mandate.agent where id = 'crowd') as versions`;
  assert.deepEqual({ ...row }, { moves: 200, versions: 201 }, 'every move is on record');
});

// I3
test('tests count for a deployment by when they ran, and whatever was or may be written after them outdates them', async (t) => {
  const server = await startServer(t, {
    charter: `version: 1
tiers: { green: { actions: [test.*, code.*] }, yellow: { actions: [deploy.staging] } }
`,
  });
  const key = await server.makeKey({ roles: ['agent'], agents: ['worker-1'] });
  const resource = { type: 'repository', id: 'web' };
  const begin = async (action: string) =>
    (await ask(server, { action, resource, parameters: { path: 'a.ts' } }, { key })).body;
  const finish = async ({ id, permit }: ActReply, status = 'success') =>
    assert.equal((await report(server, id, { permit, status }, key)).status, 200);
  const confirm = async ({ id }: ActReply) =>
    assert.equal(
      (await server.call(`/api/v1/actions/${id}/confirm`, undefined, { method: 'POST' })).status,
      200,
    );
  const isTested = async (): Promise<boolean> => {
    const { body } = await server.call<{ decision: { findings: { check: string; message: string }[] } }>(
      '/api/v1/decisions',
      { agent: 'worker-1', action: 'deploy.staging', resource },
      { key },
    );
    return !body.decision.findings.some(({ check }) => check === 'deployment_safety');
  };

  const early = await begin('test.run');
  await finish(early);
  await finish(await begin('code.write'));
  const endOf = async ({ id }: ActReply) =>
    (await server.database.admin`select ended_at from mandate.act where id = ${id}`)[0]?.['ended_at'];
  const ended = await endOf(early);
  await confirm(early);
  assert.deepEqual(await endOf(early), ended, 'it ended when it ended');
  assert.equal(await isTested(), false, 'to vouch for it later does not make it fresh');

  const generated = await begin('test.generate');
  await finish(generated);
  await confirm(generated);
  assert.equal(await isTested(), false, 'tests that were written have not been run');

  const during = await begin('test.run');
  await finish(await begin('code.write'));
  await finish(during);
  await confirm(during);
  assert.equal(await isTested(), false, 'what was written while it ran, it may not have seen');

  const fresh = await begin('test.run');
  await finish(fresh);
  await confirm(fresh);
  assert.equal(await isTested(), true);

  const write = await begin('code.write');
  assert.equal(await isTested(), false, 'something is being written');
  await finish(write, 'failed');
  assert.equal(await isTested(), false, 'and half of it may be there');
});
