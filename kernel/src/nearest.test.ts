import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest, suggest } from './nearest.ts';

const NAMES = ['tiers', 'limits', 'guardrails', 'agents', 'Content'];

test('a slip of one or two letters finds the name that was meant, and a different word finds none', () => {
  const table: readonly (readonly [string, string | null])[] = [
    ['teirs', 'tiers'],
    ['limit', 'limits'],
    ['LIMITS', 'limits'],
    ['guardrials', 'guardrails'],
    ['content', 'Content'],
    ['schedules', null],
    ['', null],
    ['x'.repeat(100_000), null],
  ];
  for (const [word, name] of table) assert.equal(nearest(word, NAMES), name, word.slice(0, 20));
});

test('a suggestion is a question at the end of a sentence, or nothing', () => {
  assert.equal(suggest('agent', NAMES), " (did you mean 'agents'?)");
  assert.equal(suggest('unrelated', NAMES), '');
});
