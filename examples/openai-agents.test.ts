import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameworks, LAST_WORDS, play } from './play.ts';

test(
  'an agent of OpenAI Agents is governed by its own approval step and by guardrails',
  { skip: frameworks },
  async (t) => {
    assert.match(await play(t, 'openai-agents'), LAST_WORDS);
  },
);
