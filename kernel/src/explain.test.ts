import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from './action.ts';
import type { Rule } from './charter.ts';
import { explainRules, meantName } from './explain.ts';
import { actionOf, lawOf, ruleOf, snapshotOf } from './fixtures.test.ts';
import { matchRule } from './rule.ts';

function standings(rules: readonly Rule[], context: JsonObject = {}): readonly string[] {
  const law = lawOf(rules);
  const considered = explainRules(law, actionOf('git.merge', { context }), snapshotOf(law));
  return considered.map(({ pattern, standing }) => `${pattern} ${standing}`);
}

test('every rule that covers the name is listed in the order in which rules are tried, with why it did not decide', () => {
  const rules = [
    ruleOf('green', '*'),
    ruleOf('yellow', 'git.*'),
    ruleOf('green', 'git.merge', { selectors: { role: ['tech-lead'] } }),
    ruleOf('green', 'git.merge', { when: "has(parameters.branch) && parameters.branch == 'x'" }),
    ruleOf('red', 'git.merge', { when: '1 == 1' }),
    ruleOf('yellow', 'git.merge'),
    ruleOf('green', 'code.*'),
  ];
  assert.deepEqual(standings(rules), [
    'git.merge selectors',
    'git.merge matched',
    'git.merge less_specific',
    'git.merge condition',
    'git.* less_specific',
    '* less_specific',
  ]);
});

test('a final rule is said to beat the more specific ones', () => {
  assert.deepEqual(standings([ruleOf('black', 'git.*'), ruleOf('green', 'git.merge')]), [
    'git.* matched',
    'git.merge beaten',
  ]);
});

test('a rule that only the context of the agent makes fit is said to be claimed', () => {
  const claimed = ruleOf('green', 'git.merge', { when: 'has(context.urgent) && context.urgent' });
  const rules = [claimed, ruleOf('red', 'git.*')];
  assert.deepEqual(standings(rules, { urgent: true }), ['git.merge claims', 'git.* matched']);
  assert.deepEqual(standings(rules), ['git.merge condition', 'git.* matched']);
  assert.deepEqual(standings([claimed], { urgent: true }), ['git.merge claims']);
});

test('an explanation carries pattern, tier, origin, final and a sentence, and no rule gives none', () => {
  const law = lawOf([ruleOf('yellow', 'git.*', { selectors: { agentClass: ['bot'] } })], {
    agents: { other: { class: 'bot', usdPerDayMicroUsd: null } },
  });
  assert.deepEqual(explainRules(law, actionOf('git.merge'), snapshotOf(law)), [
    {
      pattern: 'git.*',
      tier: 'yellow',
      origin: 'test:git.*',
      final: false,
      selectors: { agentClass: ['bot'] },
      when: null,
      standing: 'selectors',
      why: 'It is only for agentClass bot, which does not fit who asks.',
    },
  ]);
  assert.deepEqual(explainRules(law, actionOf('code.read'), snapshotOf(law)), []);
});

test('a name that no rule knows is told the name that was perhaps meant', () => {
  const law = lawOf([ruleOf('green', 'git.merge'), ruleOf('green', 'code.*')]);
  assert.equal(meantName(law, 'git.mrege'), 'git.merge');
  assert.equal(meantName(law, 'git.merge'), null);
  assert.equal(meantName(law, 'mail.send'), null);
  assert.equal(meantName(law, 'code.anything'), null);
});

test('what is said to have matched is the rule that decides, whatever the rules are', () => {
  const rules = fc.uniqueArray(
    fc
      .record({
        tier: fc.constantFrom('green', 'yellow', 'red', 'black'),
        match: fc.constantFrom('*', 'git.*', 'git.merge'),
        final: fc.boolean(),
        when: fc.constantFrom(null, 'has(context.a)', '!has(context.a)', 'context.b == 1', '1 == 2'),
        role: fc.constantFrom(undefined, 'agent', 'nobody'),
      })
      .map(({ tier, match, final, when, role }) =>
        ruleOf(tier, match, { final, when, selectors: role === undefined ? {} : { role: [role] } }),
      ),
    { maxLength: 6, selector: ({ match, when, selectors }) => JSON.stringify([match, when, selectors]) },
  );
  fc.assert(
    fc.property(rules, fc.constantFrom({}, { a: 1 }, { b: 1 }), (written, context) => {
      const law = lawOf(written);
      const action = actionOf('git.merge', { context });
      const { rule } = matchRule(law, action, snapshotOf(law));
      const matched = explainRules(law, action, snapshotOf(law)).filter(
        ({ standing }) => standing === 'matched',
      );
      assert.equal(matched.length, rule === null ? 0 : 1);
      if (rule !== null) assert.equal(matched[0]?.tier, rule.rule.tier);
    }),
    { numRuns: 300 },
  );
});
