// Metrics of commands, handed what they need: the charter in force, the incidents that others keep, and the second source
// that a setting names. What Prometheus is told of governance meets here, too.
import type { GovernedSet } from '@mandate/kernel';
import type { Infrastructure } from '../infrastructure.ts';
import { openCommandDb } from '../prove/metrics/command-db.ts';
import { createCommandMetrics } from '../prove/metrics/command-metrics.ts';
import type { CommandMetricsNeeds } from '../prove/metrics/command-metrics.ts';
import { createCommandSource } from '../prove/metrics/command-source.ts';
import { metricsRoutes } from '../prove/metrics/metrics-routes.ts';
import { createSnapshots } from '../prove/metrics/snapshots.ts';
import type { Execution } from './execution.ts';
import type { Judgement } from './judgement.ts';

export interface MetricsNeeds {
  readonly infrastructure: Pick<Infrastructure, 'config' | 'store' | 'clock' | 'log'>;
  readonly judgement: Pick<Judgement, 'activeLaw'>;
  readonly execution: Pick<Execution, 'lease'>;
  /** Counts the incidents of a half-open span. */
  readonly incidentsIn: CommandMetricsNeeds['incidentsIn'];
}

export type MetricParts = ReturnType<typeof buildMetrics>;

/** Throws CommandDbUnreadable where COMMAND_DB_PATH names something that cannot be counted. */
export function buildMetrics({
  infrastructure,
  judgement: { activeLaw },
  execution: { lease },
  incidentsIn,
}: MetricsNeeds) {
  const { config, store, clock, log } = infrastructure;
  const setsOf = async (tenant: string): Promise<readonly GovernedSet[]> =>
    (await activeLaw(tenant))?.charter.phases ?? [];
  const source = createCommandSource({
    store,
    clock,
    tenant: config.tenant,
    worker: lease.worker,
    commandDb: config.commandDb === null ? null : openCommandDb(config.commandDb, clock),
    unread: (error) =>
      log.error(
        { err: error },
        'the command database cannot be read: breakers and probation go by what was read last or by the acts alone, and nothing rises by its rates',
      ),
    isWithout: () =>
      log.warn(
        { tenant: config.tenant },
        'another server of this tenant counts a command database: it checks and cycles the tenant, and this one answers 503 for its metrics until COMMAND_DB_PATH is set here, too',
      ),
  });
  const metrics = createCommandMetrics({
    store,
    clock,
    lawOf: activeLaw,
    // There a span is half-open; here both ends belong to it.
    incidentsIn: (tenant, { endMs, ...window }) => incidentsIn(tenant, { ...window, endMs: endMs + 1 }),
    source,
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
    isElsewhere: source.isElsewhere,
    failed: (error) =>
      log.error({ err: error }, 'the daily snapshot of the metrics is late; it is tried again in a minute'),
  });
  return {
    metrics,
    snapshots,
    setsOf,
    /** Whether another process counts more of a tenant than this one can: then it is that one's to check and to cycle. */
    isElsewhere: source.isElsewhere,
    routes: metricsRoutes({ metrics, snapshots, setsOf, nowMs: () => clock.nowMs() }),
    /** Once this process counts as alive. */
    async begin(): Promise<void> {
      await source.begin();
      metrics.rollups.start();
      snapshots.start();
    },
    close: (): Promise<unknown> => Promise.all([metrics.rollups.close(), snapshots.close(), source.close()]),
  };
}
