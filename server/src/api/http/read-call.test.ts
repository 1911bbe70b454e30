import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { parse } from './read-call.ts';

const shape = z.strictObject({ name: z.string(), count: z.number().optional(), on: z.boolean().optional() });

test('nothing is coerced: a wrong type is an error at its place', () => {
  const rows: readonly (readonly [unknown, string])[] = [
    [{ name: 1 }, '/name'],
    [{ name: 'a', count: '123' }, '/count'],
    [{ name: 'a', on: 1 }, '/on'],
    [{ name: 'a', on: 'true' }, '/on'],
    [{ name: null }, '/name'],
    [{}, '/name'],
    [[], ''],
    ['{}', ''],
    [null, ''],
  ];
  for (const [value, pointer] of rows) {
    const answer = parse(shape, value, 'body');
    assert.ok('refusal' in answer, JSON.stringify(value));
    assert.deepEqual(
      answer.errors.map((error) => error.pointer),
      [pointer],
      JSON.stringify(value),
    );
  }
});

test('every unknown field is named at its own place', () => {
  const answer = parse(shape, { name: 'a', 'x/y': 1, constructor: {} }, 'body');
  assert.ok('refusal' in answer);
  assert.deepEqual(answer.errors, [
    { pointer: '/x~1y', detail: 'unknown field' },
    { pointer: '/constructor', detail: 'unknown field' },
  ]);
});
