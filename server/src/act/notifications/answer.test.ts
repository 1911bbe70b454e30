import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readAnswer, settlementOf } from './answer.ts';

const ANSWERS = fc.oneof(
  fc.anything(),
  fc.record(
    {
      kind: fc.oneof(fc.constantFrom('accepted', 'refused', 'unknown'), fc.anything()),
      reference: fc.anything(),
      error: fc.oneof(fc.string({ unit: 'binary' }), fc.constant('\uD800 alone'), fc.anything()),
      permanent: fc.anything(),
      retryAfterMs: fc.oneof(fc.double(), fc.anything()),
    },
    { requiredKeys: [] },
  ),
);

test('whatever a channel answers becomes something that can be written down, with a next try that comes within an hour', () => {
  fc.assert(
    fc.property(ANSWERS, fc.boolean(), (value, isLast) => {
      const settlement = settlementOf(readAnswer(value), { isLast, nowMs: 1_000, delayMs: 10_000 });
      switch (settlement.kind) {
        case 'sent':
          assert.ok(settlement.reference === null || settlement.reference.isWellFormed());
          break;
        case 'dead':
          assert.ok(settlement.error !== '' && settlement.error.isWellFormed());
          break;
        case 'again':
          assert.ok(settlement.error !== '' && settlement.error.isWellFormed());
          assert.ok(settlement.nextMs >= 11_000 && settlement.nextMs <= 3_601_000, String(settlement.nextMs));
          assert.equal(isLast, false);
          break;
      }
    }),
  );
});

test('an answer counts as what it says, and what it leaves out is filled in', () => {
  const again = { isLast: false, nowMs: 0, delayMs: 10 };
  assert.deepEqual(readAnswer({ kind: 'accepted' }), { kind: 'accepted', reference: null });
  assert.deepEqual(readAnswer({ kind: 'refused' }), {
    kind: 'refused',
    error: 'It was not said why.',
    permanent: false,
    retryAfterMs: null,
  });
  assert.deepEqual(readAnswer({ kind: 'unknown', error: 7 }), {
    kind: 'unknown',
    error: 'It was not said why.',
  });
  assert.deepEqual(settlementOf(readAnswer({ kind: 'refused', error: 'busy', retryAfterMs: 5_000 }), again), {
    kind: 'again',
    error: 'busy',
    inDoubt: false,
    nextMs: 5_000,
  });
  assert.equal(readAnswer({ kind: 'taken' }).kind, 'unknown');
});
