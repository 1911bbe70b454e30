// Agents paste tokens into places that nobody thought of, and people paste what they saw into a reason. Wherever it is
// written, the database keeps none of it in the clear (I9).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { approve, ask, askHeld, stop } from '../test/road.ts';
import type { ActReply } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import type { CallOptions, TestServer } from '../test/server.ts';
import { until } from '../test/until.ts';

const SECRET = 'ghp_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5';
const PUT: CallOptions = { method: 'PUT' };
/** Only its name gives it away. */
const PASSWORD = 'tiger-in-the-tank-7';

const CHARTER = `version: 1
tiers:
  green: { actions: [test.run, { match: code.write, except: { paths: ['*.pem'] } }] }
  red: { actions: [hold.it] }
phases:
  roastery:
    prefix: roaster.
    firstStabilization: 1s
    ladder: [{ name: L3 }, { name: L4, adds: ['*'], validation: 1d, approvals: [tech-lead] }]
readiness:
  total: 1
  items: [{ name: runbooks, category: process, weight: 1, attest: { roles: [tech-lead], expires: 90d } }]
`;

// I9
test('a token in a resource, a claim, a name, a key or a reason stands in no column, entry or log line', async (t) => {
  const server = await startServer(t, { charter: CHARTER });
  const repository = { type: 'repo', id: `https://x:${SECRET}@github.com/a` };
  const pushed = await ask(server, { resource: repository });
  assert.equal(pushed.status, 202, 'it is held, because of what was found in it');
  assert.deepEqual(pushed.body.decision.causes, ['critical:secret_leak', 'finding:secret_leak']);
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
  await server.call('/api/v1/flags/autonomy.mode', flag, PUT);
  await stop(server, { scope: 'agent:other', reason: `leaked ${SECRET}` });

  await governWithSecrets(server);
  await nameWithSecrets(server);
  await runWithSecret(server);

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
      select count(*)::integer as n from ${admin(`mandate.${name}`)} x where x::text like any (${[`%${SECRET}%`, `%${PASSWORD}%`]})`;
    if (row?.['n'] !== 0) leaks.push(name);
  }
  assert.deepEqual(leaks, []);
  assert.ok(!server.log().includes(SECRET) && !server.log().includes(PASSWORD));
});

/** Into everything that people write where autonomy is governed: words are kept without it, what stays exact is refused. */
async function governWithSecrets(server: TestServer): Promise<void> {
  const key = await server.makeKey({ roles: ['admin'], user: { id: 'ada' } });
  const asker = await server.makeKey({ roles: ['operator'], user: { id: 'otto' } });
  const post = async (path: string, body: object, expected = 201, method = 'POST'): Promise<string> => {
    const answer = await server.call(`/api/v1/${path}`, body, { key, method });
    const text = JSON.stringify(answer.body);
    assert.equal(answer.status, expected, `${path} ${text}`);
    assert.ok(!text.includes(SECRET) && !text.includes(PASSWORD), `${path} ${text}`);
    return String(answer.body['id']);
  };
  const sha256 = 'a'.repeat(64);
  const reason = `because of ${SECRET}`;
  const link = `https://wiki.example.org/?token=${SECRET}`;
  const at = new Date().toISOString();
  await post('governance/drills', { kind: 'chaos', at, passed: true, summary: reason, link });
  for (const evidence of [
    { file: `${SECRET}.md`, sha256 },
    { url: link, sha256 },
  ])
    await post('readiness/attestations', { item: 'runbooks', evidence, note: reason });
  const incident = await post('incidents', { title: reason, cause: reason, severity: 'high' });
  await post(`incidents/${incident}/notes`, { text: reason }, 200);
  await post(`incidents/${incident}`, { severity: 'low', reason }, 200, 'PATCH');
  await post(`incidents/${incident}/resolve`, { reason }, 200);

  const step = { name: 'a', action: 'roaster.SET', expect: { tier: 'red' } };
  for (const wrong of [
    { ...step, name: reason },
    { ...step, parameters: { password: PASSWORD } },
    { ...step, parameters: { list: [SECRET] } },
  ])
    await post('evals', { set: { name: 'e', cases: [wrong] } }, 422);
  await post('evals', { set: { name: 'e', cases: [step] } });
  await post('evals/e/run', {}, 200);

  const rule = { condition: 'errorRate > 0.5', window: '5m', action: 'alert_only', reason };
  await post('circuit-breaker/rules/mine', rule, 201, 'PATCH');
  await post(`circuit-breaker/rules/${SECRET}`, rule, 422, 'PATCH');
  const condition = `commandType.failures > 0 && "${SECRET}" != ""`;
  await post('circuit-breaker/rules/mine', { condition }, 422, 'PATCH');

  const { body } = await until('it may be proposed', async () => {
    const path = '/api/v1/governance/proposals';
    const answer = await server.call<{ id: string }>(path, { reason }, { key: asker });
    return answer.status === 201 && answer;
  });
  await post(`governance/proposals/${body.id}/approve`, { reason }, 200);
  await post('governance/fall', { reason }, 200);
  await post('governance/run-cycle', {});
}

/** As what is stored and shown as it is: refused with the place, and the answer does not say it again. */
async function nameWithSecrets(server: TestServer): Promise<void> {
  const asked = { agent: 'worker-1', action: 'test.run' };
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const granted = { kind: 'task', to: 'worker-1', actions: ['test.*'], purpose: 'p', expiresAt };
  const question = { subject: { type: 'agent', id: 'worker-1' }, action: { name: 'run' } };
  const about = { ...question, resource: { type: 'test', id: 'a' } };
  const attempt = { headers: { 'idempotency-key': 'once', 'mandate-attempt': SECRET } };
  const refused: readonly (readonly [place: string, path: string, body: object, options?: CallOptions])[] = [
    ['/agent', 'api/v1/actions', { ...asked, agent: SECRET }],
    ['/action', 'api/v1/actions', { ...asked, action: `test.${SECRET}` }],
    ['/run', 'api/v1/actions', { ...asked, run: SECRET }],
    ['/idempotencyKey', 'api/v1/actions', { ...asked, idempotencyKey: SECRET }],
    ['Idempotency-Key', 'api/v1/actions', asked, { headers: { 'idempotency-key': SECRET } }],
    ['Mandate-Attempt', 'api/v1/actions', asked, attempt],
    ['/to', 'api/v1/grants', { ...granted, to: SECRET }],
    ['/actions/0', 'api/v1/grants', { ...granted, actions: [`${SECRET}*`] }],
    ['/scope', 'api/v1/stop', { scope: `agent:${SECRET}`, reason: 'r' }],
    [
      '/scope',
      'api/v1/flags/agents.autonomousEnabled',
      { value: false, scope: `agent:${SECRET}`, reason: 'r' },
      PUT,
    ],
    ['/agent', `api/v1/agents/${SECRET}/freeze`, { reason: 'r' }],
    ['/label', 'api/v1/keys', { label: SECRET, roles: ['viewer'] }],
    ['/agents/[redacted]', 'api/v1/workflows', { template: 'any', agents: { [SECRET]: 'worker-1' } }],
    ['/subject/id', 'access/v1/evaluation', { ...about, subject: { type: 'agent', id: SECRET } }],
    ['/action/name', 'access/v1/evaluation', { ...about, action: { name: SECRET } }],
    ['/resource/type', 'access/v1/evaluation', { ...about, resource: { type: SECRET, id: 'a' } }],
    ['Idempotency-Key', 'access/v1/requests', about, { headers: { 'idempotency-key': SECRET } }],
  ];
  for (const [place, path, body, options] of refused) {
    const answer = await server.call(`/${path}`, body, options);
    const text = JSON.stringify(answer.body);
    assert.equal(answer.status, path.startsWith('access') ? 400 : 422, `${place} ${text}`);
    assert.ok(text.includes(place) && text.includes('a token or a password'), `${place} ${text}`);
    assert.ok(!text.includes(SECRET), text);
  }
}

/** A step's result is sealed; an expression that makes a name of it would let it out. */
async function runWithSecret(server: TestServer): Promise<void> {
  const text = `name: leaking
agent: runner-1
steps:
  - { id: one, action: test.run }
  - { id: two, action: test.run, needs: one, agent: '\${{ steps.one.result.token }}' }
`;
  await server.call('/api/v1/flags/autonomy.mode', { value: 'FULL', reason: 'it may run' }, PUT);
  const key = await server.makeKey({ roles: ['agent'], agents: ['runner-1'] });
  const written = await server.call('/api/v1/workflow-templates', { text });
  assert.equal(written.status, 201, JSON.stringify(written.body));
  const { body: run } = await server.call<{ id: string }>('/api/v1/workflows', { template: 'leaking' });
  const path = `/api/v1/workflows/${run.id}`;
  const taken = await until('the first step is offered', async () => {
    const answer = await server.call<ActReply>(`${path}/take`, { step: 'one' }, { key });
    return answer.body.permit !== undefined && answer.body;
  });
  const outcome = { permit: taken.permit, status: 'success', result: { token: SECRET } };
  assert.equal((await server.call(`/api/v1/actions/${taken.id}/outcome`, outcome, { key })).status, 200);
  const failed = await until('the run has failed', async () => {
    const { body } = await server.call(path);
    return body['status'] === 'failed' && JSON.stringify(body);
  });
  assert.match(failed, /What the step two names as its agent is not a name/);
  assert.ok(!failed.includes(SECRET), failed);
}
