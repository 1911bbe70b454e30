// Paths that lead nowhere, queries nobody knows, methods that are not offered, and bodies that fit another route: each is
// told what is wrong and what to do next, and never taken for something else.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { wholeFile } from '../test/closing.ts';
import type { CallOptions, Door } from '../test/door.ts';
import { openDoor } from '../test/door.ts';
import { assertProblem } from '../test/problem.ts';

let door: Door;
const file = wholeFile();
before(async () => {
  door = await openDoor(file);
});

const good = { agent: 'builder-1', action: 'git.read', parameters: {} };
const NOWHERE = '00000000-0000-4000-8000-000000000000';
const BACKWARDS = 'from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z';
const reason = { body: { reason: 'a test' } };

/** Name, method and path, status, and what is sent along. */
const calls: readonly (readonly [string, string, number, CallOptions?])[] = [
  ['an unknown path', 'GET /api/v1/nothing', 404],
  ['an older version', 'GET /api/v0/actions', 404],
  ['a doubled slash', 'GET //api//v1//actions', 404],
  ['a path in capitals', 'GET /API/V1/ACTIONS', 404],
  ['an encoded slash', 'GET /api/v1%2factions', 404],
  ['a way up, encoded twice', 'GET /api/v1/agents/%252e%252e%252fkeys', 404],
  ['a backslash', 'GET /api/v1/agents/..%5ckeys', 404],
  ['an escape of nothing', 'GET /api/v1/agents/%zz', 400],
  ['an escape that is no UTF-8', 'GET /api/v1/agents/%ff', 400],
  ['NUL in a path', 'GET /api/v1/agents/%00', 404],
  ['NUL in the key of a flag', 'PUT /api/v1/flags/a%00', 404, { body: { value: true, reason: 'x' } }],
  ['NUL in the id of a key', 'DELETE /api/v1/keys/a%00', 404],
  ['NUL in an agent to be frozen', 'POST /api/v1/agents/a%00/freeze', 404, reason],
  ['a line break in a path', 'GET /api/v1/agents/a%0d%0aSet-Cookie:x', 404],
  ['a path parameter without end', `GET /api/v1/agents/${'a'.repeat(2_000)}`, 404],
  ['an id that is none', 'GET /api/v1/actions/1', 404],
  ['an id with a quote', "GET /api/v1/actions/1'or'1'='1", 404],
  ['an id of dashes', 'POST /api/v1/actions/------------------------------------/cancel', 404, reason],
  ['an id of nobody', `GET /api/v1/actions/${NOWHERE}`, 404],
  ['an id in braces', `GET /api/v1/approvals/{${NOWHERE}}`, 404],
  ['a cursor of garbage', 'GET /api/v1/actions?cursor=garbage', 422],
  ['a cursor of dashes', 'GET /api/v1/actions?cursor=1_------------------------------------', 422],
  ['a cursor beyond time', `GET /api/v1/actions?cursor=9999999999999999_${NOWHERE}`, 422],
  ['a limit of zero', 'GET /api/v1/actions?limit=0', 422],
  ['a limit beyond a page', 'GET /api/v1/actions?limit=201', 422],
  ['a limit below zero', 'GET /api/v1/audit/entries?limit=-1', 422],
  ['a limit in words', 'GET /api/v1/audit/entries?limit=all', 422],
  ['a status that there is not', 'GET /api/v1/actions?status=done', 422],
  ['the year zero', 'GET /api/v1/actions?from=0000-01-01T00:00:00Z', 422],
  ['the year 10000', 'GET /api/v1/audit/entries?to=9999-12-31T23:59:59-23:59', 422],
  ['acts until before they begin', `GET /api/v1/actions?${BACKWARDS}`, 422],
  ['entries until before they begin', `GET /api/v1/audit/entries?${BACKWARDS}`, 422],
  [
    'a simulation until before it begins',
    'POST /api/v1/charter/simulate',
    422,
    { body: { from: '2026-11-02T00:00:00Z', to: '2026-11-01T00:00:00Z' } },
  ],
  [
    'a simulation with two beginnings',
    'POST /api/v1/charter/simulate',
    422,
    { body: { from: '2026-11-01T00:00:00Z', against: '7d' } },
  ],
  [
    'a key narrowed to nothing',
    'POST /api/v1/keys',
    422,
    { body: { label: 'x', roles: ['viewer'], scopes: ['nope.zzz'] } },
  ],
  ['a position of garbage', 'GET /api/v1/audit/entries?after=last', 422],
  ['NUL in a query', 'GET /api/v1/actions?agent=%00', 422],
  ['a query given twice', 'GET /api/v1/actions?agent=a&agent=b', 422],
  ['a query in brackets', 'GET /api/v1/actions?agent[]=a', 422],
  ['a query nobody knows', 'GET /api/v1/actions?tenant=other', 422],
  ['a query where none is taken', 'GET /api/v1/agents?x=1', 422],
  ['the prototype as a query', 'GET /api/v1/actions?__proto__=1', 422],
  ['a body where none is taken', `POST /api/v1/actions/${NOWHERE}/confirm`, 422, { body: { force: true } }],
  ['a wait of no number', 'POST /api/v1/actions', 422, { body: good, headers: { prefer: 'wait=abc' } }],
  ['a wait below zero', 'POST /api/v1/actions', 422, { body: good, headers: { prefer: 'wait=-1' } }],
  [
    'an idempotency key too long',
    'POST /api/v1/actions',
    422,
    { body: good, headers: { 'idempotency-key': 'k'.repeat(257) } },
  ],
  [
    'an idempotency key in Latin-1',
    'POST /api/v1/actions',
    422,
    { body: good, headers: { 'idempotency-key': 'é' } },
  ],
  [
    'two idempotency keys',
    'POST /api/v1/actions',
    422,
    { body: { ...good, idempotencyKey: 'a' }, headers: { 'idempotency-key': 'b' } },
  ],
  [
    'a digest of another form',
    `POST /api/v1/approvals/${NOWHERE}/decision`,
    422,
    { body: { decision: 'approve', digest: '*' } },
  ],
  [
    'a decision that is none',
    `POST /api/v1/approvals/${NOWHERE}/decision`,
    422,
    { body: { decision: 'APPROVE', digest: 'a'.repeat(64) } },
  ],
  [
    'a role in the body of a decision',
    `POST /api/v1/approvals/${NOWHERE}/decision`,
    422,
    { body: { decision: 'approve', digest: 'a'.repeat(64), role: 'admin' } },
  ],
  ['a scope nobody can read', 'POST /api/v1/stop', 422, { body: { scope: 'everything', reason: 'x' } }],
  ['a stop without a reason', 'POST /api/v1/stop', 422, { body: {} }],
  [
    'a flag for a scope nobody can read',
    'PUT /api/v1/flags/agents.autonomousEnabled',
    422,
    { body: { value: true, scope: 'garbage', reason: 'x' } },
  ],
  [
    'a flag as text',
    'PUT /api/v1/flags/agents.autonomousEnabled',
    422,
    { body: { value: 'false', reason: 'x' } },
  ],
  ['a flag that there is not', 'PUT /api/v1/flags/__proto__', 404, { body: { value: true, reason: 'x' } }],
  [
    'a grant beyond time',
    'POST /api/v1/grants',
    422,
    { body: { to: 'x', actions: ['git.*'], purpose: 'x', expiresAt: '9999-12-31T23:59:59-23:59' } },
  ],
  [
    'a grant with a star inside',
    'POST /api/v1/grants',
    422,
    { body: { to: 'x', actions: ['git.*.x'], purpose: 'x', expiresAt: '2030-01-01T00:00:00Z' } },
  ],
  [
    'a key beyond time',
    'POST /api/v1/keys',
    422,
    { body: { label: 'x', roles: ['viewer'], expiresAt: '9999-12-31T23:59:59-23:59' } },
  ],
  [
    'a key that is over already',
    'POST /api/v1/keys',
    422,
    { body: { label: 'x', roles: ['viewer'], expiresAt: '2001-01-01T00:00:00Z' } },
  ],
  ['a key of a role nobody has', 'POST /api/v1/keys', 422, { body: { label: 'x', roles: ['root'] } }],
  [
    'a key that is an agent and more',
    'POST /api/v1/keys',
    422,
    { body: { label: 'x', roles: ['agent', 'admin'], agents: ['a'] } },
  ],
  ['a charter that is none', 'PUT /api/v1/charter', 422, { body: { text: 'a: &a [*a, *a]' } }],
  ['a charter of nothing', 'PUT /api/v1/charter', 422, { body: { text: '' } }],
];

test('a path, query or body that fits nothing is refused with what to do next', async () => {
  for (const [name, target, status, options] of calls) {
    const [method = '', path = ''] = target.split(' ');
    const answer = await door.call(method, path, options);
    assertProblem(name, answer, status);
    const { detail, errors } = answer.json ?? {};
    assert.ok(errors !== undefined || !String(detail).includes('errors[]'), `${name}: ${String(detail)}`);
  }
});

test('a way up in a path leads nowhere, whatever it is written as', async () => {
  const targets = [
    '/api/v1/agents/../keys',
    '/api/v1/agents/%2e%2e/keys',
    '/api/v1/agents/.%2E/keys',
    '/reference/../api/v1/keys',
    '/health/..;/api/v1/keys',
    '/reference/%2e%2e/%2e%2e/etc/passwd',
  ];
  for (const target of targets) {
    const answer = await door.send(
      `GET ${target} HTTP/1.1\r\nHost: a\r\nX-API-Key: ${door.adminKey}\r\nConnection: close\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 404 /, target);
    assert.match(answer, /"code":"not_found"/, target);
  }
});

test('a method that a path does not take is told from a path that does not exist, with what it does take', async () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['DELETE', '/api/v1/actions', 'GET, POST'],
    ['PATCH', '/api/v1/actions', 'GET, POST'],
    ['OPTIONS', '/api/v1/actions', 'GET, POST'],
    ['POST', '/api/v1/events', 'GET'],
    ['POST', '/api/v1/live', 'GET'],
    ['PUT', '/health', 'GET, HEAD'],
    ['POST', '/api/v1/charter', 'GET, PUT'],
    ['GET', '/api/v1/approvals/x/decision', 'POST'],
    ['DELETE', '/openapi.json', 'GET'],
  ];
  for (const [method, path, allow] of rows) {
    const answer = await door.call(method, path);
    assertProblem(`${method} ${path}`, answer, 405);
    assert.equal(answer.headers.get('allow'), allow, `${method} ${path}`);
  }
});

test('nothing of a request comes back as a header', async () => {
  const id = `x%0d%0aSet-Cookie:%20a=b`;
  const answer = await door.call('GET', `/api/v1/nothing/${id}`, {
    headers: { traceparent: '00-zz-zz-zz', 'x-trace-id': 'mine' },
  });
  assert.equal(answer.headers.get('set-cookie'), null);
  assert.match(answer.headers.get('x-trace-id') ?? '', /^[0-9a-f]{32}$/);
});

test('answers are nobody else’s to keep or to guess at', async () => {
  const answer = await door.call('GET', '/api/v1/stats');
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
});

test('after all of this nobody was woken and the server still decides', async () => {
  assert.equal((await door.call('POST', '/api/v1/actions', { body: good })).status, 200);
  assert.equal((await door.call('GET', '/ready', { key: null })).status, 200);
  assert.deepEqual(door.errors(), []);
});
