import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseMasterKeys } from '../../platform/crypto/master-key.ts';
import { createButtons } from './button.ts';
import type { ButtonMeaning } from './button.ts';

const A = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)).toString('base64');
const B = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 5 + 1)).toString('base64');
const buttons = createButtons(parseMasterKeys(A, 'test'));

const meaning: fc.Arbitrary<ButtonMeaning> = fc.record({
  tenant: fc.string({ minLength: 1, maxLength: 20 }),
  approvalId: fc.uuid(),
  digest: fc.stringMatching(/^[0-9a-f]{64}$/),
  decision: fc.constantFrom('approve', 'deny'),
  user: fc.option(fc.string({ minLength: 1, maxLength: 20 })),
});

test('a button carries 64 characters that Telegram takes, and means what it was made for, to whom it was made for', () => {
  fc.assert(
    fc.property(meaning, fc.string({ minLength: 1 }), (of, other) => {
      const value = buttons.valueFor(of);
      assert.match(value, /^[A-Za-z0-9_-]{64}$/);
      const read = buttons.read(value, { tenant: of.tenant, user: of.user ?? other });
      assert.ok(read !== null);
      assert.deepEqual([read.approvalId, read.decision, read.user], [of.approvalId, of.decision, of.user]);
      assert.equal(read.isFor(of.digest), true);
      assert.equal(read.isFor('0'.repeat(64)), of.digest === '0'.repeat(64));
      if (of.user !== null && other !== of.user)
        assert.equal(buttons.read(value, { tenant: of.tenant, user: other }), null, 'nobody else');
      assert.equal(
        buttons.read(value, { tenant: `${of.tenant}x`, user: of.user ?? other }),
        null,
        'no other tenant',
      );
    }),
  );
});

test('no single bit of a button can be changed, and no other key makes one', () => {
  fc.assert(
    fc.property(meaning, fc.nat({ max: 383 }), (of, at) => {
      const bytes = Buffer.from(buttons.valueFor(of), 'base64url');
      bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ (1 << (at & 7));
      assert.equal(
        buttons.read(bytes.toString('base64url'), { tenant: of.tenant, user: of.user ?? 'ada' }),
        null,
      );
    }),
  );
  const of = {
    tenant: 'acme',
    approvalId: crypto.randomUUID(),
    digest: 'd',
    decision: 'approve',
    user: null,
  } as const;
  const value = createButtons(parseMasterKeys(B, 'test')).valueFor(of);
  assert.equal(buttons.read(value, { tenant: 'acme', user: 'ada' }), null);
  const rotated = createButtons(parseMasterKeys(`${A},${B}`, 'test'));
  assert.notEqual(rotated.read(value, { tenant: 'acme', user: 'ada' }), null, 'an older key still reads');
  for (const rubbish of ['', 'approve', 'A'.repeat(63), 'A'.repeat(64), '='.repeat(64)])
    assert.equal(buttons.read(rubbish, { tenant: 'acme', user: 'ada' }), null);
});
