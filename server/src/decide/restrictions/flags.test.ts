import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFlags } from './flags.ts';

const row = (key: string, value: unknown, scope = '') => ({ key, scope, value });

test('of several rows of one flag the strictest binds, in whatever order they come', () => {
  const modes = [row('autonomy.mode', 'SUPERVISED'), row('autonomy.mode', 'FULL', 'agent:zzz')];
  for (const rows of [modes, modes.toReversed()]) assert.equal(readFlags(rows).mode, 'SUPERVISED');
  const budgets = [
    row('budget.agents.maxConcurrent', 3),
    row('budget.agents.maxConcurrent', 900, 'agent:zzz'),
  ];
  for (const rows of [budgets, budgets.toReversed()]) assert.equal(readFlags(rows).maxConcurrent, 3);
});

test('a value that nobody understands counts as off', () => {
  assert.equal(readFlags([row('autonomy.mode', 'TURBO')]).mode, 'SUPERVISED');
  assert.equal(readFlags([row('budget.agents.maxConcurrent', 'many')]).maxConcurrent, 0);
  assert.equal(readFlags([row('agents.autonomousEnabled', 'yes')]).restrictions.length, 1);
});

test('each scope of a flag is a restriction of its own, for an approval names what it was given in spite of', () => {
  const { restrictions } = readFlags([
    row('agents.autonomousEnabled', false),
    row('agents.autonomousEnabled', false, 'agent:builder-1'),
    row('agents.autonomousEnabled', false, 'agent:builder-2'),
    row('repository.web.autonomous', false),
  ]);
  assert.deepEqual(
    restrictions.map(({ id, scope }) => [id, scope]),
    [
      ['flag:agents.autonomousEnabled', 'tenant'],
      ['flag:agents.autonomousEnabled@agent:builder-1', 'agent:builder-1'],
      ['flag:agents.autonomousEnabled@agent:builder-2', 'agent:builder-2'],
      ['flag:repository.web.autonomous', 'resource:repository/web'],
    ],
  );
});

test('enforcement counts as the charter says unless a flag says otherwise, and what nobody understands enforces', () => {
  const read = (...values: readonly unknown[]): string | null =>
    readFlags(values.map((value) => row('enforcement', value))).enforcement;
  assert.equal(read(), null);
  assert.equal(read('charter'), null);
  assert.equal(read('audit'), 'audit');
  assert.equal(read('enforce'), 'enforce');
  assert.equal(read('sometimes'), 'enforce');
  assert.equal(read('audit', 'enforce'), 'enforce');
  assert.equal(read('enforce', 'audit'), 'enforce');
});
