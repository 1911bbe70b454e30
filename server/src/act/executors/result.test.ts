import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  cleanText,
  costedSuccessOf,
  MAX_RESULT_BYTES,
  MAX_RESULT_DEPTH,
  shortenMiddle,
  toJson,
  withoutSecret,
} from './result.ts';

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = [value];
  return value;
}

const cycle: { self?: unknown } = {};
cycle.self = cycle;
// 2^40 leaves in 40 objects: small to hold, endless to write down.
let bomb: unknown = 'x';
for (let level = 0; level < 40; level += 1) bomb = [bomb, bomb];

const refused = [
  ['a cycle', cycle, 'bad_result'],
  ['a BigInt', { id: 1n }, 'bad_result'],
  ['a function', { run: () => 1 }, 'bad_result'],
  ['a symbol', Symbol('x'), 'bad_result'],
  ['NaN', Number.NaN, 'bad_result'],
  ['Infinity', [1, Number.POSITIVE_INFINITY], 'bad_result'],
  ['a class', new Map([[1, 2]]), 'bad_result'],
  ['bytes', new Uint8Array(4), 'bad_result'],
  ['an invalid date', new Date(Number.NaN), 'bad_result'],
  [
    'a getter that throws',
    Object.defineProperty({}, 'x', { enumerable: true, get: () => assert.fail('boom') }),
    'bad_result',
  ],
  ['a revoked proxy', revoked(), 'bad_result'],
  ['depth beyond the limit', nested(MAX_RESULT_DEPTH + 1), 'bad_result'],
  ['a million levels', nested(1_000_000), 'bad_result'],
  ['a long string', 'x'.repeat(MAX_RESULT_BYTES), 'result_too_large'],
  ['many items', Array.from({ length: MAX_RESULT_BYTES + 1 }, () => 1), 'result_too_large'],
  ['an enormous sparse array', Array(4_000_000_000), 'result_too_large'],
  ['a bomb of shared references', bomb, 'bad_result'],
  ['characters that grow when escaped', '\u0000'.repeat(300_000), 'result_too_large'],
] as const;

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

test('what is no plain JSON of bounded size is refused with the reason, and never throws', () => {
  const got = refused.map(([what, value]) => {
    const checked = toJson(value);
    return [what, checked.kind === 'bad' ? checked.code : 'json'];
  });
  // A bomb runs into whichever limit comes first; both are fine, hanging is not.
  const expected = refused.map(([what, , code]) => [
    what,
    what.includes('bomb') ? got.find(([name]) => name === what)?.[1] : code,
  ]);
  assert.deepEqual(got, expected);
  assert.ok(!got.some(([, kind]) => kind === 'json'));
});

test('plain JSON passes as it is', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const checked = toJson(value);
      assert.ok(checked.kind === 'json');
      // Zero has one sign and text is well-formed after the check.
      assert.deepEqual(checked.value, JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('undefined becomes null or is left out, a date becomes text, and __proto__ stays data', () => {
  const value = {
    a: undefined,
    b: [undefined],
    at: new Date(0),
    ...JSON.parse('{"c":{"__proto__":{"admin":true}}}'),
  };
  const checked = toJson(value);
  assert.equal(
    checked.kind === 'json' && JSON.stringify(checked.value),
    '{"b":[null],"at":"1970-01-01T00:00:00.000Z","c":{"__proto__":{"admin":true}}}',
  );
  assert.deepEqual(toJson(undefined), { kind: 'json', value: null });
  assert.deepEqual(toJson('\ud800'), { kind: 'json', value: '\ufffd' });
});

test('only an object with exactly result and costUsd reports a cost', () => {
  const of = (value: unknown) => costedSuccessOf('It', value);
  assert.deepEqual(of({ result: 'r', costUsd: 0.000_001 }), {
    kind: 'success',
    result: 'r',
    costMicroUsd: 1,
  });
  assert.deepEqual(of({ result: 'r' }), { kind: 'success', result: { result: 'r' }, costMicroUsd: null });
  assert.deepEqual(of({ result: 1, costUsd: 1, more: 1 }), {
    kind: 'success',
    result: { result: 1, costUsd: 1, more: 1 },
    costMicroUsd: null,
  });
  for (const costUsd of [-1, Number.NaN, '1', null, 1e300])
    assert.equal(of({ result: 1, costUsd }).kind, 'failed');
});

test('text for people carries no terminal sequences, no direction tricks and a bounded length', () => {
  assert.equal(cleanText('\u001b[2J\u001b[31mred\u001b[0m\u0007 a\u202eb\nnext'), 'red\ufffd a\ufffdb\nnext');
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.integer({ min: 60, max: 200 }),
      (text, maxChars) => {
        const clean = cleanText(text, maxChars);
        return (
          clean.length <= maxChars &&
          clean.isWellFormed() &&
          !clean.includes('\u001b') &&
          !clean.includes('\u202e')
        );
      },
    ),
  );
});

test('a shortened text keeps its beginning and its end', () => {
  const short = shortenMiddle(`begin${'x'.repeat(1_000)}end`, 100);
  assert.match(short, /^begin.*\[908 characters left out\].*end$/);
  assert.equal(short.length, 100);
});

test('a secret is taken out wherever it stands, unless it is too short to be told from text', () => {
  assert.equal(withoutSecret('a hunter2hunter2 b hunter2hunter2', 'hunter2hunter2'), 'a [secret] b [secret]');
  assert.equal(withoutSecret('the cat', 'at'), 'the cat');
  assert.equal(withoutSecret('text', null), 'text');
});
