import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shippedCharters } from './disk.ts';
import { renderError } from './error.ts';
import { loadCharter } from './load.ts';

async function problemsOf(text: string): Promise<readonly string[]> {
  const result = await loadCharter({
    path: 'charter.yaml',
    readFile: async (name) => (name === 'charter.yaml' ? text : null),
    readShipped: shippedCharters,
  });
  return result.kind === 'refused' ? result.problems.map(renderError) : [];
}

test('nothing may look further back than what was done is remembered', async () => {
  const charter = (window: string, within: string): string => `version: 1
guardrails:
  taint: { window: ${window} }
flows:
  - { name: leak, after: crm.read, then: mail.send, within: ${within} }
tiers: { green: { actions: ['*'] } }
`;
  assert.deepEqual(await problemsOf(charter('7d', '168h')), []);
  assert.deepEqual(await problemsOf(charter('8d', '169h')), [
    'charter.yaml:3:20 guardrails.taint.window: What was done before is remembered for 7d. Write 7d or less.',
    'charter.yaml:5:61 flows[0].within: What was done before is remembered for 7d. Write 7d or less.',
  ]);
  assert.match((await problemsOf(charter('soon', '1h'))).join(), /This is no duration/);
});
