// Addresses and values at the door: what is misread here is misread by every query.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openTestDatabase } from '../../../../test/postgres.ts';
import { formatAddress, parseAddress, redactUrl, withDatabase } from './connection.ts';

const addresses = [
  ['postgres://u:p@db.example:6432/app', 'db.example', 6432, 'app', 'u', 'p'],
  ['postgresql://u@db.example/app', 'db.example', 5432, 'app', 'u', null],
  ['postgresql://u:p%40%2F@/app?host=/run/pg&port=5433', '/run/pg', 5433, 'app', 'u', 'p@/'],
  ['postgresql://u:p@%2Frun%2Fpg/app', '/run/pg', 5432, 'app', 'u', 'p'],
  ['postgresql://u:p@/app', 'localhost', 5432, 'app', 'u', 'p'],
  ['postgresql://u:p@[::1]:5433/app', '::1', 5433, 'app', 'u', 'p'],
  ['postgresql://u:p@socket/app', 'socket', 5432, 'app', 'u', 'p'],
] as const;

test('addresses are read in every form that libpq writes', () => {
  for (const [url, host, port, database, user, password] of addresses) {
    const { settings, ...address } = parseAddress(url);
    assert.deepEqual(address, { host, port, database, user, password }, url);
    assert.deepEqual(settings, {}, url);
  }
});

test('an address survives being written and read again', () => {
  const word = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
  const host = fc.constantFrom('/run/my sockets', 'db.example', '10.0.0.1', '::1');
  const fields = {
    host,
    port: fc.integer({ min: 1, max: 65_535 }),
    database: fc.oneof(word, fc.constantFrom('.', '..', '../x')),
    user: word,
    password: fc.option(word),
    settings: fc.constantFrom({}, { sslmode: 'require' }),
  };
  fc.assert(
    fc.property(fc.record(fields, { noNullPrototype: true }), (given) =>
      assert.deepEqual(parseAddress(formatAddress(given)), given),
    ),
  );
});

test('a URL that cannot be used is refused without showing its password', () => {
  for (const url of [
    'mysql://u:hidden@h/d',
    'postgres://:hidden@h/d',
    'postgres://u:hidden@h',
    'postgres://u:hidden@h:port/d',
  ])
    assert.throws(
      () => parseAddress(url),
      (error) =>
        error instanceof Error && /Postgres URL/.test(error.message) && !error.message.includes('hidden'),
      url,
    );
  assert.equal(redactUrl('postgres://u:hidden@h/d'), 'postgres://u:***@h/d');
});

test('another database on the same server keeps everything else', () => {
  assert.equal(
    withDatabase('postgresql://u:p@h:5432/a?sslmode=require', 'b'),
    'postgresql://u:p@h:5432/b?sslmode=require',
  );
});

test('numbers, times, lists and documents arrive as what they are', async (t) => {
  const { store } = await openTestDatabase(t);
  const at = Date.UTC(2026, 10, 20, 10, 30, 0, 123);
  const [row] = await store.app`
    select 9007199254740991::bigint as safe, 9007199254740993::bigint as huge, ${-5}::bigint as sent,
      ${at}::timestamptz as at, 'infinity'::timestamptz as never, array[1, 2]::bigint[] as list,
      ${['a', 'b"']}::text[] as words, ${store.app.json({ deep: [1, null] })}::jsonb as document,
      ${'{"a":1}'}::text::jsonb as canonical`;
  assert.deepEqual(
    { ...row },
    {
      safe: 9_007_199_254_740_991,
      huge: 9_007_199_254_740_993n,
      sent: -5,
      at,
      never: Number.POSITIVE_INFINITY,
      list: [1, 2],
      words: ['a', 'b"'],
      document: { deep: [1, null] },
      canonical: { a: 1 },
    },
  );
});
