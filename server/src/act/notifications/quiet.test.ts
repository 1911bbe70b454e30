import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clockText, momentText, parseQuiet, quietUntil } from './quiet.ts';

// Berlin changes to summer time on 29 March 2026 at 01:00 UTC (02:00 becomes 03:00) and back on 25 October 2026 at
// 01:00 UTC (03:00 becomes 02:00). New York: 8 March 07:00 UTC and 1 November 06:00 UTC. Lord Howe moves by half an hour.
const NIGHT = '22:00-07:00 Europe/Berlin';
const CASES: readonly (readonly [string, string, string, string | null])[] = [
  ['an evening in winter', NIGHT, '2026-01-10T21:30:00Z', '2026-01-11T06:00:00Z'],
  ['an evening in summer', NIGHT, '2026-07-10T20:30:00Z', '2026-07-11T05:00:00Z'],
  ['just before it begins', NIGHT, '2026-07-10T19:59:59.999Z', null],
  ['the moment it begins', NIGHT, '2026-07-10T20:00:00Z', '2026-07-11T05:00:00Z'],
  ['the moment it ends', NIGHT, '2026-07-11T05:00:00Z', null],
  ['just before it ends', NIGHT, '2026-07-11T04:59:59.999Z', '2026-07-11T05:00:00Z'],
  ['the short night: begins in winter time', NIGHT, '2026-03-28T21:00:00Z', '2026-03-29T05:00:00Z'],
  ['the short night: after the change', NIGHT, '2026-03-29T01:30:00Z', '2026-03-29T05:00:00Z'],
  ['the short night: at 06:30 winter time it is over', NIGHT, '2026-03-29T05:30:00Z', null],
  ['the long night: begins in summer time', NIGHT, '2026-10-24T20:00:00Z', '2026-10-25T06:00:00Z'],
  ['the long night: the hour that comes twice', NIGHT, '2026-10-25T01:30:00Z', '2026-10-25T06:00:00Z'],
  [
    'the long night: 05:30 UTC would be over in summer',
    NIGHT,
    '2026-10-25T05:30:00Z',
    '2026-10-25T06:00:00Z',
  ],
  [
    'ends at a time that is left out',
    '22:00-02:30 Europe/Berlin',
    '2026-03-29T00:59:00Z',
    '2026-03-29T01:30:00Z',
  ],
  [
    'ends at a time that comes twice',
    '22:00-02:30 Europe/Berlin',
    '2026-10-25T00:29:00Z',
    '2026-10-25T00:30:00Z',
  ],
  ['the second 02:15 is not quiet again', '22:00-02:30 Europe/Berlin', '2026-10-25T01:15:00Z', null],
  ['begins at a time that is left out', '02:30-06:00 Europe/Berlin', '2026-03-29T01:29:00Z', null],
  ['by day', '12:00-13:00 Europe/Berlin', '2026-11-20T11:30:00Z', '2026-11-20T12:00:00Z'],
  ['by day, outside', '12:00-13:00 Europe/Berlin', '2026-11-20T12:00:00Z', null],
  ['New York, spring', '23:00-06:00 America/New_York', '2026-03-08T06:30:00Z', '2026-03-08T10:00:00Z'],
  ['New York, autumn', '23:00-06:00 America/New_York', '2026-11-01T05:30:00Z', '2026-11-01T11:00:00Z'],
  [
    'Lord Howe, half an hour',
    '22:00-07:00 Australia/Lord_Howe',
    '2026-04-04T15:30:00Z',
    '2026-04-04T20:30:00Z',
  ],
  ['no change of time at all', '22:00-07:00 UTC', '2026-03-29T01:30:00Z', '2026-03-29T07:00:00Z'],
];

test('quiet hours begin and end by the wall clock, also over both changes of time', () => {
  for (const [name, quiet, at, until] of CASES) {
    const found = quietUntil(Date.parse(at), parseQuiet(quiet));
    assert.equal(
      found === null ? null : new Date(found).toISOString(),
      until === null ? null : new Date(until).toISOString(),
      name,
    );
  }
});

test('quiet hours always end, later than now, and at their end nothing is quiet any more', () => {
  const quiet = parseQuiet(NIGHT);
  fc.assert(
    fc.property(fc.integer({ min: 1_767_225_600_000, max: 1_798_761_600_000 }), (atMs) => {
      const until = quietUntil(atMs, quiet);
      if (until === null) return;
      assert.ok(until > atMs && until - atMs <= 10 * 3_600_000);
      assert.equal(quietUntil(until, quiet), null);
    }),
  );
});

test('times are written in the zone of the reader, with the date where it is another day', () => {
  const at = Date.parse('2026-11-20T23:05:00Z');
  assert.equal(clockText(at, 'Europe/Berlin', at), '00:05');
  assert.equal(clockText(at, 'Europe/Berlin', Date.parse('2026-11-20T22:00:00Z')), '21 Nov 00:05');
  assert.equal(momentText(at, 'Europe/Berlin'), '21 Nov 2026, 00:05');
});
