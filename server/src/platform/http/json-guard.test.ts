import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_DEPTH, parseGuardedJson, parseSlowly } from './json-guard.ts';

interface Row {
  readonly text: string;
  readonly pointer: string;
  readonly says: RegExp;
}

const refused: readonly Row[] = [
  { text: '', pointer: '', says: /not JSON/ },
  { text: '{', pointer: '', says: /not JSON/ },
  { text: '{"a":1,}', pointer: '', says: /not JSON/ },
  { text: "{'a':1}", pointer: '', says: /not JSON/ },
  { text: '{"a":NaN}', pointer: '', says: /not JSON/ },
  { text: '{"a":01}', pointer: '', says: /not JSON/ },
  { text: '{} {}', pointer: '', says: /not JSON/ },
  { text: '\ufeff{}', pointer: '', says: /byte order mark/ },
  { text: '{"a":1,"a":2}', pointer: '/a', says: /twice/ },
  { text: '{"a":1,"\\u0061":2}', pointer: '/a', says: /twice/ },
  { text: '{"b":[{},{"x/y":{"~":1,"~":1}}]}', pointer: '/b/1/x~1y/~0', says: /twice/ },
  { text: '{"":1,"":2}', pointer: '/', says: /twice/ },
  { text: '{"__proto__":{}}', pointer: '/__proto__', says: /__proto__/ },
  { text: '{"p":[1,{"__pr\\u006fto__":{}}]}', pointer: '/p/1/__proto__', says: /__proto__/ },
  { text: '{"a":1e400}', pointer: '/a', says: /too large/ },
  { text: '[1,-1e999]', pointer: '/1', says: /too large/ },
  { text: '{"a":9007199254740993}', pointer: '/a', says: /2\^53/ },
  { text: '-9007199254740992', pointer: '', says: /2\^53/ },
  { text: '{"a":{"b":"\\u0000"}}', pointer: '/a/b', says: /NUL/ },
  { text: '{"\\u0000":1}', pointer: '/\0', says: /NUL/ },
  { text: '["\\ud800"]', pointer: '/0', says: /surrogate/ },
  { text: '{"\\udc00":1}', pointer: '/\ufffd', says: /surrogate/ },
  { text: `${'['.repeat(65)}${']'.repeat(65)}`, pointer: '', says: /deeper than 64/ },
  { text: '['.repeat(100_000), pointer: '', says: /deeper than 64/ },
  { text: '{"a":'.repeat(100_000), pointer: '', says: /deeper than 64/ },
];

test('a text that two readers could understand differently is refused with the place and the reason', () => {
  for (const { text, pointer, says } of refused) {
    const answer = parseGuardedJson(text);
    assert.equal(answer.kind, 'refused', text.slice(0, 60));
    if (answer.kind !== 'refused') continue;
    assert.equal(answer.pointer, pointer, text.slice(0, 60));
    assert.match(answer.detail, says, text.slice(0, 60));
  }
});

const accepted: readonly string[] = [
  '{"a":{"x":1},"b":{"x":1}}',
  '[{"x":1},{"x":2}]',
  '{"a":"a","b":"a"}',
  '{"a":"{\\"a\\":1,\\"a\\":2}"}',
  '{"a":"1e400","b":"9007199254740993","c":"[[["}',
  '{"constructor":{"prototype":1}}',
  '{"n":[9007199254740991,-0,0.1,1e300,-1.5E-7]}',
  '{"text":"\\ud83d\\ude00 \\u202e \\\\ \\" \\u001f"}',
  `${'['.repeat(MAX_DEPTH)}${']'.repeat(MAX_DEPTH)}`,
  'null',
  ' "a" ',
];

test('what says one thing only is taken as JSON.parse takes it', () => {
  for (const text of accepted) {
    assert.deepEqual(parseGuardedJson(text), { kind: 'value', value: JSON.parse(text) }, text.slice(0, 60));
  }
});

test('whatever canonical JSON can say passes unchanged', () => {
  const name = fc.string({ unit: 'binary' }).filter((text) => text !== '__proto__' && isStorable(text));
  const leaf = fc.oneof(
    fc.string({ unit: 'binary' }).filter(isStorable),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Number.isInteger(n)),
    fc.boolean(),
    fc.constant(null),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 5 }, leaf, fc.array(tie('value')), fc.dictionary(name, tie('value'))),
  }));
  fc.assert(
    fc.property(value, (given) => {
      const text = JSON.stringify(given);
      assert.deepEqual(parseGuardedJson(text), { kind: 'value', value: JSON.parse(text) });
    }),
  );
});

test('a key that is said twice is found at any depth, however it is escaped', () => {
  const path = fc.array(fc.oneof(fc.constant('array'), fc.string().filter(isStorable)), { maxLength: 20 });
  const key = fc.string({ minLength: 1 }).filter((text) => isStorable(text) && text !== '__proto__');
  fc.assert(
    fc.property(path, key, (outer, twice) => {
      const escaped = escapeUnits(twice);
      let text = `{${JSON.stringify(twice)}:1,"${escaped}":2}`;
      for (const step of outer)
        text = step === 'array' ? `[0,${text}]` : `{${JSON.stringify(`k${step}`)}:${text}}`;
      assert.equal(parseGuardedJson(text).kind, 'refused');
    }),
  );
});

test('the short way through the guard says what the long one says, whatever the text', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    ' ',
    '\n',
    '"a"',
    '"a":',
    '"a" :',
    '"\\u0061":',
    '"a\\"":',
    '"__proto__":',

    '1',
    '-0',
    '0.5',
    '1e400',
    '1E5',
    '123456789012345',
    '9007199254740993',
    '0.1234567890123456',
    '-',
    '01',
    'true',
    'null',

    '"\\ud800"',
    '"\ud800"',
    '"\0"',
    '"\\u0000"',
    '"x\\\\"',
    '"\\\\\\""',
    '"{[:"',
    '\ufeff',
    'é',
  );
  const made = fc.array(piece, { maxLength: 24 }).map((pieces) => pieces.join(''));
  // Sound JSON, with one character taken out or doubled: nearly right is where two readers part.
  const name = fc.constantFrom('a', 'b', '1', 'constructor', 'x"y', 'é');
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue({ maxDepth: 0 }),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(name, tie('value'), { maxKeys: 3 }),
    ),
  }));
  const nearly = fc
    .tuple(value, fc.nat(), fc.boolean(), fc.constantFrom(0, 2))
    .map(([given, at, isTaken, space]) => {
      const text = JSON.stringify(given, null, space);
      const i = at % (text.length + 1);
      return isTaken
        ? text.slice(0, i) + text.slice(i + 1)
        : text.slice(0, i) + text.slice(Math.max(0, i - 1));
    });
  fc.assert(
    fc.property(fc.oneof(made, nearly), (text) =>
      assert.deepEqual(parseGuardedJson(text), parseSlowly(text)),
    ),
    { numRuns: 5_000 },
  );
});

test('no text at all makes the guard throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseGuardedJson(text)));
});

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function escapeUnits(text: string): string {
  return text
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}
