// Times are read by people in a hurry: these tables say how they look, and what is taken for a time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandFailed } from './exit.ts';
import { readTime, relative, span } from './times.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');

test('a span is told in the two largest units that matter', () => {
  const table: readonly (readonly [number, string])[] = [
    [0, '0 ms'],
    [999, '999 ms'],
    [1_000, '1 s'],
    [90_000, '1 min'],
    [3_600_000, '1 h'],
    [3_600_000 + 300_000, '1 h 5 min'],
    [86_400_000 * 2 + 3_600_000 * 3 + 59_000, '2 d 3 h'],
  ];
  for (const [ms, text] of table) assert.equal(span(ms), text);
});

test('a time is told by how far it is from now, in either direction', () => {
  assert.equal(relative('2026-11-20T11:57:00Z', NOW), '3 min ago');
  assert.equal(relative('2026-11-20T14:00:00Z', NOW), 'in 2 h');
  assert.equal(relative('2026-11-20T12:00:00.400Z', NOW), 'now');
  assert.equal(relative('', NOW), '');
});

test('a duration is counted back or forth from now, a time is taken as it is, anything else is refused', () => {
  const read = (text: string, side: 'past' | 'future'): string =>
    readTime(text, '--from', { nowMs: NOW, side });
  assert.equal(read('2h', 'past'), '2026-11-20T10:00:00.000Z');
  assert.equal(read('90s', 'future'), '2026-11-20T12:01:30.000Z');
  assert.equal(read('7d', 'past'), '2026-11-13T12:00:00.000Z');
  assert.equal(read('2026-11-01T00:00:00+01:00', 'past'), '2026-10-31T23:00:00.000Z');
  for (const text of ['', 'soon', '5', '5 parsecs', '-3h', '2026-13-45'])
    assert.throws(() => read(text, 'past'), CommandFailed, text);
});
