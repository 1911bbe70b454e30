// Whatever comes in at the HTTP door, what goes out is an answer that says what to do next: never a 500, never a line
// that wakes somebody, never a silent guess at what was meant. The server is as well afterwards as before.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { wholeFile } from '../test/closing.ts';
import type { Door } from '../test/door.ts';
import { openDoor } from '../test/door.ts';
import { assertProblem, pointersOf } from '../test/problem.ts';

let door: Door;
const file = wholeFile();
before(async () => {
  door = await openDoor(file);
});

const good = { agent: 'builder-1', action: 'git.read', parameters: {} };
const withParameters = (text: string): string =>
  `{"agent":"builder-1","action":"git.read","parameters":${text}}`;
const UTF8 = new TextEncoder();

/** Name, body, status, and where the sender has to look. */
const bodies: readonly (readonly [string, string | Uint8Array, number, string?])[] = [
  ['an empty body', '', 400],
  ['only blanks', '  \n', 400],
  ['half an object', '{"agent":', 400],
  ['something after the end', `${JSON.stringify(good)}x`, 400],
  ['a comment', `/* */${JSON.stringify(good)}`, 400],
  ['a byte order mark', `\ufeff${JSON.stringify(good)}`, 400],
  ['UTF-16', Buffer.from(JSON.stringify(good), 'utf16le'), 400],
  [
    'an overlong encoding',
    Buffer.concat([UTF8.encode('{"agent":"'), Buffer.from([0xc0, 0x80]), UTF8.encode('"}')]),
    400,
  ],
  [
    'a surrogate in UTF-8',
    Buffer.concat([UTF8.encode('{"agent":"'), Buffer.from([0xed, 0xa0, 0x80]), UTF8.encode('"}')]),
    400,
  ],
  ['a raw NUL', withParameters('{"a":"\0"}'), 400],
  ['a key said twice', '{"agent":"builder-1","action":"git.read","action":"git.force_push"}', 400, '/action'],
  [
    'a key said twice, once in escapes',
    '{"agent":"builder-1","action":"git.read","\\u0061ction":"git.force_push"}',
    400,
    '/action',
  ],
  [
    'a key said twice in parameters',
    withParameters('{"a":[{"path":"x","path":".env"}]}'),
    400,
    '/parameters/a/0/path',
  ],
  ['__proto__', withParameters('{"a":{"__proto__":{"isAdmin":true}}}'), 400, '/parameters/a/__proto__'],
  ['__proto__ as a field', '{"__proto__":{"agent":"builder-1"}}', 400, '/__proto__'],
  [
    'constructor as a field',
    '{"agent":"builder-1","action":"git.read","constructor":{"prototype":{}}}',
    422,
    '/constructor',
  ],
  ['toString as a field', '{"agent":"builder-1","action":"git.read","toString":1}', 422, '/toString'],
  ['100,000 levels of arrays', '['.repeat(100_000) + ']'.repeat(100_000), 400],
  ['100,000 levels of objects', '{"a":'.repeat(100_000), 400],
  ['half a surrogate pair', withParameters('{"a":"\\ud83d"}'), 400, '/parameters/a'],
  [
    'half a surrogate pair in a name',
    '{"agent":"builder-1","action":"git.read","resource":{"type":"page","id":"\\udc00"}}',
    400,
    '/resource/id',
  ],
  ['a number beyond doubles', withParameters('{"n":1e400}'), 400, '/parameters/n'],
  ['an integer that would be rounded', withParameters('{"n":9007199254740993}'), 400, '/parameters/n'],
  ['NUL in parameters', withParameters('{"a":{"b":["\\u0000"]}}'), 400, '/parameters/a/b/0'],
  ['NUL in the name of a parameter', withParameters('{"a\\u0000":1}'), 400],
  [
    'NUL in a resource',
    '{"agent":"builder-1","action":"git.read","resource":{"type":"page","id":"a\\u0000"}}',
    400,
    '/resource/id',
  ],
  ['NUL in the agent', '{"agent":"a\\u0000","action":"git.read"}', 400, '/agent'],
  ['NaN', withParameters('{"n":NaN}'), 400],
  ['more than a megabyte', withParameters(JSON.stringify({ a: 'x'.repeat(1_048_576) })), 413],
  ['ten megabytes', 'x'.repeat(10_000_000), 413],
];

const coded: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['plain text', { 'content-type': 'text/plain' }],
  ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['no form that anybody knows', { 'content-type': 'nonsense' }],
  ['another charset', { 'content-type': 'application/json; charset=utf-16' }],
  ['a compressed body', { 'content-encoding': 'gzip' }],
];

test('a body that cannot be read in one way only is refused with its place', async () => {
  for (const [name, raw, status, pointer] of bodies) {
    const answer = await door.call('POST', '/api/v1/actions', { raw });
    assertProblem(name, answer, status);
    if (pointer !== undefined) assert.ok(pointersOf(answer).includes(pointer), `${name}: ${answer.text}`);
  }
});

test('a body that is anything but plain JSON in UTF-8 is refused by what its headers say', async () => {
  for (const [name, headers] of coded) {
    assertProblem(
      name,
      await door.call('POST', '/api/v1/actions', { raw: JSON.stringify(good), headers }),
      415,
    );
  }
});

/** Name, the fields that are wrong, and where the sender has to look. */
const fields: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
  ['no agent', { agent: undefined }, '/agent'],
  ['a number for a name', { agent: 123 }, '/agent'],
  ['an empty name', { agent: '' }, '/agent'],
  ['a name of 300 characters', { agent: 'a'.repeat(300) }, '/agent'],
  ['an emoji for an agent', { agent: '🤖' }, '/agent'],
  ['a right-to-left override', { agent: 'a\u202eb' }, '/agent'],
  ['a zero-width letter', { agent: 'builder\u200b-1' }, '/agent'],
  ['a look-alike letter', { agent: 'b\u0443ilder-1' }, '/agent'],
  ['a header in a name', { agent: 'a\r\nSet-Cookie: x=1' }, '/agent'],
  ['an action with a star', { action: 'git.*' }, '/action'],
  ['an action with a dot at its end', { action: 'git.read.' }, '/action'],
  ['an action in look-alike letters', { action: 'g\u0456t.read' }, '/action'],
  ['an action of 300 characters', { action: 'a'.repeat(300) }, '/action'],
  ['a list of parameters', { parameters: [] }, '/parameters'],
  ['parameters as text', { parameters: '{}' }, '/parameters'],
  ['parameters null', { parameters: null }, '/parameters'],
  ['a cost as text', { estimatedCostUsd: '1' }, '/estimatedCostUsd'],
  ['a cost below zero', { estimatedCostUsd: -1 }, '/estimatedCostUsd'],
  ['a cost of half a micro-USD', { estimatedCostUsd: 0.000_000_5 }, '/estimatedCostUsd'],
  ['a cost beyond all money', { estimatedCostUsd: 1e300 }, '/estimatedCostUsd'],
  ['1 for true', { attach: 1 }, '/attach'],
  ['true as text', { attach: 'true' }, '/attach'],
  ['an unknown field', { tier: 'green' }, '/tier'],
  ['a field in another case', { Agent: 'builder-1' }, '/Agent'],
  ['an unknown field within', { resource: { type: 'page', id: 'a', owner: 'me' } }, '/resource/owner'],
  ['a resource with a line break', { resource: { type: 'page', id: 'a\nb' } }, '/resource/id'],
  ['a resource that reads backwards', { resource: { type: 'page', id: 'a\u202eb' } }, '/resource/id'],
  ['a user of 300 characters', { user: { id: 'u'.repeat(300) } }, '/user/id'],
  ['an idempotency key too long', { idempotencyKey: 'k'.repeat(257) }, '/idempotencyKey'],
  ['an idempotency key of nothing', { idempotencyKey: '' }, '/idempotencyKey'],
];

test('a field of the wrong form is refused and named; nothing is coerced', async () => {
  for (const [name, over, pointer] of fields) {
    const answer = await door.call('POST', '/api/v1/actions', { body: { ...good, ...over } });
    assertProblem(name, answer, 422);
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
