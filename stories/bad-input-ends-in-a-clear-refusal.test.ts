// Whatever comes in at the HTTP door, what goes out is an answer that says what to do next: never a 500, never a line
// that wakes somebody, never a silent guess at what was meant. The server is as well afterwards as before.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Answered, CallOptions, Door } from '../test/door.ts';
import { openDoor } from '../test/door.ts';

let door: Door;
const closing: (() => Promise<void>)[] = [];
before(async () => {
  door = await openDoor({ after: (fn) => void closing.push(fn) });
});
after(async () => {
  for (const close of closing) await close();
});

/** A problem as RFC 9457 and we promise it: code, what is wrong, what to do next, and the trace that finds the log. */
function assertProblem(name: string, answer: Answered, status: number, code: string): void {
  assert.equal(answer.status, status, `${name}: ${answer.text.slice(0, 300)}`);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/, name);
  const { json } = answer;
  assert.equal(json?.['code'], code, `${name}: ${answer.text.slice(0, 300)}`);
  assert.equal(json['status'], status, name);
  assert.match(String(json['detail']), /^.+\. .+\.$/s, `${name} says what is wrong and what to do next`);
  assert.match(String(json['traceId']), /^[0-9a-f]{32}$/, name);
  assert.equal(answer.headers.get('x-trace-id'), json['traceId'], name);
  assert.doesNotMatch(
    answer.text,
    /node_modules|\.ts:|postgres|select /i,
    `${name} tells nothing of our insides`,
  );
}

function pointersOf(answer: Answered): readonly string[] {
  return ((answer.json?.['errors'] ?? []) as readonly { readonly pointer: string }[]).map(
    (error) => error.pointer,
  );
}

const good = { agent: 'builder-1', action: 'git.read', parameters: {} };
const withParameters = (text: string): string =>
  `{"agent":"builder-1","action":"git.read","parameters":${text}}`;
const UTF8 = new TextEncoder();

interface BodyRow {
  readonly name: string;
  readonly raw: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  readonly code: string;
  readonly pointer?: string;
}

const malformed = { status: 400, code: 'malformed' } as const;
const invalid = { status: 422, code: 'invalid' } as const;
const unsupported = { status: 415, code: 'unsupported_media_type' } as const;

const bodies: readonly BodyRow[] = [
  { name: 'an empty body', raw: '', ...malformed },
  { name: 'only blanks', raw: '  \n', ...malformed },
  { name: 'half an object', raw: '{"agent":', ...malformed },
  { name: 'something after the end', raw: `${JSON.stringify(good)}x`, ...malformed },
  { name: 'a comment', raw: `/* */${JSON.stringify(good)}`, ...malformed },
  { name: 'a byte order mark', raw: `\ufeff${JSON.stringify(good)}`, ...malformed },
  { name: 'UTF-16', raw: Buffer.from(JSON.stringify(good), 'utf16le'), ...malformed },
  {
    name: 'an overlong encoding',
    raw: Buffer.concat([UTF8.encode('{"agent":"'), Buffer.from([0xc0, 0x80]), UTF8.encode('"}')]),
    ...malformed,
  },
  {
    name: 'a surrogate in UTF-8',
    raw: Buffer.concat([UTF8.encode('{"agent":"'), Buffer.from([0xed, 0xa0, 0x80]), UTF8.encode('"}')]),
    ...malformed,
  },
  { name: 'a raw NUL', raw: withParameters('{"a":"\0"}'), ...malformed },
  { name: 'plain text', raw: 'agent=builder-1', headers: { 'content-type': 'text/plain' }, ...unsupported },
  {
    name: 'a form',
    raw: 'agent=builder-1',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    ...unsupported,
  },
  {
    name: 'no form that anybody knows',
    raw: JSON.stringify(good),
    headers: { 'content-type': 'nonsense' },
    ...unsupported,
  },
  {
    name: 'another charset',
    raw: JSON.stringify(good),
    headers: { 'content-type': 'application/json; charset=utf-16' },
    ...unsupported,
  },
  {
    name: 'a compressed body',
    raw: JSON.stringify(good),
    headers: { 'content-encoding': 'gzip' },
    ...unsupported,
  },
  {
    name: 'a key said twice',
    raw: '{"agent":"builder-1","action":"git.read","action":"git.force_push"}',
    ...malformed,
    pointer: '/action',
  },
  {
    name: 'a key said twice, once in escapes',
    raw: '{"agent":"builder-1","action":"git.read","\\u0061ction":"git.force_push"}',
    ...malformed,
    pointer: '/action',
  },
  {
    name: 'a key said twice in parameters',
    raw: withParameters('{"a":[{"path":"x","path":".env"}]}'),
    ...malformed,
    pointer: '/parameters/a/0/path',
  },
  {
    name: '__proto__',
    raw: withParameters('{"a":{"__proto__":{"isAdmin":true}}}'),
    ...malformed,
    pointer: '/parameters/a/__proto__',
  },
  {
    name: '__proto__ as a field',
    raw: '{"__proto__":{"agent":"builder-1"}}',
    ...malformed,
    pointer: '/__proto__',
  },
  {
    name: 'constructor as a field',
    raw: '{"agent":"builder-1","action":"git.read","constructor":{"prototype":{}}}',
    ...invalid,
    pointer: '/constructor',
  },
  {
    name: 'toString as a field',
    raw: '{"agent":"builder-1","action":"git.read","toString":1}',
    ...invalid,
    pointer: '/toString',
  },
  { name: '100,000 levels of arrays', raw: '['.repeat(100_000) + ']'.repeat(100_000), ...malformed },
  { name: '100,000 levels of objects', raw: '{"a":'.repeat(100_000), ...malformed },
  {
    name: 'half a surrogate pair',
    raw: withParameters('{"a":"\\ud83d"}'),
    ...malformed,
    pointer: '/parameters/a',
  },
  {
    name: 'half a surrogate pair in a name',
    raw: '{"agent":"builder-1","action":"git.read","resource":{"type":"page","id":"\\udc00"}}',
    ...malformed,
    pointer: '/resource/id',
  },
  {
    name: 'a number beyond doubles',
    raw: withParameters('{"n":1e400}'),
    ...malformed,
    pointer: '/parameters/n',
  },
  {
    name: 'an integer that would be rounded',
    raw: withParameters('{"n":9007199254740993}'),
    ...malformed,
    pointer: '/parameters/n',
  },
  {
    name: 'NUL in parameters',
    raw: withParameters('{"a":{"b":["\\u0000"]}}'),
    ...malformed,
    pointer: '/parameters/a/b/0',
  },
  { name: 'NUL in the name of a parameter', raw: withParameters('{"a\\u0000":1}'), ...malformed },
  {
    name: 'NUL in a resource',
    raw: '{"agent":"builder-1","action":"git.read","resource":{"type":"page","id":"a\\u0000"}}',
    ...malformed,
    pointer: '/resource/id',
  },
  {
    name: 'NUL in the agent',
    raw: '{"agent":"a\\u0000","action":"git.read"}',
    ...malformed,
    pointer: '/agent',
  },
  { name: 'NaN', raw: withParameters('{"n":NaN}'), ...malformed },
  {
    name: 'more than a megabyte',
    raw: withParameters(JSON.stringify({ a: 'x'.repeat(1_048_576) })),
    status: 413,
    code: 'too_large',
  },
  { name: 'ten megabytes', raw: 'x'.repeat(10_000_000), status: 413, code: 'too_large' },
];

test('a body that cannot be read in one way only is refused with its place', async () => {
  for (const { name, raw, headers = {}, status, code, pointer } of bodies) {
    const answer = await door.call('POST', '/api/v1/actions', { raw, headers });
    assertProblem(name, answer, status, code);
    if (pointer !== undefined)
      assert.ok(pointersOf(answer).includes(pointer), `${name}: ${answer.text.slice(0, 300)}`);
  }
});

interface FieldRow {
  readonly name: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly pointer: string;
}

const fields: readonly FieldRow[] = [
  { name: 'no agent', fields: { agent: undefined }, pointer: '/agent' },
  { name: 'a number for a name', fields: { agent: 123 }, pointer: '/agent' },
  { name: 'an empty name', fields: { agent: '' }, pointer: '/agent' },
  { name: 'a name of 300 characters', fields: { agent: 'a'.repeat(300) }, pointer: '/agent' },
  { name: 'an emoji for an agent', fields: { agent: '🤖' }, pointer: '/agent' },
  { name: 'a right-to-left override', fields: { agent: 'a\u202eb' }, pointer: '/agent' },
  { name: 'a zero-width letter', fields: { agent: 'builder\u200b-1' }, pointer: '/agent' },
  { name: 'a look-alike letter', fields: { agent: 'b\u0443ilder-1' }, pointer: '/agent' },
  { name: 'a header in a name', fields: { agent: 'a\r\nSet-Cookie: x=1' }, pointer: '/agent' },
  { name: 'an action with a star', fields: { action: 'git.*' }, pointer: '/action' },
  { name: 'an action with a dot at its end', fields: { action: 'git.read.' }, pointer: '/action' },
  { name: 'an action in look-alike letters', fields: { action: 'g\u0456t.read' }, pointer: '/action' },
  { name: 'an action of 300 characters', fields: { action: 'a'.repeat(300) }, pointer: '/action' },
  { name: 'a list of parameters', fields: { parameters: [] }, pointer: '/parameters' },
  { name: 'parameters as text', fields: { parameters: '{}' }, pointer: '/parameters' },
  { name: 'parameters null', fields: { parameters: null }, pointer: '/parameters' },
  { name: 'a cost as text', fields: { estimatedCostUsd: '1' }, pointer: '/estimatedCostUsd' },
  { name: 'a cost below zero', fields: { estimatedCostUsd: -1 }, pointer: '/estimatedCostUsd' },
  {
    name: 'a cost of half a micro-USD',
    fields: { estimatedCostUsd: 0.000_000_5 },
    pointer: '/estimatedCostUsd',
  },
  { name: 'a cost beyond all money', fields: { estimatedCostUsd: 1e300 }, pointer: '/estimatedCostUsd' },
  { name: '1 for true', fields: { attach: 1 }, pointer: '/attach' },
  { name: 'true as text', fields: { attach: 'true' }, pointer: '/attach' },
  { name: 'an unknown field', fields: { tier: 'green' }, pointer: '/tier' },
  { name: 'a field in another case', fields: { Agent: 'builder-1' }, pointer: '/Agent' },
  {
    name: 'an unknown field within',
    fields: { resource: { type: 'page', id: 'a', owner: 'me' } },
    pointer: '/resource/owner',
  },
  {
    name: 'a resource with a line break',
    fields: { resource: { type: 'page', id: 'a\nb' } },
    pointer: '/resource/id',
  },
  {
    name: 'a resource that reads backwards',
    fields: { resource: { type: 'page', id: 'a\u202eb' } },
    pointer: '/resource/id',
  },
  { name: 'a user of 300 characters', fields: { user: { id: 'u'.repeat(300) } }, pointer: '/user/id' },
  {
    name: 'an idempotency key too long',
    fields: { idempotencyKey: 'k'.repeat(257) },
    pointer: '/idempotencyKey',
  },
  { name: 'an idempotency key of nothing', fields: { idempotencyKey: '' }, pointer: '/idempotencyKey' },
];

test('a field of the wrong form is refused and named; nothing is coerced', async () => {
  for (const { name, fields: over, pointer } of fields) {
    const answer = await door.call('POST', '/api/v1/actions', { body: { ...good, ...over } });
    assertProblem(name, answer, 422, 'invalid');
    assert.ok(pointersOf(answer).includes(pointer), `${name}: ${answer.text.slice(0, 300)}`);
  }
});

test('what is odd but says one thing only is decided like anything else', async () => {
  const rows: readonly string[] = [
    '{"constructor":{"prototype":{"polluted":true}}}',
    '{"n":[-0,1e300,0.1,9007199254740991]}',
    '{"text":"👩‍💻 \\u202e \\u200b \\u001b[2J"}',
    '{"":{"":{"":0}}}',
    '{"hasOwnProperty":1,"valueOf":2,"then":3,"toJSON":4,"length":5}',
  ];
  for (const raw of rows) {
    const answer = await door.call('POST', '/api/v1/decisions', { raw: withParameters(raw) });
    assert.equal(answer.status, 200, `${raw}: ${answer.text.slice(0, 300)}`);
  }
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});

test('minus zero and zero are one request, as they are one number in canonical JSON', async () => {
  const ask = (n: string) =>
    door.call('POST', '/api/v1/actions', {
      raw: withParameters(`{"n":${n}}`),
      headers: { 'idempotency-key': 'zero' },
    });
  const first = await ask('-0');
  assert.equal(first.status, 200, first.text);
  assert.equal((await ask('0')).json?.['id'], first.json?.['id']);
});

interface CallRow {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly options?: CallOptions;
  readonly status: number;
  readonly code: string;
}

const NOWHERE = '00000000-0000-4000-8000-000000000000';
const notFound = { status: 404, code: 'not_found' } as const;
const reason = { body: { reason: 'a test' } };

const calls: readonly CallRow[] = [
  { name: 'an unknown path', method: 'GET', path: '/api/v1/nothing', ...notFound },
  { name: 'an older version', method: 'GET', path: '/api/v0/actions', ...notFound },
  { name: 'a doubled slash', method: 'GET', path: '//api//v1//actions', ...notFound },
  { name: 'a path in capitals', method: 'GET', path: '/API/V1/ACTIONS', ...notFound },
  { name: 'an encoded slash', method: 'GET', path: '/api/v1%2factions', ...notFound },
  { name: 'a way up, encoded twice', method: 'GET', path: '/api/v1/agents/%252e%252e%252fkeys', ...notFound },
  { name: 'a backslash', method: 'GET', path: '/api/v1/agents/..%5ckeys', ...notFound },
  { name: 'an escape of nothing', method: 'GET', path: '/api/v1/agents/%zz', ...malformed },
  { name: 'an escape that is no UTF-8', method: 'GET', path: '/api/v1/agents/%ff', ...malformed },
  { name: 'NUL in a path', method: 'GET', path: '/api/v1/agents/%00', ...notFound },
  {
    name: 'NUL in the key of a flag',
    method: 'PUT',
    path: '/api/v1/flags/a%00',
    options: { body: { value: true, reason: 'x' } },
    ...notFound,
  },
  { name: 'NUL in the id of a key', method: 'DELETE', path: '/api/v1/keys/a%00', ...notFound },
  {
    name: 'NUL in an agent to be frozen',
    method: 'POST',
    path: '/api/v1/agents/a%00/freeze',
    options: reason,
    ...notFound,
  },
  { name: 'a line break in a path', method: 'GET', path: '/api/v1/agents/a%0d%0aSet-Cookie:x', ...notFound },
  {
    name: 'a path parameter without end',
    method: 'GET',
    path: `/api/v1/agents/${'a'.repeat(2_000)}`,
    ...notFound,
  },
  { name: 'an id that is none', method: 'GET', path: '/api/v1/actions/1', ...notFound },
  { name: 'an id with a quote', method: 'GET', path: "/api/v1/actions/1'or'1'='1", ...notFound },
  {
    name: 'an id of dashes',
    method: 'POST',
    path: '/api/v1/actions/------------------------------------/cancel',
    options: reason,
    ...notFound,
  },
  { name: 'an id of nobody', method: 'GET', path: `/api/v1/actions/${NOWHERE}`, ...notFound },
  { name: 'an id in braces', method: 'GET', path: `/api/v1/approvals/{${NOWHERE}}`, ...notFound },
  { name: 'a cursor of garbage', method: 'GET', path: '/api/v1/actions?cursor=garbage', ...invalid },
  {
    name: 'a cursor of dashes',
    method: 'GET',
    path: '/api/v1/actions?cursor=1_------------------------------------',
    ...invalid,
  },
  {
    name: 'a cursor beyond time',
    method: 'GET',
    path: `/api/v1/actions?cursor=9999999999999999_${NOWHERE}`,
    ...invalid,
  },
  { name: 'a limit of zero', method: 'GET', path: '/api/v1/actions?limit=0', ...invalid },
  { name: 'a limit beyond a page', method: 'GET', path: '/api/v1/actions?limit=201', ...invalid },
  { name: 'a limit below zero', method: 'GET', path: '/api/v1/audit/entries?limit=-1', ...invalid },
  { name: 'a limit in words', method: 'GET', path: '/api/v1/audit/entries?limit=all', ...invalid },
  { name: 'a status that there is not', method: 'GET', path: '/api/v1/actions?status=done', ...invalid },
  { name: 'the year zero', method: 'GET', path: '/api/v1/actions?from=0000-01-01T00:00:00Z', ...invalid },
  {
    name: 'the year 10000',
    method: 'GET',
    path: '/api/v1/audit/entries?to=9999-12-31T23:59:59-23:59',
    ...invalid,
  },
  { name: 'a position of garbage', method: 'GET', path: '/api/v1/audit/entries?after=last', ...invalid },
  { name: 'NUL in a query', method: 'GET', path: '/api/v1/actions?agent=%00', ...invalid },
  { name: 'a query given twice', method: 'GET', path: '/api/v1/actions?agent=a&agent=b', ...invalid },
  { name: 'a query in brackets', method: 'GET', path: '/api/v1/actions?agent[]=a', ...invalid },
  { name: 'a query nobody knows', method: 'GET', path: '/api/v1/actions?tenant=other', ...invalid },
  { name: 'a query where none is taken', method: 'GET', path: '/api/v1/agents?x=1', ...invalid },
  { name: 'the prototype as a query', method: 'GET', path: '/api/v1/actions?__proto__=1', ...invalid },
  {
    name: 'a body where none is taken',
    method: 'POST',
    path: `/api/v1/actions/${NOWHERE}/confirm`,
    options: { body: { force: true } },
    ...invalid,
  },
  {
    name: 'a wait of no number',
    method: 'POST',
    path: '/api/v1/actions',
    options: { body: good, headers: { prefer: 'wait=abc' } },
    ...invalid,
  },
  {
    name: 'a wait below zero',
    method: 'POST',
    path: '/api/v1/actions',
    options: { body: good, headers: { prefer: 'wait=-1' } },
    ...invalid,
  },
  {
    name: 'an idempotency key too long',
    method: 'POST',
    path: '/api/v1/actions',
    options: { body: good, headers: { 'idempotency-key': 'k'.repeat(257) } },
    ...invalid,
  },
  {
    name: 'an idempotency key in Latin-1',
    method: 'POST',
    path: '/api/v1/actions',
    options: { body: good, headers: { 'idempotency-key': 'é' } },
    ...invalid,
  },
  {
    name: 'two idempotency keys',
    method: 'POST',
    path: '/api/v1/actions',
    options: { body: { ...good, idempotencyKey: 'a' }, headers: { 'idempotency-key': 'b' } },
    ...invalid,
  },
  {
    name: 'a digest of another form',
    method: 'POST',
    path: `/api/v1/approvals/${NOWHERE}/decision`,
    options: { body: { decision: 'approve', digest: '*' } },
    ...invalid,
  },
  {
    name: 'a decision that is none',
    method: 'POST',
    path: `/api/v1/approvals/${NOWHERE}/decision`,
    options: { body: { decision: 'APPROVE', digest: 'a'.repeat(64) } },
    ...invalid,
  },
  {
    name: 'a role in the body of a decision',
    method: 'POST',
    path: `/api/v1/approvals/${NOWHERE}/decision`,
    options: { body: { decision: 'approve', digest: 'a'.repeat(64), role: 'admin' } },
    ...invalid,
  },
  {
    name: 'a scope nobody can read',
    method: 'POST',
    path: '/api/v1/stop',
    options: { body: { scope: 'everything', reason: 'x' } },
    ...invalid,
  },
  {
    name: 'a stop without a reason',
    method: 'POST',
    path: '/api/v1/stop',
    options: { body: {} },
    ...invalid,
  },
  {
    name: 'a flag for a scope nobody can read',
    method: 'PUT',
    path: '/api/v1/flags/agents.autonomousEnabled',
    options: { body: { value: true, scope: 'garbage', reason: 'x' } },
    ...invalid,
  },
  {
    name: 'a flag as text',
    method: 'PUT',
    path: '/api/v1/flags/agents.autonomousEnabled',
    options: { body: { value: 'false', reason: 'x' } },
    ...invalid,
  },
  {
    name: 'a flag that there is not',
    method: 'PUT',
    path: '/api/v1/flags/__proto__',
    options: { body: { value: true, reason: 'x' } },
    ...notFound,
  },
  {
    name: 'a grant beyond time',
    method: 'POST',
    path: '/api/v1/grants',
    options: { body: { to: 'x', actions: ['git.*'], purpose: 'x', expiresAt: '9999-12-31T23:59:59-23:59' } },
    ...invalid,
  },
  {
    name: 'a grant with a star inside',
    method: 'POST',
    path: '/api/v1/grants',
    options: { body: { to: 'x', actions: ['git.*.x'], purpose: 'x', expiresAt: '2030-01-01T00:00:00Z' } },
    ...invalid,
  },
  {
    name: 'a key beyond time',
    method: 'POST',
    path: '/api/v1/keys',
    options: { body: { label: 'x', roles: ['viewer'], expiresAt: '9999-12-31T23:59:59-23:59' } },
    ...invalid,
  },
  {
    name: 'a key that is over already',
    method: 'POST',
    path: '/api/v1/keys',
    options: { body: { label: 'x', roles: ['viewer'], expiresAt: '2001-01-01T00:00:00Z' } },
    ...invalid,
  },
  {
    name: 'a key of a role nobody has',
    method: 'POST',
    path: '/api/v1/keys',
    options: { body: { label: 'x', roles: ['root'] } },
    ...invalid,
  },
  {
    name: 'a key that is an agent and more',
    method: 'POST',
    path: '/api/v1/keys',
    options: { body: { label: 'x', roles: ['agent', 'admin'], agents: ['a'] } },
    ...invalid,
  },
  {
    name: 'a charter that is none',
    method: 'PUT',
    path: '/api/v1/charter',
    options: { body: { text: 'a: &a [*a, *a]' } },
    ...invalid,
  },
  {
    name: 'a charter of nothing',
    method: 'PUT',
    path: '/api/v1/charter',
    options: { body: { text: '' } },
    ...invalid,
  },
];

test('a path, query or body that fits nothing is refused with what to do next', async () => {
  for (const { name, method, path, options, status, code } of calls) {
    assertProblem(name, await door.call(method, path, options), status, code);
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
    assertProblem(`${method} ${path}`, answer, 405, 'method_not_allowed');
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

test('after all of this nobody was woken, nothing was lost, and the server still decides', async () => {
  const answer = await door.call('POST', '/api/v1/actions', { body: good });
  assert.equal(answer.status, 200, answer.text);
  assert.equal((await door.call('GET', '/ready', { key: null })).status, 200);
  assert.deepEqual(door.errors(), []);
  // Only what was accepted above is on record: the repeat of zero was one act, refusals left none.
  const { items } = (await door.call('GET', '/api/v1/actions')).json as {
    readonly items: readonly unknown[];
  };
  assert.equal(items.length, 2);
});
