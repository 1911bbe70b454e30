// An authority flag that is off holds whatever it governs. Neither a second row of the same flag, nor two changes at
// once, nor leaving out what an action touches makes it milder.
import assert from 'node:assert/strict';
import test from 'node:test';
import { ask } from '../test/road.ts';
import type { ActReply } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import type { TestServer } from '../test/server.ts';
import { isWaitingForRow } from '../test/start-call.ts';
import { until } from '../test/until.ts';

const CHARTER = `version: 1
resources: { repository: [web], portal: [tms] }
actions: { pay.out: { compensate: pay.back } }
tiers: { green: { actions: [test.run, pay.*] } }
`;

function setFlag(server: TestServer, key: string, body: Readonly<Record<string, unknown>>, as?: string) {
  return server.call<{ code?: string; detail?: string }>(
    `/api/v1/flags/${key}`,
    { reason: 'a story', ...body },
    { method: 'PUT', ...(as === undefined ? {} : { key: as }) },
  );
}

test('a row for nobody in particular does not disarm SUPERVISED', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const operator = await server.makeKey({ roles: ['operator'] });
  const scoped = await setFlag(server, 'autonomy.mode', { value: 'FULL', scope: 'agent:zzz' }, operator);
  assert.deepEqual([scoped.status, scoped.body.code], [422, 'invalid']);
  const budget = { value: 150, scope: 'agent:zzz' };
  assert.equal((await setFlag(server, 'budget.agents.maxConcurrent', budget, operator)).body.code, 'invalid');
  // Also where such a row came into the database some other way.
  await server.database.admin`
    insert into mandate.flag (tenant, key, scope, value, reason, owner, updated_at)
    values ('default', 'autonomy.mode', 'agent:zzz', '"FULL"', 'planted', 'somebody', now())`;
  assert.equal((await setFlag(server, 'autonomy.mode', { value: 'SUPERVISED' })).status, 200);
  const held = await ask(server);
  assert.deepEqual([held.status, held.body.status], [202, 'waiting_for_approval']);
});

test('of two changes at once the second is measured against the first, so that an operator widens nothing', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const operator = await server.makeKey({ roles: ['operator'] });
  const key = 'agents.autonomousEnabled';
  const scope = 'agent:worker-1';
  let letGo = (): void => undefined;
  const sitting = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isIn = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    isIn = resolve;
  });
  const first = server.database.admin.begin(async (tx) => {
    await tx`select 1 from mandate.flag where key = ${key} and scope = '' for update`;
    await tx`
      insert into mandate.flag (tenant, key, scope, value, reason, owner, updated_at)
      values ('default', ${key}, ${scope}, 'false', 'tightened', 'somebody', now())`;
    isIn();
    await sitting;
  });
  await begun;
  const second = setFlag(server, key, { value: true, scope }, operator);
  await until('it waits for the first', () => isWaitingForRow(server.database));
  letGo();
  await first;
  assert.equal((await second).status, 403);
});

// I5
test('a resource whose flag is off is held, whatever its type, and so is whatever does not say what it touches', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  for (const [type, id] of [
    ['repository', 'web'],
    ['portal', 'tms'],
  ] as const) {
    const key = `${type}.${id}.autonomous`;
    assert.equal((await setFlag(server, key, { value: false })).status, 200);
    const named = await ask(server, { resource: { type, id } });
    assert.deepEqual([named.status, named.body.decision.causes], [202, [`restriction:flag:${key}`]]);
    const silent = await ask(server, { parameters: { [type]: id } });
    assert.deepEqual([silent.status, silent.body.decision.causes], [202, [`restriction:flag:${key}`]]);
    assert.match(
      JSON.stringify(silent.body.decision),
      /names no resource.*say what it touches in `resource`/,
    );
    const other = await ask(server, { resource: { type, id: 'another' } });
    assert.equal(other.status, 200);
    await setFlag(server, key, { value: true });
  }
});

test('what undoes an act touches what the act touched', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const resource = { type: 'portal', id: 'tms' };
  const paid = await ask(server, { action: 'pay.out', resource });
  await server.call(`/api/v1/actions/${paid.body.id}/outcome`, {
    permit: paid.body.permit,
    status: 'success',
  });
  await setFlag(server, 'repository.web.autonomous', { value: false });
  const undone = await server.call<ActReply>(`/api/v1/actions/${paid.body.id}/rollback`, {
    reason: 'a story',
  });
  assert.equal(undone.status, 200, JSON.stringify(undone.body));
  const [row] = await server.database.admin`
    select resource_type, resource_id from mandate.act where compensates = ${paid.body.id}`;
  assert.deepEqual({ ...row }, { resource_type: 'portal', resource_id: 'tms' });
});
