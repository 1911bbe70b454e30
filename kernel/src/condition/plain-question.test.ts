// The plain form must be invisible: where it answers, the general form gives the very same answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileCondition, RULE_ROOTS } from '../condition.ts';
import { answerPlainly } from './plain-question.ts';

const word = fc.constantFrom('', 'main', 'master', 'Main', '__proto__', 'constructor', 'ä', '0');
const source = fc.oneof(
  fc.tuple(fc.constantFrom('==', '!='), word).map(([sign, right]) => `parameters.branch ${sign} '${right}'`),
  fc
    .array(word, { maxLength: 4 })
    .map((words) => `parameters.branch in [${words.map((w) => `'${w}'`).join(', ')}]`),
);
const value = fc.oneof(word, fc.constantFrom(1, 0, true, false, null, [], ['main'], {}, { main: 1 }));
const parameters = fc.oneof(
  value.map((branch) => ({ branch })),
  fc.constantFrom({}, { other: 'main' }),
);

test('where a condition has a plain answer, it is that of the general form', () => {
  fc.assert(
    fc.property(source, parameters, (text, given) => {
      const made = compileCondition(text, RULE_ROOTS);
      assert.equal(made.kind, 'compiled', text);
      if (made.kind !== 'compiled' || made.condition.plain === null)
        return assert.fail(`${text} has no plain form`);
      const answer = answerPlainly(made.condition.plain, given);
      const met = made.condition.evaluate({ parameters: given });
      const isText = 'branch' in given && typeof given.branch === 'string';
      assert.equal(answer !== null, isText);
      if (answer !== null) assert.deepEqual(met, { kind: 'value', value: answer });
    }),
    { numRuns: 2_000 },
  );
});

test('what asks anything else, or of anything else, has no plain form', () => {
  const general = [
    "context.branch == 'main'",
    "'main' == parameters.branch",
    "parameters.branch == 'main' && true",
    "parameters.branch.name == 'main'",
    "parameters['branch'] == 'main'",
    'parameters.branch == parameters.base',
    'parameters.lines == 3',
    "parameters.branch in ['main', 3]",
    "parameters.branch in ['main', parameters.base]",
    "parameters.branch.startsWith('main')",
    'has(parameters.branch)',
  ];
  for (const text of general) {
    const made = compileCondition(text, RULE_ROOTS);
    assert.equal(made.kind === 'compiled' && made.condition.plain, null, text);
  }
});

test('a parameter that an object has only from its prototype is missing', () => {
  const made = compileCondition("parameters.constructor != 'x'", RULE_ROOTS);
  if (made.kind !== 'compiled' || made.condition.plain === null) return assert.fail('no plain form');
  assert.equal(answerPlainly(made.condition.plain, {}), null);
});
