import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPosition } from './position.ts';

test('a position is an id of the feed, said in the header or, where that cannot be set, in the query', () => {
  const rows: readonly (readonly [Record<string, string>, Record<string, unknown>, number | null])[] = [
    [{}, {}, null],
    [{ 'last-event-id': '' }, {}, null],
    [{ 'last-event-id': '0' }, {}, 0],
    [{ 'last-event-id': '17' }, { from: '3' }, 17],
    [{}, { from: '3' }, 3],
    [{}, { from: '999999999999999' }, 999_999_999_999_999],
  ];
  for (const [headers, query, from] of rows)
    assert.deepEqual(readPosition(headers, query), { kind: 'position', from });
});

test('what is no position is refused and never taken for the beginning or the end', () => {
  const rows: readonly (readonly [Record<string, string>, Record<string, unknown>])[] = [
    [{ 'last-event-id': 'x' }, {}],
    [{ 'last-event-id': '-1' }, {}],
    [{ 'last-event-id': '1, 2' }, {}],
    [{}, { from: '' }],
    [{}, { from: ['1', '2'] }],
    [{}, { from: '1e3' }],
    [{}, { since: '1' }],
  ];
  for (const [headers, query] of rows)
    assert.equal(readPosition(headers, query).kind, 'refused', JSON.stringify([headers, query]));
});
