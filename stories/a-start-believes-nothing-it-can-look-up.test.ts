// act_start() believes nothing that it can look up itself: whatever a caller decided, however it raced, an approval must
// still be there to be used and a freeze must find nothing of before it left on the way.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import { startAct } from '../server/src/act/actions/store.ts';
import { createAgents } from '../server/src/decide/agents/agents.ts';
import { createBarrier } from '../server/src/decide/restrictions/barrier.ts';
import { createChance, systemClock } from '../server/src/platform/clock/clock.ts';
import { writeEntry } from '../server/src/prove/journal/journal.ts';
import {
  isWaitingForBarrier,
  isWaitingForRow,
  prepareGround,
  recordWaiting,
  startCall,
  TENANT,
} from '../test/start-call.ts';
import { until } from '../test/until.ts';

// I2
test('a freeze by hand answers only when no start from before it is on its way any more', async (t) => {
  const { database, revision } = await prepareGround(t);
  const { store, admin } = database;
  const chance = createChance(systemClock);
  const agents = createAgents({
    store,
    clock: systemClock,
    chance,
    writeEntry,
    takeBarrier: createBarrier(store.control),
    standingOf: (_tenant, { score }) => Promise.resolve({ score, level: 'standard' }),
  });
  await startAct(store.app, startCall(await revision()));
  const idempotency = { principal: 'key:test', key: 'the same', digest: 'a digest' };
  let letGo = (): void => undefined;
  const sitting = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isIn = false;
  // Somebody else is about to use the same idempotency key: the start waits for them, past the reading of the revision.
  const blocker = admin
    .begin(async (tx) => {
      await tx`insert into mandate.idempotency (tenant, principal, key, request_digest, act_id, created_at) values (${TENANT}, 'key:test', 'the same', 'a digest', ${randomUUID()}, now())`;
      isIn = true;
      await sitting;
      throw new Error('and then does not');
    })
    .catch(() => undefined);
  await until('the key is taken', () => isIn);
  const starting = startAct(store.app, { ...startCall(await revision()), idempotency });
  await until('the start waits', () => isWaitingForRow(database));
  let isFrozen = false;
  const freezing = agents
    .freeze({ tenant: TENANT, agent: 'worker-1', reason: 'a story', by: 'key:test', traceId: null })
    .then((known) => {
      isFrozen = true;
      return known;
    });
  await until(
    'the freeze is on record',
    async () => (await admin`select 1 from mandate.restriction where kind = 'freeze'`).length === 1,
  );
  await until('and waits for the start', async () => isFrozen || (await isWaitingForBarrier(database)));
  assert.equal(isFrozen, false);
  letGo();
  await blocker;
  assert.equal((await starting).kind, 'started', 'it was before the freeze');
  assert.equal(await freezing, 'confirmed');
});

// I6
test('a waiting act begins only with an approval that is given, in time, unused and for this very digest', async (t) => {
  const { database, revision } = await prepareGround(t);
  const { store, admin } = database;
  const { id, approval } = await recordWaiting(store, TENANT);
  const start = async (digest: string): Promise<string> => {
    const call = startCall(await revision(), id);
    return (await startAct(store.app, { ...call, act: { ...call.act, digest }, approval })).kind;
  };
  for (const status of ['pending', 'denied', 'expired', 'cancelled', 'used']) {
    await admin`update mandate.approval set status = ${status}`;
    assert.equal(await start(id), 'gone', status);
  }
  await admin`update mandate.approval set status = 'approved', expires_at = now() - interval '1 second'`;
  assert.equal(await start(id), 'gone', 'too late');
  await admin`update mandate.approval set expires_at = now() + interval '1 minute'`;
  assert.equal(await start('another digest'), 'gone', 'of something else');
  assert.deepEqual([...(await admin`select id from mandate.agent`)], [], 'and nothing of it is left behind');
  assert.equal(await start(id), 'started');
  assert.equal(await start(id), 'gone', 'used');
});
