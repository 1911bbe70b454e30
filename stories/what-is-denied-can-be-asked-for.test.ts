// The access request draft of AuthZEN on the one road: a red denial carries what is needed to ask for it, people decide,
// and the same question is then answered with yes, until it is used.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDoor } from '../test/door.ts';
import type { Answered } from '../test/door.ts';

const CHARTER = `
version: 1
tiers:
  red: { actions: [{ match: page.publish, expires: 1h }] }
  black: { actions: [page.erase] }
`;

function member(from: unknown, ...path: readonly string[]): unknown {
  let value = from;
  for (const name of path)
    value =
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.getOwnPropertyDescriptor(value, name)?.value
        : undefined;
  return value;
}

test('a red decision is asked for, approved, and then true until somebody has used it', async (t) => {
  const door = await openDoor(t, { charter: CHARTER });
  const agent = await door.makeKey({ roles: ['agent'], agents: ['writer-1'] });
  const question = {
    subject: { type: 'agent', id: 'writer-1' },
    action: { name: 'publish' },
    resource: { type: 'page', id: 'home' },
    context: { channel: 'web' },
  };
  const post = (path: string, body: object, headers = {}): Promise<Answered> =>
    door.call('POST', `/access/v1/${path}`, { key: agent.text, body, headers });
  const denied = await post('evaluation', question);
  assert.equal(denied.json?.['decision'], false);
  const offer = member(denied.json, 'context', 'access_request');
  const denial = {
    expires_at: member(offer, 'expires_at'),
    binding_token: member(offer, 'binding_token'),
    reason: member(denied.json, 'context', 'reason'),
  };
  assert.equal(denial.reason, 'approval_required');

  const wanted = { ...question, context: { ...question.context, business_justification: 'launch' }, denial };
  const headers = { 'idempotency-key': 'launch-1' };
  const submitted = await post('requests', wanted, headers);
  assert.equal(submitted.status, 202, submitted.text);
  assert.equal(member(submitted.json, 'task', 'status'), 'pending');
  const task = String(member(submitted.json, 'task', 'id'));
  const repeated = await post('requests', wanted, headers);
  assert.equal(member(repeated.json, 'task', 'id'), task);

  const pending = await door.call('GET', '/api/v1/approvals?status=pending');
  const [approval] = Array.isArray(pending.json?.['items']) ? pending.json['items'] : [];
  const vote = { decision: 'approve', digest: member(approval, 'digest'), reason: 'go' };
  const path = `/api/v1/approvals/${String(member(approval, 'id'))}/decision`;
  assert.equal((await door.call('POST', path, { body: vote })).status, 200);

  const polled = await door.call('GET', `/access/v1/requests/${task}`, { key: agent.text });
  assert.equal(member(polled.json, 'task', 'status'), 'approved');
  assert.equal(member(polled.json, 'result', 'mode'), 'reevaluate');
  const again = {
    ...question,
    context: { ...question.context, approval: member(polled.json, 'result', 'approval') },
  };
  assert.equal((await post('evaluation', again)).json?.['decision'], true);
  assert.equal(
    (await post('evaluation', { ...again, resource: { type: 'page', id: 'other' } })).json?.['decision'],
    false,
  );

  // The permit is handed out once, by the act that waited; after that the question is open again.
  const permitted = await door.call('GET', `/api/v1/actions/${task}`, { key: agent.text });
  assert.equal(permitted.json?.['status'], 'permitted', permitted.text);
  assert.equal((await post('evaluation', again)).json?.['decision'], false);
});

test('a denial that was changed, is somebody else’s or too old opens nothing', async (t) => {
  const door = await openDoor(t, { charter: CHARTER });
  const [writer, other] = await Promise.all(
    ['writer-1', 'writer-2'].map((name) => door.makeKey({ roles: ['agent'], agents: [name] })),
  );
  const question = {
    subject: { type: 'agent', id: 'writer-1' },
    action: { name: 'publish' },
    resource: { type: 'page', id: 'home' },
  };
  const key = writer?.text ?? '';
  const denied = await door.call('POST', '/access/v1/evaluation', { key, body: question });
  const offer = member(denied.json, 'context', 'access_request');
  const denial = { expires_at: member(offer, 'expires_at'), binding_token: member(offer, 'binding_token') };
  const cases = [
    { body: { ...question, denial, resource: { type: 'page', id: 'prices' } }, key },
    { body: { ...question, denial: { ...denial, expires_at: '2099-01-01T00:00:00.000Z' } }, key },
    { body: { ...question, denial: { ...denial, binding_token: 'denial.v1.e30.AAAA' } }, key },
    { body: { ...question, subject: { type: 'agent', id: 'writer-2' }, denial }, key: other?.text ?? '' },
    { body: question, key },
  ];
  for (const each of cases) {
    const answer = await door.call('POST', '/access/v1/requests', each);
    assert.equal(answer.status, 400, answer.text);
  }
  const black = { ...question, action: { name: 'erase' } };
  const never = await door.call('POST', '/access/v1/evaluation', { key, body: black });
  assert.equal(never.json?.['decision'], false);
  assert.equal(member(never.json, 'context', 'access_request'), undefined);
  const open = await door.call('GET', '/api/v1/approvals?status=pending');
  assert.deepEqual(open.json?.['items'], []);
});

test('nobody opens an act on the authority of a person whose key it is not', async (t) => {
  const door = await openDoor(t, { charter: `${CHARTER}users: { alice: { scopes: [pages] } }\n` });
  const operator = await door.makeKey({ roles: ['operator'], agents: 'any' });
  const question = {
    subject: { type: 'user', id: 'alice' },
    action: { name: 'publish' },
    resource: { type: 'page', id: 'home' },
  };
  const key = operator.text;
  const denied = await door.call('POST', '/access/v1/evaluation', { key, body: question });
  const offer = member(denied.json, 'context', 'access_request');
  const denial = { expires_at: member(offer, 'expires_at'), binding_token: member(offer, 'binding_token') };
  const answer = await door.call('POST', '/access/v1/requests', { key, body: { ...question, denial } });
  assert.equal(answer.status, 403, answer.text);
  const open = await door.call('GET', '/api/v1/approvals?status=pending');
  assert.deepEqual(open.json?.['items'], []);
});

test('what needs nobody any more is not begun by asking people for it', async (t) => {
  const door = await openDoor(t, { charter: CHARTER });
  const { text: key } = await door.makeKey({ roles: ['agent'], agents: ['writer-1'] });
  const question = {
    subject: { type: 'agent', id: 'writer-1' },
    action: { name: 'publish' },
    resource: { type: 'page', id: 'home' },
  };
  const denied = await door.call('POST', '/access/v1/evaluation', { key, body: question });
  const offer = member(denied.json, 'context', 'access_request');
  const denial = { expires_at: member(offer, 'expires_at'), binding_token: member(offer, 'binding_token') };
  const milder = { text: 'version: 1\ntiers: { green: { actions: [page.publish] } }\n', reason: 'trial' };
  const put = await door.call('PUT', '/api/v1/charter', { body: { text: milder.text, note: milder.reason } });
  assert.equal(put.status, 200, put.text);
  const answer = await door.call('POST', '/access/v1/requests', { key, body: { ...question, denial } });
  assert.equal(answer.status, 409, answer.text);
  const acts = await door.call('GET', '/api/v1/actions');
  assert.deepEqual(acts.json?.['items'], []);
});

test('what a question names shows as what it is, or nobody is asked about it', async (t) => {
  const door = await openDoor(t, { charter: CHARTER });
  const agent = await door.makeKey({ roles: ['agent'], agents: ['writer-1'] });
  const question = {
    subject: { type: 'agent', id: 'writer-1' },
    action: { name: 'publish' },
    resource: { type: 'page', id: 'home' },
  };
  const wrong: readonly (readonly [pointer: string, part: object])[] = [
    ['/action/name', { action: { name: 'pub\u202elish' } }],
    ['/action/name', { action: { name: 'pub lish' } }],
    ['/action/name', { action: { name: 'page..publish' } }],
    ['/resource/type', { resource: { type: 'my page', id: 'home' } }],
    ['/resource/id', { resource: { type: 'page', id: 'safe\u202egpj.exe' } }],
    ['/resource/id', { resource: { type: 'page', id: 'two\u2028lines' } }],
    ['/subject/id', { subject: { type: 'agent', id: 'a\u0085b' } }],
  ];
  for (const [pointer, part] of wrong) {
    const body = { ...question, ...part };
    const answer = await door.call('POST', '/access/v1/evaluation', { key: agent.text, body });
    assert.equal(answer.status, 400, answer.text);
    assert.ok(answer.text.includes(`${pointer} `), answer.text);
  }
});
