import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameFor } from './mcp-wrap.ts';

test('the name of the actions is read from the command, and is null where nothing in it is a name', () => {
  const cases = [
    ['npx -y @modelcontextprotocol/server-filesystem ./work', 'filesystem'],
    ['npx -y @acme/jira-mcp@1.2.3', 'jira'],
    ['uvx mcp-server-git --repository .', 'git'],
    ['/usr/bin/node /opt/tools/weather/dist/index.js', 'weather'],
    ['python3 -m notes_server', 'notes'],
    ['./my-server.py', 'my'],
    ['node', null],
    ['npx -y', null],
  ] as const;
  assert.deepEqual(
    cases.map(([command]) => nameFor(command.split(' '))),
    cases.map(([, name]) => name),
  );
});
