// Quiet hours are times on a wall clock, and wall clocks jump twice a year. Each night is therefore turned into two
// moments once, and everything else compares moments: no hour is skipped and none is quiet twice.
import { Temporal } from 'temporal-polyfill';

export interface QuietHours {
  readonly from: Temporal.PlainTime;
  readonly to: Temporal.PlainTime;
  readonly zone: string;
}

/** Reads `22:00-07:00 Europe/Berlin`, which the charter's loader has checked. */
export function parseQuiet(text: string): QuietHours {
  const [, from = '', to = '', zone = ''] = /^(\d\d:\d\d)-(\d\d:\d\d) (\S+)$/.exec(text) ?? [];
  return { from: Temporal.PlainTime.from(from), to: Temporal.PlainTime.from(to), zone };
}

/**
 * When the quiet hours that `atMs` lies in are over; null outside of them. A time that the change to summer time leaves
 * out counts an hour later, one that the change back repeats counts at its first turn (RFC 5545 reads times so, too).
 */
export function quietUntil(atMs: number, { from, to, zone }: QuietHours): number | null {
  const today = Temporal.Instant.fromEpochMilliseconds(Math.floor(atMs))
    .toZonedDateTimeISO(zone)
    .toPlainDate();
  const momentOf = (date: Temporal.PlainDate, time: Temporal.PlainTime): number =>
    date.toZonedDateTime({ timeZone: zone, plainTime: time }).epochMilliseconds;
  const overnight = Temporal.PlainTime.compare(to, from) <= 0;
  for (const date of [today.subtract({ days: 1 }), today]) {
    const startMs = momentOf(date, from);
    const endMs = momentOf(overnight ? date.add({ days: 1 }) : date, to);
    if (startMs <= atMs && atMs < endMs) return endMs;
  }
  return null;
}

/** The zone in which people of a channel read times. */
export function zoneOf(quiet: string | null): string {
  return quiet === null ? 'UTC' : parseQuiet(quiet).zone;
}

/** `10:12`, or with the date where it is not the day of `dayMs`: `19 Nov 10:12`. */
export function clockText(atMs: number, zone: string, dayMs: number): string {
  const at = Temporal.Instant.fromEpochMilliseconds(Math.floor(atMs)).toZonedDateTimeISO(zone);
  const day = Temporal.Instant.fromEpochMilliseconds(Math.floor(dayMs)).toZonedDateTimeISO(zone);
  const time = at.toPlainTime().toString({ smallestUnit: 'minute' });
  return at.toPlainDate().equals(day.toPlainDate()) ? time : `${dateText(at)} ${time}`;
}

/** `20 Nov 2026, 10:00` */
export function momentText(atMs: number, zone: string): string {
  const at = Temporal.Instant.fromEpochMilliseconds(Math.floor(atMs)).toZonedDateTimeISO(zone);
  return `${dateText(at)} ${at.year}, ${at.toPlainTime().toString({ smallestUnit: 'minute' })}`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function dateText(at: Temporal.ZonedDateTime): string {
  return `${at.day} ${MONTHS[at.month - 1] ?? ''}`;
}
