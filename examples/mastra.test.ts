import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameworks, LAST_WORDS, play } from './play.ts';

test('an agent of Mastra is governed by its own approval step', { skip: frameworks }, async (t) => {
  assert.match(await play(t, 'mastra'), LAST_WORDS);
});
