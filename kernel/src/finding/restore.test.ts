import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Json } from '../action.ts';
import { canonicalJson } from '../audit.ts';
import { redact, redactText } from './redact.ts';
import { sameJson } from '../same-json.ts';
import { restoreRedacted } from './restore.ts';

const TOKEN = 'ghp_aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY3zA5';
const OTHER = 'ghp_zZ9dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY3zA5';
const MARK = redactText(TOKEN);

const json = fc.letrec((tie) => ({
  node: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.constantFrom<Json>(TOKEN, `is ${OTHER} it`, 12, true, null),
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('text', 'password', 'pin', TOKEN, OTHER, '__proto__'), tie('node')),
  ),
})).node as fc.Arbitrary<Json>;

test('what was not touched is what it was, secrets and all', () => {
  fc.assert(
    fc.property(json, (plain) => {
      const restored = restoreRedacted(redact(plain), plain);
      assert.ok(restored.kind === 'restored');
      assert.equal(canonicalJson(restored.value), canonicalJson(plain));
    }),
  );
});

// I9
test('whatever is written, no mark becomes a value', () => {
  const marked = json.map((value) => JSON.stringify(redact(value)));
  fc.assert(
    fc.property(json, marked, (plain, text) => {
      const edited = JSON.parse(text) as Json;
      const restored = restoreRedacted(edited, plain);
      if (restored.kind !== 'restored') return;
      assert.ok(
        !JSON.stringify(restored.value).includes('[redacted:') ||
          JSON.stringify(plain).includes('[redacted:'),
      );
      if (restored.kept.length === 0) assert.equal(canonicalJson(restored.value), canonicalJson(edited));
    }),
  );
});

test('a mark in its place keeps the value; anywhere else it is refused with its place', () => {
  const plain = {
    note: 'go',
    token: TOKEN,
    url: 'https://u:hunter2hunter2@example.org/a',
    list: [TOKEN, OTHER],
    deep: { password: 'hunter2', host: 'a' },
  };
  const shown = redact(plain) as typeof plain;
  const kept = restoreRedacted({ ...shown, note: 'stay', more: 1 }, plain);
  assert.deepEqual(kept, {
    kind: 'restored',
    value: { ...plain, note: 'stay', more: 1 },
    kept: ['/token', '/url', '/list/0', '/list/1', '/deep/password'],
  });
  const cases: readonly (readonly [object, string])[] = [
    [{ ...shown, note: MARK }, '/note'],
    [{ ...shown, url: `${shown.url}/b` }, '/url'],
    [{ ...shown, list: [shown.list[0]] }, '/list/0'],
    [{ ...shown, list: [...shown.list, 'c'] }, '/list/0'],
    [{ ...shown, deep: { host: shown.deep.password } }, '/deep/host'],
    [{ ...shown, deep: [shown.deep.password] }, '/deep/0'],
    [{ ...shown, [MARK]: 1 }, `/${MARK}`],
    [{ ...shown, 'a/b': { '~': `x ${MARK}` } }, '/a~1b/~0'],
  ];
  for (const [edited, pointer] of cases)
    assert.deepEqual(restoreRedacted(edited as Json, plain), { kind: 'misplaced', pointer });
  const rewritten = restoreRedacted({ ...shown, token: 'another', list: ['one'] }, plain);
  assert.ok(rewritten.kind === 'restored');
  assert.deepEqual(rewritten.value, { ...plain, token: 'another', list: ['one'] });
});

test('an object with secret keys is kept as a whole or written as a whole', () => {
  const plain = { seen: { [TOKEN]: 1, [OTHER]: 2 }, n: 1 };
  const shown = redact(plain) as { seen: object; n: number };
  const whole = restoreRedacted({ ...shown, n: 2 } as Json, plain);
  assert.deepEqual(whole, { kind: 'restored', value: { ...plain, n: 2 }, kept: ['/seen'] });
  assert.equal(restoreRedacted({ ...shown, seen: { ...shown.seen, more: 3 } }, plain).kind, 'misplaced');
});

test('a text that was always written like a mark stays as long as nobody touches it', () => {
  const plain = { note: 'was [redacted:token]', n: 1 };
  const same = restoreRedacted({ ...plain, n: 2 }, plain);
  assert.deepEqual(same, { kind: 'restored', value: { ...plain, n: 2 }, kept: [] });
  assert.equal(restoreRedacted({ note: 'is [redacted:token]', n: 1 }, plain).kind, 'misplaced');
});

test('two values are the same JSON exactly where their canonical forms are', () => {
  fc.assert(
    fc.property(json, json, (one, other) => {
      assert.equal(sameJson(one, other), canonicalJson(one) === canonicalJson(other));
      assert.ok(sameJson(one, JSON.parse(JSON.stringify(one)) as Json));
    }),
  );
  assert.ok(
    !sameJson({ a: null }, { b: null }) && !sameJson([], {}) && sameJson({ a: 1, b: -0 }, { b: 0, a: 1 }),
  );
});
