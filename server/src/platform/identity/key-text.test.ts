import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatKey, KEY_PATTERN, readKeyText } from './key-text.ts';

const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });

test('every key has one length, is found by the secret scanner pattern, and fits its checksum', () => {
  fc.assert(
    fc.property(bytes, (random) => {
      const key = formatKey(random);
      assert.equal(key.length, 54);
      assert.match(`curl -H "X-API-Key: ${key}"`, KEY_PATTERN);
      assert.deepEqual(readKeyText(key), { kind: 'key' });
    }),
  );
  assert.deepEqual(readKeyText(formatKey(new Uint8Array(32).fill(255))), { kind: 'key' });
});

test('different bytes give different keys', () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      assert.equal(formatKey(a) === formatKey(b), Buffer.compare(a, b) === 0);
    }),
  );
});

test('one wrong, missing or swapped letter is told from a wrong key', () => {
  fc.assert(
    fc.property(bytes, fc.nat(52), fc.constantFrom('0', 'z', '_', '-'), (random, at, letter) => {
      const key = formatKey(random);
      const typed = key.slice(0, at) + letter + key.slice(at + 1);
      fc.pre(typed !== key);
      assert.notEqual(readKeyText(typed).kind, 'key');
      assert.notEqual(readKeyText(key.slice(0, at) + key.slice(at + 1)).kind, 'key');
      const swapped = key.slice(0, at) + (key[at + 1] ?? '') + (key[at] ?? '') + key.slice(at + 2);
      if (swapped !== key) assert.notEqual(readKeyText(swapped).kind, 'key');
    }),
  );
});

test('anything else is no key of ours', () => {
  assert.equal(readKeyText('eyJhbGciOiJFUzI1NiJ9.e30.x').kind, 'foreign');
  assert.equal(readKeyText('mdt_short').kind, 'mistyped');
});
