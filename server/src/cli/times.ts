// Times as people use them: the clock on their wall and how long ago, and `--from 2h` instead of a timestamp.
import { usageError } from './exit.ts';

const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
];

/** `3 min ago`, `in 2 h 5 min`, `now`. */
export function relative(iso: string, nowMs: number): string {
  const ms = Date.parse(iso);
  if (Number.isNaN(ms)) return '';
  const distance = Math.abs(nowMs - ms);
  if (distance < 1_000) return 'now';
  return ms > nowMs ? `in ${span(distance)}` : `${span(distance)} ago`;
}

/** The two largest units that matter: `1 d 3 h`, `5 min`, `850 ms`. */
export function span(ms: number): string {
  const index = UNITS.findIndex(([size]) => ms >= size);
  const [size, name] = UNITS[index] ?? [1, 'ms'];
  const count = Math.floor(ms / size);
  const [nextSize, nextName] = UNITS[index + 1] ?? [0, ''];
  const rest =
    index < 0 || nextSize === 0 || size < 3_600_000 ? 0 : Math.floor((ms - count * size) / nextSize);
  return rest === 0 ? `${count} ${name}` : `${count} ${name} ${rest} ${nextName}`;
}

/** Local date and time to the second, without the zone: it is the reader's own. */
export function local(iso: string): string {
  const at = new Date(Date.parse(iso));
  if (Number.isNaN(at.getTime())) return iso;
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** `2026-11-20 12:40:46 (3 min ago)`. */
export function when(iso: string, nowMs: number): string {
  return iso === '' ? '' : `${local(iso)} (${relative(iso, nowMs)})`;
}

const SIZES: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `30s`, `15m`, `8h`, `7d`, `2w` in milliseconds; null for anything else. */
function durationMs(text: string): number | null {
  const [, count = '', unit = ''] = /^(\d{1,6})\s?(s|m|min|h|d|w)$/.exec(text) ?? [];
  const size = SIZES[unit];
  return size === undefined ? null : Number(count) * size;
}

/** An ISO time, or a duration before (`past`) or after (`future`) now. Answers in ISO with UTC. */
export function readTime(
  text: string,
  flag: string,
  { nowMs, side }: { readonly nowMs: number; readonly side: 'past' | 'future' },
): string {
  const duration = durationMs(text);
  const atMs = duration === null ? Date.parse(text) : side === 'past' ? nowMs - duration : nowMs + duration;
  if (Number.isNaN(atMs) || (duration === null && !/^\d{4}-\d\d-\d\d/.test(text))) {
    throw usageError(
      `${flag} is ${JSON.stringify(text)}, which is no time.`,
      'Give a duration (30m, 8h, 7d) or a time such as 2026-11-20T14:00:00Z.',
    );
  }
  return new Date(atMs).toISOString();
}
