// When a schedule is due: five fields of cron in a time zone, daylight saving included. A time that a change of clocks
// leaves out comes as much later as they are changed, one that it brings twice comes once; every hour is every hour,
// whatever it is called.

export interface Cron {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly weekdays: ReadonlySet<number>;
  /** Both a day of the month and a weekday are written: either suffices, as everywhere. */
  readonly eitherDay: boolean;
}

export type CronResult =
  | { readonly kind: 'cron'; readonly cron: Cron }
  | { readonly kind: 'refused'; readonly message: string };

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** The 29th of February comes within eight years, also around a year like 2100. */
const HORIZON_MS = 9 * 366 * 24 * HOUR_MS;
const FIELDS = [
  ['minute', 0, 59],
  ['hour', 0, 23],
  ['day of the month', 1, 31],
  ['month', 1, 12],
  ['weekday', 0, 7],
] as const;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const NAMED: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
};

/** Reads `30 9 * * mon-fri`, steps and lists included, or `@daily`. */
export function parseCron(text: string): CronResult {
  const written = (NAMED[text.trim()] ?? text).trim().split(/\s+/);
  if (written.length !== FIELDS.length)
    return {
      kind: 'refused',
      message: `Write five fields (minute, hour, day of the month, month, weekday), like '30 9 * * mon-fri'; this has ${written.length}.`,
    };
  const sets: Set<number>[] = [];
  for (const [at, [name, least, most]] of FIELDS.entries()) {
    const set = readField(written[at] ?? '', {
      least,
      most,
      names: at === 3 ? MONTHS : at === 4 ? WEEKDAYS : [],
    });
    if (set === null)
      return {
        kind: 'refused',
        message: `The ${name} '${written[at] ?? ''}' is not from ${least} to ${most}, a list (1,15), a range (1-5) or a step (*/10).`,
      };
    sets.push(set);
  }
  const [minutes, hours, days, months, weekdays] = sets;
  if (
    minutes === undefined ||
    hours === undefined ||
    days === undefined ||
    months === undefined ||
    weekdays === undefined
  )
    return { kind: 'refused', message: 'Write five fields.' };
  if (weekdays.delete(7)) weekdays.add(0);
  const eitherDay = !(written[2] ?? '').startsWith('*') && !(written[4] ?? '').startsWith('*');
  return { kind: 'cron', cron: { minutes, hours, days, months, weekdays, eitherDay } };
}

interface Range {
  readonly least: number;
  readonly most: number;
  readonly names: readonly string[];
}

function readField(text: string, { least, most, names }: Range): Set<number> | null {
  const found = new Set<number>();
  for (const part of text.toLowerCase().split(',')) {
    const [, from = '', to, step] = /^(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:\/(\d+))?$/.exec(part) ?? [];
    const first = from === '*' ? least : numberOf(from, names, least);
    const last =
      from === '*'
        ? most
        : to === undefined
          ? step === undefined
            ? first
            : most
          : numberOf(to, names, least);
    const by = step === undefined ? 1 : Number(step);
    if (first === null || last === null || by < 1 || first < least || last > most || first > last)
      return null;
    for (let value = first; value <= last; value += by) found.add(value);
  }
  return found;
}

function numberOf(text: string, names: readonly string[], least: number): number | null {
  const named = names.indexOf(text);
  if (named !== -1) return named + least;
  return /^\d{1,2}$/.test(text) ? Number(text) : null;
}

/** The first moment after `afterMs` (epoch milliseconds) at which it is due; null where there is none. */
export function nextTick(cron: Cron, timezone: string, afterMs: number): number | null {
  return ticksOf(cron, timezone).after(afterMs);
}

/** The moments at which something is due. Asked often, it costs less than `nextTick`: it knows its time zone already. */
export interface CronTicks {
  /** The first after this moment; null where there is none. */
  after(ms: number): number | null;
  /** The last after `fromMs` and not after `toMs`; null where there is none. */
  last(fromMs: number, toMs: number): number | null;
}

export function ticksOf(cron: Cron, timezone: string): CronTicks {
  const local = localOf(timezone);

  function after(ms: number): number | null {
    const endMs = ms + HORIZON_MS;
    let at = (Math.floor(ms / MINUTE_MS) + 1) * MINUTE_MS;
    while (at < endMs) {
      const now = local(at);
      if (!isDay(cron, now)) {
        at += Math.max(1, (24 - now.hour) * 60 - now.minute - 60) * MINUTE_MS;
        // The last hour in small steps, so that no change of clocks leads past midnight.
        while (local(at).day === now.day) at += MINUTE_MS * (60 - local(at).minute);
        continue;
      }
      const moment = { at, now, local };
      if (!cron.hours.has(now.hour) && !isAfterChange(moment)) {
        at += (60 - now.minute) * MINUTE_MS;
        continue;
      }
      if (isDue(cron, moment)) return at;
      at += MINUTE_MS;
    }
    return null;
  }

  return {
    after,
    last(fromMs, toMs) {
      // From the end in growing stretches: of many ticks only the latest are looked at.
      for (let stretchMs = HOUR_MS; ; stretchMs *= 2) {
        let found: number | null = null;
        let at = after(Math.max(fromMs, toMs - stretchMs));
        while (at !== null && at <= toMs) {
          found = at;
          at = after(at);
        }
        if (found !== null || toMs - stretchMs <= fromMs) return found;
      }
    },
  };
}

interface Local {
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
}

interface Moment {
  readonly at: number;
  readonly now: Local;
  readonly local: (ms: number) => Local;
}

/** By how many minutes clocks are changed: half an hour on Lord Howe, two hours at Troll, an hour elsewhere. */
const CHANGES = [30, 60, 120] as const;
const LONGEST_CHANGE = 120;
const DAY_MINUTES = 1_440;

function isDay({ days, months, weekdays, eitherDay }: Cron, { month, day, weekday }: Local): boolean {
  if (!months.has(month)) return false;
  return eitherDay ? days.has(day) || weekdays.has(weekday) : days.has(day) && weekdays.has(weekday);
}

function isDue(cron: Cron, moment: Moment): boolean {
  const { hour, minute } = moment.now;
  if (isTime(cron, hour * 60 + minute) && !isAgain(cron, moment)) return true;
  return isAfterChange(moment) && isLeftOut(cron, moment);
}

function isTime({ hours, minutes }: Cron, minuteOfDay: number): boolean {
  return hours.has(Math.floor(minuteOfDay / 60)) && minutes.has(minuteOfDay % 60);
}

/** What the clock showed some minutes ago, as a minute of the day. */
function shownBefore({ at, local }: Moment, minutes: number): number {
  const { hour, minute } = local(at - minutes * MINUTE_MS);
  return hour * 60 + minute;
}

function minus({ now }: Moment, minutes: number): number {
  return (now.hour * 60 + now.minute - minutes + DAY_MINUTES) % DAY_MINUTES;
}

/** The clocks have been changed a moment ago, so that this hour may have to make up for what they have left out. */
function isAfterChange(moment: Moment): boolean {
  return shownBefore(moment, LONGEST_CHANGE) !== minus(moment, LONGEST_CHANGE);
}

/** In the place of a time that the clocks have left out: as much later as they have been put forward. */
function isLeftOut(cron: Cron, moment: Moment): boolean {
  return CHANGES.some(
    (by) => shownBefore(moment, by) === minus(moment, 2 * by) && isTime(cron, minus(moment, by)),
  );
}

/** The second time round of what the clocks bring twice; what runs every hour runs in both. */
function isAgain({ hours }: Cron, moment: Moment): boolean {
  if (hours.size === 24) return false;
  return CHANGES.some((by) => shownBefore(moment, by) === minus(moment, 0));
}

function localOf(timezone: string): (ms: number) => Local {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    month: 'numeric',
    day: 'numeric',
    weekday: 'short',
    hour: 'numeric',
    minute: 'numeric',
  });
  return (ms) => {
    const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    return {
      month: Number(parts.get('month')),
      day: Number(parts.get('day')),
      weekday: WEEKDAYS.indexOf((parts.get('weekday') ?? '').toLowerCase()),
      hour: Number(parts.get('hour')),
      minute: Number(parts.get('minute')),
    };
  };
}
