// The windows that monitors look at. A window that is empty sees nothing and one that is endless never forgets, so both
// are refused where they are written.
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MIN_WINDOW_MS = 10_000;
const MAX_WINDOW_MS = 180 * 86_400_000;

export type WindowResult =
  | { readonly kind: 'window'; readonly ms: number }
  | { readonly kind: 'problem'; readonly message: string };

/** Reads `5m`, `1h`, `7d`: 10 seconds to 180 days. */
export function readMonitorWindow(text: string): WindowResult {
  const [, count, unit] = /^(\d{1,7})([smhd])$/.exec(text) ?? [];
  const ms = Number(count) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
  if (ms >= MIN_WINDOW_MS && ms <= MAX_WINDOW_MS) return { kind: 'window', ms };
  const why = Number.isNaN(ms) ? 'is no window' : ms < MIN_WINDOW_MS ? 'is too short' : 'is too long';
  return {
    kind: 'problem',
    message: `\`${text.slice(0, 40)}\` ${why}; write a number and one of s, m, h and d, from 10s to 180d, such as 5m, 1h or 7d`,
  };
}
