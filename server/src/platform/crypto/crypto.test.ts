import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createChance, systemClock } from '../clock/clock.ts';
import { deriveKey, deriveSigningPair } from './derive.ts';
import { hmacKey, hmacSha256, isEqualSecret, sha256Hex } from './hash.ts';
import { loadMasterKeys, parseMasterKeys } from './master-key.ts';
import { xaesKey, xaesOpen, xaesSeal } from './xaes.ts';

const chance = createChance(systemClock);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const A = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)).toString('base64');
const B = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 5 + 1)).toString('base64');

const fixed = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

async function inDirectory(fn: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'mandate-crypto-'));
  try {
    await fn(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

test('hashes agree with the published vectors of FIPS 180-4 and RFC 4231', () => {
  assert.equal(sha256Hex('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  assert.equal(
    hex(hmacSha256(Buffer.from('Jefe'), 'what do ya want ', 'for nothing?')),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
  assert.deepEqual(hmacSha256(hmacKey(Buffer.from('Jefe')), 'x'), hmacSha256(Buffer.from('Jefe'), 'x'));
});

test('secrets are equal only when every byte is', () => {
  assert.equal(isEqualSecret('same', Buffer.from('same')), true);
  assert.equal(isEqualSecret('same', 'sama'), false);
  assert.equal(isEqualSecret('same', 'samesame'), false);
});

test('sealing agrees with the published vectors of XAES-256-GCM', () => {
  const nonce = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWX');
  const text = Buffer.from('XAES-256-GCM');
  const low = xaesSeal(xaesKey(new Uint8Array(32).fill(1)), nonce, text, Buffer.alloc(0));
  assert.equal(hex(low), 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271');
  // This key makes the first block begin with a set bit, so that the carry of the doubling is seen as well.
  const high = xaesSeal(
    xaesKey(new Uint8Array(32).fill(3)),
    nonce,
    text,
    Buffer.from('c2sp.org/XAES-256-GCM'),
  );
  assert.equal(hex(high), '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d');
});

test('what was sealed opens again, and not after any single bit of it was changed', () => {
  const bytes = fc.uint8Array({ maxLength: 80 });
  fc.assert(
    fc.property(
      fc.tuple(fixed(32), fixed(24), bytes, bytes),
      fc.nat(),
      ([keyBytes, nonce, text, aad], at) => {
        const key = xaesKey(keyBytes);
        const sealed = xaesSeal(key, nonce, text, aad);
        assert.equal(hex(xaesOpen(key, nonce, sealed, aad) ?? Buffer.from('?')), hex(text));
        const bit = at % (sealed.length * 8);
        sealed[bit >> 3] = (sealed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        assert.equal(xaesOpen(key, nonce, sealed, aad), null);
        assert.equal(xaesOpen(key, nonce, sealed.subarray(0, 8), aad), null);
      },
    ),
  );
});

test('every purpose, name and master key derives a key of its own, the same one each time', () => {
  const { all } = parseMasterKeys(`${A},${B}`, 'test');
  const [first, second] = all;
  assert.ok(first !== undefined && second !== undefined);
  const derived = [
    deriveKey(first, 'permit-signing'),
    deriveKey(first, 'grant-signing'),
    deriveKey(first, 'database-login', 'mandate_app'),
    deriveKey(first, 'database-login', 'mandate_control'),
    deriveKey(second, 'permit-signing'),
  ];
  assert.equal(new Set(derived.map(hex)).size, derived.length);
  assert.equal(hex(deriveKey(first, 'permit-signing')), hex(derived[0] ?? Buffer.alloc(0)));
  const pair = deriveSigningPair(first, 'grant-signing');
  assert.equal(pair.publicKey.asymmetricKeyType, 'ed25519');
  assert.deepEqual(
    pair.publicKey.export({ format: 'jwk' }),
    deriveSigningPair(first, 'grant-signing').publicKey.export({ format: 'jwk' }),
  );
});

test('master keys are read newest first, and a bad one is refused without being shown', () => {
  const keys = parseMasterKeys(`${A}\n${B}\n`, 'test');
  assert.equal(keys.all.length, 2);
  assert.equal(keys.current, keys.all[0]);
  assert.equal(keys.current.bytes.length, 32);
  const bad: readonly (readonly [string, RegExp])[] = [
    ['', /holds no key/],
    ['c2hvcnQ=', /exactly 32 bytes/],
    [`${A}AAAA`, /exactly 32 bytes/],
    ['not base64 at all!', /exactly 32 bytes/],
    [Buffer.alloc(32).toString('base64'), /not random/],
  ];
  for (const [text, message] of bad) {
    assert.throws(
      () => parseMasterKeys(text, 'MANDATE_MASTER_KEY'),
      (error: Error) => message.test(error.message) && (text === '' || !error.message.includes(text)),
    );
  }
});

test('the key file is made once, readable by its owner only, and two first starts agree on it', async () => {
  await inDirectory(async (dir) => {
    const dataDir = join(dir, 'data');
    const needs = { fromEnvironment: null, dataDir, chance };
    const [one, two] = await Promise.all([loadMasterKeys(needs), loadMasterKeys(needs)]);
    const again = await loadMasterKeys(needs);
    assert.equal(one.current.id, two.current.id);
    assert.equal(one.current.id, again.current.id);
    assert.equal((await stat(join(dataDir, 'master.key'))).mode & 0o777, 0o600);
    assert.equal(
      (await loadMasterKeys({ ...needs, fromEnvironment: A })).current.id,
      parseMasterKeys(A, 'test').current.id,
    );
  });
});

test('a key file that other accounts can read is refused', async () => {
  await inDirectory(async (dir) => {
    await writeFile(join(dir, 'master.key'), A);
    await chmod(join(dir, 'master.key'), 0o644);
    await assert.rejects(
      loadMasterKeys({ fromEnvironment: null, dataDir: dir, chance }),
      /mode 644.*chmod 600/,
    );
    assert.equal(await readFile(join(dir, 'master.key'), 'utf8'), A);
  });
});
