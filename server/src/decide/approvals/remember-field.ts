// "For an hour" as people write it, the same for every door.
import { z } from 'zod';

const DURATION = /^([1-9]\d{0,5})(s|m|h|d)$/;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** For how long exactly this action may run without asking again: `1h`. */
export const rememberField = z.string().regex(DURATION, 'must be a number and a unit: 30m, 1h or 1d');

/** Milliseconds; null where nothing is to be remembered. */
export function rememberMsOf(text: string | undefined): number | null {
  const [, count = '', unit = ''] = DURATION.exec(text ?? '') ?? [];
  return count === '' ? null : Number(count) * (UNIT_MS[unit] ?? Number.NaN);
}
