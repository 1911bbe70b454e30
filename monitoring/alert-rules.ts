// Whom Prometheus wakes, and why. Rules are data, because the prefix of all names is a setting; promtool tests them as
// they are written out.

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  /** How long it must hold; left out: at once. */
  readonly for?: string;
  readonly labels: { readonly severity: 'critical' | 'warning' };
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook: string };
}

export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly AlertRule[];
}

interface Words {
  readonly summary: string;
  readonly description: string;
  /** The heading of docs/runbook.md. */
  readonly runbook: string;
}

export function alertRules(prefix: string): readonly RuleGroup[] {
  return [
    { name: `${prefix}-governance`, rules: governanceRules(`${prefix}_governance`) },
    { name: `${prefix}-road`, rules: roadRules(prefix) },
    { name: `${prefix}-slo`, rules: burnRules(prefix) },
  ];
}

function governanceRules(name: string): readonly AlertRule[] {
  return [
    rule(
      {
        alert: 'ReadinessScoreDropped',
        severity: 'warning',
        for: '5m',
        expr: `${name}_readiness_validation_score < 0.90`,
      },
      {
        summary: 'Readiness is {{ $value | humanizePercentage }} while the phase is on probation',
        description:
          'Under 90 % during validation the set falls back to the phase before. Look at what is missing.',
        runbook: 'readiness-dropped',
      },
    ),
    rule(
      {
        alert: 'HighCommandErrorRate',
        severity: 'critical',
        for: '5m',
        expr: `${name}_command_error_rate > 0.05`,
      },
      {
        summary: '{{ $value | humanizePercentage }} of the commands fail',
        description:
          'More than one in twenty fails. The circuit breaker should have fired: see whether it did.',
        runbook: 'a-breaker-has-fired',
      },
    ),
    rule(
      {
        alert: 'CircuitBreakerTriggered',
        severity: 'critical',
        for: '1m',
        expr: `${name}_circuit_breaker_events_unresolved > 0`,
      },
      {
        summary: 'Circuit breaker events that wait for a person: {{ $value }}',
        description: 'Find the cause, then resolve the event with a reason. Until then nothing is proposed.',
        runbook: 'a-breaker-has-fired',
      },
    ),
    rule(
      {
        alert: 'CriticalIncident',
        severity: 'critical',
        expr: `increase(${name}_incidents_total{severity="critical"}[5m]) > 0`,
      },
      {
        summary: 'A critical incident has been opened',
        description: 'Read its timeline and the acts that it names; stop the agents if it goes on.',
        runbook: 'an-incident',
      },
    ),
  ];
}

function roadRules(prefix: string): readonly AlertRule[] {
  return [
    rule(
      { alert: 'StopActive', severity: 'critical', expr: `${prefix}_stops_standing > 0` },
      {
        summary: 'Stops in force: {{ $value }}',
        description: 'No act begins in their scope until somebody who may resumes it.',
        runbook: 'a-stop',
      },
    ),
    rule(
      {
        alert: 'SequencerLate',
        severity: 'critical',
        for: '1m',
        expr: `${prefix}_sequencer_lag_seconds > 5`,
      },
      {
        summary: 'The oldest journal entry without a position is {{ $value | humanizeDuration }} old',
        description: 'Feeds, digests, breakers and webhooks see nothing newer. Acts go on and lose nothing.',
        runbook: 'the-sequencer-is-late',
      },
    ),
    rule(
      { alert: 'MandateDown', severity: 'critical', for: '1m', expr: 'up{job="mandate"} == 0' },
      {
        summary: 'Mandate does not answer',
        description: 'While it is away no agent may begin anything.',
        runbook: 'mandate-is-down',
      },
    ),
  ];
}

/** Two windows each, as in chapter 5 of Google's SRE Workbook (sre.google/workbook/alerting-on-slos): the long one shows that it matters, the short one that it still goes on. */
function burnRules(prefix: string): readonly AlertRule[] {
  return [
    burn(prefix, {
      alert: 'ErrorBudgetBurnsFast',
      severity: 'critical',
      rate: 14.4,
      long: '1h',
      short: '5m',
    }),
    burn(prefix, { alert: 'ErrorBudgetBurns', severity: 'warning', rate: 6, long: '6h', short: '30m' }),
  ];
}

function burn(
  prefix: string,
  {
    alert,
    severity,
    rate,
    long,
    short,
  }: {
    readonly alert: string;
    readonly severity: 'critical' | 'warning';
    readonly rate: number;
    readonly long: string;
    readonly short: string;
  },
): AlertRule {
  const over = (window: string): string => `${prefix}_slo_burn_rate{window="${window}"} > ${rate}`;
  return rule(
    { alert, severity, expr: `${over(long)} and ignoring (window) ${over(short)}` },
    {
      summary: 'The error budget of {{ $labels.slo }} burns {{ $value | humanize }} times too fast',
      description: `Over ${long} and over ${short}. At ${rate} times the budget of 30 days is gone in ${Math.round((30 / rate) * 10) / 10} days.`,
      runbook: 'an-error-budget-burns',
    },
  );
}

interface Trigger {
  readonly alert: string;
  readonly severity: 'critical' | 'warning';
  readonly expr: string;
  readonly for?: string;
}

function rule({ severity, ...trigger }: Trigger, words: Words): AlertRule {
  return {
    ...trigger,
    labels: { severity },
    annotations: { ...words, runbook: `docs/runbook.md#${words.runbook}` },
  };
}
