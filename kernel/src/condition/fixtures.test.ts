// What a condition comes to, or why it does not compile, as one line that a test compares.
import assert from 'node:assert/strict';
import { compileCondition, RULE_ROOTS } from '../condition.ts';

/** Its value, or what went wrong when it was evaluated. A condition that does not compile fails the test. */
export function evaluated(source: string, facts: Readonly<Record<string, unknown>>): boolean | string {
  const made = compileCondition(source, RULE_ROOTS);
  if (made.kind === 'refused') return assert.fail(`${source}: ${made.problems[0]?.message}`);
  const outcome = made.condition.evaluate(facts);
  return outcome.kind === 'value' ? outcome.value : outcome.message;
}

/** `offset: message` of each problem. */
export function refusal(source: string): string {
  const made = compileCondition(source, RULE_ROOTS);
  return made.kind === 'refused'
    ? made.problems.map(({ message, offset }) => `${offset}: ${message}`).join('\n')
    : 'compiled';
}
