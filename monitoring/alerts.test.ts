// Alert rules are law for whoever is woken by them: each is shown firing, and shown silent just before it should.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { findProgram } from '../test/system-package.ts';
import { alertRules } from './alert-rules.ts';
import type { AlertRule } from './alert-rules.ts';
import { monitoringFiles } from './write.ts';

const run = promisify(execFile);

interface Case {
  readonly alert: string;
  readonly series: Readonly<Record<string, string>>;
  /** Silent then … */
  readonly quietAt: string;
  /** … and firing then. */
  readonly firesAt: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly summary: string;
}

const G = 'simcorp_governance';

const CASES: readonly Case[] = [
  {
    alert: 'ReadinessScoreDropped',
    series: { [`${G}_readiness_validation_score`]: '0.97 0.97 0.85x20' },
    quietAt: '6m',
    firesAt: '8m',
    summary: 'Readiness is 85% while the phase is on probation',
  },
  {
    alert: 'HighCommandErrorRate',
    series: { [`${G}_command_error_rate`]: '0.05x5 0.2x20' },
    quietAt: '9m',
    firesAt: '12m',
    summary: '20% of the commands fail',
  },
  {
    alert: 'CircuitBreakerTriggered',
    series: { [`${G}_circuit_breaker_events_unresolved`]: '0 0 2x20' },
    quietAt: '2m',
    firesAt: '4m',
    summary: 'Circuit breaker events that wait for a person: 2',
  },
  {
    alert: 'CriticalIncident',
    series: { [`${G}_incidents_total{severity="critical"}`]: '3x10 4x20' },
    quietAt: '9m',
    firesAt: '12m',
    labels: { severity: 'critical' },
    summary: 'A critical incident has been opened',
  },
  {
    alert: 'StopActive',
    series: { simcorp_stops_standing: '0 0 1x20' },
    quietAt: '1m',
    firesAt: '2m',
    summary: 'Stops in force: 1',
  },
  {
    alert: 'SequencerLate',
    series: { simcorp_sequencer_lag_seconds: '0 30x20' },
    quietAt: '1m',
    firesAt: '3m',
    summary: 'The oldest journal entry without a position is 30s old',
  },
  {
    alert: 'MandateDown',
    series: { 'up{job="mandate"}': '1 0x20' },
    quietAt: '1m',
    firesAt: '3m',
    labels: { job: 'mandate' },
    summary: 'Mandate does not answer',
  },
  {
    alert: 'ErrorBudgetBurnsFast',
    series: {
      'simcorp_slo_burn_rate{slo="roasts",window="1h"}': '20x30',
      'simcorp_slo_burn_rate{slo="roasts",window="5m"}': '1x5 40x25',
    },
    quietAt: '4m',
    firesAt: '7m',
    labels: { slo: 'roasts', window: '1h' },
    summary: 'The error budget of roasts burns 20 times too fast',
  },
  {
    alert: 'ErrorBudgetBurns',
    series: {
      'simcorp_slo_burn_rate{slo="roasts",window="6h"}': '7x30',
      'simcorp_slo_burn_rate{slo="roasts",window="30m"}': '1x5 8x25',
    },
    quietAt: '4m',
    firesAt: '7m',
    labels: { slo: 'roasts', window: '6h' },
    summary: 'The error budget of roasts burns 7 times too fast',
  },
];

test('the files that Grafana and Prometheus read are those that the code writes', async () => {
  for (const [path, text] of monitoringFiles('mandate')) {
    const written = await readFile(new URL(path, import.meta.url), 'utf8');
    assert.equal(written, text, `monitoring/${path} is stale: npm run monitoring`);
  }
});

test('every alert fires when it should and not a step before, under the prefix of one’s own', async (t) => {
  const promtool = await findProgram(t, 'promtool', 'prometheus');
  if (promtool === null) return;
  const rules = alertRules('simcorp').flatMap((group) => group.rules);
  const runbook = await readFile(new URL('../docs/runbook.md', import.meta.url), 'utf8');
  const chapters = runbook.matchAll(/^##+ (.*)$/gm);
  const anchors = new Set([...chapters].map(([, title = '']) => title.toLowerCase().replaceAll(' ', '-')));
  for (const { annotations } of rules)
    assert.ok(anchors.has(annotations.runbook.split('#')[1] ?? ''), annotations.runbook);
  assert.deepEqual(
    CASES.map(({ alert }) => alert),
    rules.map(({ alert }) => alert),
  );
  const folder = await mkdtemp(join(tmpdir(), 'mandate-alerts-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(
    join(folder, 'rules.yaml'),
    monitoringFiles('simcorp').get('prometheus/rules.yaml') ?? assert.fail(),
  );
  const tests = CASES.map((it) => testOf(it, rules.find(({ alert }) => alert === it.alert) ?? assert.fail()));
  await writeFile(
    join(folder, 'rules.test.yaml'),
    stringify({ rule_files: ['rules.yaml'], evaluation_interval: '1m', tests }),
  );
  await run(promtool, ['check', 'rules', join(folder, 'rules.yaml')]);
  const { stdout } = await run(promtool, ['test', 'rules', join(folder, 'rules.test.yaml')]).catch(
    (error: { readonly stdout: string; readonly stderr: string }) => assert.fail(error.stdout + error.stderr),
  );
  assert.match(stdout, /SUCCESS/);
});

function testOf({ alert, series, quietAt, firesAt, labels = {}, summary }: Case, rule: AlertRule): unknown {
  return {
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [
      { eval_time: quietAt, alertname: alert, exp_alerts: [] },
      {
        eval_time: firesAt,
        alertname: alert,
        exp_alerts: [
          {
            exp_labels: { ...labels, ...rule.labels },
            exp_annotations: { ...rule.annotations, summary },
          },
        ],
      },
    ],
  };
}
