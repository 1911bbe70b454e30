// An effect that has happened is not undone by a database that looks away just then: its end comes on record as soon
// as it can, nobody is told that nothing happened, and where it cannot be written at all the act still does not stay live.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import { createActions } from '../server/src/act/actions/actions.ts';
import type { Actions } from '../server/src/act/actions/actions.ts';
import { findAct } from '../server/src/act/actions/queries.ts';
import { startAct } from '../server/src/act/actions/store.ts';
import { createRunning } from '../server/src/act/actions/running.ts';
import { createTakeOver } from '../server/src/act/actions/take-over.ts';
import { createUpkeep } from '../server/src/act/actions/upkeep.ts';
import { shippedCharters } from '../server/src/decide/charter/disk.ts';
import { loadCharter } from '../server/src/decide/charter/load.ts';
import { createChance, systemClock } from '../server/src/platform/clock/clock.ts';
import type { Clock } from '../server/src/platform/clock/clock.ts';
import type { Refusal } from '../server/src/platform/http/problems.ts';
import type { Store } from '../server/src/platform/postgres/store.ts';
import { writeEntry } from '../server/src/prove/journal/journal.ts';
import { bareAsker } from '../server/src/platform/identity/asker.ts';
import { decide, DEFAULT_TRUST } from '@mandate/kernel';
import type { Law } from '@mandate/kernel';
import { startEffects } from '../test/effects.ts';
import { actionOf, factsOf } from '../test/plain.ts';
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

function actionsOf(store: Store, clock: Clock): Actions {
  return createActions({
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
}

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
    const actions = actionsOf(store, clock);
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

// I1, I6, I7
test('an act of a dead process is taken over under no stop, and by no less approval than is asked for today', async (t) => {
  const lawOf = async (demands: string): Promise<Law> => {
    const text = `version: 1\nactions: { test.run: { executor: e, idempotent: true } }\nexecutors: { e: { command: [x] } }
tiers: { red: { actions: [{ match: test.run${demands} }] } }\n`;
    const readFile = (): Promise<string> => Promise.resolve(text);
    const loaded = await loadCharter({ path: 'charter.yaml', readFile, readShipped: shippedCharters });
    return loaded.kind === 'loaded' ? loaded.law : assert.fail(JSON.stringify(loaded));
  };
  const { database, revision } = await prepareGround(t);
  const { store } = database;
  const worker = randomUUID();
  const action = actionOf('test.run', { agent: 'worker-1' });
  const given = {
    id: randomUUID(),
    causes: ['rule:test.run'],
    requiredRoles: [],
    quorum: 1,
    fourEyes: false,
  };
  const asker = bareAsker({ id: 'key:test', tenant: TENANT, roles: ['agent'], agents: 'any', traceId: null });
  const taken: string[] = [];
  /** A stop that stands at the nth question, once an act that people approved has lost its process. */
  const tryOn = async (demands: string, stoppedAt: number): Promise<readonly unknown[]> => {
    const law = await lawOf(demands);
    const call = startCall(await revision());
    const decision = decide(action, { ...factsOf({ tenant: TENANT }), law });
    await startAct(store.app, { ...call, act: { ...call.act, worker: randomUUID(), decision } });
    const act = await findAct(store, TENANT, call.act.id);
    assert.ok(act !== null);
    let questions = 0;
    const stop: Refusal = { code: 'stopped', detail: 'The file STOP is in the data directory.' };
    const takeOver = createTakeOver({
      db: store.app,
      clock: systemClock,
      actions: actionsOf(store, systemClock),
      running: createRunning(),
      sealed: {
        close: () => assert.fail('nothing is sealed anew'),
        open: () => Promise.resolve({ action, asker, facts: factsOf({ tenant: TENANT, approval: given }) }),
        openResult: () => Promise.resolve(null),
      },
      worker,
      barred: () => (++questions === stoppedAt ? stop : null),
      isHeld: () => true,
      lawOf: () => Promise.resolve(law),
      stands: () => Promise.resolve(true),
      snapshotOf: async () => ({ ...factsOf({ tenant: TENANT, revision: await revision() }), law }),
      execute: (_executor, { actId }) => {
        taken.push(actId);
        return Promise.resolve({ kind: 'success', result: null, costMicroUsd: null });
      },
      failed: (error) => assert.fail(String(error)),
    });
    const answer = await takeOver({ ...act, approvalId: given.id });
    const statusOf = async () => (await findAct(store, TENANT, act.id))?.status;
    if (answer === 'taken') await until('it has ended', async () => (await statusOf()) !== 'executing');
    return [answer, await statusOf(), taken.includes(act.id)];
  };
  const never = 0;
  assert.deepEqual(await tryOn('', never), ['taken', 'success', true]);
  assert.deepEqual(await tryOn('', 1), ['later', 'executing', false], 'stopped before');
  assert.deepEqual(await tryOn('', 2), ['taken', 'unknown', false], 'stopped while it was taken');
  for (const more of [', approvers: [tech-lead]', ', quorum: 2', ', fourEyes: true'])
    assert.deepEqual(await tryOn(more, never), ['no', 'executing', false], more);
});
