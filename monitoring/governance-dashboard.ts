// Autonomy at a glance: in which phase we are, how well the commands do, whether we are ready for more, and what went wrong.
import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, label, lines, stat, table } from './panels.ts';

/** The uid is fixed: links in messages and runbooks lead to it. */
export const GOVERNANCE_UID = 'autonomy-governance';

export function governanceDashboard(prefix: string): Dashboard {
  const name = (metric: string): string => `${prefix}_governance_${metric}`;
  const quarter = { width: 6, unit: 'percentunit' } as const;
  return dashboard(
    GOVERNANCE_UID,
    'Autonomy governance',
    'Phases, commands, readiness, circuit breakers and incidents of what earns its autonomy.',
  )
    .withRow(new RowBuilder('Where we are'))
    .withPanel(
      label(
        'Current phase',
        { expr: `${name('current_phase_info')} == 1`, legend: '{{phase}}' },
        { width: 6, why: 'What runs without asking is decided by the phase.' },
      ),
    )
    .withPanel(
      stat(
        'Days in this phase',
        { expr: name('days_since_phase_start'), legend: '{{set}}' },
        { width: 6, unit: 'd', why: 'A phase has to be lived in before the next may be proposed.' },
      ),
    )
    .withPanel(
      stat(
        'Readiness',
        { expr: name('readiness_score'), legend: '{{set}}' },
        {
          ...quarter,
          warnAt: [0.95, 0.9],
          isBetterHigh: true,
          why: '95 % and every required item for a proposal; under 90 % during validation the phase falls.',
        },
      ),
    )
    .withPanel(
      stat(
        'Open breaker events',
        { expr: name('circuit_breaker_events_unresolved'), legend: '{{set}}' },
        { width: 6, warnAt: [1, 1], why: 'Each waits for a person who says why it may be closed.' },
      ),
    )
    .withRow(new RowBuilder('Commands'))
    .withPanel(
      lines(
        'Rates',
        [
          { expr: name('command_success_rate'), legend: 'success' },
          { expr: name('command_approval_rate'), legend: 'approval' },
          { expr: name('command_error_rate'), legend: 'error' },
          { expr: name('command_rollback_rate'), legend: 'rollback' },
        ],
        { width: 12, unit: 'percentunit', why: 'Of the last seven days. A rate of nothing has no line.' },
      ),
    )
    .withPanel(
      lines(
        'Commands by what became of them, an hour',
        [{ expr: `sum by (status) (increase(${name('commands_total')}[1h]))`, legend: '{{status}}' }],
        { width: 12, why: 'Sudden silence is as telling as sudden noise.' },
      ),
    )
    .withRow(new RowBuilder('Readiness'))
    .withPanel(
      lines(
        'Score by category',
        [
          { expr: name('readiness_technical_score'), legend: 'technical (35)' },
          { expr: name('readiness_process_score'), legend: 'process (25)' },
          { expr: name('readiness_organizational_score'), legend: 'organizational (20)' },
        ],
        { width: 24, why: 'Points of 80. What is attested runs out; what is measured moves.' },
      ),
    )
    .withRow(new RowBuilder('What went wrong'))
    .withPanel(
      table(
        'Circuit breaker events',
        {
          expr: `sum by (rule_name, action, alert_severity) (${name('circuit_breaker_events_total')})`,
          legend: '',
        },
        { width: 12, why: 'Since the beginning, by rule.' },
      ),
    )
    .withPanel(
      lines(
        'Incidents',
        [{ expr: `sum by (severity) (${name('incidents_total')})`, legend: '{{severity}}' }],
        { width: 6, why: 'Opened since the beginning, by severity.' },
      ),
    )
    .withPanel(
      lines(
        'Safety',
        [
          { expr: name('safety_constraint_violations_total'), legend: 'constraint violations' },
          { expr: name('safety_emergency_aborts_total'), legend: 'emergency aborts' },
        ],
        { width: 6, why: 'What the charter refused, and what had to be broken off.' },
      ),
    )
    .build();
}
