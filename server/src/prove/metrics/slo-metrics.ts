// Objectives as Prometheus series: what is promised, how much of the error budget is left, how fast it goes. Judging an
// objective looks at weeks of acts, so a scrape gets what was worked out last and has the next one worked out behind it.
import { Gauge, Registry } from 'prom-client';
import type { MetricsText } from './governance-metrics.ts';

export interface ObjectiveFigures {
  readonly slo: { readonly name: string; readonly target: number };
  readonly budget: { readonly remaining: number | null };
  readonly burns: readonly {
    readonly longMs: number;
    readonly shortMs: number;
    readonly long: number | null;
    readonly short: number | null;
  }[];
}

export interface SloMetricsNeeds {
  readonly prefix: string;
  readonly objectives: () => Promise<readonly ObjectiveFigures[]>;
  readonly failed: (error: unknown) => void;
}

export function createSloMetrics({ prefix, objectives, failed }: SloMetricsNeeds): MetricsText {
  const registry = new Registry();
  const gauge = (name: string, help: string, labelNames: readonly string[] = ['slo']): Gauge =>
    new Gauge({ name: `${prefix}_slo_${name}`, help, labelNames: [...labelNames], registers: [registry] });
  const target = gauge('objective_ratio', 'The part of acts that the charter promises to be good');
  const left = gauge(
    'error_budget_remaining_ratio',
    'How much of the error budget of the window is left; below 0 the promise is broken',
  );
  const rate = gauge('burn_rate', 'How many times faster than allowed the error budget is used up', [
    'slo',
    'window',
  ]);
  let known: string | null = null;
  let working: Promise<string> | null = null;

  async function workOut(): Promise<string> {
    const found = await objectives();
    registry.resetMetrics();
    for (const { slo, budget, burns } of found) {
      target.set({ slo: slo.name }, slo.target);
      if (budget.remaining !== null) left.set({ slo: slo.name }, budget.remaining);
      for (const { longMs, shortMs, long, short } of burns) {
        if (long !== null) rate.set({ slo: slo.name, window: windowOf(longMs) }, long);
        if (short !== null) rate.set({ slo: slo.name, window: windowOf(shortMs) }, short);
      }
    }
    known = await registry.metrics();
    return known;
  }

  return {
    async text() {
      working ??= workOut().finally(() => void (working = null));
      if (known === null) return working;
      working.catch(failed);
      return known;
    },
  };
}

function windowOf(ms: number): string {
  return ms % 3_600_000 === 0 ? `${ms / 3_600_000}h` : `${ms / 60_000}m`;
}
