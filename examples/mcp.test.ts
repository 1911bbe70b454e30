import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LAST_WORDS, play } from './play.ts';

test('MCP is governed on both sides: a client behind the gateway, and a server wrapped where it runs', async (t) => {
  assert.match(await play(t, 'mcp'), LAST_WORDS);
});
