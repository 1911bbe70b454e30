// Scrapes come from wherever Prometheus runs, several at a time; each has to say what is so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_COMMANDS, ratesOf } from '@mandate/kernel';
import { until } from '../../../../test/until.ts';
import type { Detailed } from './command-metrics.ts';
import { createGovernanceMetrics } from './governance-metrics.ts';

test('scrapes at once each say what one says by itself', async () => {
  const detailed: Detailed = {
    rates: ratesOf(NO_COMMANDS),
    incidents: { total: 1, critical: 1, fromAutonomousActions: 0 },
    safety: { constraintViolations: 0, emergencyAborts: 0, safetyGateTriggers: 0 },
    commands: { ...NO_COMMANDS, total: 103, succeeded: 100, failed: 3 },
    ended: { succeeded: 100, failed: 3, cancelled: 0, unknown: 0 },
    period: { start: '', end: '' },
  };
  const gates: (() => void)[] = [];
  const metrics = createGovernanceMetrics({
    prefix: 'm',
    nowMs: () => 0,
    setsOf: () => Promise.resolve([{ name: 'roastery', patterns: ['roaster.*'] }]),
    stateOf: () => Promise.resolve(null),
    lastAssessment: () => Promise.resolve(null),
    eventsOf: () =>
      Promise.resolve({
        counts: [{ rule: 'Errors', action: 'alert_only', alertSeverity: 'info', total: 2 }],
        unresolved: 1,
      }),
    eventSets: () => Promise.resolve([]),
    incidentsOf: async () => {
      await new Promise<void>((go) => gates.push(go));
      return { critical: 1 };
    },
    detailed: () => Promise.resolve(detailed),
  });
  const open = async (count: number): Promise<void> => {
    await until('they have got so far', () => gates.length >= count);
    for (const go of gates.splice(0)) go();
  };
  const scrape = async (count: number): Promise<readonly string[]> => {
    const texts = Array.from({ length: count }, () => metrics.text());
    await open(count);
    return Promise.all(texts);
  };
  const [alone = ''] = await scrape(1);
  assert.match(alone, /^m_governance_commands_total{status="succeeded"} 100$/m);
  assert.deepEqual(await scrape(4), [alone, alone, alone, alone]);
  assert.deepEqual(await scrape(1), [alone]);
});
