import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  compareSpecificity,
  createMemo,
  createPatternTable,
  isActionName,
  patternCovers,
  patternProblem,
} from './pattern.ts';

test('a pattern is an exact name or a prefix with one trailing star, and nothing else', () => {
  for (const sound of [
    'git.merge',
    'git.*',
    'test.run*',
    '*',
    'roaster.SET_POWER',
    'files.read_*',
    'a/b:c@d',
  ]) {
    assert.equal(patternProblem(sound), null, sound);
  }
  for (const odd of [
    '',
    'git.*.x',
    '*.merge',
    '**',
    'a**',
    'code.{read,lint}',
    'code.read|lint',
    'a b',
    'a?',
    '[ab]',
    'ä',
    'a\n',
  ]) {
    assert.notEqual(patternProblem(odd), null, odd);
  }
});

test('a trailing star spans dots and also covers nothing at all', () => {
  assert.ok(patternCovers('git.*', 'git.push.force'));
  assert.ok(patternCovers('git.*', 'git.'));
  assert.ok(patternCovers('*', ''));
  assert.ok(!patternCovers('git.*', 'git'));
  assert.ok(!patternCovers('git.merge', 'git.merge.x'));
  assert.ok(!patternCovers('', 'git'));
});

test('an exact name is more specific than any prefix, and a longer prefix than a shorter one', () => {
  const shuffled = ['*', 'git.*', 'git.m*', 'git.merge', 'git.merge*'];
  assert.deepEqual(shuffled.toSorted(compareSpecificity), [
    'git.merge',
    'git.merge*',
    'git.m*',
    'git.*',
    '*',
  ]);
});

test('a name that no pattern could spell is not an action name', () => {
  assert.ok(isActionName('git.merge'));
  for (const odd of ['', 'git merge', 'gіt.merge', 'a'.repeat(257), 'a*']) assert.ok(!isActionName(odd), odd);
});

test('the table finds exactly the patterns that cover a name, the most specific first', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 6 });
  const patterns = fc.array(
    fc.tuple(letters, fc.boolean()).map(([text, isPrefix]) => (isPrefix || text === '' ? `${text}*` : text)),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(patterns, letters, (all, name) => {
      const table = createPatternTable(all.map((pattern) => [pattern, pattern] as const));
      const expected = all.filter((pattern) => patternCovers(pattern, name)).toSorted(compareSpecificity);
      assert.deepEqual(table.all(name), expected);
      assert.equal(table.first(name), expected[0] ?? null);
    }),
  );
});

test('a memo computes once, and forgets rather than grows', () => {
  const computed: string[] = [];
  const memo = createMemo(2, (key) => {
    computed.push(key);
    return key.toUpperCase();
  });
  assert.deepEqual(['a', 'a', 'b', 'c', 'a'].map(memo), ['A', 'A', 'B', 'C', 'A']);
  assert.deepEqual(computed, ['a', 'b', 'c', 'a']);
});

test('a memo does not remember keys of unusual length', () => {
  let count = 0;
  const memo = createMemo(10, () => ++count);
  memo('x'.repeat(2000));
  memo('x'.repeat(2000));
  assert.equal(count, 2);
});
