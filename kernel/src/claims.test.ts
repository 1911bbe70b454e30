import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action } from './action.ts';
import type { Charter, Rule } from './charter.ts';
import type { RuleMatch } from './compiled-rule.ts';
import type { Facts } from './facts.ts';
import { DEFAULT_GUARDRAILS } from './finding/guardrail-settings.ts';
import {
  actionOf,
  approvalOf,
  decideWith,
  exceptionOf,
  findingOf,
  lawOf,
  NOON_MS,
  ruleOf,
  snapshotOf,
  trustAt,
} from './fixtures.test.ts';
import { matchRule } from './rule.ts';
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
  // No part of what is asked for can be traded for another one: each of these is stricter in one and milder in another.
  const kind = { when: 'has(context.kind)' };
  const trades: readonly (readonly [chosen: Partial<Rule>, silent: Partial<Rule>])[] = [
    [{ approvers: ['tech-lead'] }, { approvers: ['exec-sponsor'], fourEyes: true }],
    [
      { fourEyes: true, expiresMs: 9_000_000 },
      { quorum: 2, expiresMs: 60_000 },
    ],
    [{ enforcement: 'enforce' }, { quorum: 2, requires: ['send'], obligations: ['report'] }],
    [{ approvers: ['vendor'] }, { escalate: [{ afterMs: 1000, to: 'user:ben' }] }],
  ];
  const termsOf = (...rules: readonly Rule[]) =>
    match(rules, 'a.b', { action: { context: { kind: 'docs' } } }).terms;
  const traded = trades.map(([chosen, silent]) =>
    termsOf(ruleOf('red', 'a.b', { ...kind, ...chosen }), ruleOf('red', 'a.*', silent)),
  );
  assert.deepEqual(
    traded.map(({ needs }) => [needs.requiredRoles, needs.quorum, needs.fourEyes, needs.expiresMs]),
    [
      [['exec-sponsor', 'tech-lead'], 1, true, 86_400_000],
      [[], 2, true, 60_000],
      [[], 2, false, 86_400_000],
      [[], 1, false, 86_400_000],
    ],
  );
  assert.deepEqual(
    [traded[2]?.enforcement, traded[2]?.requires, traded[2]?.obligations, traded[3]?.needs.escalate],
    ['enforce', ['send'], ['report'], [{ afterMs: 1000, to: 'user:ben' }]],
  );
  // A claim that makes it red leads to the people of that rule, and sheds nothing that silence would have needed.
  const raised = termsOf(
    ruleOf('red', 'a.b', { ...kind, approvers: ['vendor'], expiresMs: 9, enforcement: 'audit' }),
    ruleOf('yellow', 'a.*', { requires: ['send'], quorum: 2, lift: false, expiresMs: 5 }),
  );
  const { needs, requires, lift, enforcement } = raised;
  assert.deepEqual(
    [needs.requiredRoles, needs.quorum, needs.expiresMs, requires, lift, enforcement],
    [['vendor'], 2, 9, ['send'], false, null],
  );
  const graver = match(careful, 'a.b', { action: { context: { grave: true } } });
  assert.deepEqual(graver.rule?.rule.approvers, ['tech-lead'], 'a claim may ask for more');
});

test('a claim chooses no cause for which people have already given their approval', () => {
  const unlabelled = exceptionOf({ when: '!has(context.kind)' });
  const cases: readonly (readonly [rules: readonly Rule[], given: string, also: string, score: number])[] = [
    [[ruleOf('red', 'a.*', { except: [unlabelled] })], 'rule:a.*', `exception:a.*: ${unlabelled.when}`, 50],
    [
      [ruleOf('red', 'a.b', { when: '!has(context.kind)' }), ruleOf('red', 'a.*')],
      'rule:a.*',
      'rule:a.b',
      50,
    ],
    [
      [ruleOf('yellow', 'a.b', { when: '!has(context.kind)' }), ruleOf('red', 'a.*')],
      'rule:a.*',
      'trust:probation',
      10,
    ],
  ];
  for (const [rules, given, also, score] of cases) {
    const decideAs = (context: Action['context'], causes: readonly string[]) =>
      decideWith({
        rules,
        action: actionOf('a.b', { context }),
        facts: { trust: trustAt(score), approval: approvalOf(causes) },
      });
    const claimed = decideAs({ kind: 'docs' }, [given]);
    assert.deepEqual([claimed.effect, claimed.causes], ['hold', [also, given].toSorted()], also);
    assert.equal(decideAs({}, [given]).effect, 'hold', 'as it would be in silence');
    assert.equal(decideAs({ kind: 'docs' }, [given, also]).code, 'approved');
  }
});

test('what is on record stays in sight whatever an agent says: overruns, and marks of values read before', () => {
  const unseen: TaintMark = { pointer: '/parameters', how: 'unseen', actId: 'a1', action: 'web.fetch' };
  const marked: Partial<Facts> = { taint: [unseen] };
  const spent: Partial<Facts> = { used: { 'overrun/agent:builder-1': 2_000_000 } };
  const own = (when: string): Partial<Charter> => ({
    guardrails: {
      ...DEFAULT_GUARDRAILS,
      own: [{ name: 'mine', actions: [], when, severity: 'error', message: 'No.', origin: 'x' }],
    },
  });
  const seen = [
    ["findings.exists(f, f.check == 'cost')", spent],
    ['taint.size() > 0', marked],
    ["findings.exists(f, f.check == 'tainted')", marked],
  ] as const;
  const claims: readonly Partial<Action>[] = [
    {},
    { context: { urgent: true } },
    { context: { urgent: true }, costMicroUsd: 1 },
    { costMicroUsd: 1, context: { urgent: true, untrusted: true } },
  ];
  for (const [sign, facts] of seen) {
    const when = `${sign} && !has(context.urgent)`;
    const except = [exceptionOf({ when })];
    for (const claim of claims) {
      const action = actionOf('x.y', claim);
      const tiers = [
        decideWith({ rules: [ruleOf('green', 'x.y', { except })], action, facts }),
        decideWith({ charter: own(when), action, facts }),
      ].map(({ tier }) => tier);
      assert.deepEqual(tiers, ['red', 'red'], `${sign} ${JSON.stringify(claim)}`);
    }
  }
  // One mark is there: neither silence for ever nor one more mark may hide that.
  const leak = { name: 'leak', after: ['web.*'], next: ['x.y'], withinMs: 1000, origin: 'flows.leak' };
  const flows = [{ ...leak, tier: 'red', unless: 'taint.size() != 1' } as const];
  const past = [{ action: 'web.fetch', agent: 'builder-1', actId: 'a1', startedMs: NOON_MS - 10 }];
  const action = actionOf('x.y', { context: { untrusted: true } });
  assert.equal(decideWith({ charter: { flows }, action, facts: { ...marked, past } }).tier, 'red');
});
