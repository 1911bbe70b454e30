import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action } from './action.ts';
import type { Rule } from './charter.ts';
import { actionOf, exceptionOf, findingOf, lawOf, ruleOf, snapshotOf } from './fixtures.test.ts';
import type { RuleMatch } from './rule-outcome.ts';
import { matchRule } from './rule.ts';
import type { Facts } from './snapshot.ts';
import type { TaintMark } from './taint.ts';
import { compareTiers } from './tier.ts';

interface Case {
  readonly action?: Partial<Action>;
  readonly facts?: Partial<Facts>;
}

function match(rules: readonly Rule[], name: string, { action, facts }: Case = {}): RuleMatch {
  const law = lawOf(rules);
  return matchRule(law, actionOf(name, action), snapshotOf(law, facts));
}

// I5
test('a condition that cannot be evaluated without a claim is no milder with the claim', () => {
  const when = "context.environment != 'sandbox'";
  const except = [exceptionOf({ tier: 'black', when: "context.environment == 'production'" })];
  const cases: readonly (readonly Rule[])[] = [
    [ruleOf('red', 'deploy.x', { when }), ruleOf('green', '*')],
    [ruleOf('black', 'deploy.x', { when }), ruleOf('green', '*')],
    [ruleOf('green', 'deploy.x', { except })],
  ];
  for (const rules of cases) {
    const silent = match(rules, 'deploy.x');
    const claimed = match(rules, 'deploy.x', { action: { context: { environment: 'sandbox' } } });
    assert.equal(claimed.tier, silent.tier);
    assert.ok(compareTiers(claimed.tier, 'red') >= 0);
    assert.match(claimed.ruleText, /What the agent says of itself cannot make this milder/);
  }
  const asked = `has(context.environment) && ${when}`;
  const usable = [ruleOf('red', 'deploy.x', { when: asked }), ruleOf('green', '*')];
  const tierOf = (context: Action['context']): string =>
    match(usable, 'deploy.x', { action: { context } }).tier;
  assert.deepEqual(
    [tierOf({}), tierOf({ environment: 'sandbox' }), tierOf({ environment: 'live' })],
    ['green', 'green', 'red'],
  );
});

test('an agent gets out of no rule by marking what it sends as untrusted, or by what is found for its words', () => {
  const told: TaintMark = {
    pointer: '/parameters/a',
    how: 'value',
    actId: 'a1',
    action: 'web.fetch',
    claimed: true,
  };
  const claims: readonly Case[] = [
    { action: { context: { untrusted: true } } },
    { action: { parameters: { untrusted: true } } },
    { facts: { taint: [told] } },
    { facts: { taint: [{ ...told, how: 'unseen' }] } },
  ];
  const words: readonly Case[] = [
    ...claims.map((claim): Case => ({
      ...claim,
      facts: { ...claim.facts, findings: [findingOf('warning', 'tainted')] },
    })),
    {
      action: { context: { note: 'x' } },
      facts: { findings: [{ ...findingOf('warning', 'secret_leak'), pointer: '/context/note' }] },
    },
    { action: { costMicroUsd: 2_000_000 }, facts: { findings: [findingOf('warning', 'cost')] } },
  ];
  for (const [when, cases] of [
    ['taint.size() == 0', claims],
    ['findings.size() == 0', words],
  ] as const) {
    const rules = [ruleOf('red', 'mail.send', { when }), ruleOf('green', 'mail.*')];
    const excepted = [ruleOf('green', 'mail.send', { except: [exceptionOf({ when })] })];
    assert.equal(match(rules, 'mail.send').tier, 'red');
    for (const claim of cases) {
      assert.equal(match(rules, 'mail.send', claim).tier, 'red', `${when} ${JSON.stringify(claim)}`);
      assert.equal(match(excepted, 'mail.send', claim).tier, 'red', `${when} ${JSON.stringify(claim)}`);
    }
  }
  const sure: Case = {
    facts: { taint: [{ pointer: '/parameters/a', how: 'value', actId: 'a1', action: 'web.fetch' }] },
  };
  const clean = [ruleOf('red', 'mail.send', { when: 'taint.size() == 0' }), ruleOf('green', 'mail.*')];
  assert.equal(match(clean, 'mail.send', sure).tier, 'green', 'what Mandate has seen itself is no claim');
  const tainted = [ruleOf('red', 'mail.send', { when: 'taint.size() > 0' }), ruleOf('green', 'mail.*')];
  for (const claim of claims) assert.equal(match(tainted, 'mail.send', claim).tier, 'red');
});

test('of two rules of one tier a claim chooses neither the easier approval nor the audited rule', () => {
  const when = '!has(context.urgent)';
  const stricter = [
    ruleOf('red', 'a.b', { when, approvers: ['tech-lead'] }),
    ruleOf('yellow', 'a.c', { when, lift: false }),
    ruleOf('red', 'a.d', { when, enforcement: 'enforce' }),
    ruleOf('green', 'a.e', { when, requires: ['send'] }),
  ];
  const milder = [
    ruleOf('red', 'a.*'),
    ruleOf('yellow', 'a.c', { when: 'has(context.urgent)' }),
    ruleOf('red', 'a.d', { when: 'has(context.urgent)', enforcement: 'audit' }),
    ruleOf('green', 'a.e', { when: 'has(context.urgent)' }),
  ];
  for (const expected of stricter) {
    const found = match([...stricter, ...milder], expected.match, { action: { context: { urgent: true } } });
    assert.equal(found.rule?.rule, expected, expected.match);
  }
  const careful = [
    ruleOf('red', 'a.b', { when: 'has(context.grave)', approvers: ['tech-lead'] }),
    ruleOf('red', 'a.*'),
  ];
  const graver = match(careful, 'a.b', { action: { context: { grave: true } } });
  assert.deepEqual(graver.rule?.rule.approvers, ['tech-lead'], 'a claim may ask for more');
});
