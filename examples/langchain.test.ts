import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameworks, LAST_WORDS, play } from './play.ts';

test(
  'tools of LangChain are governed in a LangGraph that pauses and starts its nodes anew',
  { skip: frameworks },
  async (t) => {
    assert.match(await play(t, 'langchain'), LAST_WORDS);
  },
);
