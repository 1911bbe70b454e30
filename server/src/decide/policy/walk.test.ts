// Going through the past takes seconds of one core; nobody else may notice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPolicyGround, past, TENANT } from '../../../../test/policy.ts';
import type { PolicyGround } from '../../../../test/policy.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import { createPolicy } from './policy.ts';
import type { Policy } from './policy.ts';
import type { Evidence } from './replay.ts';
import { createWalk } from './walk.ts';

const GREEN = 'version: 1\ntiers: { green: { actions: [a.*] } }\n';

/** Each look at it takes that long. */
function ticking(stepMs: number): Pick<Clock, 'monotonicMs'> {
  let nowMs = 0;
  return { monotonicMs: () => (nowMs += stepMs) };
}

async function unseal({ seals }: PolicyGround, actId: string, sealed: Uint8Array): Promise<Evidence> {
  return JSON.parse((await seals.open(TENANT, `act:${actId}`, sealed)).toString('utf8')) as Evidence;
}

async function grounded(t: { after(fn: () => Promise<void>): void }, acts: number) {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  await ground.record(Array.from({ length: acts }, () => past(law, 'a.b')));
  return { ground, law };
}

function policyWith(ground: PolicyGround, clock: Pick<Clock, 'monotonicMs'>): Policy {
  return createPolicy({
    store: ground.database.store,
    clock: { ...ground.clock, ...clock },
    uuid: () => 'none',
    charters: ground.policy.charters,
    observer: ground.trials.observer,
    writeEntry: () => Promise.resolve(),
    unseal: (_tenant, actId, sealed) => unseal(ground, actId, sealed),
    readFlag: () => Promise.resolve('charter'),
    setFlag: () => Promise.resolve({ kind: 'changed' }),
  });
}

test('between the acts of one page everything else has its turn', async (t) => {
  const { ground } = await grounded(t, 150);
  const walk = createWalk({
    store: ground.database.store,
    clock: ticking(6),
    unseal: (_tenant, actId, sealed) => unseal(ground, actId, sealed),
  });
  let turns = 0;
  let isOver = false;
  const others = (): void => {
    turns += 1;
    if (!isOver) setImmediate(others);
  };
  const seen: number[] = [];
  const range = { fromMs: 0, toMs: ground.clock.nowMs() };
  const walked = await walk({
    tenant: TENANT,
    range,
    most: 1_000,
    visit() {
      if (seen.length === 0) setImmediate(others);
      seen.push(turns);
    },
  });
  isOver = true;
  assert.deepEqual([walked.kind, seen.length], ['walked', 150]);
  assert.ok(new Set(seen).size >= 60, `${new Set(seen).size} turns of others within 150 acts`);
});

test('a replay that takes too long is given up with what to ask for instead, and tells nothing of a part', async (t) => {
  const { ground, law } = await grounded(t, 20);
  const policy = policyWith(ground, ticking(3_000));
  const after = { law };
  const done = await policy.simulate({ tenant: TENANT, range: {}, before: 'own', after, limit: 10 });
  assert.ok(done.kind === 'refused');
  assert.equal(done.refusal.code, 'too_large');
  assert.match(
    done.refusal.detail,
    /^The replay was given up after 50 s and \d+ recorded actions; .*shorter time/,
  );
  const suggested = await policy.suggest({ tenant: TENANT, range: {}, relax: false });
  assert.ok(suggested.kind === 'refused');
  assert.equal(suggested.refusal.code, 'too_large');
});
