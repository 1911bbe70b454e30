// From what the cycle gathered to the report and to what people are asked: pure, so that the same findings always make
// the same report.
import { phaseIndex, writeProposal } from '@mandate/kernel';
import type {
  AuditRoot,
  CommandTypeMetrics,
  CycleDecision,
  CycleFacts,
  GovernanceMetrics,
  GovernanceReport,
  GovernedSet,
  PhaseProposal,
  ReadinessReport,
  ReportedBreaker,
  ReportedIncident,
  ReportedObjective,
  ReportedReadiness,
} from '@mandate/kernel';
import { iso, isoOrNull } from '../../platform/clock/iso.ts';
import type { SetState } from './state.ts';

/** Everything that one cycle knows of one set. */
export interface CycleFindings {
  readonly set: GovernedSet;
  readonly state: SetState;
  /** Epoch milliseconds; the end is when the cycle was due, or was asked for. */
  readonly period: { readonly startMs: number; readonly endMs: number };
  readonly week: string;
  readonly metrics: GovernanceMetrics;
  readonly previous: GovernanceMetrics;
  readonly commandTypes: readonly CommandTypeMetrics[];
  /** Over the time at the phase, 180 days at most. */
  readonly atPhase: {
    readonly metrics: GovernanceMetrics;
    readonly commandTypes: readonly CommandTypeMetrics[];
  };
  readonly readiness: ReadinessReport;
  /** Those of the period, and every one that is unresolved; newest first. */
  readonly breakers: readonly ReportedBreaker[];
  readonly breakerRules: readonly string[];
  /** Those of the period, and every one that is open; newest first. */
  readonly incidents: readonly ReportedIncident[];
  readonly objectives: readonly ReportedObjective[];
  readonly pendingProposal: CycleFacts['pendingProposal'];
  readonly audit: AuditRoot;
}

/** What the cycle came to. */
export interface CycleOutcome {
  readonly id: string;
  readonly createdMs: number;
  readonly by: string;
  readonly decision: CycleDecision;
  readonly proposal: GovernanceReport['proposal'];
}

const DAY_MS = 86_400_000;
const LISTED_MAX = 200;
const STEPS_MAX = 20;

export function factsOf(findings: CycleFindings, nowMs: number): CycleFacts {
  const { set, state, readiness, breakers, pendingProposal } = findings;
  return {
    set,
    phase: state.phase,
    nowMs,
    score: readiness.score,
    unmetRequired: itemsOf(readiness)
      .filter(({ required, status }) => required && status !== 'met')
      .map(({ name }) => name),
    unresolvedBreakers: breakers.filter(({ resolvedAt }) => resolvedAt === null),
    pendingProposal,
    stabilizationUntilMs: state.stabilizationUntilMs,
    validationUntilMs: state.validationUntilMs,
  };
}

/** What a proposal is written from. */
export interface ProposalGround extends Pick<CycleFindings, 'set' | 'state' | 'atPhase' | 'breakerRules'> {
  readonly readiness: Pick<ReadinessReport, 'points' | 'total'>;
  readonly period: Pick<CycleFindings['period'], 'endMs'>;
}

/** What people are asked to agree to; null where the charter has no such phase. */
export function proposalOf(findings: ProposalGround, target: string): PhaseProposal | null {
  const { set, state, atPhase, readiness, breakerRules, period } = findings;
  const from = set.phases[phaseIndex(set, state.phase)];
  const to = set.phases[phaseIndex(set, target)];
  if (from === undefined || to === undefined) return null;
  return writeProposal({
    set,
    from,
    to,
    days: daysSince(state.sinceMs, period.endMs),
    metrics: atPhase.metrics,
    commandTypes: atPhase.commandTypes,
    readiness: { points: readiness.points, maxPoints: readiness.total },
    breakerRules,
  });
}

export function reportOf(findings: CycleFindings, outcome: CycleOutcome): GovernanceReport {
  const { set, state, period, breakers, incidents } = findings;
  const commandTypes = findings.commandTypes.toSorted(
    (a, b) => b.total - a.total || b.proposed - a.proposed || (a.commandType < b.commandType ? -1 : 1),
  );
  const beyond = (list: readonly unknown[]): number => Math.max(0, list.length - LISTED_MAX);
  return {
    id: outcome.id,
    set: set.name,
    week: findings.week,
    timeZone: set.timeZone,
    period: { start: iso(period.startMs), end: iso(period.endMs) },
    createdAt: iso(outcome.createdMs),
    createdBy: outcome.by,
    phase: {
      name: state.phase,
      title: state.title,
      step: state.index + 1,
      steps: set.phases.length,
      since: iso(state.sinceMs),
      days: daysSince(state.sinceMs, period.endMs),
      validationUntil: isoOrNull(state.validationUntilMs),
      stabilizationUntil: isoOrNull(state.stabilizationUntilMs),
      whitelist: state.whitelist,
    },
    metrics: findings.metrics,
    previous: findings.previous,
    commandTypes: commandTypes.slice(0, LISTED_MAX),
    readiness: reported(findings.readiness),
    breakers: breakers.slice(0, LISTED_MAX),
    incidents: incidents.slice(0, LISTED_MAX),
    omitted: {
      commandTypes: beyond(commandTypes),
      breakers: beyond(breakers),
      incidents: beyond(incidents),
    },
    objectives: findings.objectives,
    decision: outcome.decision,
    proposal: outcome.proposal,
    nextSteps: nextSteps(findings, outcome),
    audit: findings.audit,
  };
}

function reported(readiness: ReadinessReport): ReportedReadiness {
  const { score, points, total, ready, blockers, recommendations, nextActions } = readiness;
  const categories = (['technical', 'process', 'organizational'] as const).map((name) => ({
    name,
    score: readiness[name].score,
    maxScore: readiness[name].maxScore,
    items: readiness[name].items.map((item) => ({
      name: item.name,
      weight: item.weight,
      required: item.required,
      status: item.status,
      details: item.details,
    })),
  }));
  return { score, points, maxPoints: total, ready, blockers, categories, recommendations, nextActions };
}

/** What is to be done, the most urgent first. */
function nextSteps(
  { breakers, incidents, readiness }: CycleFindings,
  { proposal }: CycleOutcome,
): readonly string[] {
  const steps = [
    ...(proposal === null
      ? []
      : [
          `Approve or reject the proposal ${proposal.id} for ${proposal.to}: ${proposal.requiredApprovals.join(', ')}.`,
        ]),
    ...breakers
      .filter(({ resolvedAt }) => resolvedAt === null)
      .map(
        ({ rule, id }) => `Look into the circuit breaker ${rule} and resolve the event ${id} with a reason.`,
      ),
    ...incidents
      .filter(({ resolvedAt }) => resolvedAt === null)
      .map(({ title, severity }) => `Resolve the ${severity} incident: ${title}.`),
    ...readiness.nextActions,
  ];
  return [...new Set(steps)].slice(0, STEPS_MAX);
}

function itemsOf(readiness: ReadinessReport): readonly ReadinessReport['technical']['items'][number][] {
  return [...readiness.technical.items, ...readiness.process.items, ...readiness.organizational.items];
}

function daysSince(sinceMs: number, nowMs: number): number {
  return Math.max(0, Math.floor((nowMs - sinceMs) / DAY_MS));
}
