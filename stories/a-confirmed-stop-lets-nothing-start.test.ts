// Somebody presses stop while agents are hard at work. From the moment that the answer says confirmed nothing new may
// begin, whatever hangs, dies or restarts in between, until a person resumes it.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { startEffects } from '../test/effects.ts';
import type { EffectService } from '../test/effects.ts';
import { ask, resume, stop } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import type { TestServer } from '../test/server.ts';
import { until } from '../test/until.ts';

async function startWorking(
  t: TestContext,
): Promise<{ readonly service: EffectService; readonly server: TestServer }> {
  const service = await startEffects(t);
  const server = await startServer(t, {
    charter: `version: 1
executors: { service: { http: '${service.url}', allowPrivate: true } }
actions: { test.run: { executor: service, severity: low }, test.other: { executor: service } }
tiers: { green: { actions: [test.run, test.other, docs.read] } }
`,
  });
  return { service, server };
}

/** What started after the last confirmed stop: entries are numbered under the barrier, so their order is the truth. */
async function startsAfterStop({ database }: TestServer): Promise<readonly string[]> {
  const rows = await database.admin<{ act_id: string }[]>`
    select act_id from mandate.journal where kind in ('action.started', 'action.permitted')
      and id > (select max(id) from mandate.journal where kind = 'stop.confirmed')`;
  return rows.map((row) => row.act_id);
}

// I2
test('sixteen clients hammer on, and after the stop is confirmed nothing starts and no effect comes but from what was in flight', async (t) => {
  const { service, server } = await startWorking(t);
  const shift = { isOver: false };
  const refusals: string[] = [];
  const clients = Array.from({ length: 16 }, async (_, client) => {
    for (let at = 0; !shift.isOver; at += 1) {
      const { status, body } = await ask(server, { agent: `agent-${client}`, parameters: { at } });
      if (status !== 200) refusals.push(body.code);
    }
  });
  await until('work is going on', () => service.effects.length > 150);
  const stopped = await stop(server);
  const answeredMs = performance.now();
  await until('every client has been refused many times', () => refusals.length > 200);
  shift.isOver = true;
  await Promise.all(clients);

  assert.equal(stopped.body.confirmed, true);
  const confirmedAt = stopped.body.confirmedAt ?? '';
  const inFlight = new Set(stopped.body.inFlight.map(({ id }) => id));
  const late = service.effects.filter(({ atMs }) => atMs > answeredMs);
  assert.deepEqual(
    late.filter(({ actId }) => !inFlight.has(actId)),
    [],
    'an effect after the answer belongs to an act that the answer lists',
  );
  assert.deepEqual(await startsAfterStop(server), [], 'nothing started once the stop was confirmed');
  const [row] = await server.database.admin<
    { late: number; later_epoch: number; live: number; entry: number }[]
  >`
    select count(*) filter (where started_at > ${confirmedAt}::timestamptz)::integer as late,
      count(*) filter (where epoch >= (select sum(epoch) from mandate.tenant))::integer as later_epoch,
      count(*) filter (where status in ('executing', 'permitted'))::integer as live
    from mandate.act`;
  assert.deepEqual(
    { ...row },
    { late: 0, later_epoch: 0, live: 0 },
    'no act carries a start after it, or its epoch, or is left running',
  );
  assert.deepEqual([...new Set(refusals)], ['stopped']);

  assert.equal((await resume(server)).status, 200);
  assert.equal(
    (await ask(server, { agent: 'agent-1', parameters: { after: true } })).body.status,
    'success',
    'a resume lets it go on',
  );
});

// I2
test('level pause lets what runs finish, level stop breaks it off', async (t) => {
  const { service, server } = await startWorking(t);
  service.hold();
  const paused = ask(server, { parameters: { level: 'pause' } });
  await until('the first act is at work', () => service.effects.length === 1);
  const pause = await stop(server, { level: 'pause' });
  assert.equal(pause.body.confirmed, true);
  assert.deepEqual(
    pause.body.inFlight.map(({ id }) => id),
    [service.effects[0]?.actId],
    'what runs is reported',
  );
  // Another look of the upkeep must not break it off either.
  assert.equal((await ask(server, { parameters: { refused: true } })).body.code, 'stopped');
  assert.equal(service.effects[0]?.end(), 'open');
  service.release();
  assert.equal((await paused).body.status, 'success');
  await resume(server);

  service.hold();
  const broken = ask(server, { parameters: { level: 'stop' } });
  await until('the second act is at work', () => service.effects.length === 2);
  assert.equal((await stop(server, { level: 'stop' })).body.confirmed, true);
  await until('the running effect is broken off', () => service.effects[1]?.end() === 'broken');
  const ended = (await broken).body;
  assert.ok(['cancelled', 'unknown'].includes(ended.status), ended.status);
  service.release();
});

// I2
test('a stop of one agent or one action stops only its scope', async (t) => {
  const { server } = await startWorking(t);
  await stop(server, { scope: 'agent:worker-1' });
  assert.equal((await ask(server, { agent: 'worker-1' })).body.code, 'stopped');
  assert.equal((await ask(server, { agent: 'worker-2' })).body.status, 'success');
  await stop(server, { scope: 'action:test.o*' });
  assert.equal((await ask(server, { agent: 'worker-2', action: 'test.other' })).body.code, 'stopped');
  assert.equal(
    (await ask(server, { agent: 'worker-2', parameters: { again: true } })).body.status,
    'success',
  );
  assert.equal((await resume(server)).status, 409, 'lifting a stop of the tenant lifts no narrower one');
  await resume(server, { scope: 'agent:worker-1' });
  assert.equal(
    (await ask(server, { agent: 'worker-1', parameters: { again: true } })).body.status,
    'success',
  );
  assert.equal((await ask(server, { agent: 'worker-1', action: 'test.other' })).body.code, 'stopped');
});

// I2
test('a stop survives kill -9 and restart', async (t) => {
  const { service, server } = await startWorking(t);
  assert.equal((await stop(server)).body.confirmed, true);
  await server.restart();
  assert.equal((await ask(server)).body.code, 'stopped');
  assert.equal(service.effects.length, 0);
  await resume(server);
  assert.equal((await ask(server, { parameters: { resumed: true } })).body.status, 'success');
});

// I2
test('whoever hangs in the barrier is ended, and the stop is confirmed within four seconds all the same', async (t) => {
  const { server } = await startWorking(t);
  let letGo = (): void => undefined;
  const sitting = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isIn = false;
  const holder = server.database.store.app.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock_shared(mandate.barrier_key('default'))`;
    isIn = true;
    await sitting;
    await tx`select 1`;
  });
  const held = assert.rejects(holder, 'the hung session was ended');
  await until('the barrier is held', () => isIn);
  const beganMs = performance.now();
  const stopped = await stop(server);
  const tookMs = performance.now() - beganMs;
  assert.equal(stopped.body.confirmed, true);
  assert.ok(tookMs < 4_000, `confirmed after ${Math.round(tookMs)} ms`);
  letGo();
  await held;
  assert.equal((await ask(server)).body.code, 'stopped');
});

// I2
test('a freeze breaks off what the agent runs, and a hung session keeps neither it nor anybody else waiting', async (t) => {
  const { service, server } = await startWorking(t);
  service.hold();
  const running = ask(server, { agent: 'worker-1' });
  const bystander = ask(server, { agent: 'worker-2' });
  await until('both are at work', () => service.effects.length === 2);
  let letGo = (): void => undefined;
  const sitting = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isIn = false;
  const holder = server.database.store.app.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock_shared(mandate.barrier_key('default'))`;
    isIn = true;
    await sitting;
    await tx`select 1`;
  });
  const held = assert.rejects(holder, 'the hung session was ended');
  await until('the barrier is held', () => isIn);
  const beganMs = performance.now();
  const frozen = await server.call<{ frozen: boolean }>('/api/v1/agents/worker-1/freeze', {
    reason: 'a story',
  });
  const tookMs = performance.now() - beganMs;
  assert.deepEqual([frozen.status, frozen.body.frozen], [200, true], JSON.stringify(frozen.body));
  assert.ok(tookMs < 4_000, `answered after ${Math.round(tookMs)} ms`);
  letGo();
  await held;
  assert.ok(['cancelled', 'unknown'].includes((await running).body.status), 'what it ran is broken off');
  service.release();
  assert.equal((await bystander).body.status, 'success', "others' work goes on");
  assert.equal((await ask(server, { agent: 'worker-1', parameters: { again: true } })).body.code, 'frozen');
});

// I2
test('a tenant whose row is missing is stopped', async (t) => {
  const { service, server } = await startWorking(t);
  assert.equal((await ask(server)).body.status, 'success');
  await server.database.admin`delete from mandate.tenant where tenant = 'default'`;
  const refused = await ask(server, { parameters: { again: true } });
  assert.ok(refused.status >= 400, JSON.stringify(refused.body));
  assert.equal(service.effects.length, 1);
  const [row] = await server.database.admin<{ n: number }[]>`select count(*)::integer as n from mandate.act`;
  assert.equal(row?.n, 1);
});

// I2
test('the file STOP alone stops everything within a moment, through a restart, until it is resumed', async (t) => {
  const { service, server } = await startWorking(t);
  const file = join(server.dataDir, 'STOP');
  assert.equal((await ask(server)).body.status, 'success');
  service.hold();
  const running = ask(server, { parameters: { running: true } });
  await until('an act is at work', () => service.effects.length === 2);

  const writtenMs = performance.now();
  await writeFile(file, '');
  // Permits cost nothing and call nobody, so that only the file can be what ends them.
  await until(
    'actions are refused',
    async () => (await ask(server, { action: 'docs.read' })).body.code === 'stopped',
    { everyMs: 1 },
  );
  const tookMs = performance.now() - writtenMs;
  assert.ok(tookMs < 1_000, `obeyed after ${Math.round(tookMs)} ms`);
  assert.ok(['cancelled', 'unknown'].includes((await running).body.status), 'what ran is broken off');
  await until(
    'the file became a stop on record',
    async () => (await server.call<{ stops: unknown[] }>('/api/v1/stop')).body.stops.length > 0,
  );

  await server.restart();
  assert.equal((await ask(server)).body.code, 'stopped', 'the server starts beside the file and obeys it');
  assert.equal((await server.call<{ sentinel: boolean }>('/api/v1/stop')).body.sentinel, true);
  await until(
    'the file is on record again',
    async () => (await server.call<{ stops: unknown[] }>('/api/v1/stop')).body.stops.length > 1,
  );
  service.release();
  assert.equal((await resume(server)).status, 200);
  assert.equal(existsSync(file), false);
  assert.equal((await ask(server, { parameters: { resumed: true } })).body.status, 'success');
});
