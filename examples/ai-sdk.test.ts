import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameworks, LAST_WORDS, play } from './play.ts';

test('an agent of the AI SDK is governed by its own approval step', { skip: frameworks }, async (t) => {
  assert.match(await play(t, 'ai-sdk'), LAST_WORDS);
});
