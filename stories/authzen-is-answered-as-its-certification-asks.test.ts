// The certification scenario of the OpenID AuthZEN working group (certification/authorization-api-1_0-scenario.md),
// written anew as a test: its fixture as a charter, its requests as tables, its numbers in the names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { openDoor } from '../test/door.ts';
import type { Answered, CallOptions, Door } from '../test/door.ts';

const FIXTURE = `
version: 1
roles: [records-admin]
users:
  alice: {}
  bob: { roles: [records-admin] }
resources:
  record: [record-1, record-2]
tiers:
  green:
    actions:
      - record.read
      - match: record.write
        user: alice
        when: "!has(parameters.resource.status) || parameters.resource.status != 'archived'"
      - match: record.write
        user: bob
        when: >-
          has(parameters.resource.status) && parameters.resource.status == 'archived' &&
          ((has(parameters.subject.role) && parameters.subject.role == 'admin') || 'records-admin' in user.roles)
      - match: record.write
        when: >-
          has(parameters.resource.status) && parameters.resource.status == 'archived' &&
          has(parameters.subject.role) && parameters.subject.role == 'admin'
      - match: record.delete
        user: alice
        when: "has(parameters.soft) && parameters.soft"
`;

const alice = { type: 'user', id: 'alice' };
const bob = { type: 'user', id: 'bob' };
const admin = { ...bob, properties: { role: 'admin' } };
const one = { type: 'record', id: 'record-1' };
const archived = { type: 'record', id: 'record-2', properties: { status: 'archived' } };
const read = { name: 'read' };
const write = { name: 'write' };
const erase = (soft: boolean) => ({ name: 'delete', properties: { soft } });

async function fixture(t: TestContext): Promise<{ readonly door: Door; readonly post: Post }> {
  const door = await openDoor(t, { charter: FIXTURE });
  const gateway = await door.makeKey({ roles: ['operator'], agents: 'any' });
  const post: Post = (path, options) =>
    door.call('POST', `/access/v1/${path}`, { key: gateway.text, ...options });
  return { door, post };
}

type Post = (path: string, options: CallOptions) => Promise<Answered>;

async function decides(post: Post, body: object): Promise<unknown> {
  const answer = await post('evaluation', { body });
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
  return answer.json?.['decision'];
}

test('Basic (2.2): the eight decisions of the fixture, whatever else the request carries', async (t) => {
  const { post } = await fixture(t);
  const cases = [
    { subject: alice, action: read, resource: one, decision: true },
    { subject: alice, action: write, resource: one, decision: true },
    { subject: bob, action: read, resource: one, decision: true },
    { subject: bob, action: write, resource: one, decision: false },
    { subject: alice, action: write, resource: archived, decision: false },
    { subject: admin, action: write, resource: archived, decision: true },
    { subject: alice, action: erase(true), resource: one, decision: true },
    { subject: alice, action: erase(false), resource: one, decision: false },
  ];
  for (const { decision, ...request } of cases) {
    const context = { time: '2025-06-27T18:03-07:00', ip: '192.168.1.1' };
    assert.equal(await decides(post, request), decision, JSON.stringify(request));
    assert.equal(await decides(post, { ...request, context }), decision, 'with a context');
    assert.equal(await decides(post, { ...request, foo: 'bar', futureField: { nested: true } }), decision);
  }
  const more = {
    subject: { ...alice, properties: { department: 'Sales', role: 'manager' } },
    action: { ...read, properties: { method: 'GET' } },
    resource: { ...one, properties: { status: 'active', owner: 'bob' } },
  };
  for (const _again of [1, 2, 3]) assert.equal(await decides(post, more), true);
});

test('Basic (2.4, 2.5): what is missing or wrong is 400, and X-Request-ID comes back', async (t) => {
  const { door, post } = await fixture(t);
  const good = { subject: alice, action: read, resource: one };
  const bad = [
    { action: read, resource: one },
    { subject: alice, resource: one },
    { subject: alice, action: read },
    { ...good, subject: { id: 'alice' } },
    { ...good, subject: { type: 'user' } },
    { ...good, action: {} },
    { ...good, resource: { id: 'record-1' } },
    { ...good, resource: { type: 'record' } },
    { ...good, subject: 'alice' },
    { ...good, action: { name: 123 } },
  ];
  for (const body of bad) {
    const answer = await post('evaluation', { body });
    assert.equal(answer.status, 400, `${JSON.stringify(body)} ${answer.text}`);
    assert.match(String(answer.json?.['detail']), /^\/(subject|action|resource)/);
  }
  const json = { 'content-type': 'application/json' };
  for (const raw of ['{"subject":', '', '[', '"alice"'])
    assert.equal((await post('evaluation', { raw, headers: json })).status, 400, raw);
  const asText = { raw: JSON.stringify(good), headers: { 'content-type': 'text/plain' } };
  assert.equal((await post('evaluation', asText)).status, 400);
  const named = await post('evaluation', { body: good, headers: { 'x-request-id': 'bfe9eb29-ab87' } });
  assert.equal(named.headers.get('x-request-id'), 'bfe9eb29-ab87');
  assert.equal((await post('evaluation', { body: good })).status, 200);
  assert.equal((await post('evaluation', { body: good, key: null })).status, 401);
  assert.deepEqual(door.errors(), []);
});

test('Batch (3): defaults, order and mistakes of single items', async (t) => {
  const { post } = await fixture(t);
  const decisions = async (body: object): Promise<readonly unknown[]> => {
    const answer = await post('evaluations', { body });
    assert.equal(answer.status, 200, answer.text);
    const list: unknown = answer.json?.['evaluations'];
    assert.ok(Array.isArray(list), answer.text);
    return list.map((each: { decision: unknown }) => each.decision);
  };
  assert.deepEqual(
    await decisions({ subject: bob, resource: one, evaluations: [{ action: read }, { action: write }] }),
    [true, false],
  );
  const active = { ...one, properties: { status: 'active' } };
  assert.deepEqual(
    await decisions({
      subject: alice,
      action: write,
      evaluations: [{ resource: active }, { resource: archived }],
    }),
    [true, false],
  );
  assert.deepEqual(
    await decisions({
      action: write,
      resource: archived,
      evaluations: [{ subject: alice }, { subject: admin }],
    }),
    [false, true],
  );
  assert.deepEqual(
    await decisions({
      evaluations: [
        { subject: alice, action: read, resource: one },
        { subject: bob, action: write, resource: one },
      ],
    }),
    [true, false],
  );
  const inherited = { subject: alice, action: read, context: { time: '2025-06-27T18:03-07:00' } };
  const override = { resource: archived, context: { source: 'batch-override' } };
  assert.equal((await decisions({ ...inherited, evaluations: [{ resource: one }, override] })).length, 2);
  const { type: _type, ...rest } = active;
  assert.deepEqual(
    await decisions({
      subject: alice,
      action: write,
      resource: { type: 'record' },
      evaluations: [{ resource: rest }, { resource: archived }],
    }),
    [true, false],
  );
  assert.deepEqual(await decisions({ subject: alice, action: read, evaluations: [{ resource: one }, {}] }), [
    true,
    false,
  ]);
  for (const evaluations of [undefined, []]) {
    const single = await post('evaluations', {
      body: { subject: alice, action: read, resource: one, evaluations },
    });
    assert.deepEqual([single.status, single.json?.['decision']], [200, true]);
  }
});

test('Batch: two of the three ways through the list end early', async (t) => {
  const { post } = await fixture(t);
  const ask = async (semantic: string, actions: readonly object[]) => {
    const body = {
      subject: bob,
      resource: one,
      options: { evaluations_semantic: semantic },
      evaluations: actions.map((action) => ({ action })),
    };
    return (await post('evaluations', { body })).json?.['evaluations'];
  };
  const lengthOf = (list: unknown): number => (Array.isArray(list) ? list.length : -1);
  assert.equal(lengthOf(await ask('execute_all', [read, write, read])), 3);
  assert.equal(lengthOf(await ask('deny_on_first_deny', [read, write, read])), 2);
  assert.equal(lengthOf(await ask('permit_on_first_permit', [write, read, write])), 2);
  assert.equal(lengthOf(await ask('whatever', [read])), -1);
});

test('Search (4): who may, what may be touched, what may be done, page by page', async (t) => {
  const { post } = await fixture(t);
  const found = async (kind: string, body: object): Promise<readonly string[]> => {
    const answer = await post(`search/${kind}`, { body });
    assert.equal(answer.status, 200, answer.text);
    const results: unknown = answer.json?.['results'];
    assert.ok(Array.isArray(results), answer.text);
    return results.map((each: { id?: string; name?: string }) => each.id ?? each.name ?? '');
  };
  assert.deepEqual(await found('subject', { subject: { type: 'user' }, action: read, resource: one }), [
    'alice',
    'bob',
  ]);
  const context = { time: '2025-06-27T18:03-07:00' };
  assert.deepEqual(
    await found('subject', { subject: { type: 'user' }, action: write, resource: archived, context }),
    ['bob'],
  );
  assert.ok(
    (await found('resource', { subject: alice, action: read, resource: { type: 'record' } })).includes(
      'record-1',
    ),
  );
  const record = { type: 'record', properties: { status: 'archived' } };
  assert.ok(
    (await found('resource', { subject: admin, action: write, resource: record })).includes('record-2'),
  );
  assert.deepEqual(await found('action', { subject: alice, resource: one, context }), ['read', 'write']);
  assert.ok((await found('action', { subject: admin, resource: archived })).includes('write'));
  assert.deepEqual(await found('action', { subject: { type: 'user', id: 'nobody' }, resource: one }), []);
  assert.deepEqual(
    await found('subject', { subject: { type: 'spaceship' }, action: read, resource: one }),
    [],
  );

  const first = await post('search/subject', {
    body: { subject: { type: 'user' }, action: read, resource: one, page: { limit: 1 } },
  });
  const page = first.json?.['page'];
  assert.ok(typeof page === 'object' && page !== null && 'next_token' in page);
  assert.match(String(page.next_token), /./);
  const second = await post('search/subject', {
    body: { subject: { type: 'user' }, action: read, resource: one, page: { token: page.next_token } },
  });
  assert.deepEqual(second.json?.['results'], [bob]);
  assert.deepEqual(second.json?.['page'], { next_token: '', count: 1 });
});

test('Search (4.7): what is missing is 400', async (t) => {
  const { post } = await fixture(t);
  const bad = [
    { kind: 'subject', body: { subject: { type: 'user' }, resource: one } },
    { kind: 'resource', body: { action: read, resource: { type: 'record' } } },
    { kind: 'action', body: { subject: alice } },
    { kind: 'subject', body: { subject: { type: 'user' }, action: read, resource: { type: 'record' } } },
    { kind: 'resource', body: { subject: { type: 'user' }, action: read, resource: { type: 'record' } } },
    {
      kind: 'subject',
      body: { subject: { type: 'user' }, action: read, resource: one, page: { limit: 'x' } },
    },
  ];
  for (const { kind, body } of bad)
    assert.equal((await post(`search/${kind}`, { body })).status, 400, JSON.stringify(body));
});

test('Discovery (6): the metadata names every endpoint, to whoever asks', async (t) => {
  const { door } = await fixture(t);
  const answer = await door.call('GET', '/.well-known/authzen-configuration', { key: null });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
  const { json } = answer;
  assert.equal(json?.['policy_decision_point'], door.url);
  for (const name of [
    'access_evaluation',
    'access_evaluations',
    'search_subject',
    'search_resource',
    'search_action',
  ])
    assert.match(String(json?.[`${name}_endpoint`]), new RegExp(`^${door.url}/access/v1/`));
});

test('an agent key asks only about its own agent, and a person only somebody who may ask for others', async (t) => {
  const { door, post } = await fixture(t);
  const agent = await door.makeKey({ roles: ['agent'], agents: ['builder-1'] });
  const ask = (subject: object) =>
    post('evaluation', { key: agent.text, body: { subject, action: read, resource: one } });
  assert.equal((await ask({ type: 'agent', id: 'builder-1' })).json?.['decision'], true);
  assert.equal((await ask({ type: 'agent', id: 'builder-2' })).status, 403);
  assert.equal((await ask(alice)).status, 403);
});
