// The road in figures: what is asked and decided, how long it takes, who waits for people, and whether the house is sound.
import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, label, lines, stat, table } from './panels.ts';

export function roadDashboard(prefix: string): Dashboard {
  const name = (metric: string): string => `${prefix}_${metric}`;
  return dashboard(
    'mandate-road',
    'The road',
    'Decisions, acts, approvals, trust, budgets and the state of the house.',
  )
    .withRow(new RowBuilder('Now'))
    .withPanel(
      stat(
        'Stops in force',
        { expr: name('stops_standing'), legend: 'stops' },
        { width: 4, warnAt: [1, 1], why: 'No act begins in the scope of a stop.' },
      ),
    )
    .withPanel(
      stat(
        'Approvals that wait',
        { expr: name('approvals_pending'), legend: 'pending' },
        { width: 4, warnAt: [10, 50], why: 'More than people can read are approvals in name only.' },
      ),
    )
    .withPanel(
      stat(
        'Oldest approval',
        { expr: name('approvals_oldest_seconds'), legend: 'oldest' },
        {
          width: 4,
          unit: 's',
          warnAt: [3_600, 14_400],
          why: 'What waits too long expires, and the agent asks again.',
        },
      ),
    )
    .withPanel(
      stat(
        'Acts under way',
        { expr: name('acts_live'), legend: 'live' },
        { width: 4, why: 'Begun and not ended, permits included.' },
      ),
    )
    .withPanel(
      stat(
        'Ends unknown',
        { expr: name('acts_unknown'), legend: 'unknown' },
        { width: 4, warnAt: [1, 10], why: 'Nobody knows how they ended; a person has to say.' },
      ),
    )
    .withPanel(
      stat(
        'Agents frozen',
        { expr: name('agents_frozen'), legend: 'frozen' },
        { width: 4, warnAt: [1, 5], why: 'Frozen for their failures, or by hand.' },
      ),
    )
    .withRow(new RowBuilder('Decisions'))
    .withPanel(
      lines(
        'Decided by tier, a second',
        [{ expr: `sum by (tier) (rate(${name('decisions_total')}[$__rate_interval]))`, legend: '{{tier}}' }],
        { width: 8, unit: 'reqps', why: 'Green runs, yellow is told, red waits, black never.' },
      ),
    )
    .withPanel(
      lines(
        'Answered by status, a second',
        [
          {
            expr: `sum by (status) (rate(${name('actions_total')}[$__rate_interval]))`,
            legend: '{{status}}',
          },
        ],
        { width: 8, unit: 'reqps', why: 'What the agents were told.' },
      ),
    )
    .withPanel(
      lines(
        'From question to answer',
        [0.5, 0.95, 0.99].map((quantile) => ({
          expr: `histogram_quantile(${quantile}, sum by (le) (rate(${name('action_duration_seconds_bucket')}[$__rate_interval])))`,
          legend: `p${quantile * 100}`,
        })),
        { width: 8, unit: 's', why: 'The executor included.' },
      ),
    )
    .withPanel(
      lines(
        'Acts by how they ended, an hour',
        [{ expr: `sum by (status) (increase(${name('acts_ended_total')}[1h]))`, legend: '{{status}}' }],
        { width: 12, why: 'Counted from the acts themselves.' },
      ),
    )
    .withPanel(
      lines(
        'HTTP, p95 by route',
        [
          {
            expr: `histogram_quantile(0.95, sum by (le, route) (rate(${name('http_request_duration_seconds_bucket')}[$__rate_interval])))`,
            legend: '{{route}}',
          },
        ],
        { width: 12, unit: 's', why: 'What agents, people and machines wait for.' },
      ),
    )
    .withRow(new RowBuilder('Trust and budgets'))
    .withPanel(
      lines('Agents by trust', [{ expr: name('agents_registered'), legend: '{{level}}' }], {
        width: 8,
        why: 'Trust alone turns yellow into green.',
      }),
    )
    .withPanel(
      lines(
        'Spent today',
        [
          { expr: name('budget_used_usd'), legend: '{{scope}}' },
          { expr: name('budget_limit_usd'), legend: '{{scope}} ceiling' },
        ],
        {
          width: 8,
          unit: 'currencyUSD',
          why: 'Reserved and spent on this UTC day. No approval goes over a ceiling.',
        },
      ),
    )
    .withPanel(
      table(
        'Restrictions in force',
        { expr: `sum by (kind) (${name('restrictions_standing')})`, legend: '' },
        { width: 8, why: 'Stops, freezes, pauses, flags, phases, throttles.' },
      ),
    )
    .withRow(new RowBuilder('The house'))
    .withPanel(
      label(
        'Charter',
        { expr: name('charter_info'), legend: '{{version}}' },
        { width: 4, why: 'Every process decides by this one.' },
      ),
    )
    .withPanel(
      stat(
        'Workers',
        { expr: name('workers_alive'), legend: 'alive' },
        { width: 4, why: 'Processes whose lease stands.' },
      ),
    )
    .withPanel(
      stat(
        'Sequencer lag',
        { expr: name('sequencer_lag_seconds'), legend: 'lag' },
        {
          width: 4,
          unit: 's',
          warnAt: [1, 5],
          why: 'Age of the oldest entry without a position: nobody is told of it yet.',
        },
      ),
    )
    .withPanel(
      stat(
        'Runs that wait for a worker',
        { expr: name('workflow_runs_due'), legend: 'due' },
        { width: 4, warnAt: [10, 100], why: 'Start another worker when it stays high.' },
      ),
    )
    .withPanel(
      stat(
        'Feeds open',
        { expr: name('feeds_open'), legend: 'feeds' },
        { width: 4, why: 'People and programs that watch live.' },
      ),
    )
    .withPanel(
      stat(
        'Keys in force',
        { expr: name('api_keys_live'), legend: 'keys' },
        { width: 4, why: 'What is not needed any more should be revoked.' },
      ),
    )
    .withPanel(
      lines(
        'Journal entries, a second',
        [{ expr: `rate(${name('journal_position')}[$__rate_interval])`, legend: 'entries' }],
        { width: 12, why: 'Every decision and every change leaves one.' },
      ),
    )
    .withPanel(
      lines(
        'Memory and event loop',
        [
          { expr: name('process_resident_memory_bytes'), legend: 'resident' },
          { expr: name('nodejs_heap_size_used_bytes'), legend: 'heap' },
        ],
        { width: 12, unit: 'bytes', why: 'Of the process that was scraped.' },
      ),
    )
    .build();
}
