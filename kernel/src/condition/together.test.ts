import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../decide.ts';
import { DEFAULT_GUARDRAILS } from '../finding/guardrail-settings.ts';
import { actionOf, lawOf, ruleOf, snapshotOf } from '../fixtures.test.ts';
import { matchRule } from '../rule.ts';

test('three hundred conditions that loop cost one decision no more than three of them would, and what is beyond that is red', () => {
  const list = Array.from({ length: 10_000 }, (_, index) => index);
  const action = actionOf('a.b', { parameters: { list } });
  const loops = (n: number): string => `parameters.list.all(x, x < ${n}.0)`;
  const law = lawOf(
    Array.from({ length: 300 }, (_, n) =>
      ruleOf('green', 'a.b', {
        selectors: { agent: ['builder-1', `a-${n}`] },
        when: `!${loops(20_000 + n)}`,
        origin: `rule ${n}`,
      }),
    ),
  );
  const match = matchRule(law, action, snapshotOf(law));
  assert.equal(match.tier, 'red');
  assert.match(match.ruleText, /could not be evaluated \(all conditions that were asked together take more/);
  const own = Array.from({ length: 300 }, (_, n) => ({
    name: `g${n}`,
    actions: [],
    when: `!${loops(20_000 + n)}`,
    severity: 'warning' as const,
    message: 'found',
    origin: `own ${n}`,
  }));
  const failedOf = (guardrails: typeof own): readonly string[] => {
    const guarded = lawOf([ruleOf('green', 'a.b')], {
      guardrails: { ...DEFAULT_GUARDRAILS, own: guardrails },
    });
    const { findings, tier } = decide(action, snapshotOf(guarded));
    assert.equal(tier, 'red');
    return findings.map(({ check }) => check);
  };
  assert.equal(failedOf(own).length, 297);
  assert.deepEqual(failedOf(own), failedOf(own.toReversed()), 'whatever their order in the file');
});
