// The written forms of durations, money and action patterns, each with one regular expression that the YAML
// schema and the JSON Schema for editors share, and one conversion into the kernel's units.

/** A number and a unit: `30s`, `30m`, `4h`, `14d`. */
export const DURATION = /^[1-9][0-9]{0,5}(s|m|h|d)$/;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a text that matches DURATION. */
export function durationMs(text: string): number {
  return Number(text.slice(0, -1)) * (UNIT_MS[text.slice(-1)] ?? Number.NaN);
}

/** Up to here every micro-USD is an exact integer in a double, with room for sums. */
export const MAX_USD = 1_000_000_000;

/** Whether a number of USD is a whole number of micro-USD. */
export function isMicroUsd(usd: number): boolean {
  return Math.round(usd * 1e6) / 1e6 === usd;
}

/** Integer micro-USD of an amount that passes isMicroUsd. */
export function microUsd(usd: number): number {
  return Math.round(usd * 1e6);
}

/** The letters of action names, as the kernel's `isActionName` has them. */
const LETTERS = 'A-Za-z0-9_:/@+#~=\\-';

/** An exact dotted action name. */
export const ACTION_NAME = new RegExp(`^[${LETTERS}.]{1,256}$`);

/** An exact name, a literal prefix with one trailing `*`, or alternatives for the last part: `code.read|lint`. */
export const PATTERN = new RegExp(
  `^(?:\\*|[${LETTERS}.]{1,255}\\*?|[${LETTERS}.]{1,128}(?:\\|[${LETTERS}]{1,64})+)$`,
);

/** `code.read|lint` → `code.read`, `code.lint`; every other pattern stands for itself. */
export function expandPattern(pattern: string): readonly string[] {
  const [first = '', ...others] = pattern.split('|');
  const prefix = first.slice(0, first.lastIndexOf('.') + 1);
  return [first, ...others.map((last) => prefix + last)];
}

/** `22:00-07:00 Europe/Berlin`. The zone is checked against the IANA names that the runtime knows. */
export const QUIET_HOURS = /^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d [A-Za-z_]+(\/[A-Za-z0-9_+-]+)*$/;

/** `Mon-Fri 09:00-17:00 Europe/Berlin`; several days are separated by commas. */
export const WINDOW =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)(-(Mon|Tue|Wed|Thu|Fri|Sat|Sun))?(,(Mon|Tue|Wed|Thu|Fri|Sat|Sun)(-(Mon|Tue|Wed|Thu|Fri|Sat|Sun))?)* ([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d [A-Za-z_]+(\/[A-Za-z0-9_+-]+)*$/;

/** Whether the last word of the text is a time zone that can be computed with. */
export function hasKnownZone(text: string): boolean {
  const zone = text.slice(text.lastIndexOf(' ') + 1);
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
