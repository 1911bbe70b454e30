// What Prometheus scrapes. Counters live in the process that counted; what several processes share (queues, stops,
// approvals) is read from the database when somebody asks.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Store } from '../../platform/postgres/store.ts';

/** As much of an answer of the pipeline as is counted. */
export interface Measured {
  readonly kind: 'act' | 'refused';
  readonly view?: {
    readonly status: string;
    readonly decision: { readonly tier: string; readonly code: string };
  };
  readonly refusal?: { readonly code: string };
}

export interface Metrics {
  /** Runs one request of the road and counts and times it. */
  measured<T extends Measured>(run: () => Promise<T>): Promise<T>;
  /** Times one request of a route by its name: `GET /api/v1/actions/:id`. */
  timed<T>(route: string, run: () => Promise<T>): Promise<T>;
  /** Hands on what somebody follows, and counts it as open meanwhile. */
  followed<T>(items: AsyncIterable<T>): AsyncIterable<T>;
  text(): Promise<string>;
}

export function createMetrics({
  store,
  tenant,
  prefix,
  drillStop,
}: {
  readonly store: Store;
  readonly tenant: string;
  readonly prefix: string;
  /** What the stop of a drill looks like (a pattern of Postgres, and its cause): it stops nobody, so nobody is woken. */
  readonly drillStop: { readonly scope: string; readonly cause: string };
}): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: `${prefix}_` });
  // Gauges under the names of counters, which promtool rightly minds; the same figures are there by type.
  for (const name of ['active_handles', 'active_requests', 'active_resources'])
    registry.removeSingleMetric(`${prefix}_nodejs_${name}_total`);
  const decisions = new Counter({
    name: `${prefix}_decisions_total`,
    help: 'Actions decided, by tier and code',
    labelNames: ['tier', 'code'],
    registers: [registry],
  });
  const outcomes = new Counter({
    name: `${prefix}_actions_total`,
    help: 'Actions answered, by status',
    labelNames: ['status'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: `${prefix}_action_duration_seconds`,
    help: 'From request to answer, the executor included',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 120],
    registers: [registry],
  });
  const requests = new Histogram({
    name: `${prefix}_http_request_duration_seconds`,
    help: 'From request to answer, by route; what is held open on purpose included',
    labelNames: ['route'],
    buckets: [0.005, 0.025, 0.1, 0.5, 2.5, 10],
    registers: [registry],
  });
  const feeds = new Gauge({
    name: `${prefix}_feeds_open`,
    help: 'Live feeds that somebody follows at this process',
    registers: [registry],
  });
  const events = new Counter({
    name: `${prefix}_feed_batches_total`,
    help: 'Batches of journal entries that live feeds have been given',
    registers: [registry],
  });
  const gauges = sharedGauges(registry, prefix);

  return {
    async measured(run) {
      const stop = seconds.startTimer();
      const answer = await run();
      stop();
      if (answer.view !== undefined) {
        decisions.inc({ tier: answer.view.decision.tier, code: answer.view.decision.code });
        outcomes.inc({ status: answer.view.status });
      } else outcomes.inc({ status: answer.refusal?.code ?? 'refused' });
      return answer;
    },
    async timed(route, run) {
      const stop = requests.startTimer({ route });
      try {
        return await run();
      } finally {
        stop();
      }
    },
    async *followed(items) {
      feeds.inc();
      try {
        for await (const item of items) {
          events.inc();
          yield item;
        }
      } finally {
        feeds.dec();
      }
    },
    async text() {
      const [row] = await store.withTenant(
        tenant,
        (tx) => tx<SharedRow[]>`
        select (select count(*)::integer from mandate.approval where tenant = ${tenant} and status = 'pending') as pending,
          (select count(*)::integer from mandate.act where tenant = ${tenant} and status in ('executing', 'permitted')) as live,
          (select count(*)::integer from mandate.restriction where tenant in (${tenant}, '*') and lifted_at is null and kind = 'stop'
            and not (scope ~ ${drillStop.scope} and cause = ${drillStop.cause})) as stops,
          (select count(*)::integer from mandate.restriction where tenant = ${tenant} and lifted_at is null and kind = 'freeze') as frozen,
          (select count(*)::integer from mandate.worker where lease_until > now()) as workers,
          (select count(*)::integer from mandate.journal where tenant = ${tenant} and position is null) as unsequenced,
          (select coalesce(max(position), 0)::double precision from mandate.journal where tenant = ${tenant}) as head`,
      );
      if (row !== undefined) for (const [name, gauge] of gauges) gauge.set(row[name]);
      return registry.metrics();
    },
  };
}

interface SharedRow {
  readonly pending: number;
  readonly live: number;
  readonly stops: number;
  readonly frozen: number;
  readonly workers: number;
  readonly unsequenced: number;
  readonly head: number;
}

function sharedGauges(registry: Registry, prefix: string): readonly (readonly [keyof SharedRow, Gauge])[] {
  const gauge = (name: string, help: string): Gauge =>
    new Gauge({ name: `${prefix}_${name}`, help, registers: [registry] });
  return [
    ['pending', gauge('approvals_pending', 'Approvals that wait for people')],
    ['live', gauge('acts_live', 'Acts that have begun and not ended')],
    ['stops', gauge('stops_standing', 'Stops in force')],
    ['frozen', gauge('agents_frozen', 'Freezes in force')],
    ['workers', gauge('workers_alive', 'Processes whose lease stands')],
    ['unsequenced', gauge('journal_unsequenced', 'Journal entries that wait for their position')],
    ['head', gauge('journal_position', 'Position of the newest journal entry')],
  ];
}
