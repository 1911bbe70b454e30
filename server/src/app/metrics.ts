// Metrics of commands, handed what they need: the charter in force, the incidents that others keep, and the second source
// that a setting names. What Prometheus is told of governance meets here, too.
import type { GovernedSet } from '@mandate/kernel';
import type { Infrastructure } from '../infrastructure.ts';
import { openCommandDb } from '../prove/metrics/command-db.ts';
import { createCommandMetrics } from '../prove/metrics/command-metrics.ts';
import type { CommandMetricsNeeds } from '../prove/metrics/command-metrics.ts';
import { metricsRoutes } from '../prove/metrics/metrics-routes.ts';
import { createSnapshots } from '../prove/metrics/snapshots.ts';
import type { Judgement } from './judgement.ts';

export interface MetricsNeeds {
  readonly infrastructure: Pick<Infrastructure, 'config' | 'store' | 'clock' | 'log'>;
  readonly judgement: Pick<Judgement, 'activeLaw'>;
  /** Counts the incidents of a half-open span. */
  readonly incidentsIn: CommandMetricsNeeds['incidentsIn'];
}

export type MetricParts = ReturnType<typeof buildMetrics>;

/** Throws CommandDbUnreadable where COMMAND_DB_PATH names something that cannot be counted. */
export function buildMetrics({ infrastructure, judgement: { activeLaw }, incidentsIn }: MetricsNeeds) {
  const { config, store, clock, log } = infrastructure;
  const setsOf = async (tenant: string): Promise<readonly GovernedSet[]> =>
    (await activeLaw(tenant))?.charter.phases ?? [];
  const commandDb = config.commandDb === null ? null : openCommandDb(config.commandDb, clock);
  const metrics = createCommandMetrics({
    store,
    clock,
    lawOf: activeLaw,
    // There a span is half-open; here both ends belong to it.
    incidentsIn: (tenant, { endMs, ...window }) => incidentsIn(tenant, { ...window, endMs: endMs + 1 }),
    commandDb,
    unread: (error) =>
      log.error(
        { err: error },
        'the command database cannot be read: breakers and probation go by the acts alone, and nothing rises by its rates',
      ),
    failed: (error) =>
      log.error(
        { err: error },
        'acts could not be counted on; metrics stay exact and become slower until they can',
      ),
  });
  const snapshots = createSnapshots({
    store,
    clock,
    of: metrics.of,
    setsOf,
    failed: (error) =>
      log.error({ err: error }, 'the daily snapshot of the metrics is late; it is tried again in a minute'),
  });
  return {
    metrics,
    snapshots,
    setsOf,
    routes: metricsRoutes({ metrics, snapshots, setsOf, nowMs: () => clock.nowMs() }),
    begin(): void {
      metrics.rollups.start();
      snapshots.start();
    },
    close: (): Promise<unknown> =>
      Promise.all([metrics.rollups.close(), snapshots.close(), commandDb?.close()]),
  };
}
