// Metrics through the real door: what people did with real acts is there in the next answer, an empty database answers
// noughts, and Prometheus finds nothing to complain about.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { createMandate } from '@mandate/sdk';
import { openDoor } from '../../../../test/door.ts';
import type { Door } from '../../../../test/door.ts';
import { approve, ask, askHeld, callerOf, look } from '../../../../test/road.ts';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import type { ManualClock } from '../../platform/clock/manual-clock.ts';
import type { Role } from '../../platform/identity/roles.ts';
import { findProgram } from '../../../../test/system-package.ts';
import { until } from '../../../../test/until.ts';

const RULES = `version: 1
extends: default
tiers:
  green: { actions: [roaster.SET_FAN, roaster.UNDO, roaster.SET_AIRFLOW, roaster.ABORT, { match: roaster.SET_POWER, except: { when: 'parameters.percent > 90.0' } }] }
  red: { actions: [roaster.PREHEAT, { match: roaster.SET_DRUM, when: 'parameters.rpm > 60.0' }] }
  black: { actions: [roaster.OPEN_DOOR] }
actions:
  roaster.SET_FAN: { compensate: roaster.UNDO }
  roaster.ABORT: { safeState: true }
`;

/** Two sets that may be proposed at once; rates count for neither of them, but in what is shown. */
const RISING = `phases:
  roastery: { prefix: roaster., firstStabilization: 1s }
  shop: { prefix: shop., firstStabilization: 1s }
readiness:
  total: 20
  items:
    - { name: on record, category: technical, weight: 19, when: 'true' }
    - { name: success, category: technical, weight: 1, when: 'successRate > 0.5' }
`;

const NOTHING = {
  commands: { total: 0, proposed: 0, approved: 0, rejected: 0, succeeded: 0, failed: 0, rolledBack: 0 },
  rates: { successRate: null, approvalRate: null, rollbackRate: null, errorRate: null },
  incidents: { total: 0, critical: 0, fromAutonomousActions: 0 },
  safety: { constraintViolations: 0, emergencyAborts: 0, safetyGateTriggers: 0 },
};

async function read(door: Door, path: string): Promise<Record<string, unknown>> {
  const { status, json, text } = await door.call('GET', path);
  assert.equal(status, 200, `${path}: ${text}`);
  assert.ok(json !== null);
  return json;
}

/** Without the period, which depends on the clock. */
async function figures(door: Door, path: string): Promise<unknown> {
  const { period: _period, ...rest } = await read(door, path);
  return rest;
}

test('what acts have come to is in the very next answer, by the definitions of docs/metrics.md', async (t) => {
  const door = await openDoor(t, { charter: RULES, env: { METRICS_PREFIX: 'simcorp' } });
  const server = callerOf(door);
  for (const base of ['/api/metrics', '/api/v1/metrics']) {
    for (const name of ['current', 'latest', 'weekly'])
      assert.deepEqual(await figures(door, `${base}/${name}`), NOTHING);
    assert.deepEqual((await read(door, `${base}/command-types`))['commandTypes'], []);
    assert.deepEqual((await read(door, `${base}/history`))['items'], []);
  }

  let aborted = false;
  door.app.registerExecutor('roaster.*', async ({ action, parameters, signal }) => {
    if (parameters['fail'] === true) throw new Error('the sensor says nothing');
    if (action !== 'roaster.SET_AIRFLOW') return {};
    return new Promise((_, reject) =>
      signal.addEventListener('abort', () => {
        aborted = true;
        reject(new Error('aborted'));
      }),
    );
  });
  const fan = await ask(server, { action: 'roaster.SET_FAN' });
  assert.equal(
    (await ask(server, { action: 'roaster.SET_FAN', parameters: { fail: true } })).body.status,
    'failed',
  );
  assert.equal((await ask(server, { action: 'roaster.ABORT' })).body.status, 'success');
  assert.equal((await ask(server, { action: 'roaster.OPEN_DOOR' })).status, 403);
  const preheat = await askHeld(server, { action: 'roaster.PREHEAT' });
  await approve(server, preheat.approval);
  await until('it has run', async () => (await look(server, preheat.id)).body.status === 'success');
  const tooHot = await askHeld(server, { action: 'roaster.SET_POWER', parameters: { percent: 95 } });
  await server.call(`/api/v1/approvals/${tooHot.approval.id}/decision`, {
    decision: 'deny',
    digest: tooHot.approval.digest,
    reason: 'too hot',
  });
  await askHeld(server, { action: 'roaster.SET_DRUM', parameters: { rpm: 70 } });
  await askHeld(server, { action: 'roaster.SET_FAN', parameters: { percent: 1 }, estimatedCostUsd: 60 });
  const undone = await server.call<{ status: string }>(`/api/v1/actions/${fan.body.id}/rollback`, {
    reason: 'the wrong bean',
  });
  assert.equal(undone.body.status, 'success', JSON.stringify(undone.body));
  const hanging = ask(server, { action: 'roaster.SET_AIRFLOW' });
  await until('it runs', async () => ((await read(door, '/api/v1/stats'))['liveActs'] ?? 0) === 1);
  await server.call('/api/v1/stop', { reason: 'a drill', scope: 'action:roaster.SET_AIRFLOW' });
  assert.equal((await hanging).body.status, 'cancelled');
  assert.equal(aborted, true);
  assert.equal((await ask(server, { action: 'roaster.SET_AIRFLOW' })).status, 403);

  // SET_FAN, UNDO, ABORT and PREHEAT succeeded, one SET_FAN failed, SET_AIRFLOW was broken off.
  const expected = {
    commands: { total: 6, proposed: 4, approved: 1, rejected: 1, succeeded: 4, failed: 1, rolledBack: 1 },
    rates: { successRate: 0.8, approvalRate: 0.25, rollbackRate: 0.25, errorRate: 1 / 6 },
    incidents: NOTHING.incidents,
    // Violations: the black rule, the exception, the condition of SET_DRUM, the cost. Gates: the cost, and the stop.
    safety: { constraintViolations: 4, emergencyAborts: 2, safetyGateTriggers: 2 },
  };
  for (const path of ['/api/metrics/current', '/api/v1/metrics/weekly'])
    assert.deepEqual(await figures(door, path), expected);
  const { commandTypes } = await read(door, '/api/metrics/command-types');
  assert.ok(Array.isArray(commandTypes));
  assert.deepEqual(
    commandTypes.find(({ commandType }) => commandType === 'roaster.SET_FAN'),
    {
      commandType: 'roaster.SET_FAN',
      total: 2,
      proposed: 1,
      approved: 0,
      rejected: 0,
      succeeded: 1,
      failed: 1,
      rolledBack: 1,
    },
  );

  const { metrics } = createMandate({ url: door.url, apiKey: door.adminKey });
  const { period: _period, ...weekly } = await metrics.weekly();
  assert.deepEqual(weekly, expected);
  const byType = await metrics.commandTypes({ start: new Date(Date.now() - 60_000).toISOString() });
  assert.deepEqual(byType, commandTypes);
  assert.deepEqual(await metrics.history({ limit: 3 }), []);

  await t.test('a window that cannot be is refused with the place of the mistake', async () => {
    const rows = [
      ['start=2026-05-02T00:00:00Z&end=2026-05-01T00:00:00Z', '?/end'],
      ['start=2026-05-02&end=2026-05-02', '?/end'],
      ['start=yesterday', '?/start'],
      ['end=2026-13-45T00:00:00Z', '?/end'],
      ['start=3026-01-01T00:00:00Z', '?/start'],
      ['end=3026-01-01T00:00:00Z', '?/end'],
      ['from=2026-01-01T00:00:00Z', '?/from'],
    ] as const;
    for (const path of ['/api/metrics/current', '/api/v1/metrics/command-types'])
      for (const [query, pointer] of rows) {
        const { status, json, text } = await door.call('GET', `${path}?${query}`);
        assert.equal(status, 422, text);
        assert.ok(JSON.stringify(json?.['errors']).includes(`"pointer":"${pointer}"`), text);
      }
    const { status, text } = await door.call('GET', '/api/metrics/current?set=shop');
    assert.equal(status, 404, text);
  });

  await t.test('Prometheus finds the names of governance and nothing to complain about', async (inner) => {
    const scraped = async (): Promise<string> => (await door.call('GET', '/metrics', { key: null })).text;
    const text = await scraped();
    for (const line of [
      'simcorp_governance_command_success_rate 0.8',
      'simcorp_governance_commands_total{status="succeeded"} 4',
      'simcorp_governance_commands_total{status="rolled_back"} 1',
      'simcorp_governance_safety_constraint_violations_total 4',
      'simcorp_governance_safety_emergency_aborts_total 2',
      'simcorp_governance_circuit_breaker_events_unresolved 0',
      'simcorp_governance_incidents_total{severity="critical"} 0',
      'simcorp_stops_standing 1',
      'simcorp_acts_ended_total{status="failed"} 1',
      'simcorp_agents_registered{level="standard"} 1',
    ])
      assert.ok(text.includes(`${line}\n`), `${line} is not in:\n${text}`);
    const promtool = await findProgram(inner, 'promtool', 'prometheus');
    if (promtool === null) return;
    const { stdout, stderr } = spawnSync(promtool, ['check', 'metrics'], { input: text, encoding: 'utf8' });
    // Days are no base unit, and this name is given.
    const inherent = 'simcorp_governance_days_since_phase_start use base unit "seconds" instead of "days"';
    assert.deepEqual(
      `${stdout}${stderr}`.split('\n').filter((line) => line !== '' && line !== inherent),
      [],
    );
  });

  await t.test('each governed set has its own figures, and says which where there are several', async () => {
    const put = await door.call('PUT', '/api/v1/charter', {
      body: { text: `${RULES}phases: { roastery: { prefix: roaster. }, shop: { prefix: shop. } }\n` },
    });
    assert.equal(put.status, 200, put.text);
    assert.deepEqual(await figures(door, '/api/metrics/current?set=roastery'), expected);
    assert.deepEqual(await figures(door, '/api/metrics/current?set=shop'), NOTHING);
    const { status, text } = await door.call('GET', '/api/metrics/current');
    assert.equal(status, 422);
    assert.match(text, /roastery, shop/);
    const scraped = (await door.call('GET', '/metrics', { key: null })).text;
    assert.match(
      scraped,
      /^simcorp_governance_current_phase_info\{set="shop",phase="L3"\} 1$|^simcorp_governance_current_phase_info\{phase="L3",set="shop"\} 1$/m,
    );
    assert.match(scraped, /^simcorp_governance_days_since_phase_start\{set="roastery"\} \d/m);
  });

  await t.test(
    'the counter of critical incidents grows with each, however the ones before were judged',
    async () => {
      const counted = async (): Promise<string | undefined> =>
        /simcorp_governance_incidents_total\{set="shop",severity="critical"\} (\d+)/.exec(
          (await door.call('GET', '/metrics', { key: null })).text,
        )?.[1];
      for (const expected of ['1', '2']) {
        const opened = await door.call('POST', '/api/v1/incidents', {
          body: { title: 'Smoke', cause: 'unknown', severity: 'critical', set: 'shop' },
        });
        assert.equal(opened.status, 201, opened.text);
        assert.equal(await counted(), expected);
        const path = `/api/v1/incidents/${String(opened.json?.['id'])}`;
        const lowered = await door.call('PATCH', path, { body: { severity: 'low', reason: 'steam' } });
        assert.equal(lowered.status, 200, lowered.text);
        assert.equal(await counted(), expected);
      }
    },
  );
  assert.deepEqual(door.errors(), []);
});

test('a command database is counted beside the acts, marked, and refused by name where it is not one', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'mandate-commands-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'commands.db');
  const clock = manualClock(Date.now());
  const atMs = clock.nowMs() - 3_600_000;
  const db = new DatabaseSync(path);
  db.exec(
    'create table command_proposals (id integer primary key, status text, executionStatus text, command_type text, created_at, rejection_reason text)',
  );
  const row = db.prepare(
    'insert into command_proposals (status, executionStatus, command_type, created_at, rejection_reason) values (?, ?, ?, ?, ?)',
  );
  row.run('APPROVED', 'SUCCEEDED', 'SET_POWER', new Date(atMs).toISOString(), null);
  row.run(
    'approved',
    'rolled_back',
    'SET_POWER',
    new Date(atMs).toISOString().replace('T', ' ').replace('Z', ''),
    null,
  );
  row.run('approved', 'failed', 'ABORT', Math.floor(atMs / 1_000), null);
  row.run('rejected', null, 'roaster.SET_FAN', atMs, 'Constraint violation: rate of rise');
  row.run('approved', 'succeeded', 'shop.refund', atMs, null);
  row.run('approved', 'succeeded', 'SET_POWER', 'some day', null);
  row.run('approved', 'succeeded', 'SET_POWER', atMs - 400 * 86_400_000, null);
  db.close();

  const door = await openDoor(t, {
    charter: RULES + RISING,
    clock,
    env: { COMMAND_DB_PATH: path },
  });
  assert.deepEqual(await figures(door, '/api/metrics/current?set=roastery'), {
    commands: { total: 3, proposed: 4, approved: 3, rejected: 1, succeeded: 2, failed: 1, rolledBack: 1 },
    rates: { successRate: 2 / 3, approvalRate: 0.75, rollbackRate: 0.5, errorRate: 1 / 3 },
    incidents: NOTHING.incidents,
    safety: { constraintViolations: 1, emergencyAborts: 1, safetyGateTriggers: 0 },
    sources: [{ name: 'acts' }, { name: 'command_db', commands: 4, unreadable: 1 }],
  });
  clock.advance(2_000);
  const propose = await raiseBoth(door);
  await rm(path);
  const rise = await propose('shop');
  assert.deepEqual([rise.status, rise.json?.['code']], [503, 'unavailable'], 'nothing rises by half');
  const { status, json } = await door.call('GET', '/api/metrics/current?set=roastery');
  assert.equal(status, 503);
  assert.equal(json?.['code'], 'command_db_unreadable');
  const cycle = await door.call('POST', '/api/governance/run-cycle?set=roastery');
  assert.deepEqual([cycle.status, cycle.json?.['code']], [503, 'command_db_unreadable']);
  const scrape = (await door.call('GET', '/metrics', { key: null })).text;
  assert.match(scrape, /^mandate_command_db_unreadable 1$/m);
  await governedWithoutIt(door, clock);
});

/** Both sets are at L3+; answers with the way of proposing more. */
async function raiseBoth(door: Door): Promise<(set: string) => ReturnType<Door['call']>> {
  const keyOf = async (id: string, role: Role): Promise<string> =>
    (await door.makeKey({ roles: [role], user: { id } })).text;
  const [otto, tess] = [await keyOf('otto', 'operator'), await keyOf('tess', 'tech-lead')];
  const propose = (set: string): ReturnType<Door['call']> =>
    door.call('POST', '/api/governance/proposals', { key: otto, body: { set, reason: 'steady' } });
  for (const set of ['roastery', 'shop']) {
    const proposed = await propose(set);
    assert.equal(proposed.status, 201, proposed.text);
    const vote = `/api/governance/proposals/${String(proposed.json?.['id'])}/approve`;
    const approved = await door.call('POST', vote, { key: tess, body: { reason: 'seen' } });
    assert.equal(approved.status, 200, approved.text);
    assert.equal((await read(door, `/api/governance/state?set=${set}`))['phase'], 'L3+');
  }
  return propose;
}

/** Somebody else's file is gone: what takes autonomy back does so by the acts, and everybody is told. */
async function governedWithoutIt(door: Door, clock: ManualClock): Promise<void> {
  const phaseOf = async (set: string): Promise<unknown> =>
    (await read(door, `/api/governance/state?set=${set}`))['phase'];
  const shown = await read(door, '/api/readiness/current?set=roastery');
  assert.match(JSON.stringify(shown['technical']), /COMMAND_DB_PATH is .* no such file/);

  // The guard, with the breaker for the same switched off, and then a breaker.
  const rule = (set: string, name: string): string =>
    `/api/circuit-breaker/rules/${encodeURIComponent(name)}?set=${set}`;
  await door.call('PATCH', rule('shop', 'Critical Incident'), { body: { enabled: false } });
  const incident = { title: 'fire', cause: 'nobody knows', severity: 'critical', set: 'shop' };
  assert.equal((await door.call('POST', '/api/v1/incidents', { body: incident })).status, 201);
  await until('the guard has brought the shop back', async () => (await phaseOf('shop')) === 'L3');
  const failing = {
    condition: 'commands.failed >= 1',
    window: '5m',
    action: 'revert_to_l3',
    alertSeverity: 'alert',
  };
  const made = await door.call('PATCH', rule('roastery', 'any failure'), { body: failing });
  assert.ok(made.status < 300, made.text);
  const server = callerOf(door);
  const act = await ask(server, { agent: 'r1', action: 'roaster.SET_POWER', parameters: { percent: 10 } });
  const { id, permit } = act.body;
  await server.call(`/api/v1/actions/${id}/outcome`, { permit, status: 'failed', error: 'it broke' });
  await until('the breaker has brought the roastery back', async () => {
    clock.advance(1_000);
    return (await phaseOf('roastery')) === 'L3';
  });
  const metrics = await door.call('GET', '/metrics');
  assert.match(metrics.text, /^mandate_command_db_unreadable 1$/m);
  assert.match(door.errors().join('\n'), /the command database cannot be read: breakers and probation go by/);
}
