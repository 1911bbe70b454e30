// Against a real Postgres: what a change of the law would have done is told before it is made, act by act.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SimulationReport } from '@mandate/kernel';
import { openPolicyGround, past, TENANT } from '../../../../test/policy.ts';
import type { PolicyGround, PolicyProcess } from '../../../../test/policy.ts';
import { actId } from '../../../../test/recorded-acts.ts';
import type { Side } from './replay.ts';

const GREEN = 'version: 1\ntiers: { green: { actions: [a.*] } }\n';
const tiers = (green: string, red: string, black = ''): string =>
  `version: 1\ntiers:\n  green: { actions: [${green}] }\n  red: { actions: [${red}] }\n  black: { actions: [${black}] }\n`;

async function lawOf({ policy }: PolicyProcess, text: string): Promise<Side> {
  const found = await policy.charters.find(TENANT, text, '/charter');
  return found.kind === 'loaded' ? { law: found.law } : assert.fail(JSON.stringify(found.errors));
}

async function simulate(ground: PolicyGround, text: string, limit = 10_000): Promise<SimulationReport> {
  const after = await lawOf(ground, text);
  const done = await ground.policy.simulate({ tenant: TENANT, range: {}, before: 'own', after, limit });
  return done.kind === 'report' ? done.report : assert.fail(done.refusal.detail);
}

test('of ten thousand recorded actions every one that a change would have held or freed is named, and no other', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(tiers("'a.*'", "'b.*'"));
  const acts = Array.from({ length: 10_000 }, (_, n) =>
    past(law, n % 100 === 7 ? `b.${n % 5}` : `a.${n % 50}`),
  );
  const ids = await ground.record(acts);

  const report = await simulate(ground, tiers("'a.*', 'b.*'", 'a.3'));
  const held = ids.filter((_id, n) => acts[n]?.action.action === 'a.3');
  const freed = ids.filter((_id, n) => acts[n]?.action.action.startsWith('b.') === true);
  assert.equal(report.acts, 10_000);
  assert.deepEqual(report.counts, { held: held.length, freed: freed.length });
  assert.equal(
    report.summary,
    `This change would have held ${held.length} and freed ${freed.length} of 10,000 recorded actions.`,
  );
  const named = (change: string): readonly string[] =>
    report.differences.filter((it) => it.change === change).map(({ id }) => id);
  assert.deepEqual(named('held').toSorted(), held.toSorted());
  assert.deepEqual(named('freed').toSorted(), freed.toSorted());
  assert.equal(report.differencesLeftOut, 0);
  assert.deepEqual(report.baseline, { replayed: 10_000, recorded: 0 });
  assert.deepEqual([report.drifted.count, report.notReplayed.unreadable, report.cutAt], [0, 0, null]);
  assert.equal(
    report.groups.reduce((sum, { count }) => sum + count, 0),
    held.length + freed.length,
  );
});

test('each difference says who, what, and what the decision was and would be', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  await ground.record([past(law, 'a.read'), past(law, 'a.write', { action: { agent: 'writer' } })]);
  const { differences, groups } = await simulate(ground, tiers('a.read', 'a.write'));
  assert.deepEqual(differences, [
    {
      id: actId(2),
      agent: 'writer',
      action: 'a.write',
      at: '2026-11-20T11:59:59.000Z',
      status: 'success',
      change: 'held',
      before: { tier: 'green', effect: 'execute', code: 'allowed', rule: 'a.*' },
      after: { tier: 'red', effect: 'hold', code: 'approval_required', rule: 'a.write' },
    },
    {
      id: actId(1),
      agent: 'builder-1',
      action: 'a.read',
      at: '2026-11-20T11:59:58.999Z',
      status: 'success',
      change: 'reruled',
      before: { tier: 'green', effect: 'execute', code: 'allowed', rule: 'a.*' },
      after: { tier: 'green', effect: 'execute', code: 'allowed', rule: 'a.read' },
    },
  ]);
  assert.deepEqual(
    groups.map(({ change, action, count, example }) => [change, action, count, example]),
    [
      ['held', 'a.write', 1, actId(2)],
      ['reruled', 'a.read', 1, actId(1)],
    ],
  );
});

test('the list may be cut short, and then says by how much; the counts never are', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  await ground.record(Array.from({ length: 12 }, () => past(law, 'a.b')));
  const report = await simulate(ground, tiers('x', 'a.b'), 5);
  assert.deepEqual(
    [report.counts, report.differences.length, report.differencesLeftOut],
    [{ held: 12 }, 5, 7],
  );
  assert.equal(report.groups[0]?.count, 12);
});

test('what people approved counts as held: they would not have been asked under a milder law', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(tiers('x', 'a.b'));
  const approval = { id: 'ap-1', causes: ['rule:a.b'], requiredRoles: [], quorum: 1, fourEyes: false };
  const approved = past(law, 'a.b', { facts: { approval } });
  assert.equal(approved.decision.code, 'approved');
  await ground.record([approved]);
  const { counts, drifted } = await simulate(ground, GREEN);
  assert.deepEqual([counts, drifted.count], [{ freed: 1 }, 0]);
  assert.deepEqual((await simulate(ground, tiers('x', 'a.b'))).counts, {});
});

test('a dry run is replayed as what it would have been', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  const dry = past(law, 'a.b', { facts: { mode: 'DRY_RUN' } });
  assert.equal(dry.decision.effect, 'none');
  await ground.record([dry]);
  const { counts, drifted } = await simulate(ground, tiers('x', 'a.b'));
  assert.deepEqual([counts, drifted.count], [{ held: 1 }, 0]);
});

test('trust, restrictions and limits stay as they were recorded', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate('version: 1\ntiers: { yellow: { actions: [a.b] } }\n');
  const trust = { score: 10, streak: 0, failuresInRow: 0, gainedToday: 0, gainedDay: 0, movedMs: 0 };
  const probation = past(law, 'a.b', { facts: { trust } });
  const stop = {
    id: 's',
    kind: 'stop',
    scope: 'tenant',
    floor: 'black',
    except: [],
    cause: 'fire',
    by: 'ops',
    sinceMs: 0,
    untilMs: null,
  } as const;
  const stopped = past(law, 'a.b', { facts: { restrictions: [stop] } });
  assert.deepEqual([probation.decision.effect, stopped.decision.code], ['hold', 'stopped']);
  await ground.record([probation, stopped]);
  const { differences } = await simulate(ground, GREEN);
  assert.deepEqual(
    differences.map(({ change, after }) => [change, after.code]),
    [
      ['reruled', 'stopped'],
      ['freed', 'allowed'],
    ],
  );
});

test('an act whose record does not open is counted and stops nothing', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  const [first = ''] = await ground.record([past(law, 'a.b'), past(law, 'a.b')]);
  await ground.database.admin`alter table mandate.act disable trigger user`;
  await ground.database.admin`update mandate.act set sealed = 'broken' where id = ${first}`;
  const { acts, notReplayed, counts, summary } = await simulate(ground, tiers('x', 'a.b'));
  assert.deepEqual([acts, notReplayed.unreadable, counts], [2, 1, { held: 1 }]);
  assert.equal(summary, 'This change would have held 1 of 1 recorded action.');
});

test('an act that its own charter decides otherwise today is told as drifted', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  const act = past(law, 'a.b');
  await ground.record([{ ...act, decision: { ...act.decision, tier: 'yellow', rule: 'a.old' } }]);
  const { drifted, counts } = await simulate(ground, GREEN);
  assert.deepEqual([drifted.count, counts], [1, {}]);
  assert.deepEqual(drifted.acts[0]?.recorded, {
    tier: 'yellow',
    effect: 'execute',
    code: 'allowed',
    rule: 'a.old',
  });
});

test('under a charter that is gone the recorded decision is what the new one is held against', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  const gone = { ...past(law, 'a.b').decision, charterVersion: 'f'.repeat(64) };
  await ground.record([{ ...past(law, 'a.b'), decision: gone }]);
  const { baseline, counts } = await simulate(ground, tiers('x', 'a.b'));
  assert.deepEqual([baseline, counts], [{ replayed: 0, recorded: 1 }, { held: 1 }]);
});

test('what was refused before it was an act is counted, because it cannot be replayed', async (t) => {
  const ground = await openPolicyGround(t);
  await ground.activate(GREEN);
  const entry = (atMs: number, code: string) => ({
    kind: 'action.refused',
    agent: null,
    actId: null,
    actor: 'key:1',
    atMs,
    traceId: null,
    data: JSON.stringify({ code }),
  });
  const nowMs = ground.clock.nowMs();
  const entries = [
    entry(nowMs - 1, 'throttled'),
    entry(nowMs - 2, 'throttled'),
    entry(nowMs - 3, 'scope_missing'),
    entry(nowMs - 8 * 86_400_000, 'throttled'),
  ];
  await ground.database.store.withTenant(
    TENANT,
    (tx) => tx`select mandate.journal_write(${TENANT}, ${tx.json(entries)})`,
  );
  const { notReplayed, summary } = await simulate(ground, GREEN);
  assert.deepEqual(notReplayed.refused, { throttled: 2, scope_missing: 1 });
  assert.match(summary, /^No action was recorded/);
});

test('two charters are held against each other over the same past', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  await ground.record([past(law, 'a.one'), past(law, 'a.two'), past(law, 'a.three')]);
  const before = await lawOf(ground, tiers("'a.*'", 'a.one'));
  const after = await lawOf(ground, tiers("'a.*'", 'a.two', 'a.three'));
  const done = await ground.policy.simulate({ tenant: TENANT, range: {}, before, after, limit: 10 });
  assert.ok(done.kind === 'report');
  assert.deepEqual(done.report.counts, { held: 1, denied: 1, freed: 1 });
});

test('only the asked time is replayed, and no act of another tenant', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  await ground.record([past(law, 'a.old')]);
  ground.clock.advance(3_600_000);
  await ground.record([past(law, 'a.new')]);
  const after = await lawOf(ground, tiers('x', "'a.*'"));
  const of = async (tenant: string, range: object): Promise<readonly string[]> => {
    const done = await ground.policy.simulate({ tenant, range, before: 'own', after, limit: 10 });
    return done.kind === 'report' ? done.report.differences.map(({ action }) => action) : assert.fail();
  };
  assert.deepEqual(await of(TENANT, {}), ['a.new', 'a.old']);
  assert.deepEqual(await of(TENANT, { against: '30m' }), ['a.new']);
  assert.deepEqual(await of(TENANT, { to: ground.clock.nowMs() - 3_000_000 }), ['a.old']);
  assert.deepEqual(await of('rival', {}), []);
});

test('of acts in one microsecond none is skipped and none is seen twice between two pages', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(GREEN);
  await ground.record(Array.from({ length: 450 }, () => past(law, 'a.b')));
  await ground.database.admin`update mandate.act set created_at = '2026-11-20 11:59:00.123456Z'`;
  const { acts, differences } = await simulate(ground, tiers('x', 'a.b'));
  assert.equal(acts, 450);
  assert.equal(new Set(differences.map(({ id }) => id)).size, 450);
});

test('a third replay at the same time is asked to come back', async (t) => {
  const ground = await openPolicyGround(t);
  await ground.activate(GREEN);
  const after = await lawOf(ground, GREEN);
  const call = { tenant: TENANT, range: {}, before: 'own', after, limit: 1 } as const;
  const done = await Promise.all([1, 2, 3].map(() => ground.policy.simulate(call)));
  assert.deepEqual(
    done.map(({ kind }) => kind),
    ['report', 'report', 'refused'],
  );
  assert.equal((await ground.policy.simulate(call)).kind, 'report');
});
