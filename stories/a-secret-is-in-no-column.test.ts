// Agents paste tokens into places that nobody thought of, and people paste what they saw into a reason. Wherever it is
// written, the database keeps none of it in the clear (I9).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { approve, ask, askHeld, stop } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import { until } from '../test/until.ts';

const SECRET = 'ghp_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5';

const CHARTER = `version: 1
tiers:
  green: { actions: [test.run, { match: code.write, except: { paths: ['*.pem'] } }] }
  red: { actions: [hold.it] }
`;

// I9
test('a token in a resource, a claim, a name, a key or a reason stands in no column, entry or log line', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const repository = { type: 'repo', id: `https://x:${SECRET}@github.com/a` };
  const pushed = await ask(server, { resource: repository });
  assert.equal(pushed.status, 202, 'it is held, because of what was found in it');
  assert.deepEqual(pushed.body.decision.causes, ['finding:secret_leak']);
  const wishes = [
    { context: { note: SECRET } },
    { onBehalfOf: SECRET },
    { action: 'code.write', parameters: { files: { [`${SECRET}.pem`]: 'x' } } },
  ];
  for (const wish of wishes)
    await server.call('/api/v1/actions', { agent: 'worker-1', action: 'test.run', ...wish });

  const denied = await askHeld(server, { action: 'hold.it' });
  await server.call(`/api/v1/approvals/${denied.approval.id}/decision`, {
    decision: 'deny',
    digest: denied.approval.digest,
    reason: `it leaks ${SECRET}`,
  });
  const cancelled = await askHeld(server, { action: 'hold.it', parameters: { n: 2 } });
  await server.call(`/api/v1/actions/${cancelled.id}/cancel`, { reason: `the key was ${SECRET}` });
  await approve(server, pushed.body.approval ?? denied.approval);
  await server.call('/api/v1/agents/worker-1/freeze', { reason: `leaked ${SECRET}` });
  await server.call('/api/v1/agents/worker-1/unfreeze', { reason: `revoked ${SECRET}` });
  const flag = { value: 'SUPERVISED', reason: `after ${SECRET}` };
  await server.call('/api/v1/flags/autonomy.mode', flag, { method: 'PUT' });
  await stop(server, { scope: 'agent:other', reason: `leaked ${SECRET}` });

  const { admin } = server.database;
  await until('every entry has its position', async () => {
    const [row] = await admin`select count(*)::integer as n from mandate.journal where position is null`;
    return row?.['n'] === 0;
  });
  const tables = await admin<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'mandate' and table_type = 'BASE TABLE'`;
  assert.ok(tables.length > 10, 'the tables are found, or this test proves nothing');
  const leaks: string[] = [];
  for (const { name } of tables) {
    const [row] = await admin`
      select count(*)::integer as n from ${admin(`mandate.${name}`)} x where x::text like ${`%${SECRET}%`}`;
    if (row?.['n'] !== 0) leaks.push(name);
  }
  assert.deepEqual(leaks, []);
  assert.ok(!server.log().includes(SECRET));
});
