// Eight months of one million acts, inserted by SQL. What governance has to answer from them: the metrics of any window,
// against counting the acts of that window directly, what a scrape costs, and a whole weekly cycle.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApp } from '../server/src/app.ts';
import type { App } from '../server/src/app.ts';
import { openInfrastructure } from '../server/src/infrastructure.ts';
import type { Infrastructure } from '../server/src/infrastructure.ts';
import { loadConfig } from '../server/src/platform/config/config.ts';
import { connect } from '../server/src/platform/postgres/connection.ts';
import { createCommandMetrics } from '../server/src/prove/metrics/command-metrics.ts';
import type { Window } from '../server/src/prove/metrics/counts.ts';
import { countDirectly } from '../server/src/prove/metrics/rollup-store.ts';
import { insertHistory } from './lib/history.ts';
import { median } from './lib/measure.ts';
import { publish, times, verdict } from './lib/results.ts';

const ACTS = Number(process.env['MANDATE_BENCH_ACTS'] ?? 1_000_000);
const WINDOWS = Number(process.env['MANDATE_BENCH_WINDOWS'] ?? 200);
const DAYS = 243;
const DAY_MS = 86_400_000;
const TENANT = 'default';
const TARGET_MS = 100;
const CYCLE_MS = 2_000;
const CHARTER = `version: 1
extends: default
phases: { roastery: { prefix: roaster. } }
actions:
  roaster.*: { severity: medium }
  roaster.EMERGENCY_SHUTDOWN: { safeState: true }
tiers:
  yellow: { actions: ['roaster.*'] }
`;

const dataDir = mkdtempSync(join(tmpdir(), 'mandate-bench-'));
const config = loadConfig({ env: { MANDATE_DATA_DIR: dataDir, LOG_LEVEL: 'error' }, argv: [] });
const infrastructure = await openInfrastructure(config);
try {
  const app = await createApp(infrastructure, { version: 'bench', watchdog: false, charterText: CHARTER });
  try {
    await measure(infrastructure, app);
  } finally {
    await app.close();
  }
} finally {
  await infrastructure.close();
  rmSync(dataDir, { recursive: true, force: true });
}

async function measure({ store, clock, addresses }: Infrastructure, app: App): Promise<void> {
  const key = app.adminKey.kind === 'created' ? app.adminKey.text : '';
  const endMs = clock.nowMs();
  const startMs = endMs - DAYS * DAY_MS;
  const admin = connect(addresses.adminUrl, { max: 1, applicationName: 'bench' });
  const insertMs = await timed(() => insertHistory(admin, { tenant: TENANT, acts: ACTS, startMs, endMs }));
  const metrics = createCommandMetrics({
    store,
    clock,
    lawOf: () => Promise.resolve(null),
    incidentsIn: () => Promise.resolve({ total: 0, critical: 0, fromAutonomousActions: 0 }),
    source: null,
    failed: (error) => {
      throw error;
    },
  });
  const rebuildMs = await timed(() => metrics.rebuild(TENANT));
  // As autovacuum does within the minute: plans differ.
  await admin.unsafe('analyze mandate.metric_bucket');
  await admin.end();

  const ask = async (path: string, method = 'GET'): Promise<unknown> => {
    const answer = await app.fetch(`http://mandate${path}`, {
      method,
      headers: { 'x-api-key': key },
      signal: AbortSignal.timeout(60_000),
    });
    const body: unknown = await answer.text();
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${String(body)}`);
    return body;
  };
  // The shortest and the longest alike: a span is e to the power of something even.
  const windows = Array.from({ length: WINDOWS }, () => {
    const spanMs = Math.round(
      Math.exp(Math.log(60_000) + Math.random() * Math.log((DAYS * DAY_MS) / 60_000)),
    );
    const from = Math.round(startMs + Math.random() * (DAYS * DAY_MS - spanMs));
    return { patterns: ['roaster.*'], startMs: from, endMs: from + spanMs };
  });
  const path = ({ startMs: from, endMs: to }: { startMs: number; endMs: number }): string =>
    `/api/metrics/current?start=${new Date(from).toISOString()}&end=${new Date(to).toISOString()}`;
  await ask('/api/metrics/weekly');
  const asked: number[] = [];
  for (const window of windows) asked.push(await timed(() => ask(path(window))));
  const whole = { patterns: ['roaster.*'], startMs, endMs };
  const wholeMs = median(await repeated(7, () => ask(path(whole))));
  // As long as it takes: the app's own statements are cut off after 15 s.
  const countAfresh = (window: Window): Promise<unknown> =>
    store.withTenant(TENANT, async (tx) => {
      await tx`set local statement_timeout = 0`;
      return countDirectly(tx, TENANT, window, {});
    });
  // Counting afresh takes a second and more for the long ones: every tenth window shows the ratio.
  const ratios: number[] = [];
  for (const window of windows.filter((_, n) => n % 10 === 0)) {
    const direct = await timed(() => countAfresh(window));
    ratios.push(direct / (await timed(() => metrics.of(TENANT, window))));
  }
  const directMs = await timed(() => countAfresh(whole));
  await ask('/metrics');
  const scrapeMs = median(await repeated(9, () => ask('/metrics')));
  const cycleMs = await timed(() => ask('/api/governance/run-cycle', 'POST'));

  const [server] = await store.app<
    { version: string }[]
  >`select current_setting('server_version') as version`;
  const p50 = median(asked);
  const p99 = asked.toSorted((a, b) => a - b)[Math.ceil(asked.length * 0.99) - 1] ?? 0;
  publish({
    name: 'governance',
    command: 'npm run bench -- governance',
    postgres: server?.version ?? null,
    tables: [
      {
        title: `Governance over ${ACTS.toLocaleString('en')} acts of eight months`,
        head: ['', 'time', 'target', ''],
        rows: [
          [`metrics of any window, median of ${WINDOWS} windows`, ms(p50), '', ''],
          ['metrics of any window, 99th percentile', ms(p99), '< 100 ms', verdict(p99 < TARGET_MS)],
          ['metrics of all eight months', ms(wholeMs), '< 100 ms', verdict(wholeMs < TARGET_MS)],
          ['a scrape of /metrics', ms(scrapeMs), '< 100 ms', verdict(scrapeMs < TARGET_MS)],
          ['a full weekly cycle, the first one', ms(cycleMs), '< 2 s', verdict(cycleMs < CYCLE_MS)],
          ['counting all eight months from the acts', ms(directMs), '', ''],
          ['counting a window from the acts, against its metrics (median)', times(median(ratios)), '', ''],
          ['counting everything again (rebuild)', ms(rebuildMs), '', ''],
        ],
        notes: [
          `Windows lie anywhere and last from a minute to eight months, evenly on a logarithmic scale; they are asked for over HTTP inside the process. Inserting took ${Math.round(insertMs / 1_000)} s.`,
          'The server and Postgres share the cores.',
        ],
      },
    ],
  });
}

function ms(value: number): string {
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await run();
  return performance.now() - from;
}

async function repeated(count: number, run: () => Promise<unknown>): Promise<readonly number[]> {
  const all: number[] = [];
  for (let n = 0; n < count; n += 1) all.push(await timed(run));
  return all;
}
