// Moments and spans: RFC 3339 text, durations such as `1h30m`, and the calendar fields of a moment in a time zone.
// All of it is arithmetic on what it is given; there is no clock here.
import { Duration, excerpt, Fault, Timestamp, type CelValue, type Result } from './value.ts';

const SECOND = 1_000_000_000n;
const MAX_DURATION = 2n ** 63n - 1n;
const MIN_MOMENT = -62_135_596_800n * SECOND;
const MAX_MOMENT = 253_402_300_800n * SECOND - 1n;
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/;
const SPAN_PART = /(\d+)(?:\.(\d*))?(h|ms|m|s|us|µs|μs|ns)|\.(\d+)(h|ms|m|s|us|µs|μs|ns)/y;
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['h', 3600n * SECOND],
  ['m', 60n * SECOND],
  ['s', SECOND],
  ['ms', 1_000_000n],
  ['us', 1000n],
  ['µs', 1000n],
  ['μs', 1000n],
  ['ns', 1n],
]);

export function makeTimestamp(nanos: bigint, offset: number): Result {
  if (nanos < MIN_MOMENT || nanos > MAX_MOMENT)
    return new Fault('timestamp out of range: years 1 to 9999', offset);
  return new Timestamp(nanos);
}

export function makeDuration(nanos: bigint, offset: number): Result {
  if (nanos < -MAX_DURATION || nanos > MAX_DURATION)
    return new Fault('duration out of range: some 292 years', offset);
  return new Duration(nanos);
}

export function parseTimestamp(text: string, offset: number): Result {
  const found = RFC3339.exec(text);
  if (found === null)
    return new Fault(`'${excerpt(text)}' is no RFC 3339 timestamp such as 2026-01-31T09:00:00Z`, offset);
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1, 7).map(Number);
  const [, , , , , , , fraction = '', sign, zoneHours = '0', zoneMinutes = '0'] = found;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const isReal =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!isReal || Number(zoneHours) > 23 || Number(zoneMinutes) > 59) {
    return new Fault(`'${excerpt(text)}' names a moment that does not exist`, offset);
  }
  const shift = (Number(zoneHours) * 3600 + Number(zoneMinutes) * 60) * (sign === '-' ? -1 : 1);
  const seconds = BigInt(date.getTime() / 1000 - shift);
  return makeTimestamp(seconds * SECOND + BigInt(fraction.padEnd(9, '0')), offset);
}

export function formatTimestamp(moment: Timestamp): string {
  const seconds = floorDivide(moment.nanos, SECOND);
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${whole}${formatFraction(moment.nanos - seconds * SECOND)}Z`;
}

export function parseDuration(text: string, offset: number): Result {
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  let nanos = 0n;
  let at = sign.length;
  while (at < text.length && text.length < 100) {
    SPAN_PART.lastIndex = at;
    const found = SPAN_PART.exec(text);
    if (found === null) break;
    const unit = UNITS.get(found[3] ?? found[5] ?? '') ?? 0n;
    const fraction = (found[2] ?? found[4] ?? '').slice(0, 18);
    nanos +=
      BigInt(found[1] ?? '0') * unit + (BigInt(fraction || '0') * unit) / 10n ** BigInt(fraction.length);
    at += found[0].length;
  }
  const isZero = text.slice(sign.length) === '0';
  if ((at < text.length || at === sign.length) && !isZero) {
    return new Fault(`'${excerpt(text)}' is no duration such as 90s, 1h30m or 250ms`, offset);
  }
  return makeDuration(sign === '-' ? -nanos : nanos, offset);
}

export function formatDuration(span: Duration): string {
  const magnitude = span.nanos < 0n ? -span.nanos : span.nanos;
  return `${span.nanos < 0n ? '-' : ''}${magnitude / SECOND}${formatFraction(magnitude % SECOND)}s`;
}

function formatFraction(nanos: bigint): string {
  return nanos === 0n ? '' : `.${nanos.toString().padStart(9, '0').replace(/0+$/, '')}`;
}

export function secondsOf(moment: Timestamp): bigint {
  return floorDivide(moment.nanos, SECOND);
}

export function fromSeconds(seconds: bigint, offset: number): Result {
  return makeTimestamp(seconds * SECOND, offset);
}

/** Rounds towards the past, where BigInt division rounds towards 1970. */
function floorDivide(value: bigint, by: bigint): bigint {
  return value < 0n && value % by !== 0n ? value / by - 1n : value / by;
}

export type Field = (date: Date, nanos: bigint) => number;

/** What can be asked of a moment. Months, days of the month and of the year count from 0, as in JavaScript and Java. */
export const MOMENT_FIELDS: ReadonlyMap<string, Field> = new Map<string, Field>([
  ['getFullYear', (date) => date.getUTCFullYear()],
  ['getMonth', (date) => date.getUTCMonth()],
  ['getDate', (date) => date.getUTCDate()],
  ['getDayOfMonth', (date) => date.getUTCDate() - 1],
  ['getDayOfWeek', (date) => date.getUTCDay()],
  ['getDayOfYear', dayOfYear],
  ['getHours', (date) => date.getUTCHours()],
  ['getMinutes', (date) => date.getUTCMinutes()],
  ['getSeconds', (date) => date.getUTCSeconds()],
  ['getMilliseconds', (_date, nanos) => Number((nanos - floorDivide(nanos, SECOND) * SECOND) / 1_000_000n)],
]);

/** What can be asked of a span: the whole of it in that unit, except the milliseconds, which are those of its second. */
export const SPAN_FIELDS: ReadonlyMap<string, (nanos: bigint) => bigint> = new Map([
  ['getHours', (nanos: bigint) => nanos / (3600n * SECOND)],
  ['getMinutes', (nanos: bigint) => nanos / (60n * SECOND)],
  ['getSeconds', (nanos: bigint) => nanos / SECOND],
  ['getMilliseconds', (nanos: bigint) => (nanos % SECOND) / 1_000_000n],
]);

function dayOfYear(date: Date): number {
  const start = new Date(0);
  start.setUTCFullYear(date.getUTCFullYear(), 0, 1);
  return Math.floor((date.getTime() - start.getTime()) / 86_400_000);
}

/** Wall-clock time of a zone: given epoch milliseconds, the date whose UTC fields are the local ones. */
export type Zone = (epochMs: number) => Date;

/** A field of a moment in a zone. */
export function momentField(moment: Timestamp, field: Field, zone: Zone): CelValue {
  return BigInt(field(zone(Number(floorDivide(moment.nanos, 1_000_000n))), moment.nanos));
}

export const UTC: Zone = (epochMs) => new Date(epochMs);

/** An IANA name (`Europe/Berlin`) or a fixed offset (`+02:00`); null where there is no such zone. */
export function findZone(name: string): Zone | null {
  if (name === '' || name === 'UTC' || name === 'Z') return UTC;
  const fixed = /^([+-]?)(\d\d):(\d\d)$/.exec(name);
  if (fixed !== null) {
    const [, sign, hours, minutes] = fixed;
    const shiftMs = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
    return (epochMs) => new Date(epochMs + shiftMs);
  }
  const format = zoneFormat(name);
  return format === null ? null : (epochMs) => localDate(format, epochMs);
}

function zoneFormat(timeZone: string): Intl.DateTimeFormat | null {
  const numeric = 'numeric';
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: numeric,
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
      second: numeric,
    });
  } catch {
    // Intl has no other way of saying that it does not know a zone.
    return null;
  }
}

function localDate(format: Intl.DateTimeFormat, epochMs: number): Date {
  const parts = new Map(format.formatToParts(epochMs).map(({ type, value }) => [type, Number(value)]));
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  const build = (year: number): Date => {
    const date = new Date(0);
    date.setUTCFullYear(year, part('month') - 1, part('day'));
    date.setUTCHours(part('hour'), part('minute'), part('second'), ((epochMs % 1000) + 1000) % 1000);
    return date;
  };
  const date = build(part('year'));
  // West of Greenwich the first hours of year 1 lie in the year before it, which Intl writes as year 1 (BC) too.
  return Math.abs(date.getTime() - epochMs) < 172_800_000 ? date : build(1 - part('year'));
}
