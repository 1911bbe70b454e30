// A deployment is safe when its tests are on record, nothing critical is open, and people are at their desks.

/** What Mandate has on record about the thing about to be deployed. Null where nobody gathered it, which is stricter. */
export interface DeploymentFacts {
  /** A recorded successful test act on the same commit or resource, newer than its last write. */
  readonly testsPassed: boolean;
  readonly openCriticalFindings: number;
}

export interface DeploymentWindow {
  /** As written. */
  readonly text: string;
  /** 0 is Sunday. */
  readonly days: readonly number[];
  /** Minutes after midnight, local time; `to` is not included. `from` after `to` runs over midnight. */
  readonly from: number;
  readonly to: number;
  readonly zone: string;
  /** Tells the local day and time of the zone; building one takes longer than a whole decision. */
  readonly clock: Intl.DateTimeFormat;
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const WEEKDAY: Readonly<Record<string, number>> = Object.fromEntries(DAYS.map((day, i) => [day, i]));
const DAY_MINUTES = 24 * 60;

/**
 * Reads `Mon-Fri 09:00-17:00 Europe/Berlin`: days (a list and ranges, by default all), hours, IANA zone (by default
 * UTC). A string is what is wrong with it.
 */
export function parseWindow(text: string): DeploymentWindow | string {
  const match =
    /^\s*(?:([A-Za-z]{3}(?:[-,][A-Za-z]{3}){0,6})\s+)?(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})(?:\s+(\S{1,64}))?\s*$/.exec(
      text,
    );
  if (match === null) return `"${text}" is no window; write it as "Mon-Fri 09:00-17:00 Europe/Berlin"`;
  const [, dayText, fromHour, fromMinute, toHour, toMinute, zone = 'UTC'] = match;
  const days = dayText === undefined ? DAYS.map((_, i) => i) : parseDays(dayText);
  if (days === null)
    return `"${dayText}" names no days; write Mon, Tue, Wed, Thu, Fri, Sat, Sun, with - for a range`;
  const from = minutes(fromHour, fromMinute);
  const to = minutes(toHour, toMinute);
  if (from === null || to === null || from === to)
    return `"${text}" has no span of hours; write them from 00:00 to 24:00`;
  const clock = clockOf(zone);
  if (clock === null) return `"${zone}" is no time zone; write an IANA name such as Europe/Berlin, or UTC`;
  return { text, days, from, to, zone, clock };
}

/** Whether a moment (epoch ms) lies in the window. */
export function isWithin(window: DeploymentWindow, nowMs: number): boolean {
  const { day, minute } = localTime(nowMs, window.clock);
  // A day that cannot be read is in no list; a minute that is no number compares false.
  if (window.from < window.to)
    return window.days.includes(day) && minute >= window.from && minute < window.to;
  // Over midnight the early hours belong to the day before.
  return minute >= window.from
    ? window.days.includes(day)
    : minute < window.to && window.days.includes((day + 6) % 7);
}

/**
 * What speaks against deploying now, in words; empty when nothing does. What nobody gathered counts as not there.
 * `window` as `parseWindow` reads it; null is any time.
 */
export function deploymentIssues(
  facts: DeploymentFacts | null,
  window: DeploymentWindow | string | null,
  nowMs: number,
): readonly string[] {
  const issues: string[] = [];
  if (facts === null)
    issues.push('nothing is on record about tests and open findings: let Mandate run the tests first');
  if (facts?.testsPassed === false)
    issues.push(
      'no successful test of this commit or resource since its last write: run the tests through Mandate, and name the same commit or resource in both',
    );
  if (facts !== null && facts.openCriticalFindings > 0) {
    issues.push(`${facts.openCriticalFindings} critical finding(s) are open: close them first`);
  }
  if (typeof window === 'string') issues.push(`the deployment window cannot be read: ${window}`);
  else if (window !== null && !isWithin(window, nowMs))
    issues.push(`outside the deployment window ${window.text}: wait for it, or have it approved`);
  return issues;
}

function parseDays(text: string): readonly number[] | null {
  const days = text.split(',').flatMap((part) => {
    const [first = '', last = first] = part.toLowerCase().split('-');
    const from = WEEKDAY[first];
    const to = WEEKDAY[last];
    if (from === undefined || to === undefined || part.split('-').length > 2) return [null];
    return Array.from({ length: ((to - from + 7) % 7) + 1 }, (_, i) => (from + i) % 7);
  });
  return days.every((day) => day !== null) ? days : null;
}

function minutes(hour: string | undefined, minute: string | undefined): number | null {
  const total = Number(hour) * 60 + Number(minute);
  return Number(minute) < 60 && total <= DAY_MINUTES ? total : null;
}

function clockOf(zone: string): Intl.DateTimeFormat | null {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
  } catch {
    // Intl throws a RangeError for a zone it does not know; there is no other way to ask.
    return null;
  }
}

function localTime(
  nowMs: number,
  clock: Intl.DateTimeFormat,
): { readonly day: number; readonly minute: number } {
  // What lies beyond the calendar (ECMA-262, Time Values) has no day, and lies in no window.
  if (!(Math.abs(nowMs) <= 8.64e15)) return { day: Number.NaN, minute: Number.NaN };
  const parts = new Map(clock.formatToParts(nowMs).map(({ type, value }) => [type, value]));
  const day = WEEKDAY[(parts.get('weekday') ?? '').toLowerCase()] ?? Number.NaN;
  return { day, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
}
