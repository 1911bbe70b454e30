import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { plainText } from './plain-text.ts';

test('bringing a name to its plain form twice changes nothing', () => {
  const alphabet = fc.constantFrom(
    '%',
    '2',
    'e',
    'E',
    '5',
    '.',
    '/',
    '\\',
    'a',
    '\u0430',
    '\uff05',
    '\uff12',
    '\u200b',
    '\u0130',
    'I',
    '1',
    '|',
    '\u00e9',
    '\u0301',
    '\u2025',
    'C',
    '0',
    'A',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: alphabet, maxLength: 24 }),
        fc
          .array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 12 })
          .map((codes) => String.fromCodePoint(...codes)),
      ),
      (text) => {
        const plain = plainText(text);
        if (plain !== null) assert.equal(plainText(plain), plain);
      },
    ),
    { numRuns: 500 },
  );
});

test('an encoded name has the plain form of the name, however deep it is encoded', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.integer({ min: 1, max: 6 }),
      (name, depth) => {
        fc.pre(!name.includes('%'));
        let encoded = name;
        for (let i = 0; i < depth; i += 1) encoded = encodeURIComponent(encoded);
        assert.equal(plainText(encoded), plainText(name));
      },
    ),
  );
});
