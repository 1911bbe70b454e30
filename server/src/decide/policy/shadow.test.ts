// Against a real Postgres and several processes: a charter on trial sees what the live one decides, and touches nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '@mandate/kernel';
import type { Action, Facts, Law, ShadowReport } from '@mandate/kernel';
import { openPolicyGround, TENANT } from '../../../../test/policy.ts';
import type { PolicyGround, PolicyProcess } from '../../../../test/policy.ts';
import { actionOf, factsOf } from '../../../../test/plain.ts';
import { actId } from '../../../../test/recorded-acts.ts';

const GREEN = 'version: 1\ntiers: { green: { actions: [a.*] } }\n';
const HOLDS_B = 'version: 1\ntiers: { green: { actions: [a.*] }, red: { actions: [a.b] } }\n';
const BLACK = 'version: 1\ntiers: { black: { actions: [a.*] } }\n';
const order = { tenant: TENANT, by: 'key:ada', note: null, traceId: null };

/** The road decides an action in a process. */
function onTheRoad(
  at: PolicyProcess,
  law: Law,
  of: { n: number; action?: string; facts?: Partial<Facts>; tenant?: string },
): void {
  const action: Action = actionOf(of.action ?? 'a.b');
  const snapshot = { ...factsOf({ tenant: TENANT, ...of.facts }), law };
  const decision = decide(action, snapshot);
  const { tenant = TENANT } = of;
  at.trials.observer.observe({ tenant, actId: actId(of.n), action, snapshot, decision });
}

async function shown({ policy }: PolicyProcess): Promise<ShadowReport> {
  return (await policy.shadows.show(TENANT)) ?? assert.fail('no charter is on trial');
}

async function put(ground: PolicyProcess, charter: string): Promise<void> {
  const done = await ground.policy.shadows.set({ ...order, charter });
  assert.equal(done.kind, 'set');
}

async function entries({ database }: PolicyGround): Promise<readonly { kind: string; data: string }[]> {
  return database.store.withTenant(
    TENANT,
    (tx) => tx<{ kind: string; data: string }[]>`
      select kind, data from mandate.journal where kind like 'policy.%' order by id`,
  );
}

test('a charter on trial records where it differs, once for each way, with the first and the last act', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  await put(ground, HOLDS_B);
  for (let n = 1; n <= 120; n += 1) onTheRoad(ground, law, { n, action: n % 3 === 0 ? 'a.b' : 'a.c' });
  const report = await shown(ground);
  assert.deepEqual([report.decided, report.differed, report.failed, report.skipped], [120, 40, 0, 0]);
  assert.deepEqual(report.counts, { held: 40 });
  assert.equal(report.summary, 'This change would have held 40 of 120 decided actions.');
  assert.deepEqual(
    report.groups.map(({ action, change, count, first, last }) => [action, change, count, first.id, last.id]),
    [['a.b', 'held', 40, actId(3), actId(120)]],
  );
});

test('every process sees within a second that a charter is on trial, and that it no longer is', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  const other = ground.another();
  onTheRoad(other, law, { n: 1 });
  await other.trials.observer.settle();
  await put(ground, HOLDS_B);
  ground.clock.advance(1_000);
  onTheRoad(other, law, { n: 2 });
  await other.trials.observer.settle();
  assert.equal((await shown(ground)).differed, 1);
  const ended = await ground.policy.shadows.stop(order);
  assert.equal(ended?.differed, 1);
  ground.clock.advance(1_000);
  onTheRoad(other, law, { n: 3 });
  await other.trials.observer.settle();
  assert.equal(await ground.policy.shadows.show(TENANT), null);
  assert.deepEqual(other.warnings, []);
});

test('the counts of several processes add up', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  await put(ground, HOLDS_B);
  const processes = [ground, ground.another(), ground.another()];
  for (const [index, process] of processes.entries())
    for (let n = 0; n < 20; n += 1) onTheRoad(process, law, { n: index * 100 + n });
  await Promise.all(processes.map(({ trials }) => trials.observer.settle()));
  const { decided, differed, groups } = await shown(ground);
  assert.deepEqual([decided, differed, groups.map(({ count }) => count)], [60, 60, [60]]);
});

test('another charter begins to count anew, the same one goes on', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  await put(ground, HOLDS_B);
  onTheRoad(ground, law, { n: 1 });
  const again = await ground.policy.shadows.set({ ...order, charter: HOLDS_B });
  assert.ok(again.kind === 'set' && !again.changed);
  assert.equal((await shown(ground)).differed, 1);
  await put(ground, BLACK);
  assert.equal((await shown(ground)).decided, 0);
  onTheRoad(ground, law, { n: 2 });
  assert.deepEqual((await shown(ground)).counts, { denied: 1 });
});

test('the journal tells who put it on trial and what it came to', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  await ground.policy.shadows.set({ ...order, charter: HOLDS_B, note: 'before Monday' });
  onTheRoad(ground, law, { n: 1 });
  await ground.policy.shadows.stop(order);
  const told = await entries(ground);
  assert.deepEqual(
    told.map(({ kind }) => kind),
    ['policy.shadow_set', 'policy.shadow_stopped'],
  );
  assert.match(told[0]?.data ?? '', /"note":"before Monday"/);
  assert.match(told[1]?.data ?? '', /"counts":\{"held":1\}.*"decided":1/);
});

test('a charter with a mistake is not put on trial, and the mistake is named', async (t) => {
  const ground = await openPolicyGround(t);
  const done = await ground.policy.shadows.set({ ...order, charter: 'version: 1\ntears: {}\n' });
  assert.ok(done.kind === 'refused');
  assert.match(done.errors[0]?.detail ?? '', /charter\.yaml:2:1 tears: The key tears is unknown/);
});

test('a shadow that cannot be judged by is counted as failed and stops nobody', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  await put(ground, HOLDS_B);
  await ground.database
    .admin`update mandate.shadow set content = '[{"kind":"own","name":"charter.yaml","text":"version: 9"}]'`;
  onTheRoad(ground, law, { n: 1 });
  const { decided, failed, differed } = await shown(ground);
  assert.deepEqual([decided, failed, differed], [1, 1, 0]);
});

test('while the database is away the road hears nothing of it, and what was not compared is counted as skipped', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  await put(ground, HOLDS_B);
  await ground.database.admin`alter table mandate.shadow rename to shadow_away`;
  for (let n = 0; n < 5; n += 1) onTheRoad(ground, law, { n });
  await ground.trials.observer.settle();
  assert.equal(ground.warnings.length, 1);
  await ground.database.admin`alter table mandate.shadow_away rename to shadow`;
  onTheRoad(ground, law, { n: 9 });
  await ground.trials.observer.settle();
  const { decided, skipped } = await shown(ground);
  assert.deepEqual([decided, skipped], [1, 5]);
});

test('where one decision cannot be compared, those compared before it are not counted as skipped too', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  await put(ground, HOLDS_B);
  onTheRoad(ground, law, { n: 1 });
  await ground.trials.observer.settle();
  await ground.database.admin`alter table mandate.shadow rename to shadow_away`;
  for (const n of [2, 3]) onTheRoad(ground, law, { n });
  // Of this one's trial nothing is known yet, so that it has to be asked for.
  onTheRoad(ground, law, { n: 4, tenant: 'rival' });
  onTheRoad(ground, law, { n: 5 });
  await ground.trials.observer.settle();
  await ground.database.admin`alter table mandate.shadow_away rename to shadow`;
  const { decided, differed, skipped } = await shown(ground);
  assert.deepEqual([decided, differed, skipped], [3, 3, 1]);
});

test('more decisions than there is room for are skipped and counted, not kept', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  await put(ground, HOLDS_B);
  for (let n = 0; n < 2_500; n += 1) onTheRoad(ground, law, { n });
  const { decided, skipped } = await shown(ground);
  assert.deepEqual([decided, skipped], [2_000, 500]);
});

test('ways to differ are bounded: the rest is counted', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  await put(ground, HOLDS_B.replace('[a.b]', "['a.b.*']"));
  for (let round = 0; round < 2; round += 1) {
    for (let n = 0; n < 400; n += 1) onTheRoad(ground, law, { n, action: `a.b.x${round}x${n}` });
    await ground.trials.observer.settle();
  }
  const { differed, groups, ungrouped } = await shown(ground);
  assert.deepEqual([differed, groups.length, ungrouped], [800, 500, 300]);
  const [kept] = await ground.database.admin`select count(*)::int as n from mandate.shadow_difference`;
  assert.equal(kept?.['n'], 500);
  await ground.policy.shadows.stop(order);
  const [left] = await ground.database.admin`select count(*)::int as n from mandate.shadow_difference`;
  assert.equal(left?.['n'], 0);
});

test('what people approved is compared as what it was when it was asked', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(HOLDS_B);
  await put(ground, GREEN);
  const approval = { id: 'ap-1', causes: ['rule:a.b'], requiredRoles: [], quorum: 1, fourEyes: false };
  onTheRoad(ground, law, { n: 1, facts: { approval } });
  assert.deepEqual((await shown(ground)).counts, { freed: 1 });
});

test('after it was closed nothing is taken note of, and what was noted before is written', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  await put(ground, HOLDS_B);
  onTheRoad(ground, law, { n: 1 });
  await ground.trials.observer.close();
  onTheRoad(ground, law, { n: 2 });
  assert.equal((await shown(ground.another())).decided, 1);
});

test('one tenant never sees the trial of another', async (t) => {
  const ground = await openPolicyGround(t);
  await put(ground, HOLDS_B);
  assert.equal(await ground.policy.shadows.show('rival'), null);
  assert.equal(await ground.policy.shadows.stop({ ...order, tenant: 'rival' }), null);
  assert.notEqual(await ground.policy.shadows.show(TENANT), null);
});
