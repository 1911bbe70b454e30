import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, canonicalProblem, MAX_CANONICAL_DEPTH } from './audit.ts';

const json = fc.jsonValue({ noUnicodeString: false });

test('the example of RFC 8785 section 3.2.3 sorts by UTF-16 code units', () => {
  const value = {
    '\u20ac': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew Letter Dalet With Dagesh',
    '1': 'One',
    '\ud83d\ude00': 'Emoji: Grinning Face',
    '\u0080': 'Control',
    '\u00f6': 'Latin Small Letter O With Diaeresis',
  };
  const keys = Object.keys(JSON.parse(canonicalJson(value)) as object);
  const written = canonicalJson(value);
  assert.ok(keys.length === 7);
  const order = ['\\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'].map((key) =>
    written.indexOf(`"${key}":`),
  );
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
  assert.ok(!order.includes(-1));
});

test('numbers and literals are written as RFC 8785 section 3.2.2 shows', () => {
  const value = {
    numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 0.000000000000000000000000001, -0],
    string: '\u20ac$\u000f\nA\'B"\\\\"/',
    literals: [null, true, false],
  };
  const expected =
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27,0],"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}';
  assert.equal(canonicalJson(value), expected);
});

test('canonical text parses back to the same value', () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalJson(value);
      assert.equal(canonicalJson(JSON.parse(text)), text);
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('the order of keys does not show', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), json), (object) => {
      const reversed = Object.fromEntries(Object.entries(object).toReversed());
      assert.equal(canonicalJson(reversed), canonicalJson(object));
    }),
  );
});

test('what JSON cannot carry exactly is refused with its place', () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [{ a: [1, Number.NaN] }, '/a/1'],
    [Number.POSITIVE_INFINITY, ''],
    [{ a: 1n }, '/a'],
    [['\ud800'], '/0'],
    [{ '\udc00': 1 }, '/\udc00'],
    [{ a: undefined }, '/a'],
    [{ 'x/y~z': () => 1 }, '/x~1y~0z'],
    [Symbol('s'), ''],
    [{ at: new Date(0) }, '/at'],
    [Array.from({ length: 1 }), '/0'],
  ];
  for (const [value, pointer] of cases) {
    assert.equal(canonicalProblem(value)?.pointer, pointer);
    assert.throws(() => canonicalJson(value), TypeError);
  }
});

test('a value that nests without end is refused instead of exhausting the stack', () => {
  const nested: unknown = JSON.parse('['.repeat(50_000) + ']'.repeat(50_000));
  assert.match(canonicalProblem(nested)?.message ?? '', new RegExp(String(MAX_CANONICAL_DEPTH)));
});

test('a key named __proto__ is data like any other', () => {
  assert.equal(canonicalJson(JSON.parse('{"__proto__":1}')), '{"__proto__":1}');
});
