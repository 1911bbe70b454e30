// Schedules against the calendar, changes of clocks included.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextTick, parseCron, ticksOf } from './cron.ts';

function ticks(
  text: string,
  zone: string,
  { after, count }: { after: string; count: number },
): readonly string[] {
  const parsed = parseCron(text);
  assert.ok(parsed.kind === 'cron', JSON.stringify(parsed));
  const found: string[] = [];
  let at: number | null = Date.parse(after);
  while (found.length < count && at !== null) {
    at = nextTick(parsed.cron, zone, at);
    if (at !== null) found.push(new Date(at).toISOString().slice(0, 16));
  }
  return found;
}

const CASES: readonly (readonly [string, string, string, readonly string[]])[] = [
  [
    '*/20 * * * *',
    'UTC',
    '2026-01-01T00:05:00Z',
    ['2026-01-01T00:20', '2026-01-01T00:40', '2026-01-01T01:00'],
  ],
  ['30 9 * * mon-fri', 'UTC', '2026-01-02T10:00:00Z', ['2026-01-05T09:30', '2026-01-06T09:30']],
  ['0 0 29 2 *', 'UTC', '2026-01-01T00:00:00Z', ['2028-02-29T00:00', '2032-02-29T00:00']],
  ['0 0 1 * 1', 'UTC', '2026-06-02T00:00:00Z', ['2026-06-08T00:00', '2026-06-15T00:00']],
  ['0 12 * * 7', 'Asia/Tokyo', '2026-01-01T00:00:00Z', ['2026-01-04T03:00']],
  ['@monthly', 'UTC', '2026-01-31T00:00:00Z', ['2026-02-01T00:00', '2026-03-01T00:00']],
  // Berlin, 29 March 2026: 02:00 becomes 03:00. Half past two comes an hour later, once.
  ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', ['2026-03-29T01:30', '2026-03-30T00:30']],
  // Berlin, 25 October 2026: 03:00 becomes 02:00. Half past two comes twice and is due once.
  ['30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', ['2026-10-25T00:30', '2026-10-26T01:30']],
  [
    '0 * * * *',
    'Europe/Berlin',
    '2026-10-24T23:30:00Z',
    ['2026-10-25T00:00', '2026-10-25T01:00', '2026-10-25T02:00'],
  ],
  // Lord Howe, 4 October 2026: 02:00 becomes 02:30. A quarter past two comes half an hour later, once.
  ['15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00:00Z', ['2026-10-03T15:45', '2026-10-04T15:15']],
  // Lord Howe, 5 April 2026: 02:00 becomes 01:30. A quarter to two comes twice and is due once.
  ['45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T00:00:00Z', ['2026-04-04T14:45', '2026-04-05T15:15']],
];

test('a schedule is due when its fields say so, in its time zone', () => {
  for (const [text, zone, after, expected] of CASES)
    assert.deepEqual(ticks(text, zone, { after, count: expected.length }), expected, `${text} ${zone}`);
});

test('what is no schedule is refused with what would be one', () => {
  for (const text of [
    '',
    '* * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '*/0 * * * *',
    '5-1 * * * *',
    'x * * * *',
    '* * * * noday',
  ])
    assert.equal(parseCron(text).kind, 'refused', text);
});

test('a day that never comes is never due', () => {
  assert.deepEqual(ticks('0 0 31 2 *', 'UTC', { after: '2026-01-01T00:00:00Z', count: 1 }), []);
});

test('the last of many ticks is found without going through them all', () => {
  const last = (text: string, from: string, to: string): string | null => {
    const parsed = parseCron(text);
    assert.ok(parsed.kind === 'cron');
    const found = ticksOf(parsed.cron, 'Europe/Berlin').last(Date.parse(from), Date.parse(to));
    return found === null ? null : new Date(found).toISOString().slice(0, 16);
  };
  const week = ['2026-11-01T00:00:00Z', '2026-11-08T00:00:30Z'] as const;
  const cases: readonly (readonly [string, string | null])[] = [
    ['* * * * *', '2026-11-08T00:00'],
    ['0 2 * * *', '2026-11-07T01:00'],
    ['0 2 * * mon', '2026-11-02T01:00'],
    ['0 2 9 11 *', null],
  ];
  for (const [text, expected] of cases) assert.equal(last(text, ...week), expected, text);
  assert.equal(last('0 2 * * *', '2026-11-07T01:00:00Z', '2026-11-07T12:00:00Z'), null, 'not from there on');
});
