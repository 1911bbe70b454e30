// Readiness, handed whoever has on record what it asks for: acts, incidents, evals, breakers, drills, scrapes. Sets that
// are on probation are looked at as often as breakers are, and at once when an incident is critical or somebody withdraws their word.
import { DEFAULT_APPROVALS, DEFAULT_READINESS_ITEMS, READINESS_CATEGORIES } from '@mandate/kernel';
import type { ReadinessStanding } from '@mandate/kernel';
import type { ReadinessPoints } from '../decide/governance/proposal-evidence.ts';
import type { Infrastructure } from '../infrastructure.ts';
import type { ReadinessNeeds } from '../decide/readiness/needs.ts';
import { createReadiness } from '../decide/readiness/readiness.ts';
import { readinessRoutes } from '../decide/readiness/routes.ts';
import { createReadinessSchedule } from '../decide/readiness/schedule.ts';
import { sha256Hex } from '../platform/crypto/hash.ts';
import { Unavailable } from '../platform/http/unavailable.ts';
import { writeEntry } from '../prove/journal/journal.ts';
import type { EvalParts } from './evals.ts';
import type { EvidenceParts } from './evidence.ts';
import type { IncidentParts } from './incidents.ts';
import type { Judgement } from './judgement.ts';
import type { MetricParts } from './metrics.ts';

export interface ReadinessSources {
  readonly infrastructure: Infrastructure;
  readonly judgement: Pick<Judgement, 'activeLaw' | 'governing'>;
  readonly incidents: IncidentParts;
  readonly metrics: Pick<MetricParts['metrics'], 'atLeast'>;
  readonly evals: Pick<EvalParts['evals'], 'coverageOf'>;
  readonly evidence: Pick<EvidenceParts, 'drills' | 'scrapes'>;
  readonly breakersOf: ReadinessNeeds['breakersOf'];
  readonly isElsewhere: MetricParts['isElsewhere'];
}

/**
 * The last vote holds a connection while it asks: if all of them did at once, each would wait for another for ever. Shorter
 * than Postgres lets a transaction idle (5 s), or the vote would end with its connection and nobody would be told why.
 */
const VOTE_WAITS_MS = 4_000;

export function buildReadiness({
  infrastructure,
  judgement: { activeLaw, governing },
  incidents,
  metrics,
  evals,
  evidence: { drills, scrapes },
  breakersOf,
  isElsewhere,
}: ReadinessSources) {
  const { config, store, clock, chance, log } = infrastructure;
  const { governance } = governing;
  const failed = (error: unknown, what: string): void => log.error({ err: error }, what);
  const readiness = createReadiness({
    store,
    clock,
    chance,
    sha256: sha256Hex,
    writeEntry,
    failed,
    async charterOf(tenant) {
      const charter = (await activeLaw(tenant))?.charter;
      if (charter === undefined) return null;
      return {
        sets: charter.phases ?? [],
        items: charter.readiness?.items ?? DEFAULT_READINESS_ITEMS,
        standIns: (charter.approvals ?? DEFAULT_APPROVALS).standIns,
      };
    },
    stateOf: governance.stateOf,
    fall: governance.fall,
    incidentsIn: incidents.incidents.countIn,
    async metricsOf(tenant, { endMs, ...window }) {
      // There both ends belong to a window; here its end does not.
      const figures = await metrics.atLeast.of(tenant, { ...window, endMs: endMs - 1 });
      const incomplete = figures.sources?.find(({ missing }) => missing !== undefined)?.missing ?? null;
      return { ...figures, incomplete };
    },
    evalCoverageOf: async (tenant, set) => (await evals.coverageOf(tenant, set))?.ratio ?? null,
    breakersOf,
    latestDrill: drills.latestDrill,
    lastScrapeMs: scrapes.lastScrapeMs,
  });
  const standingOf = async (
    tenant: string,
    set: string,
  ): Promise<(ReadinessStanding & ReadinessPoints) | null> => {
    if (!(await governance.setsOf(tenant)).some(({ name }) => name === set)) return null;
    const view = await readiness.assess(tenant, set, clock.nowMs());
    const items = READINESS_CATEGORIES.flatMap((category) => view[category].items);
    const unmet = items.filter(({ required, status }) => required && status !== 'met');
    const { score, points, maxPoints } = view.overall;
    return { score, points, maxPoints, unmetRequired: unmet.map(({ name }) => name) };
  };
  governing.judgeReadinessBy(
    (tenant, set) =>
      new Promise((resolve, reject) => {
        const text = `The readiness of ${set} could not be assessed within ${VOTE_WAITS_MS / 1_000} seconds, so nothing was counted. Do it again in a moment.`;
        const cancel = clock.after(VOTE_WAITS_MS, () => reject(new Unavailable(text)));
        standingOf(tenant, set).then(resolve, reject).finally(cancel);
      }),
  );
  /** What rates a tenant had is known better where all of them are counted: there it is looked at within the interval. */
  const check = async (tenant: string): Promise<void> => {
    if (!(await isElsewhere(tenant))) await readiness.check(tenant);
  };
  incidents.onCritical(({ tenant }) => check(tenant));
  return {
    readiness,
    routes: readinessRoutes({
      readiness,
      nowMs: () => clock.nowMs(),
      // What was vouched for is on record: whoever did it need not hear that a check did not get through.
      changed: (tenant) =>
        check(tenant).catch((error: unknown) =>
          failed(error, 'readiness could not be checked; it is with the next check'),
        ),
    }),
    schedule: createReadinessSchedule({
      clock,
      everyMs: config.breakerCheckMs,
      tenants: governance.tenants,
      check,
      failed,
    }),
  };
}
