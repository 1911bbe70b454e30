import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { redact, redactText } from './redact.ts';

const ALNUM = 'aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY3zA5bC7d';
const TOKENS = [
  `ghp_${ALNUM.slice(0, 36)}`,
  'AKIAQ3EGRWZ5LKD2XYT7',
  `Bearer ${ALNUM}`,
  'heroku=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0',
];

test('redacting twice changes nothing', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(...TOKENS).map((token) => `is ${token} it`),
    fc.constantFrom('password=Hunter2hunter2', 'a://b:c@d'),
  );
  const json = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      word,
      fc.integer(),
      fc.constant(null),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.oneof(word, fc.constantFrom('token', 'password', 'pin')), tie('node'), { maxKeys: 3 }),
    ),
  })).node as fc.Arbitrary<Parameters<typeof redact>[0]>;
  fc.assert(fc.property(json, (value) => assert.deepEqual(redact(redact(value)), redact(value))));
});

test('everything under a secret-looking key is hidden, and counts of tokens are not', () => {
  assert.deepEqual(
    redact({
      password: 'a',
      credentials: { user: 'u', list: ['x', 7] },
      usage: { max_tokens: 5, token: 9 },
      pin: 1234,
      ok: 'plain',
    }),
    {
      password: '[redacted:password]',
      credentials: { user: '[redacted:credentials]', list: ['[redacted:credentials]', 7] },
      usage: { max_tokens: 5, token: 9 },
      pin: '[redacted:pin]',
      ok: 'plain',
    },
  );
});

test('a key __proto__ stays a key, colliding keys stay apart, and what is too deep or too long is hidden', () => {
  const hostile = JSON.parse('{"__proto__": {"password": "x"}}') as Parameters<typeof redact>[0];
  assert.equal(JSON.stringify(redact(hostile)), '{"__proto__":{"password":"[redacted:password]"}}');
  const pat = (n: number): string => `ghp_${ALNUM.slice(n, n + 36)}`;
  assert.deepEqual(redact({ [pat(0)]: 1, [pat(1)]: 2 }), {
    '[redacted:github_pat]': 1,
    '[redacted:github_pat]#2': 2,
  });
  let deep: Parameters<typeof redact>[0] = 'x';
  for (let i = 0; i < 5000; i += 1) deep = [deep];
  assert.match(JSON.stringify(redact(deep)), /\[redacted:too_deep\]/);
  assert.deepEqual(redact(['a '.repeat(200_000), 'b']), ['[redacted:not_scanned]', '[redacted:not_scanned]']);
});

test('a secret found is replaced and the text around it stays', () => {
  assert.equal(redactText('postgres://app:tiger@db/main'), 'postgres://app:[redacted:url_password]@db/main');
  assert.equal(redactText('a AKIAQ3EGRWZ5LKD2XYT7 b'), 'a [redacted:aws_access_key_id] b');
});
