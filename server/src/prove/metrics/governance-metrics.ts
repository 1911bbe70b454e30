// What Prometheus is told of governance, under names that dashboards and alert rules elsewhere go by. Everything is asked
// for when somebody scrapes, of whoever knows it; a figure that nobody has is left out, because an alert on a made-up
// number is worse than one on none.
import { Counter, Gauge, Registry } from 'prom-client';
import type { Detailed, SetWindow } from './command-metrics.ts';
import type { MeasuredSet } from './snapshots.ts';

export interface PhaseFigures {
  readonly phase: string;
  readonly sinceMs: number;
  readonly validationUntilMs: number | null;
  readonly stabilizationUntilMs: number | null;
}

export interface AssessmentFigures {
  readonly overall: { readonly score: number; readonly validation?: { readonly score: number } | null };
  /** Points: of 35, 25 and 20 by the shipped items. */
  readonly technical: { readonly score: number };
  readonly process: { readonly score: number };
  readonly organizational: { readonly score: number };
}

export interface EventFigures {
  readonly counts: readonly {
    readonly rule: string;
    readonly action: string;
    readonly alertSeverity: string;
    readonly total: number;
  }[];
  readonly unresolved: number;
}

export interface GovernanceMetricsNeeds {
  readonly prefix: string;
  readonly nowMs: () => number;
  readonly setsOf: () => Promise<readonly MeasuredSet[]>;
  readonly stateOf: (set: string) => Promise<PhaseFigures | null>;
  /** What was assessed last; null where nothing was. */
  readonly lastAssessment: (set: string) => Promise<AssessmentFigures | null>;
  /** Of a set; null: of everything. */
  readonly eventsOf: (set: string | null) => Promise<EventFigures>;
  /** Sets of which there are events, those that the charter no longer names included. */
  readonly eventSets: () => Promise<readonly string[]>;
  readonly incidentsOf: (set: MeasuredSet | null) => Promise<Readonly<Record<string, number>>>;
  readonly detailed: (window: SetWindow) => Promise<Detailed>;
}

export interface MetricsText {
  text(): Promise<string>;
}

type Labels = Readonly<Record<string, string>>;

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;

/** `<prefix>_governance_…`. The label `set` is there only where there is more than one governed set. */
export function createGovernanceMetrics(needs: GovernanceMetricsNeeds): MetricsText {
  const registry = new Registry();
  const series = seriesOf(registry, `${needs.prefix}_governance`);

  /** What is known of a set, and what writes it down. */
  async function lookAt(set: MeasuredSet | null, labels: Labels): Promise<() => void> {
    const nowMs = needs.nowMs();
    const scope = { set: set?.name ?? null, patterns: set?.patterns ?? ['*'], endMs: nowMs };
    const [state, assessment, events, incidents, ever, week] = await Promise.all([
      set === null ? null : needs.stateOf(set.name),
      set === null ? null : needs.lastAssessment(set.name),
      // Without a label it is all there is: what the charter no longer names is still unresolved.
      needs.eventsOf('set' in labels ? (set?.name ?? null) : null),
      needs.incidentsOf(set),
      needs.detailed({ ...scope, startMs: 0 }),
      needs.detailed({ ...scope, startMs: nowMs - WEEK_MS }),
    ]);
    return () => {
      if (state !== null) series.phase(labels, state, nowMs);
      if (assessment !== null) series.readiness(labels, assessment);
      series.rates(labels, week);
      series.commands(labels, ever);
      series.events(labels, events);
      for (const severity of SEVERITIES) series.incident({ ...labels, severity }, incidents[severity] ?? 0);
    };
  }

  /** A set may be gone from the charter while people still have to look at what was noticed of it. */
  async function lookAtOthers(sets: readonly MeasuredSet[]): Promise<() => void> {
    const known = new Set(sets.map(({ name }) => name));
    const others = (await needs.eventSets()).filter((name) => !known.has(name));
    const found = await Promise.all(others.map((name) => needs.eventsOf(name)));
    return () => {
      for (const [index, figures] of found.entries()) series.events({ set: others[index] ?? '' }, figures);
    };
  }

  return {
    async text() {
      const sets = await needs.setsOf();
      const writes = await Promise.all(
        sets.length === 0
          ? [lookAt(null, {})]
          : sets.length === 1
            ? sets.map((set) => lookAt(set, {}))
            : [...sets.map((set) => lookAt(set, { set: set.name })), lookAtOthers(sets)],
      );
      // From here on in one breath, or the scrape of somebody else would write into this one.
      registry.resetMetrics();
      for (const write of writes) write();
      return registry.metrics();
    },
  };
}

/** A counter whose value is counted elsewhere. It never falls, or Prometheus would take the rest for new. */
export function countedElsewhere(counter: Counter): (labels: Labels, value: number) => void {
  const highest = new Map<string, number>();
  return (labels, value) => {
    const key = JSON.stringify(labels);
    const shown = Math.max(value, highest.get(key) ?? 0);
    highest.set(key, shown);
    counter.inc({ ...labels }, shown);
  };
}

function seriesOf(registry: Registry, prefix: string) {
  const gauge = (name: string, help: string, labels: readonly string[] = []) => {
    const made = new Gauge({
      name: `${prefix}_${name}`,
      help,
      labelNames: ['set', ...labels],
      registers: [registry],
    });
    return (at: Labels, value: number | null): void => {
      if (value !== null) made.set({ ...at }, value);
    };
  };
  const counter = (name: string, help: string, labels: readonly string[] = []) =>
    countedElsewhere(
      new Counter({ name: `${prefix}_${name}`, help, labelNames: ['set', ...labels], registers: [registry] }),
    );
  const info = gauge('current_phase_info', '1 for the phase that is in force', ['phase']);
  const days = gauge('days_since_phase_start', 'How many days the phase has lasted');
  const validation = gauge('validation_active', '1 while the phase is on probation');
  const stabilization = gauge('stabilization_active', '1 while nothing may be proposed after a fall');
  const success = gauge('command_success_rate', 'Succeeded of succeeded and failed, last seven days');
  const approval = gauge('command_approval_rate', 'Approved of proposed, last seven days');
  const error = gauge('command_error_rate', 'Failed of all that ended, last seven days');
  const rollback = gauge('command_rollback_rate', 'Rolled back of succeeded, last seven days');
  const commands = counter('commands_total', 'Commands by what became of them', ['status']);
  const score = gauge('readiness_score', 'Readiness by the last assessment, from 0 to 1');
  const held = gauge(
    'readiness_validation_score',
    'What a phase on probation is held to, from 0 to 1; absent otherwise',
  );
  const technical = gauge('readiness_technical_score', 'Technical points of the last assessment');
  const process = gauge('readiness_process_score', 'Process points of the last assessment');
  const organizational = gauge(
    'readiness_organizational_score',
    'Organizational points of the last assessment',
  );
  const events = counter('circuit_breaker_events_total', 'Circuit breaker events, one of each episode', [
    'rule_name',
    'action',
    'alert_severity',
  ]);
  const unresolved = gauge(
    'circuit_breaker_events_unresolved',
    'Circuit breaker events that nobody has resolved',
  );
  const incidents = counter('incidents_total', 'Incidents by severity', ['severity']);
  const violations = counter('safety_constraint_violations_total', 'Acts held or refused by a constraint');
  const aborts = counter(
    'safety_emergency_aborts_total',
    'Safe-state acts that began, and acts that a stop broke off',
  );
  const gates = counter(
    'safety_gate_triggers_total',
    'Acts held or refused by a finding, a restriction or a limit',
  );

  return {
    phase(
      at: Labels,
      { phase, sinceMs, validationUntilMs, stabilizationUntilMs }: PhaseFigures,
      nowMs: number,
    ): void {
      const stands = (untilMs: number | null): number => (untilMs !== null && untilMs > nowMs ? 1 : 0);
      info({ ...at, phase }, 1);
      days(at, Math.max(0, nowMs - sinceMs) / DAY_MS);
      validation(at, stands(validationUntilMs));
      stabilization(at, stands(stabilizationUntilMs));
    },
    readiness(at: Labels, assessment: AssessmentFigures): void {
      score(at, assessment.overall.score);
      held(at, assessment.overall.validation?.score ?? null);
      technical(at, assessment.technical.score);
      process(at, assessment.process.score);
      organizational(at, assessment.organizational.score);
    },
    rates(at: Labels, { rates }: Detailed): void {
      success(at, rates.successRate);
      approval(at, rates.approvalRate);
      error(at, rates.errorRate);
      rollback(at, rates.rollbackRate);
    },
    commands(at: Labels, { commands: all, ended, safety }: Detailed): void {
      const byStatus = {
        proposed: all.proposed,
        approved: all.approved,
        rejected: all.rejected,
        succeeded: all.succeeded,
        failed: all.failed,
        cancelled: ended.cancelled,
        rolled_back: all.rolledBack,
      };
      for (const [status, count] of Object.entries(byStatus)) commands({ ...at, status }, count);
      violations(at, safety.constraintViolations);
      aborts(at, safety.emergencyAborts);
      gates(at, safety.safetyGateTriggers);
    },
    events(at: Labels, figures: EventFigures): void {
      for (const { rule, action, alertSeverity, total } of figures.counts)
        events({ ...at, rule_name: rule, action, alert_severity: alertSeverity }, total);
      unresolved(at, figures.unresolved);
    },
    incident: incidents,
  };
}
