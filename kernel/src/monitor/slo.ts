// Objectives over a long time, watched by how fast their error budget is being used up: an alert that needs a long and a
// short window to agree is neither late nor left over (Google SRE Workbook, chapter 5, "Multiwindow, Multi-Burn-Rate
// Alerts").
import type { AlertSeverity } from './alert-severity.ts';

/** What counts as good, of all acts of the patterns that have succeeded or failed. */
export type SloIndicator =
  | { readonly kind: 'ratio' }
  /** Succeeded, and within that time of its start. */
  | { readonly kind: 'latency'; readonly op: 'lt' | 'lte'; readonly valueMs: number };

export interface SloSetting {
  /** `roast-success`. Unique within the charter. */
  readonly name: string;
  readonly title: string;
  /** The governed set that its events belong to; null where it is about none. */
  readonly set: string | null;
  readonly patterns: readonly string[];
  readonly indicator: SloIndicator;
  /** The rolling window of the objective. */
  readonly windowMs: number;
  /** 0.99: of a hundred acts one may be bad. */
  readonly target: number;
  readonly response: 'throttle' | 'alert_only';
  readonly alertSeverity: AlertSeverity;
  /** Windows with fewer acts say nothing yet. */
  readonly minSamples: number;
  readonly origin: string;
}

export interface GoodOfTotal {
  readonly good: number;
  readonly total: number;
}

export interface BurnAlert {
  readonly name: 'fast' | 'slow';
  /** How many times faster than allowed. */
  readonly factor: number;
  readonly longMs: number;
  readonly shortMs: number;
}

/** With an objective over 30 days: 2 % of the budget in one hour, 5 % in six (table 5-8 of the chapter). */
export const BURN_ALERTS: readonly BurnAlert[] = [
  { name: 'fast', factor: 14.4, longMs: 3_600_000, shortMs: 300_000 },
  { name: 'slow', factor: 6, longMs: 21_600_000, shortMs: 1_800_000 },
];

/** From here on not even the slow alert could ever fire. */
const MIN_SLO_TARGET = 1 - 1 / 6;

/** How many times faster than allowed the budget is being used; null where nothing happened. */
export function burnRate({ good, total }: GoodOfTotal, target: number): number | null {
  return total === 0 ? null : (total - good) / total / (1 - target);
}

export interface Burn extends BurnAlert {
  readonly long: number | null;
  readonly short: number | null;
  readonly burns: boolean;
}

/** What each alert says. `countsOf` answers for the window that ends now and is that long. */
export function burnsOf(
  { target, minSamples }: Pick<SloSetting, 'target' | 'minSamples'>,
  countsOf: (windowMs: number) => GoodOfTotal,
): readonly Burn[] {
  return BURN_ALERTS.map((alert) => {
    const counted = countsOf(alert.longMs);
    const long = burnRate(counted, target);
    const short = burnRate(countsOf(alert.shortMs), target);
    const burns =
      counted.total >= minSamples &&
      long !== null &&
      short !== null &&
      long > alert.factor &&
      short > alert.factor;
    return { ...alert, long, short, burns };
  });
}

export interface ErrorBudget {
  /** How many acts of the window may be bad. */
  readonly allowed: number;
  readonly used: number;
  /** 1 is untouched, 0 used up, below 0 overdrawn; null where nothing happened. */
  readonly remaining: number | null;
}

/** What is left of the budget of the objective's own window. */
export function errorBudget({ good, total }: GoodOfTotal, target: number): ErrorBudget {
  const allowed = total * (1 - target);
  const used = total - good;
  return { allowed, used, remaining: total === 0 ? null : 1 - used / allowed };
}

export interface SloProblem {
  readonly field: 'target' | 'window';
  readonly message: string;
}

const DAY_MS = 86_400_000;

/** What would make an objective one that can never be kept, or never be missed. */
export function sloProblems({
  target,
  windowMs,
}: Pick<SloSetting, 'target' | 'windowMs'>): readonly SloProblem[] {
  const problems: SloProblem[] = [];
  if (!(target > MIN_SLO_TARGET && target < 1))
    problems.push({
      field: 'target',
      message:
        target === 1
          ? 'A target of 1 leaves no error budget, so every failure would burn it infinitely fast. Write a target below 1, such as 0.999.'
          : `With a target of ${target} no burn rate could ever be reached that anybody is told of. Write one between 0.834 and 1, such as 0.99.`,
    });
  if (!(windowMs >= DAY_MS && windowMs <= 90 * DAY_MS))
    problems.push({ field: 'window', message: 'The window of an objective is 1d to 90d long, such as 30d.' });
  return problems;
}
