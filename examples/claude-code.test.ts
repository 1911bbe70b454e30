import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claudeCode, LAST_WORDS, play } from './play.ts';

test('the real Claude Code is governed by its hooks', { skip: claudeCode }, async (t) => {
  assert.match(await play(t, 'claude-code'), LAST_WORDS);
});
