// The shortcuts must be invisible: the same question in the general form has the same answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { compile } from './compile.ts';
import { parse } from './parse.ts';
import { createFrame } from './step.ts';
import { Fault, Uint, type CelValue } from './value.ts';

const literal = fc.constantFrom<readonly [string, CelValue]>(
  ['1', 1n],
  ['9007199254740993', 9_007_199_254_740_993n],
  ['9007199254740992.0', 9_007_199_254_740_992],
  ['2u', new Uint(2n)],
  ['2.0', 2],
  ['-0.0', -0],
  ["'a'", 'a'],
  ["''", ''],
  ['true', true],
  ['null', null],
  ["b'a'", Uint8Array.of(97)],
  ["[1, 'a', 2.0]", [1n, 'a', 2]],
  ["['a', 'b']", ['a', 'b']],
  ['[9007199254740993, 1]', [9_007_199_254_740_993n, 1n]],
  ['[[1], null]', [[1n], null]],
  ['[]', []],
  ["'^a+$'", '^a+$'],
  ["'UTC'", 'UTC'],
);
const form = fc.constantFrom(
  'l == r',
  'l != r',
  'l < r',
  'l <= r',
  'l > r',
  'l >= r',
  'l in r',
  'l.matches(r)',
  'timestamp(0).getHours(r)',
  'l + r',
  'l[r]',
);

test('a constant and a binding of the same value give the same outcome', () => {
  fc.assert(
    fc.property(form, literal, literal, (source, [left, leftValue], [right, rightValue]) => {
      const bindings = { l: leftValue, r: rightValue };
      const general = outcomeOf(source, bindings);
      assert.equal(outcomeOf(withConstants(source, 'l', right), bindings), general);
      assert.equal(outcomeOf(withConstants(source, left, 'r'), bindings), general);
      assert.equal(outcomeOf(withConstants(source, left, right), bindings), general);
    }),
    { numRuns: 2000, seed: 20_261_120 },
  );
});

/** The value, or just that there is none: a shortcut may notice another of two errors first. */
function outcomeOf(source: string, bindings: Readonly<Record<string, CelValue>>): string {
  const parsed = parse(source);
  if (parsed.kind === 'refused') return parsed.problem.message;
  const value = compile(parsed.node, { l: 'dyn', r: 'dyn' }).run(createFrame(bindings));
  return value instanceof Fault ? 'error' : inspect(value);
}

function withConstants(source: string, left: string, right: string): string {
  return source.replaceAll(/\b[lr]\b/g, (name) => (name === 'l' ? `(${left})` : right));
}
