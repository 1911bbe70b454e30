// Approved acts of an agent that is frozen wait, and may be many. They wait alone: nobody else's approved act waits
// behind them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createActions } from '../server/src/act/actions/actions.ts';
import { createUpkeep } from '../server/src/act/actions/upkeep.ts';
import { createChance, systemClock } from '../server/src/platform/clock/clock.ts';
import { writeEntry } from '../server/src/prove/journal/journal.ts';
import { DEFAULT_TRUST } from '@mandate/kernel';
import { prepareGround, recordWaiting, TENANT } from '../test/start-call.ts';

// I6
test('every approved act has its turn, and every tenant in each, however many of them may not begin', async (t) => {
  const { database } = await prepareGround(t);
  const { store, admin } = database;
  await store.withTenant(
    'rival',
    (tx) => tx`insert into mandate.tenant (tenant, created_at) values ('rival', now())`,
  );
  const waiting = await Promise.all(Array.from({ length: 230 }, () => recordWaiting(store, TENANT)));
  const blocked = waiting.map(({ id }) => id);
  const { id: theirs } = await recordWaiting(store, 'rival');
  await admin`update mandate.approval set status = 'approved', decided_at = now()`;
  await admin`update mandate.approval set decided_at = now() + interval '1 second' where tenant = 'rival'`;

  let tried: string[] = [];
  const actions = createActions({
    store,
    clock: systemClock,
    chance: createChance(systemClock),
    seal: () => Promise.resolve(new Uint8Array()),
    redactText: (text) => text,
    settleFreeze: () => Promise.resolve(true),
    unsettled: () => undefined,
    hasFailedBefore: () => Promise.resolve(false),
    ended: () => undefined,
  });
  const upkeep = createUpkeep({
    store,
    clock: systemClock,
    actions,
    // None of them may begin: each stays as it is.
    proceed: ({ id }) => Promise.resolve(tried.push(id)),
    takeOver: () => Promise.resolve('no'),
    trustSettings: () => Promise.resolve(DEFAULT_TRUST),
    failed: (error) => assert.fail(String(error)),
    writeEntry,
  });
  await upkeep.runApproved();
  assert.ok(tried.includes(theirs), 'the other tenant has a turn in the very first pass');
  await upkeep.runApproved();
  await upkeep.runApproved();
  assert.deepEqual(new Set(tried), new Set([...blocked, theirs]), 'after three passes each has had one');
  tried = [];
  for (let pass = 0; pass < 3; pass += 1) await upkeep.runApproved();
  assert.equal(new Set(tried).size, 231, 'and it begins anew');
});
