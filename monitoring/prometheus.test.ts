// A dashboard that shows nothing looks like a quiet night. So a real Prometheus scrapes a real server on which something
// has happened, and every query of every dashboard has to return data.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { approve, ask } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import type { TestServer } from '../test/server.ts';
import { findProgram } from '../test/system-package.ts';
import { until } from '../test/until.ts';
import { governanceDashboard, GOVERNANCE_UID } from './governance-dashboard.ts';
import { roadDashboard } from './road-dashboard.ts';
import { sloDashboard } from './slo-dashboard.ts';
import { monitoringFiles } from './write.ts';

const CHARTER = `version: 1
extends: default
limits: { usdPerDay: 100, concurrentAgents: 10 }
executors:
  does: { command: ['true'], cwd: . }
  fails: { command: ['false'], cwd: . }
actions:
  line.START: { executor: does, severity: low }
  line.BREAK: { executor: fails, severity: low }
tiers: { green: { actions: ['line.*', 'note.*'] } }
phases:
  line: { prefix: 'line.' }
monitors:
  slos:
    - apiVersion: openslo/v1
      kind: SLO
      metadata: { name: line-runs }
      spec:
        service: line
        indicator:
          spec:
            ratioMetric:
              counter: true
              good: { metricSource: { type: Mandate, spec: { actions: 'line.*', status: success } } }
              total: { metricSource: { type: Mandate, spec: { actions: 'line.*' } } }
        timeWindow: [{ duration: 28d, isRolling: true }]
        budgetingMethod: Occurrences
        objectives: [{ target: 0.99 }]
`;

test('Prometheus scrapes a running server, and every query of every dashboard returns data', async (t) => {
  const prometheus = await findProgram(t, 'prometheus', 'prometheus');
  const promtool = await findProgram(t, 'promtool', 'prometheus');
  if (prometheus === null || promtool === null) return;
  const server = await startServer(t, { charter: CHARTER, env: { METRICS_PREFIX: 'simcorp' } });
  await liveALittle(server);

  const text = await (await fetch(`${server.url}/metrics`)).text();
  const check = spawn(promtool, ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const said: string[] = [];
  check.stderr.on('data', (chunk: Buffer) => void said.push(chunk.toString()));
  check.stdin.end(text);
  await once(check, 'close');
  // Its one remark is about a name that dashboards elsewhere go by.
  assert.deepEqual(
    said
      .join('')
      .split('\n')
      .filter((line) => line !== ''),
    ['simcorp_governance_days_since_phase_start use base unit "seconds" instead of "days"'],
  );

  const query = await startPrometheus(t, prometheus, server.url);
  const dashboards = [governanceDashboard, roadDashboard, sloDashboard].map((build) => build('simcorp'));
  assert.ok(dashboards.some(({ uid }) => uid === GOVERNANCE_UID));
  let last: readonly string[] = [];
  const queries = dashboards.flatMap(({ title = '', panels = [] }) =>
    panels.flatMap((panel) =>
      'targets' in panel
        ? (panel.targets ?? []).map((target) => ({
            of: `${title}: ${panel.title}`,
            expr: String((target as { readonly expr?: string }).expr).replaceAll('$__rate_interval', '5s'),
          }))
        : [],
    ),
  );
  assert.ok(queries.length > 40, `${queries.length} queries`);
  await until(
    'every query returns data',
    async () => {
      // Something goes on while Prometheus looks, or a rate would have nothing to be a rate of.
      await ask(server, { agent: 'clerk', action: 'note.take' });
      const answers = await Promise.all(queries.map(async (it) => ({ ...it, seen: await query(it.expr) })));
      const empty = answers.filter(({ seen }) => seen === 0).map(({ of, expr }) => `${of}: ${expr}`);
      if (empty.length > 0) last = empty;
      return empty.length === 0;
    },
    { withinMs: 30_000, everyMs: 500 },
  ).catch((error: unknown) => assert.fail(`${String(error)}\n${last.join('\n')}`));
});

/** Commands that are approved and succeed, three that fail and trip a breaker, one that is refused, one that is undecided. */
async function liveALittle(server: TestServer): Promise<void> {
  for (const action of ['line.START', 'line.BREAK', 'line.BREAK', 'line.BREAK']) {
    const asked = await ask(server, { agent: 'line-1', action, parameters: {} });
    assert.equal(asked.status, 202, JSON.stringify(asked.body));
    if (asked.body.approval !== undefined) await approve(server, asked.body.approval);
    await until(`${action} has ended`, async () => {
      const { body } = await server.call<{ status: string }>(`/api/v1/actions/${asked.body.id}`);
      return ['success', 'failed'].includes(body.status);
    });
    // A third failure in a row freezes the agent as well.
    await server.call('/api/v1/agents/line-1/unfreeze', { reason: 'the line is being tried' });
  }
  await ask(server, { agent: 'line-1', action: 'line.START', parameters: { again: true } });
  await ask(server, { agent: 'line-1', action: 'secrets.expose' });
  const ran = await server.call('/api/v1/governance/run-cycle', {});
  assert.equal(ran.status, 201, JSON.stringify(ran.body));
  await until('a breaker has triggered', async () => {
    const { body } = await server.call<readonly unknown[]>('/api/v1/circuit-breaker/events/unresolved');
    return body.length > 0;
  });
}

/** Answers with a function that asks it how many series a query has. */
async function startPrometheus(t: TestContext, program: string, url: string) {
  const folder = await mkdtemp(join(tmpdir(), 'mandate-prometheus-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'rules.yaml'), monitoringFiles('simcorp').get('prometheus/rules.yaml') ?? '');
  await writeFile(
    join(folder, 'prometheus.yaml'),
    `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [rules.yaml]
scrape_configs: [{ job_name: mandate, static_configs: [{ targets: ['${new URL(url).host}'] }] }]
`,
  );
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    program,
    [
      `--config.file=${join(folder, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
    ],
    { stdio: 'ignore' },
  );
  t.after(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  const ask = async (path: string): Promise<Response | null> =>
    fetch(`http://${address}${path}`).catch(() => null);
  await until('Prometheus is ready', async () => (await ask('/-/ready'))?.ok);
  return async (expr: string): Promise<number> => {
    const answer = await ask(`/api/v1/query?query=${encodeURIComponent(expr)}`);
    assert.ok(answer !== null, 'Prometheus is gone');
    const { data, error } = (await answer.json()) as {
      readonly data?: { readonly result: readonly unknown[] };
      readonly error?: string;
    };
    assert.ok(data !== undefined, `${expr}: ${error}`);
    return data.result.length;
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
