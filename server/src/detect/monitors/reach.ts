// How far back a look reaches. A window that ends now is enough only where somebody looked within it: what happened between
// two looks, or before one that came late, would be in no window at all otherwise, and its rule would guard nothing.
import type { Because } from './needs.ts';

export interface Reach {
  /** As of when it looks: now, or the oldest trouble that this check has not seen yet. */
  readonly sinceMs: number;
  /** Where a window of that length begins. */
  readonly startOf: (windowMs: number) => number;
  /** Whether it reaches further back than the window itself, where what goes wrong just now may be thinned out. */
  readonly isWide: (windowMs: number) => boolean;
}

export interface Reaches {
  of(check: CheckName, nowMs: number, because: Because): Reach;
  /** The look has come to its end. */
  seen(check: CheckName, nowMs: number): void;
  /** Somebody else looks at this tenant: what was seen last by this process says nothing any more. */
  readonly forget: (tenant: string) => void;
}

export interface CheckName {
  readonly tenant: string;
  readonly check: string;
}

/** Below this a look is as good as at once. */
const LATE_MS = 1_000;

export function createReaches(): Reaches {
  const lastMs = new Map<string, Map<string, number>>();
  return {
    of({ tenant, check }, nowMs, because) {
      const sinceMs = sinceOf(nowMs, because, check);
      const last = lastMs.get(tenant)?.get(check) ?? nowMs;
      // What is shorter than the time since the last look counts back from there, so that any such span is within it.
      const startOf = (windowMs: number): number =>
        Math.min(sinceMs, nowMs - last > windowMs ? last : nowMs) - windowMs;
      return { sinceMs, startOf, isWide: (windowMs) => nowMs - windowMs - startOf(windowMs) > LATE_MS };
    },
    seen({ tenant, check }, nowMs) {
      const checks = lastMs.get(tenant) ?? new Map<string, number>();
      lastMs.set(tenant, checks.set(check, nowMs));
    },
    forget: (tenant) => void lastMs.delete(tenant),
  };
}

function sinceOf(nowMs: number, { sinceMs, owed }: Because, check: string): number {
  const owedMs = owed?.checks.includes(check) === true ? owed.sinceMs : nowMs;
  return Math.min(nowMs, sinceMs ?? nowMs, owedMs);
}

/** The window by itself. */
export function exactly(nowMs: number): Reach['startOf'] {
  return (windowMs) => nowMs - windowMs;
}
