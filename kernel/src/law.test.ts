import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CharterProblem } from './charter-problem.ts';
import type { Charter } from './charter.ts';
import { DEFAULT_GUARDRAILS } from './finding/guardrail-settings.ts';
import { charterOf, exceptionOf, lawOf, ruleOf, settingOfAction } from './fixtures.test.ts';
import { compileLaw } from './law-compile.ts';
import { settingOf } from './law.ts';
import { DEFAULT_TRUST } from './trust.ts';

function problemsOf(charter: Charter): readonly CharterProblem[] {
  const result = compileLaw(charter, 'v1');
  return result.kind === 'refused' ? result.problems : [];
}

function only(charter: Charter): CharterProblem {
  const [first, ...rest] = problemsOf(charter);
  assert.ok(first !== undefined, 'a problem was expected');
  assert.deepEqual(rest, []);
  return first;
}

test('a sound charter compiles under the version it was given', () => {
  assert.equal(lawOf([ruleOf('green', '*')]).version, 'v1');
});

test('a bad condition is refused with its rule and the offset into its source', () => {
  const problem = only(charterOf([ruleOf('green', 'a', { when: 'parameters.x == 1.0 && paramters.y' })]));
  assert.equal(problem.origin, 'test:a');
  assert.equal(problem.offset, 23);
  assert.match(problem.message, /^when: .*parameters/);
});

test('a bad exception is refused with its own place', () => {
  const except = [exceptionOf({ when: 'nonsense(', origin: 'here' })];
  assert.equal(only(charterOf([ruleOf('green', 'a', { except })])).origin, 'here');
  assert.match(
    only(charterOf([ruleOf('green', 'a', { except: [exceptionOf({})] })])).message,
    /neither paths nor a condition/,
  );
});

test('a glob that could not be used is refused where it is written, in an exception and in the guardrails', () => {
  const except = [exceptionOf({ paths: ['secrets/**', '*.{key,pem}'], origin: 'here' })];
  const problem = only(charterOf([ruleOf('green', 'a', { except })]));
  assert.equal(problem.origin, 'here');
  assert.match(problem.message, /^paths: the glob `\*\.\{key,pem\}` uses .*: write one glob for each case/);
  const guardrails = { ...DEFAULT_GUARDRAILS, protectedPaths: ['.env', '../up'] };
  const other = only(charterOf([], { guardrails }));
  assert.equal(other.origin, 'guardrails.protectedPaths');
  assert.match(other.message, /`\.\.\/up` contains/);
});

test('a deployment window that cannot be read is refused', () => {
  const guardrails = { ...DEFAULT_GUARDRAILS, deploymentWindow: 'weekdays' };
  const problem = only(charterOf([], { guardrails }));
  assert.equal(problem.origin, 'guardrails.deploymentWindow');
  assert.match(problem.message, /write it as/);
});

test('a pattern that is neither exact nor a prefix is refused', () => {
  assert.match(only(charterOf([ruleOf('green', 'git.*.x')])).message, /not at its end/);
  assert.match(only(charterOf([], { actions: [settingOfAction('a b')] })).message, /is not a pattern/);
});

test('two rules with the same match, selectors and condition are refused, whatever their tiers', () => {
  const rules = [
    ruleOf('green', 'a', { selectors: { agent: ['x', 'y'] } }),
    ruleOf('red', 'a', { selectors: { agent: ['y', 'x'] }, origin: 'second' }),
  ];
  const problem = only(charterOf(rules));
  assert.equal(problem.origin, 'second');
  assert.match(problem.message, /stands at test:a/);
  assert.deepEqual(problemsOf(charterOf([ruleOf('green', 'a', { when: 'true' }), ruleOf('red', 'a')])), []);
});

test('an unknown executor is refused and the nearest one suggested', () => {
  const executors = {
    tests: { kind: 'command', command: ['npm'], cwd: '.', timeoutMs: 1, env: {} },
  } as const;
  const charter = charterOf([], { executors, actions: [settingOfAction('a', { executor: 'test' })] });
  assert.match(only(charter).message, /no executor `test`.*tests/);
  assert.equal(
    problemsOf(charterOf([], { executors, actions: [settingOfAction('a', { executor: 'toString' })] }))
      .length,
    1,
  );
});

test('a compensation names one action exactly', () => {
  assert.match(
    only(charterOf([], { actions: [settingOfAction('a', { compensate: 'b.*' })] })).message,
    /name one action exactly/,
  );
});

test('an action has its settings in one place', () => {
  assert.match(
    only(charterOf([], { actions: [settingOfAction('a'), settingOfAction('a')] })).message,
    /already/,
  );
});

test('quorums, times, tiers, costs and ceilings that the law cannot reckon with are refused', () => {
  const charters: readonly Charter[] = [
    charterOf([ruleOf('red', 'a', { quorum: 0 })]),
    charterOf([ruleOf('red', 'a', { quorum: 1.5 })]),
    charterOf([ruleOf('red', 'a', { expiresMs: 0 })]),
    charterOf([ruleOf('purple' as 'red', 'a')]),
    charterOf([], { actions: [settingOfAction('a', { costMicroUsd: -1 })] }),
    charterOf([], { actions: [settingOfAction('a', { deadlineMs: 0 })] }),
    charterOf([], { limits: { concurrentAgents: -1, usdPerDayMicroUsd: null, actionsPerMinute: null } }),
    charterOf([], { limits: { concurrentAgents: null, usdPerDayMicroUsd: 0.5, actionsPerMinute: null } }),
    charterOf([], {
      limits: { concurrentAgents: null, usdPerDayMicroUsd: null, actionsPerMinute: Number.NaN },
    }),
    charterOf([], { agents: { a: { class: null, usdPerDayMicroUsd: -5 } } }),
    charterOf([], { users: { a: { scopes: [], roles: [], usdPerDayMicroUsd: -5 } } }),
  ];
  for (const charter of charters) assert.equal(problemsOf(charter).length, 1);
});

test('trust figures that would let a failure raise a score are refused', () => {
  const broken: readonly Partial<typeof DEFAULT_TRUST>[] = [
    { start: 101 },
    { levels: { standard: 60, trusted: 30, autonomous: 85 } },
    { failure: { ...DEFAULT_TRUST.failure, low: -1 } },
    { success: { ...DEFAULT_TRUST.success, high: Number.NaN } },
    { freezeAfterFailures: 0 },
    { gainPerDay: -1 },
  ];
  for (const more of broken)
    assert.equal(problemsOf(charterOf([], { trust: { ...DEFAULT_TRUST, ...more } })).length, 1);
});

test('thresholds that fall and a deployment window that nobody can read are refused', () => {
  const broken: readonly Partial<Charter['guardrails']>[] = [
    { cost: { warningMicroUsd: 5, errorMicroUsd: 4, criticalMicroUsd: 6 } },
    { diff: { warningLines: 5, errorLines: Number.NaN } },
    { deploymentWindow: 'Mon-Fri nine to five' },
  ];
  for (const more of broken) {
    assert.equal(problemsOf(charterOf([], { guardrails: { ...DEFAULT_GUARDRAILS, ...more } })).length, 1);
  }
});

test('selectors that could match nobody are refused', () => {
  const agents = { 'builder-1': { class: 'background', usdPerDayMicroUsd: null } };
  const one = (selectors: Parameters<typeof ruleOf>[2], more: Partial<Charter> = {}): string =>
    only(charterOf([ruleOf('green', 'a', selectors)], { agents, ...more })).message;
  assert.match(one({ selectors: { agent: [] } }), /matches nobody/);
  assert.match(one({ selectors: { agent: ['builder-*'] } }), /exact values/);
  assert.match(one({ selectors: { agentClass: ['backgruond'] } }), /background/);
  assert.match(one({ selectors: { agent: ['builder-2'] } }, { registration: 'closed' }), /builder-1/);
});

test('approver roles are checked where the charter says which ones there are', () => {
  const rules = [ruleOf('red', 'a', { approvers: ['tech-laed'] })];
  assert.match(only(charterOf(rules, { roles: [] })).message, /tech-lead/);
  assert.deepEqual(problemsOf(charterOf(rules)), []);
  assert.deepEqual(
    problemsOf(charterOf([ruleOf('red', 'a', { approvers: ['safety'] })], { roles: ['safety'] })),
    [],
  );
});

test('every problem is told at once', () => {
  assert.equal(
    problemsOf(charterOf([ruleOf('green', 'a*b'), ruleOf('red', 'c', { quorum: 0, when: '1 +' })])).length,
    3,
  );
});

test('the settings of an action are those of the most specific pattern', () => {
  const law = lawOf([], {
    actions: [settingOfAction('*'), settingOfAction('deploy.*'), settingOfAction('deploy.production')],
  });
  assert.equal(settingOf(law, 'deploy.production')?.match, 'deploy.production');
  assert.equal(settingOf(law, 'deploy.staging')?.match, 'deploy.*');
  assert.equal(settingOf(law, 'git.merge')?.match, '*');
  assert.equal(settingOf(lawOf([]), 'git.merge'), null);
});
