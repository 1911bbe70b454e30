// The facts of one set, gathered from whoever has them on record. What cannot be known is null and says why: it makes
// its item unmet, and the person who reads that must be able to do something about it.
import { UNKNOWN_FACTS } from '@mandate/kernel';
import type { FactName, GovernedSet, ReadinessFacts } from '@mandate/kernel';
import type { Drill, PhaseStanding, ReadinessNeeds, Window } from './needs.ts';

export interface Gathered {
  readonly facts: ReadinessFacts;
  /** The same with figures that others may be missing from taken as they are: what a phase on probation is held to. */
  readonly atLeast: ReadinessFacts;
  readonly why: Readonly<Partial<Record<FactName, string>>>;
  /** What the rates and incidents are about; null without a set. */
  readonly window: Window | null;
}

const DAY_MS = 86_400_000;
/** A month of readiness: six of them are the 180 days that it looks back at most. */
const MONTH_DAYS = 30;
const LOOKBACK_MS = 180 * DAY_MS;
/** Clocks of two servers may differ by this much; what is dated later than that is no evidence. */
const SKEW_MS = 300_000;
/** What is made of commands: not known where some may be missing. */
const OF_COMMANDS = [
  'successRate',
  'approvalRate',
  'rollbackRate',
  'errorRate',
  'commands.total',
  'commands.proposed',
  'commands.succeeded',
  'commands.failed',
  'evalCoverage',
] as const satisfies readonly FactName[];

export interface Subject {
  readonly tenant: string;
  readonly set: GovernedSet | null;
  readonly state: PhaseStanding | null;
  readonly nowMs: number;
}

type FactNeeds = Pick<
  ReadinessNeeds,
  'metricsOf' | 'incidentsIn' | 'evalCoverageOf' | 'breakersOf' | 'latestDrill' | 'lastScrapeMs'
>;

export async function gatherFacts(needs: FactNeeds, subject: Subject): Promise<Gathered> {
  const { tenant, nowMs } = subject;
  const [ofSet, killSwitch, chaos, audit, scraped] = await Promise.all([
    gatherOfSet(needs, subject),
    needs.latestDrill(tenant, 'kill_switch'),
    needs.latestDrill(tenant, 'chaos'),
    needs.latestDrill(tenant, 'audit_verification'),
    needs.lastScrapeMs(tenant),
  ]);
  const stopped = ageOf(killSwitch, 'kill-switch drill', nowMs);
  const shaken = ageOf(chaos, 'chaos run', nowMs);
  const scrapedMs = scraped === null ? null : nowMs - scraped;
  const verifiedMs = audit === null || nowMs - audit.atMs < -SKEW_MS ? null : nowMs - audit.atMs;
  const atLeast = {
    ...UNKNOWN_FACTS,
    ...ofSet.facts,
    killSwitchDrillAgeDays: stopped.days,
    chaosDrillAgeDays: shaken.days,
    'auditVerification.ageDays': verifiedMs === null ? null : Math.max(0, verifiedMs) / DAY_MS,
    'auditVerification.passed': verifiedMs === null ? null : (audit?.passed ?? null),
    metricsScrapedWithinMs: scrapedMs === null || scrapedMs < -SKEW_MS ? null : Math.max(0, scrapedMs),
  };
  return {
    facts: { ...atLeast, ...ofSet.unsure },
    atLeast,
    why: {
      ...ofSet.why,
      ...(stopped.why === null ? {} : { killSwitchDrillAgeDays: stopped.why }),
      ...(shaken.why === null ? {} : { chaosDrillAgeDays: shaken.why }),
    },
    window: ofSet.window,
  };
}

async function gatherOfSet(
  needs: FactNeeds,
  { tenant, set, state, nowMs }: Subject,
): Promise<{
  readonly facts: Partial<ReadinessFacts>;
  /** What is not known after all, each null. */
  readonly unsure: Partial<ReadinessFacts>;
  readonly why: Readonly<Partial<Record<FactName, string>>>;
  readonly window: Window | null;
}> {
  if (set === null || state === null) return { facts: {}, unsure: {}, why: {}, window: null };
  // The end is excluded, and what happened in this very millisecond counts.
  const endMs = nowMs + 1;
  const sinceMs = Math.min(state.sinceMs, nowMs);
  const window: Window = { startMs: Math.max(sinceMs, nowMs - LOOKBACK_MS), endMs };
  const { patterns } = set;
  const [figures, incidents, coverage, breakers] = await Promise.all([
    needs.metricsOf(tenant, { ...window, patterns }),
    needs.incidentsIn(tenant, { ...window, patterns, set: set.name }),
    needs.evalCoverageOf(tenant, set.name),
    needs.breakersOf(tenant, set.name),
  ]);
  const { commands, rates, incomplete } = figures;
  const days = (nowMs - sinceMs) / DAY_MS;
  return {
    facts: {
      ...rates,
      'commands.total': commands.total,
      'commands.proposed': commands.proposed,
      'commands.succeeded': commands.succeeded,
      'commands.failed': commands.failed,
      daysAtPhase: days,
      monthsAtPhase: days / MONTH_DAYS,
      evalCoverage: coverage,
      'incidents.total': incidents.total,
      'incidents.critical': incidents.critical,
      'incidents.fromAutonomousActions': incidents.fromAutonomousActions,
      'incidents.criticalFromAutonomousActions': incidents.criticalFromAutonomousActions,
      breakersConfigured: breakers,
    },
    unsure: incomplete === null ? {} : Object.fromEntries(OF_COMMANDS.map((name) => [name, null])),
    why: incomplete === null ? {} : Object.fromEntries(OF_COMMANDS.map((name) => [name, incomplete])),
    window,
  };
}

/** A drill that failed is none, and says so. */
function ageOf(
  drill: Drill | null,
  what: string,
  nowMs: number,
): { readonly days: number | null; readonly why: string | null } {
  if (drill === null) return { days: null, why: null };
  const on = new Date(drill.atMs).toISOString().slice(0, 10);
  if (!drill.passed) return { days: null, why: `The last ${what}, on ${on}, did not pass.` };
  const ageMs = nowMs - drill.atMs;
  return ageMs < -SKEW_MS
    ? { days: null, why: `The last ${what} is dated ${on}, which is still to come. Look at the clocks.` }
    : { days: Math.max(0, ageMs) / DAY_MS, why: null };
}
