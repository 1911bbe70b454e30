// The weekly cycle, handed what it looks at: metrics, readiness, breakers, incidents, objectives and the journal. Each
// knows only itself; here their answers become the findings that one report is made of.
import { nextTick, parseCron } from '@mandate/kernel';
import type {
  CommandTypeMetrics,
  GovernanceMetrics,
  GovernedSet,
  ReadinessReport,
  ReportedBreaker,
  ReportedIncident,
} from '@mandate/kernel';
import type { Infrastructure } from '../infrastructure.ts';
import { createCycle } from '../decide/governance/cycle.ts';
import type { CycleWindow, RunCycle } from '../decide/governance/cycle.ts';
import { createCycleSchedule } from '../decide/governance/cycle-schedule.ts';
import { createEvidence } from '../decide/governance/proposal-evidence.ts';
import type { EvidenceNeeds } from '../decide/governance/proposal-evidence.ts';
import type { CycleStanding } from '../decide/governance/routes.ts';
import type { BreakerEvent } from '../detect/monitors/event-store.ts';
import type { Monitors } from '../detect/monitors/monitors.ts';
import { statusOf } from '../detect/monitors/view.ts';
import type { Incident } from '../detect/incidents/incident.ts';
import type { Incidents } from '../detect/incidents/incidents.ts';
import { iso, isoOrNull } from '../platform/clock/iso.ts';
import { Unavailable } from '../platform/http/unavailable.ts';
import { writeEntry } from '../prove/journal/journal.ts';
import { CommandDbUnreadable } from '../prove/metrics/command-db-file.ts';
import type { CommandMetrics } from '../prove/metrics/command-metrics.ts';
import { renderReport } from '../prove/reports/form.ts';
import type { Snapshots } from '../prove/metrics/snapshots.ts';
import { createReports } from '../prove/reports/reports.ts';
import { reportRoutes } from '../prove/reports/routes.ts';
import type { Judgement } from './judgement.ts';
import type { MetricParts } from './metrics.ts';

export interface CycleSources {
  readonly infrastructure: Pick<Infrastructure, 'store' | 'clock' | 'chance' | 'log'>;
  readonly judgement: Pick<Judgement, 'governing' | 'approvals'>;
  readonly metrics: Pick<CommandMetrics, 'of' | 'byType'>;
  readonly snapshots: Pick<Snapshots, 'take'>;
  readonly isElsewhere: MetricParts['isElsewhere'];
  readonly assess: (tenant: string, set: string) => Promise<ReadinessReport>;
  readonly monitors: Pick<Monitors, 'events' | 'unresolvedEvents' | 'rulesOf' | 'objectives'>;
  readonly incidents: Pick<Incidents, 'concerning'>;
}

/** More than this of anything in a week is counted as not listed. */
const MOST = 1_000;
const PROPOSALS_LOOKED_AT = 5;

export function buildCycle({
  infrastructure,
  judgement,
  metrics,
  snapshots,
  isElsewhere,
  assess,
  monitors,
  incidents,
}: CycleSources) {
  const { store, clock, chance, log } = infrastructure;
  const { governance } = judgement.governing;
  const reports = createReports({ store, writeEntry });

  const looking: EvidenceNeeds = {
    clock,
    setsOf: governance.setsOf,
    stateOf: governance.stateOf,
    metricsOf: async (tenant, set, window) => metricsFrom(await metrics.of(tenant, scopeOf(set, window))),
    byType: async (tenant, set, window) =>
      (await metrics.byType(tenant, scopeOf(set, window))).map(recordFrom),
    breakerRules: async (tenant, set) =>
      (await monitors.rulesOf(tenant, set)).filter(({ enabled }) => enabled).map(({ name }) => name),
  };
  const evidenceOf = createEvidence(looking);
  judgement.governing.showRecordBy(async (tenant, set, readiness) => {
    try {
      return await evidenceOf(tenant, set, readiness);
    } catch (error) {
      if (!(error instanceof CommandDbUnreadable)) throw error;
      throw new Unavailable(error.message);
    }
  });
  const file = createCycle({
    ...looking,
    store,
    chance,
    reports,
    assess,
    proposerOf: governance.proposerOf,
    auditRoot: reports.auditRoot,
    async pendingProposal(tenant, set) {
      for (const id of await governance.proposalIds(tenant, set, PROPOSALS_LOOKED_AT)) {
        const asked = await judgement.approvals.find(tenant, id);
        if (asked?.status === 'pending' && Date.parse(asked.expiresAt) > clock.nowMs())
          return { id, title: asked.title };
      }
      return null;
    },
    async breakersIn(tenant, set, { startMs, endMs }) {
      const open = await monitors.unresolvedEvents(tenant, set);
      const recent = await monitors.events(tenant, { set, unresolved: false, limit: MOST });
      const known = new Set(open.map(({ id }) => id));
      const others = recent.filter(
        ({ id, openedMs }) => !known.has(id) && openedMs >= startMs && openedMs <= endMs,
      );
      return [...open, ...others].toSorted((a, b) => b.openedMs - a.openedMs).map(breakerFrom);
    },
    async incidentsIn(tenant, { name, patterns }, { startMs, endMs }) {
      // There a window is half-open; here its end belongs to it.
      const window = { set: name, patterns, startMs, endMs: endMs + 1, limit: MOST };
      const found = await incidents.concerning(tenant, window);
      return found.toSorted((a, b) => b.openedMs - a.openedMs).map(incidentFrom);
    },
    objectivesOf: async (tenant, set) =>
      (await monitors.objectives(tenant, set)).map(({ slo, counts, budget, event }) => ({
        name: slo.title,
        target: slo.target,
        actual: counts.total === 0 ? null : counts.good / counts.total,
        budgetLeft: budget.remaining,
        status: statusOf({ counts, budget, event }).replace('_', ' '),
      })),
  });

  /** What the report says of the week is kept beside the daily figures, too. The report stands without it. */
  const run: RunCycle = async (order) => {
    const answer = await file(order);
    if (answer.kind !== 'done' || !answer.isNew) return answer;
    const { set, period } = answer.filed.report;
    const governed = (await governance.setsOf(order.tenant)).find(({ name }) => name === set);
    if (governed !== undefined) {
      const window = { startMs: Date.parse(period.start), endMs: Date.parse(period.end) };
      await snapshots
        .take(order.tenant, scopeOf(governed, window), 'cycle')
        .catch((error: unknown) =>
          log.error({ err: error }, 'the figures of the cycle were not kept as history'),
        );
    }
    return answer;
  };

  /** For whoever waits for the answer; the schedule tries again by itself. */
  const runNow: RunCycle = async (order) => {
    try {
      return await run(order);
    } catch (error) {
      if (!(error instanceof CommandDbUnreadable)) throw error;
      return { kind: 'refused', refusal: { code: 'command_db_unreadable', detail: error.message } };
    }
  };

  return {
    async cycleOf(tenant: string, { name, cycle, timeZone }: GovernedSet): Promise<CycleStanding> {
      const [newest] = await reports.list(tenant, { set: name, limit: 1 });
      const parsed = parseCron(cycle);
      const nextMs = parsed.kind === 'refused' ? null : nextTick(parsed.cron, timeZone, clock.nowMs());
      if (newest === undefined) return { last: null, next: isoOrNull(nextMs) };
      const { id, week, createdAt, decision } = newest.report;
      return {
        last: { report: id, week, at: createdAt, decision: decision.kind },
        next: isoOrNull(nextMs),
      };
    },
    async openReport(tenant: string, id: string) {
      const filed = await reports.find(tenant, id);
      return filed === null ? null : { status: 200, ...renderReport(filed, 'html') };
    },
    routes: reportRoutes({ reports, run: runNow, setsOf: governance.setsOf, nowMs: () => clock.nowMs() }),
    schedule: createCycleSchedule({
      clock,
      run,
      async tenants() {
        const tenants = await governance.tenants();
        const others = await Promise.all(tenants.map(isElsewhere));
        return tenants.filter((_, n) => others[n] === false);
      },
      setsOf: governance.setsOf,
      seenMs: async (tenant, set) =>
        (await reports.lastEnd(tenant, set, clock.nowMs())) ??
        (await governance.stateOf(tenant, set))?.governedMs ??
        null,
      failed: (error, what) => log.error({ err: error }, what),
    }),
  };
}

function scopeOf({ name, patterns }: GovernedSet, window: CycleWindow) {
  return { set: name, patterns, ...window };
}

function metricsFrom({ period, commands, rates, incidents, safety }: GovernanceMetrics): GovernanceMetrics {
  return {
    period,
    commands: { ...commands },
    rates: { ...rates },
    incidents: { ...incidents },
    safety: { ...safety },
  };
}

function recordFrom(record: CommandTypeMetrics): CommandTypeMetrics {
  const { commandType, total, proposed, approved, rejected, succeeded, failed, rolledBack } = record;
  return { commandType, total, proposed, approved, rejected, succeeded, failed, rolledBack };
}

function breakerFrom(event: BreakerEvent): ReportedBreaker {
  return {
    id: event.id,
    rule: event.rule,
    action: event.action,
    severity: event.alertSeverity,
    commandType: event.commandType === '' ? null : event.commandType,
    at: iso(event.openedMs),
    resolvedAt: isoOrNull(event.resolvedMs),
    resolvedBy: event.resolvedBy,
  };
}

function incidentFrom({ id, title, severity, source, openedMs, resolvedMs }: Incident): ReportedIncident {
  return { id, title, severity, source, openedAt: iso(openedMs), resolvedAt: isoOrNull(resolvedMs) };
}
