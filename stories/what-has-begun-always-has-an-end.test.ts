// An effect that has happened is not undone by a database that looks away just then: its end comes on record as soon
// as it can, nobody is told that nothing happened, and where it cannot be written at all the act still does not stay live.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import { createActions } from '../server/src/act/actions/actions.ts';
import { findAct } from '../server/src/act/actions/queries.ts';
import { startAct } from '../server/src/act/actions/store.ts';
import { createUpkeep } from '../server/src/act/actions/upkeep.ts';
import { createChance, systemClock } from '../server/src/platform/clock/clock.ts';
import { writeEntry } from '../server/src/prove/journal/journal.ts';
import { DEFAULT_TRUST } from '@mandate/kernel';
import { startEffects } from '../test/effects.ts';
import { ask } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import { prepareGround, startCall, TENANT } from '../test/start-call.ts';
import { until } from '../test/until.ts';

// I1, I7
test('an end that the database does not take at once is written when it does, and the caller hears of nothing else', async (t) => {
  const service = await startEffects(t);
  service.hold();
  const server = await startServer(t, {
    charter: `version: 1
executors: { service: { http: '${service.url}', allowPrivate: true } }
actions: { test.run: { executor: service } }
tiers: { green: { actions: [test.run] } }
`,
  });
  const { admin } = server.database;
  const asking = ask(server);
  await until('the effect has happened', () => service.effects.length === 1);
  let letGo = (): void => undefined;
  const sitting = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isLocked = false;
  const holder = admin.begin(async (tx) => {
    await tx`select 1 from mandate.agent where id = 'worker-1' for update`;
    isLocked = true;
    await sitting;
  });
  await until('the agent is locked', () => isLocked);
  service.release();
  await until('an attempt to write the end was given up', () =>
    server.log().includes('could not be written; it is tried again'),
  );
  letGo();
  await holder;
  const { status, body } = await asking;
  assert.deepEqual([status, body.status], [200, 'success'], JSON.stringify(body));
  const [agent] = await admin<{ live: number }[]>`select live_acts as live from mandate.agent`;
  assert.equal(agent?.live, 0);
});

// I7
test('an act whose end was never written is given up although its worker lives', async (t) => {
  const { database, revision } = await prepareGround(t);
  const { store } = database;
  const worker = randomUUID();
  await store.control`insert into mandate.worker (id, host, pid, started_at, lease_until) values (${worker}, 'here', 1, now(), now() + interval '1 hour')`;
  const call = startCall(await revision());
  const deadlineMs = Date.now() + 60_000;
  assert.equal(
    (await startAct(store.app, { ...call, act: { ...call.act, worker, deadlineMs } })).kind,
    'started',
  );
  const sweepAt = async (nowMs: number): Promise<number> => {
    const clock = { ...systemClock, nowMs: () => nowMs };
    const actions = createActions({
      store,
      clock,
      chance: createChance(clock),
      seal: () => Promise.resolve(new Uint8Array()),
      redactText: (text) => text,
      settleFreeze: () => Promise.resolve(true),
      unsettled: () => undefined,
      hasFailedBefore: () => Promise.resolve(false),
      ended: () => undefined,
    });
    const upkeep = createUpkeep({
      store,
      clock,
      actions,
      proceed: () => Promise.resolve(),
      takeOver: () => Promise.resolve('no'),
      trustSettings: () => Promise.resolve(DEFAULT_TRUST),
      failed: (error) => assert.fail(String(error)),
      writeEntry,
    });
    return (await upkeep.sweep()).unknown;
  };
  assert.equal(await sweepAt(deadlineMs + 1), 0, 'its process may be about to write it');
  assert.equal(await sweepAt(deadlineMs + 60_000), 1);
  assert.equal((await findAct(store, TENANT, call.act.id))?.status, 'unknown');
});
