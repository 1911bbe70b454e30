// Monitors, handed what they measure by and what they may do: the charter in force, metrics, incidents, phases. They look
// where an act has failed in this process before anybody else does, and at what the journal tells of all others.
import { compileBreaker } from '@mandate/kernel';
import type { Infrastructure } from '../infrastructure.ts';
import type { EndingAct } from '../act/actions/actions.ts';
import type { ActStatus } from '../act/actions/act.ts';
import { createMonitors } from '../detect/monitors/monitors.ts';
import { BY_TIME } from '../detect/monitors/needs.ts';
import type { WatchedCharter } from '../detect/monitors/needs.ts';
import { monitorRoutes } from '../detect/monitors/routes.ts';
import { createSchedule } from '../detect/monitors/schedule.ts';
import { writeEntry } from '../prove/journal/journal.ts';
import { classesIn, constraintRules } from '../prove/metrics/command-metrics.ts';
import type { Execution } from './execution.ts';
import type { IncidentParts } from './incidents.ts';
import type { Judgement } from './judgement.ts';
import type { MetricParts } from './metrics.ts';

export interface MonitorSources {
  readonly infrastructure: Infrastructure;
  readonly judgement: Pick<Judgement, 'activeLaw' | 'governing'>;
  readonly execution: Pick<Execution, 'onEnd'>;
  readonly incidents: IncidentParts;
  readonly metrics: Pick<MetricParts['metrics'], 'atLeast'>;
  readonly isElsewhere: MetricParts['isElsewhere'];
}

/** Ends that are trouble: they are looked at at once. What lowers a rate more slowly waits for the interval. */
const TROUBLE: ReadonlySet<ActStatus> = new Set(['failed', 'unknown']);

export function buildMonitors({
  infrastructure,
  judgement: { activeLaw, governing },
  execution,
  incidents,
  metrics,
  isElsewhere,
}: MonitorSources) {
  const { config, store, clock, chance, log } = infrastructure;
  const { governance } = governing;
  const failed = (error: unknown, what: string): void => log.error({ err: error }, what);
  const monitors = createMonitors({
    store,
    clock,
    chance,
    writeEntry,
    async charterOf(tenant): Promise<WatchedCharter | null> {
      const law = await activeLaw(tenant);
      if (law === null) return null;
      const { phases = [], monitors: settings = null, actions } = law.charter;
      return {
        version: law.version,
        sets: phases,
        monitors: settings,
        safeStates: actions.filter(({ safeState }) => safeState).map(({ match }) => match),
        constraints: [...constraintRules(law)],
        classes: classesIn(law),
      };
    },
    // A file of somebody else's must not keep a breaker from tripping.
    async metricsOf(tenant, span) {
      const figures = await metrics.atLeast.of(tenant, span);
      return {
        ...figures,
        isPartial: figures.sources?.some(({ missing }) => missing !== undefined) ?? false,
      };
    },
    typesOf: metrics.atLeast.byType,
    fallIn: governance.fallIn,
    pauseIn: governance.pauseIn,
    unpause: governance.unpause,
    settle: governance.settle,
    openIncident: incidents.incidents.openIn,
    failed,
  });
  const schedule = createSchedule({
    monitors,
    store,
    control: store.control,
    isElsewhere,
    clock,
    intervalMs: config.breakerCheckMs,
    failed,
  });
  /** However long it has to wait for its turn. */
  const since = () => ({ atMs: clock.nowMs(), sinceMs: clock.nowMs() });
  execution.onEnd(({ tenant, action, traceId }: EndingAct, status) => {
    if (TROUBLE.has(status)) schedule.look(tenant, { ...BY_TIME, ...since(), action, traceId });
  });
  incidents.onCritical(({ tenant, traceId }) =>
    Promise.resolve(schedule.look(tenant, { ...BY_TIME, ...since(), traceId })),
  );
  governing.countUnresolvedBy(monitors.countUnresolvedIn);
  return {
    monitors,
    schedule,
    /** Rules of a set that are switched on and can be evaluated. */
    breakersOf: async (tenant: string, set: string): Promise<number> =>
      (await monitors.rulesOf(tenant, set)).filter(
        (rule) => rule.enabled && compileBreaker(rule).kind === 'compiled',
      ).length,
    routes: monitorRoutes({
      monitors,
      setsOf: async (tenant) => (await activeLaw(tenant))?.charter.phases ?? [],
      changed: (tenant) => schedule.look(tenant, BY_TIME),
    }),
  };
}
