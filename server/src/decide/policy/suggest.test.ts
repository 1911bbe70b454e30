// Against a real Postgres: a draft is made of what was recorded under audit, it loads, and what it would still hold of
// that which ran stands in it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Suggestion } from '@mandate/kernel';
import { openPolicyGround, past, TENANT } from '../../../../test/policy.ts';
import type { PolicyGround } from '../../../../test/policy.ts';
import { actId } from '../../../../test/recorded-acts.ts';
import { parse } from 'yaml';

const AUDIT = 'version: 1\nextends: default\nenforcement: audit\n';

async function suggest(ground: PolicyGround, relax = false): Promise<Suggestion> {
  const done = await ground.policy.suggest({ tenant: TENANT, range: { against: '1d' }, relax });
  return done.kind === 'suggested' ? done.suggestion : assert.fail(done.refusal.detail);
}

/** What the draft holds of what ran, found by simulating it as anybody would. */
async function heldBy(ground: PolicyGround, text: string): Promise<ReadonlyMap<string, number>> {
  const found = await ground.policy.charters.find(TENANT, text, '');
  assert.ok(found.kind === 'loaded', JSON.stringify(found));
  const done = await ground.policy.simulate({
    tenant: TENANT,
    range: {},
    before: 'own',
    after: { law: found.law },
    limit: 10_000,
  });
  assert.ok(done.kind === 'report');
  const held = new Map<string, number>();
  for (const { change, action } of done.report.differences)
    if (change === 'held' || change === 'denied') held.set(action, (held.get(action) ?? 0) + 1);
  return held;
}

/** Records that people decided on an act. */
async function say(ground: PolicyGround, act: string, status: 'denied' | 'used'): Promise<void> {
  await ground.database.store.withTenant(
    TENANT,
    (tx) => tx`
      insert into mandate.approval (tenant, id, digest, subject, act_id, display, requester, causes, required_roles, quorum, four_eyes, status, created_at, expires_at)
      values (${TENANT}, gen_random_uuid(), ${act}, 'action', ${act}, '{}', 'key:1', '{}', '{}', 1, false, ${status}, now(), now())`,
  );
}

test('the draft loads and, replayed over the same actions, holds nothing that ran unless it says so', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(AUDIT);
  const leak = { parameters: { path: '.env' } };
  await ground.record([
    ...Array.from({ length: 6 }, () =>
      past(law, 'code.write', { action: { parameters: { path: 'src/a.ts' } } }),
    ),
    ...Array.from({ length: 4 }, () => past(law, 'crm.update_lead')),
    past(law, 'crm.update_lead', { action: leak }),
    past(law, 'deploy.production'),
    past(law, 'code.write', { action: leak }),
    past(law, 'audit.delete'),
    past(law, 'git.merge', { action: { parameters: { branch: 'main' } } }),
  ]);
  const suggestion = await suggest(ground);
  assert.deepEqual(suggestion.rules, [
    { match: 'crm.update_lead', tier: 'green', actions: ['crm.update_lead'] },
  ]);
  const held = await heldBy(ground, suggestion.text);
  assert.deepEqual(
    held,
    new Map([
      ['code.write', 1],
      ['crm.update_lead', 1],
      ['deploy.production', 1],
      ['git.merge', 1],
    ]),
  );
  const said = new Map<string, number>();
  for (const { action, count } of suggestion.stillHeld) said.set(action, (said.get(action) ?? 0) + count);
  assert.deepEqual(said, held);
  for (const { action, causes, count } of suggestion.stillHeld)
    assert.ok(suggestion.text.includes(`#   ${count} × ${action}: ${causes.join(', ')}\n`), action);
});

test('every name that was seen is in the draft, with counts, severity, agents and paths', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(`${AUDIT}actions: { crm.update_lead: { severity: high } }\n`);
  await ground.record([
    past(law, 'crm.update_lead', { action: { agent: 'sales-1', parameters: { path: 'leads/7' } } }),
    past(law, 'crm.update_lead', { action: { agent: 'sales-2', parameters: { path: 'leads/8' } } }),
    past(law, 'test.run_suite'),
    past(law, 'audit.delete'),
  ]);
  const { text } = await suggest(ground);
  assert.match(
    text,
    /# 2 seen \(2 ran\) · severity high · by sales-1, sales-2 · paths leads\/7, leads\/8\.\n +# No rule of the charter names it\.\n +- crm\.update_lead\n/,
  );
  assert.match(text, /# +test\.run_suite\n# +1 seen \(1 ran\).*\n# +The rule test\.run\* is green at most\./);
  assert.match(text, /# +audit\.delete\n# +1 seen ·.*\n# +Nothing of it was let pass\./);
});

test('the draft enforces, and keeps what its author wrote, comments included', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(`# Ours.
version: 1
extends: default
enforcement: audit # for now
tiers: { green: { actions: [mine.a] }, yellow: { actions: [mine.b] } }
limits: { usdPerDay: 20 } # a day
`);
  await ground.record([past(law, 'crm.read')]);
  const { text } = await suggest(ground);
  const written = parse(text) as Record<string, unknown>;
  assert.equal(written['enforcement'], 'enforce');
  assert.deepEqual(written['tiers'], {
    green: { actions: ['mine.a', 'crm.read'] },
    yellow: { actions: ['mine.b'] },
  });
  assert.deepEqual(written['limits'], { usdPerDay: 20 });
  assert.match(text, /# Ours\./);
  assert.match(text, /# a day/);
});

test('what the shipped charter holds stays held, also where the charter in force does not extend it', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate('version: 1\nenforcement: audit\ntiers: { green: { actions: [x.y] } }\n');
  await ground.record([past(law, 'deploy.production'), past(law, 'secrets.expose'), past(law, 'crm.read')]);
  const { rules, text } = await suggest(ground);
  assert.deepEqual(
    rules.map(({ match, tier }) => [match, tier]),
    [
      ['crm.read', 'green'],
      ['deploy.production', 'red'],
      ['secrets.expose', 'black'],
    ],
  );
  assert.match(text, /The shipped rule deploy\.production is red, and so is this one\./);
  assert.deepEqual([...(await heldBy(ground, text)).keys()].toSorted(), [
    'deploy.production',
    'secrets.expose',
  ]);
});

test('relaxed, what is red and ran becomes yellow, never without saying that it is milder; black stays black', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(AUDIT);
  await ground.record([
    past(law, 'deploy.production'),
    past(law, 'audit.delete'),
    past(law, 'git.force_push'),
  ]);
  const { rules, text, stillHeld } = await suggest(ground, true);
  assert.deepEqual(
    rules.map(({ match, tier }) => [match, tier]),
    [
      ['deploy.production', 'yellow'],
      ['git.force_push', 'yellow'],
    ],
  );
  assert.match(text, /# MILDER than the rule deploy\.production, which is red\.\n +- deploy\.production/);
  // What a guardrail holds no rule of the draft lets pass.
  assert.deepEqual(
    stillHeld.map(({ action, causes }) => [action, causes]),
    [['git.force_push', ['critical:branch_protection', 'finding:branch_protection']]],
  );
});

test('what people denied waits for them, and what they approved runs and is told', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(AUDIT);
  const held = await ground.activate('version: 1\nextends: default\n');
  const approval = { id: 'ap', causes: ['rule:none'], requiredRoles: [], quorum: 1, fourEyes: false };
  await ground.record([
    past(law, 'mail.send'),
    past(held, 'mail.send'),
    past(held, 'crm.merge', { facts: { approval } }),
    past(held, 'crm.purge'),
  ]);
  await say(ground, actId(2), 'denied');
  await say(ground, actId(3), 'used');
  await say(ground, actId(4), 'denied');
  const { rules, text } = await suggest(ground);
  assert.deepEqual(
    rules.map(({ match, tier }) => [match, tier]),
    [['crm.merge', 'yellow']],
  );
  assert.match(text, /# +mail\.send\n.*\n# +People denied it once, so it waits for them\./);
  assert.match(text, /People approved it once\./);
});

test('what people denied and a rule lets pass becomes red', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate('version: 1\nextends: default\n');
  await ground.record([
    past(law, 'docs.publish'),
    past(law, 'docs.publish', { facts: { mode: 'SUPERVISED' } }),
  ]);
  await say(ground, actId(2), 'denied');
  const { rules, text } = await suggest(ground);
  assert.deepEqual(rules, [{ match: 'docs.publish', tier: 'red', actions: ['docs.publish'] }]);
  assert.match(text, /1 × docs\.publish: rule:docs\.publish/);
});

test('three mild names below one prefix become one rule, unless something else is known below it', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(`${AUDIT}actions: { vault.read_c: { severity: high } }\n`);
  const names = [
    'crm.a',
    'crm.b',
    'crm.c',
    'mail.a',
    'mail.b',
    'vault.read_a',
    'vault.read_b',
    'vault.read_c',
  ];
  await ground.record(
    [...names, 'git.x', 'git.y', 'git.z', 'erp.a', 'erp.b', 'erp.c', 'erp.sub.d'].map((name) =>
      past(law, name),
    ),
  );
  const { rules, text } = await suggest(ground);
  assert.deepEqual(
    rules.map(({ match }) => match),
    [
      'crm.*',
      'erp.a',
      'erp.b',
      'erp.c',
      'erp.sub.d',
      'git.x',
      'git.y',
      'git.z',
      'mail.a',
      'mail.b',
      'vault.read_a',
      'vault.read_b',
      'vault.read_c',
    ],
  );
  assert.match(text, /# 3 names; crm\.\* also covers names that were not seen yet:/);
});

test('a hostile name or path stays a comment, and secrets are not repeated', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(AUDIT);
  const token = `ghp_${'a1B2c3D4'.repeat(4)}e5F6`;
  await ground.record([
    past(law, 'crm.x', { action: { parameters: { path: `a\n- audit.delete\n#\u2028- '*' ${token}` } } }),
  ]);
  const { text, rules } = await suggest(ground);
  assert.deepEqual((parse(text) as { tiers: unknown }).tiers, { green: { actions: ['crm.x'] } });
  assert.equal(rules.length, 1);
  assert.ok(!text.includes(token));
});

test('a name of which an own rule exists is left to its author', async (t) => {
  const ground = await openPolicyGround(t);
  const law = await ground.activate(`${AUDIT}tiers: { red: { actions: [crm.wipe] } }\n`);
  await ground.record([past(law, 'crm.wipe')]);
  const { rules, text } = await suggest(ground, true);
  assert.deepEqual(rules, []);
  assert.match(text, /Your own file has a rule for exactly this name: change it by hand\./);
});

test('where nothing was recorded the draft is the charter, enforced', async (t) => {
  const ground = await openPolicyGround(t);
  await ground.activate(AUDIT);
  const { text, acts, rules } = await suggest(ground);
  assert.deepEqual([acts, rules], [0, []]);
  assert.deepEqual(parse(text), { version: 1, extends: 'default', enforcement: 'enforce' });
});
