import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action } from './action.ts';
import type { Rule } from './charter.ts';
import type { RuleMatch } from './compiled-rule.ts';
import {
  actionOf,
  approvalOf,
  decideWith,
  exceptionOf,
  findingOf,
  lawOf,
  ruleOf,
  snapshotOf,
  trustAt,
} from './fixtures.test.ts';
import { matchRule } from './rule.ts';
import { compareTiers } from './tier.ts';

function match(rule: Rule, parameters: Action['parameters'] = {}): RuleMatch {
  const law = lawOf([rule]);
  return matchRule(law, actionOf('a', { parameters }), snapshotOf(law));
}

/** What a match has against it before trust, sorted as decisions have it. */
function redOf({ causes }: RuleMatch): readonly string[] {
  return causes.flatMap(({ tier, cause }) => (compareTiers(tier, 'red') >= 0 ? [cause] : [])).toSorted();
}

test('every exception that applies is a cause of its own in the words of the charter, in whatever order it is written', () => {
  const except = [
    exceptionOf({ when: "parameters.path.endsWith('.ts') &&\n  size(parameters) > 0" }),
    exceptionOf({ paths: ['src/**', '**/*.ts', 'docs/**'] }),
    exceptionOf({ paths: ['secrets/**'], when: 'parameters.n > 2' }),
    exceptionOf({ tier: 'yellow', when: 'parameters.path != ""' }),
    exceptionOf({ when: 'parameters.n > 4' }),
  ];
  const parameters = { path: 'src/a.ts', other_path: 'docs/b', n: 3 };
  const orders = [
    except,
    except.toReversed().map(({ paths, ...more }) => ({ ...more, paths: paths.toReversed() })),
  ];
  const [matched, reversed] = orders.map((written) =>
    match(ruleOf('green', 'a', { except: written }), parameters),
  );
  assert.ok(matched !== undefined && reversed !== undefined);
  assert.deepEqual(redOf(matched), [
    'exception:a: **/*.ts',
    'exception:a: docs/**',
    'exception:a: parameters.n > 2',
    String.raw`exception:a: parameters.path.endsWith('.ts') &&\n  size(parameters) > 0`,
  ]);
  assert.deepEqual(
    [reversed.causes, reversed.exceptionText, reversed.tier],
    [matched.causes, matched.exceptionText, matched.tier],
  );
});

test('what makes an action stricter adds causes: the rule, its exceptions and what could not be evaluated', () => {
  const except = [
    exceptionOf({ when: 'parameters.prod == true' }),
    exceptionOf({ when: 'parameters.big == true' }),
  ];
  const rule = ruleOf('red', 'a', { when: 'parameters.on == true', except });
  const causesFor = (parameters: Action['parameters']): readonly string[] => redOf(match(rule, parameters));
  const big = 'exception:a: parameters.big == true';
  const broken = ['error:a: parameters.on == true', 'error:a: parameters.prod == true'];
  assert.deepEqual(causesFor({ on: true, prod: false, big: false }), ['rule:a']);
  assert.deepEqual(causesFor({ on: true, prod: false, big: true }), [big, 'rule:a']);
  assert.deepEqual(causesFor({ on: true, big: true }), [broken[1], big, 'rule:a']);
  assert.deepEqual(causesFor({ big: true }), [...broken, big, 'rule:a']);
  const mild = match(ruleOf('red', 'a', { except: [exceptionOf({ tier: 'yellow', when: 'true' })] }));
  assert.deepEqual(
    [mild.tier, redOf(mild)],
    ['yellow', []],
    'an exception that loosens takes the place of the rule',
  );
});

test('a finding that is graver, or one more, keeps every cause that was there and adds to them', () => {
  const causesOf = (...severities: readonly Parameters<typeof findingOf>[0][]): readonly string[] =>
    decideWith({
      facts: { findings: severities.map((severity, at) => findingOf(severity, 'xyz'.charAt(at))) },
    }).causes;
  const three = ['warning:x', 'warning:y', 'warning:z'];
  assert.deepEqual(causesOf('warning', 'warning'), []);
  assert.deepEqual(causesOf('warning', 'error'), ['finding:y']);
  assert.deepEqual(causesOf('warning', 'critical'), ['critical:y', 'finding:y']);
  assert.deepEqual(causesOf('warning', 'warning', 'warning'), three);
  assert.deepEqual(causesOf('warning', 'warning', 'error'), ['finding:z', ...three]);
  assert.deepEqual(causesOf('warning', 'warning', 'critical'), ['critical:z', 'finding:z', ...three]);
  assert.deepEqual(causesOf('warning', 'info', 'error'), ['finding:z']);
});

// I6
test('an approval for some of the reasons is none for another, and each is told once', () => {
  const findings = ['x', 'y', 'z'].map((check) => findingOf('error', check));
  const { reasons } = decideWith({ facts: { findings } });
  assert.equal(reasons.length, 4, 'a sentence for each finding, and who decides');
  const except = [exceptionOf({ when: 'parameters.n > 1' }), exceptionOf({ when: 'parameters.n > 2' })];
  const one = decideWith({
    rules: [ruleOf('yellow', 'a', { except })],
    action: actionOf('a', { parameters: { n: 3 } }),
    facts: { approval: approvalOf(['exception:a: parameters.n > 1']) },
  });
  assert.equal(one.effect, 'hold');
  assert.deepEqual(
    one.causes,
    except.map(({ when }) => `exception:a: ${when}`),
  );
  assert.match(one.trace.find(({ part }) => part === 'approval')?.text ?? '', /not given for .*n > 2/);
});

test('on probation what is yellow for others stays a cause beside an exception that is red', () => {
  const rule = ruleOf('yellow', 'a', { except: [exceptionOf({ when: 'parameters.n > 2' })] });
  const causesFor = (n: number, score: number): readonly string[] =>
    decideWith({
      rules: [rule],
      action: actionOf('a', { parameters: { n } }),
      facts: { trust: trustAt(score) },
    }).causes;
  assert.deepEqual(causesFor(1, 10), ['trust:probation']);
  assert.deepEqual(causesFor(3, 10), ['exception:a: parameters.n > 2', 'trust:probation']);
  assert.deepEqual(causesFor(3, 50), ['exception:a: parameters.n > 2']);
});
