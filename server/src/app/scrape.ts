// What Prometheus reads of this server: each part tells what it knows, and they meet here as one text. Figures are the
// server's own tenant's, as its settings name it.
import type { Infrastructure } from '../infrastructure.ts';
import type { SetState } from '../decide/governance/state.ts';
import { createGovernanceMetrics } from '../prove/metrics/governance-metrics.ts';
import type { AssessmentFigures, MetricsText } from '../prove/metrics/governance-metrics.ts';
import { createProductMetrics } from '../prove/metrics/product-metrics.ts';
import { readBacklog } from '../prove/metrics/rollup-store.ts';
import { countEvents, readEventSets } from '../prove/metrics/scrape-store.ts';
import { createSloMetrics } from '../prove/metrics/slo-metrics.ts';
import type { ObjectiveFigures } from '../prove/metrics/slo-metrics.ts';
import type { IncidentParts } from './incidents.ts';
import type { Judgement } from './judgement.ts';
import type { MetricParts } from './metrics.ts';

export interface ScrapeNeeds {
  readonly infrastructure: Pick<Infrastructure, 'config' | 'store' | 'clock' | 'log'>;
  readonly judgement: Pick<Judgement, 'activeLaw'>;
  readonly measured: Pick<MetricParts, 'metrics' | 'setsOf'>;
  readonly incidents: IncidentParts;
  readonly stateOf: (tenant: string, set: string) => Promise<SetState | null>;
  readonly lastAssessment: (tenant: string, set: string) => Promise<AssessmentFigures | null>;
  readonly objectives: (tenant: string) => Promise<readonly ObjectiveFigures[]>;
  readonly version: string;
}

export function buildScrape({
  infrastructure: { config, store, clock, log },
  judgement,
  measured: { metrics, setsOf },
  incidents,
  stateOf,
  lastAssessment,
  objectives,
  version,
}: ScrapeNeeds): MetricsText {
  const { tenant, metricsPrefix: prefix } = config;
  const nowMs = (): number => clock.nowMs();
  const parts = [
    createProductMetrics({
      store,
      tenant,
      prefix,
      version,
      nowMs,
      charterOf: () => judgement.activeLaw(tenant),
      ever: () => metrics.atLeast.detailed(tenant, { patterns: ['*'], startMs: 0, endMs: nowMs() }),
      backlog: (tx) => readBacklog(tx, tenant),
      isCommandDbRead: metrics.isCommandDbRead,
    }),
    createGovernanceMetrics({
      prefix,
      nowMs,
      setsOf: () => setsOf(tenant),
      stateOf: (set) => stateOf(tenant, set),
      lastAssessment: (set) => lastAssessment(tenant, set),
      eventsOf: (set) => store.withTenant(tenant, (tx) => countEvents(tx, tenant, set)),
      eventSets: () => store.withTenant(tenant, (tx) => readEventSets(tx, tenant)),
      incidentsOf: async (set) =>
        (
          await incidents.incidents.countIn(tenant, {
            set: set?.name ?? null,
            patterns: set?.patterns ?? ['*'],
            startMs: 0,
            endMs: nowMs() + 1,
          })
        ).bySeverity,
      detailed: (window) => metrics.atLeast.detailed(tenant, window),
    }),
    createSloMetrics({
      prefix,
      objectives: () => objectives(tenant),
      failed: (error) =>
        log.error(
          { err: error },
          'objectives could not be judged for Prometheus; it still has the last figures',
        ),
    }),
  ];
  return {
    text: async () => (await Promise.all(parts.map((part) => part.text()))).join('\n'),
  };
}
