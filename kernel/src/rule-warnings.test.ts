import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Charter, Rule } from './charter.ts';
import { explainRules } from './explain.ts';
import { actionOf, charterOf, exceptionOf, lawOf, ruleOf, snapshotOf } from './fixtures.test.ts';
import { matchRule } from './rule.ts';
import { findRuleWarnings } from './rule-warnings.ts';

function said(rules: readonly Rule[], more: Partial<Charter> = {}): readonly string[] {
  return findRuleWarnings(charterOf(rules, more)).map(({ kind, origin }) => `${kind} ${origin}`);
}

test('a rule that a final one covers is said to be unreachable, and names it', () => {
  const [warning, ...others] = findRuleWarnings(
    charterOf([ruleOf('black', 'audit.*'), ruleOf('green', 'audit.read'), ruleOf('green', 'git.read')]),
  );
  assert.deepEqual(others, []);
  assert.deepEqual(warning, {
    kind: 'unreachable',
    origin: 'test:audit.read',
    within: [],
    message:
      'This green rule for audit.read never decides: the black rule audit.* at test:audit.* is final and covers all of it. Remove this rule, or write final: false there.',
    because: 'test:audit.*',
  });
});

test('a final rule that is tried before a black one is said to beat it, for whom both could be', () => {
  const black = ruleOf('black', 'secrets.expose', { origin: 'black' });
  const green = (more: Partial<Rule>, match = 'secrets.expose') =>
    ruleOf('green', match, { final: true, origin: 'green', ...more });
  const ada = { selectors: { user: ['ada'] } };
  assert.deepEqual(said([black, green(ada)]), ['beats_black green']);
  assert.deepEqual(said([black, green({ ...ada, final: false })]), ['unreachable green']);
  assert.deepEqual(
    said([black, green(ada, 'secrets.*')]),
    [],
    'the more specific of two final rules comes first',
  );
  assert.deepEqual(said([ruleOf('black', 'secrets.*', { origin: 'black' }), green({})]), [
    'beats_black green',
  ]);
  assert.deepEqual(said([{ ...black, selectors: { user: ['bob'], tenant: ['a'] } }, green(ada)]), []);
  assert.deepEqual(
    said([{ ...black, selectors: { user: ['ada'] } }, green({ selectors: { agent: ['x'], user: ['ada'] } })]),
    ['beats_black green'],
  );
  assert.deepEqual(said([{ ...black, final: false }, green({}, '*')]), [
    'unreachable black',
    'beats_black green',
  ]);
});

test('a rule is shadowed where a stricter one for the same pattern and callers always holds', () => {
  const weak = ruleOf('yellow', 'git.merge', { when: "parameters.b == 'x'", origin: 'weak' });
  assert.deepEqual(said([ruleOf('red', 'git.merge'), weak]), ['shadowed weak']);
  assert.deepEqual(said([ruleOf('red', 'git.merge', { when: 'parameters["b"] == "x"' }), weak]), [
    'shadowed weak',
  ]);
  assert.deepEqual(said([ruleOf('red', 'git.merge', { when: "parameters.c == 'x'" }), weak]), []);
  const ofBoth = ruleOf('red', 'git.merge', { selectors: { agent: ['a', 'b'] } });
  const ofOne = ruleOf('yellow', 'git.merge', { selectors: { agent: ['a'] }, origin: 'of one' });
  assert.deepEqual(said([ofBoth, ofOne]), ['shadowed of one']);
  const partly = ruleOf('yellow', 'git.merge', { selectors: { agent: ['a', 'c'] }, origin: 'partly' });
  assert.deepEqual(said([ofBoth, partly]), []);
  assert.deepEqual(said([ruleOf('red', 'git.merge'), ofOne]), [], 'more selectors come first');
});

test('what comes first only for some, or only under a condition, hides nothing', () => {
  const green = ruleOf('green', 'audit.read');
  for (const final of [
    ruleOf('black', 'audit.*', { when: "parameters.a == 'x'" }),
    ruleOf('black', 'audit.*', { selectors: { role: ['viewer'] } }),
    ruleOf('black', 'audit.*', { final: false }),
    ruleOf('black', 'audit.rea'),
    ruleOf('black', 'audit.read.*'),
  ])
    assert.deepEqual(said([final, green]), [], JSON.stringify(final));
  // True or failing: where it fails, a claim of the agent may still let the other rule decide.
  const nearly = ruleOf('black', 'audit.*', { when: "context.a != 'x' || context.a != 'y'" });
  assert.deepEqual(said([nearly, green]), ['always_true test:audit.*']);
});

test('a condition that tells nothing apart is said, and so is an exception that never or always applies', () => {
  const of = (more: Partial<Rule>): readonly string[] => said([ruleOf('green', 'a.b', more)]);
  assert.deepEqual(of({ when: '1 == 1' }), ['always_true test:a.b']);
  assert.deepEqual(of({ when: "parameters.a == 'x' && parameters.a == 'y'" }), ['always_false test:a.b']);
  const exception = (when: string, more = {}) => exceptionOf({ when, ...more });
  assert.deepEqual(of({ except: [exception('parameters.n > 3 && parameters.n < 3')] }), [
    'idle_exception test:except',
  ]);
  assert.deepEqual(of({ except: [exception('has(parameters.a) || !has(parameters.a)')] }), [
    'constant_exception test:except',
  ]);
  assert.deepEqual(of({ when: 'parameters.n > 3', except: [exception('parameters.n < 3')] }), [
    'idle_exception test:except',
  ]);
  assert.deepEqual(of({ when: 'parameters.n > 3', except: [exception('parameters.n > 5')] }), []);
  assert.deepEqual(of({ except: [exception('parameters.n > 5'), exception('parameters.n>5')] }), [
    'idle_exception test:except',
  ]);
  assert.deepEqual(
    of({ except: [exception('parameters.n > 5'), exception('parameters.n>5', { tier: 'black' })] }),
    [],
  );
});

test('ten thousand rules are looked through in a moment', () => {
  const rules = Array.from({ length: 10_000 }, (_, i) =>
    ruleOf(i % 3 === 0 ? 'black' : 'green', i % 3 === 0 ? `a${i}.*` : 'git.merge', {
      selectors: i % 3 === 0 ? {} : { agent: [`agent-${i}`] },
      when: i % 2 === 0 ? `parameters.n > ${i}` : null,
    }),
  );
  assert.deepEqual(findRuleWarnings(charterOf(rules)), []);
});

test('no rule that is said to be in vain ever decides', () => {
  const rules = fc.uniqueArray(
    fc
      .record({
        tier: fc.constantFrom('green', 'yellow', 'red', 'black'),
        match: fc.constantFrom('*', 'git.*', 'git.m*', 'git.merge'),
        final: fc.boolean(),
        when: fc.constantFrom(
          null,
          'has(context.a)',
          'context.a == 1',
          '1 == 2',
          '2 > 1',
          'context.a != 1 || context.a != 2',
        ),
        role: fc.constantFrom(undefined, ['agent'], ['agent', 'x'], ['x']),
        agent: fc.constantFrom(undefined, ['builder-1'], ['builder-1', 'builder-2']),
      })
      .map(({ tier, match, final, when, role, agent }) =>
        ruleOf(tier, match, {
          final,
          when,
          selectors: { ...(role === undefined ? {} : { role }), ...(agent === undefined ? {} : { agent }) },
        }),
      ),
    { maxLength: 7, selector: ({ match, when, selectors }) => JSON.stringify([match, when, selectors]) },
  );
  const contexts = fc.constantFrom({}, { a: 1 }, { a: 2 }, { a: 'x' }, { b: 1 });
  fc.assert(
    fc.property(
      rules,
      contexts,
      fc.constantFrom('builder-1', 'builder-2', 'other'),
      (written, context, agent) => {
        const numbered = written.map((rule, index) => ({ ...rule, origin: String(index) }));
        const law = lawOf(numbered);
        const vain = new Set(
          findRuleWarnings(law.charter).flatMap(({ kind, origin }) =>
            kind === 'unreachable' || kind === 'shadowed' ? [origin] : [],
          ),
        );
        const action = actionOf('git.merge', { context, agent });
        const decided = matchRule(law, action, snapshotOf(law)).rule;
        assert.ok(
          decided === null || !vain.has(decided.rule.origin),
          JSON.stringify(explainRules(law, action, snapshotOf(law))),
        );
      },
    ),
    { numRuns: 2_000 },
  );
});
