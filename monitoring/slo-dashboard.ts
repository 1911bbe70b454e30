// How much of what was promised is left, and how fast it goes.
import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, lines, stat } from './panels.ts';

export function sloDashboard(prefix: string): Dashboard {
  return dashboard(
    'mandate-slo',
    'Service level objectives',
    'Error budgets of the charter and how fast they burn.',
  )
    .withRow(new RowBuilder('Budgets'))
    .withPanel(
      stat(
        'Objective',
        { expr: `${prefix}_slo_objective_ratio`, legend: '{{slo}}' },
        { width: 8, unit: 'percentunit', why: 'What the charter promises.' },
      ),
    )
    .withPanel(
      stat(
        'Budget left',
        { expr: `${prefix}_slo_error_budget_remaining_ratio`, legend: '{{slo}}' },
        {
          width: 16,
          unit: 'percentunit',
          warnAt: [0.5, 0.1],
          isBetterHigh: true,
          why: 'Of the whole window. Below zero the promise is broken.',
        },
      ),
    )
    .withRow(new RowBuilder('Burning'))
    .withPanel(
      lines('Burn rate over an hour', [{ expr: `${prefix}_slo_burn_rate{window="1h"}`, legend: '{{slo}}' }], {
        width: 12,
        warnAt: [6, 14.4],
        why: '1 uses up exactly the budget in the window; over 14.4 it is gone in two days.',
      }),
    )
    .withPanel(
      lines(
        'Burn rate over six hours',
        [{ expr: `${prefix}_slo_burn_rate{window="6h"}`, legend: '{{slo}}' }],
        { width: 12, warnAt: [1, 6], why: 'Slower, but for longer.' },
      ),
    )
    .build();
}
