// Autonomy is earned in months and lost in seconds. This lives both: a roastery that begins with a person behind every
// command, and ends where it began because a sensor came loose.
//
// The clock is the test's and jumps from week to week. One batch of each stretch is roasted for real, through the agent,
// the road, the people and the machine; what the days between would have brought are the acts of that very batch, copied
// with SQL to their days with their approvals (without journal entries). Everything else is asked of the server as anybody
// would: cycles, attestations, drills, evals, proposals, votes.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { viewOf } from '../examples/roastery/view.ts';
import { ask, resume, stop } from '../test/road.ts';
import type { Caller } from '../test/road.ts';
import { DAY_MS, get, liveAWeek, openRoastery, post, WEEK_MS } from '../test/roastery-months.ts';
import type { Person, Roastery } from '../test/roastery-months.ts';
import { startServer } from '../test/server.ts';
import { until } from '../test/until.ts';

/** Who vouches for what; all of it takes a name, a role and something to show. */
const WORD: Readonly<Record<string, Person>> = {
  'runbooks complete': 'ada',
  'incident playbooks': 'ada',
  'architecture docs updated': 'tess',
  'clear escalation path': 'ada',
  'stakeholder sign-off': 'eve',
  'security review': 'tess',
  'rollback plan documented': 'tess',
  'on-call rotation trained': 'ada',
  'team consensus': 'tess',
  'product approval': 'pia',
  'ops approval': 'ada',
};

interface State {
  readonly phase: string;
  readonly validationUntil: string | null;
  readonly stabilizationUntil: string | null;
  readonly pendingProposal: string | null;
}
interface Score {
  readonly score: number;
  readonly ready: boolean;
  readonly blockers: readonly string[];
}
interface Report {
  readonly decision: {
    readonly kind: string;
    readonly target?: string;
    readonly reasons?: readonly { readonly code: string }[];
  };
  readonly proposal: { readonly id: string } | null;
}

const stateOf = (roastery: Roastery): Promise<State> => get(roastery, '/api/governance/state');
const scoreOf = (roastery: Roastery): Promise<Score> => get(roastery, '/api/readiness/score');
const cycle = (roastery: Roastery): Promise<Report> =>
  post(roastery, '/api/governance/run-cycle', {}, { expect: 201 });

/** What people, drills and evals have to show; all of it anew where it is asked for again. */
async function showEvidence(roastery: Roastery): Promise<void> {
  const runbook = await readFile(new URL('../docs/runbook.md', import.meta.url));
  const sha256 = createHash('sha256').update(runbook).digest('hex');
  const evidence = { file: 'docs/runbook.md', sha256 };
  for (const [item, as] of Object.entries(WORD))
    await post(roastery, '/api/readiness/attestations', { item, evidence }, { as, expect: 201 });
  const chaos = {
    kind: 'chaos',
    at: new Date(roastery.clock.nowMs() - DAY_MS).toISOString(),
    passed: true,
    summary: 'Postgres was killed in mid-roast; the machine went on with what was set.',
    sha256,
  };
  for (const drill of [{ kind: 'kill_switch' }, { kind: 'audit_verification' }, chaos]) {
    const { passed } = await post<{ passed: boolean }>(roastery, '/api/v1/governance/drills', drill, {
      expect: 201,
    });
    assert.equal(passed, true, JSON.stringify(drill));
  }
}

/** As Prometheus and a timer would: /metrics is read, and the evals are run. */
async function watch(roastery: Roastery): Promise<void> {
  await post(roastery, '/api/v1/evals/roastery/run', {}, { expect: 200 });
  const { phase } = await stateOf(roastery);
  const { text } = await roastery.door.call('GET', '/metrics', { key: roastery.keys.prometheus });
  const told = text.split('\n').filter((line) => line.startsWith('simcorp_governance_current_phase_info'));
  assert.deepEqual(told, [`simcorp_governance_current_phase_info{phase="${phase}"} 1`]);
  await until('the look at it is on record', async () => {
    const { blockers } = await scoreOf(roastery);
    return !blockers.some((blocker) => blocker.startsWith('monitoring in place'));
  });
}

/** What becomes of a command of the agent now, by the judgement alone. */
async function effectOf(
  server: Caller,
  key: string,
  name: string,
  parameters: object,
): Promise<readonly [string, string]> {
  const { body } = await server.call<{ decision: { effect: string; phase: string } }>(
    '/api/v1/decisions',
    { agent: 'roaster-1', action: `roaster.${name}`, parameters },
    { key },
  );
  return [body.decision.effect, body.decision.phase];
}

const nextEffectIn =
  ({ server, keys }: Roastery) =>
  (name: string, parameters: object): Promise<readonly [string, string]> =>
    effectOf(server, keys.agent, name, parameters);

function setPower({ server, keys }: Roastery, percent: number): ReturnType<typeof ask> {
  return ask(
    server,
    { agent: 'roaster-1', action: 'roaster.SET_POWER', parameters: { percent } },
    { key: keys.agent },
  );
}

test('autonomy is earned in eight months and lost within a second', async (t) => {
  const roastery = await openRoastery(t);
  await roastWithPeople(roastery);
  await liveHalfAYear(roastery);
  await rise(roastery);
  await flyHalfAlone(roastery);
  await loseIt(roastery, t);
  await stopInMidRoast(roastery);
  await startOver(roastery);
  assert.deepEqual(roastery.door.errors(), []);
});

/** At L3 every command waits, and people roast the first batch. */
async function roastWithPeople(roastery: Roastery): Promise<void> {
  assert.equal((await stateOf(roastery)).phase, 'L3');
  const { outcomes, display } = await roastery.batch();
  assert.ok(display.developmentRatio !== null && !display.aborted, [...outcomes.keys()].join());
  const { commands, rates } = await get<{
    commands: { total: number; proposed: number; approved: number };
    rates: { successRate: number; approvalRate: number };
  }>(roastery, '/api/metrics/current');
  assert.ok(commands.total >= 12);
  assert.deepEqual([commands.proposed, commands.approved], [commands.total, commands.total]);
  assert.deepEqual([rates.successRate, rates.approvalRate], [1, 1]);
  assert.equal((await cycle(roastery)).decision.kind, 'stay');
}

/** For half a year the weekly cycle looks, and proposes nothing. */
async function liveHalfAYear(roastery: Roastery): Promise<void> {
  const text = await readFile(new URL('../examples/roastery/evals.yaml', import.meta.url), 'utf8');
  await post(roastery, '/api/v1/evals', { text }, { expect: 201 });
  const fromMs = roastery.clock.nowMs() - 300_000;
  for (let week = 1; week <= 25; week += 1) {
    await liveAWeek(roastery, fromMs);
    const { decision, proposal } = await cycle(roastery);
    assert.deepEqual([decision.kind, proposal], ['stay', null]);
  }
  assert.equal((await stateOf(roastery)).phase, 'L3');
  assert.ok((await scoreOf(roastery)).score < 0.95);
  await liveAWeek(roastery, fromMs);
}

/** Evidence makes it ready, the cycle proposes L3+, and the tech lead lets it rise; nobody else can. */
async function rise(roastery: Roastery): Promise<void> {
  const { server, keys } = roastery;
  await showEvidence(roastery);
  await watch(roastery);
  const { score, ready, blockers } = await scoreOf(roastery);
  assert.ok(score >= 0.95 && ready, `${score}: ${blockers.join('; ')}`);
  const { decision, proposal } = await cycle(roastery);
  assert.deepEqual([decision.kind, decision.target], ['propose', 'L3+'], JSON.stringify(decision));
  const id = proposal?.id ?? assert.fail('nothing was proposed');
  assert.equal((await stateOf(roastery)).pendingProposal, id);
  // Neither a role that is not asked nor an agent approves. Who may sends it back; then a person proposes it, and does
  // not approve what she proposed.
  const approve = (of: string): string => `/api/governance/proposals/${of}/approve`;
  await post(roastery, approve(id), { reason: 'mine' }, { as: 'pia', expect: 403 });
  assert.equal((await server.call(approve(id), { reason: 'mine' }, { key: keys.agent })).status, 403);
  const reject = { reason: 'first show me the drill' };
  await post(roastery, `/api/governance/proposals/${id}/reject`, reject, { as: 'theo', expect: 200 });
  const again = await post<{ id: string }>(
    roastery,
    '/api/governance/proposals',
    { reason: 'theo has seen the drill' },
    { as: 'tess', expect: 201 },
  );
  await post(roastery, approve(again.id), { reason: 'as I said' }, { as: 'tess', expect: 403 });
  assert.equal((await stateOf(roastery)).phase, 'L3');
  await post(
    roastery,
    approve(again.id),
    { reason: 'half a year without a fault' },
    { as: 'theo', expect: 200 },
  );
  const { phase, validationUntil } = await stateOf(roastery);
  assert.deepEqual([phase, validationUntil === null], ['L3+', false]);
}

/** At L3+ it sets power and fan by itself and the drum still waits, for three weeks on probation and after. */
async function flyHalfAlone(roastery: Roastery): Promise<void> {
  const fromMs = roastery.clock.nowMs();
  const nextEffect = nextEffectIn(roastery);
  assert.deepEqual(await nextEffect('SET_POWER', { percent: 60 }), ['execute', 'L3+']);
  assert.deepEqual(await nextEffect('SET_DRUM', { rpm: 58 }), ['hold', 'L3+']);
  const { outcomes } = await roastery.batch();
  const done = (...names: string[]): number =>
    names.reduce((sum, name) => sum + (outcomes.get(`${name} success`) ?? 0), 0);
  const { commands } = await get<{ commands: { total: number; proposed: number } }>(
    roastery,
    `/api/metrics/current?start=${new Date(fromMs).toISOString()}`,
  );
  assert.ok(done('SET_POWER') > 3);
  assert.equal(
    commands.total,
    [...outcomes.values()].reduce((sum, count) => sum + count, 0),
  );
  assert.equal(commands.proposed, done('SET_DRUM', 'SET_AIRFLOW', 'PREHEAT', 'COOLING_CYCLE'));
  for (let week = 1; week <= 3; week += 1) {
    await liveAWeek(roastery, fromMs);
    await watch(roastery);
    assert.equal((await cycle(roastery)).decision.kind, 'stay');
  }
  const { phase, validationUntil } = await stateOf(roastery);
  assert.deepEqual([phase, validationUntil], ['L3+', null]);
}

/** A sensor comes loose, and within the second it is at L3 again, in every process. */
async function loseIt(roastery: Roastery, t: TestContext): Promise<void> {
  const { clock, door, keys, roaster, database, masterKey } = roastery;
  const nextEffect = nextEffectIn(roastery);
  const starting = startServer(t, {
    charter: roaster.charter,
    database,
    masterKey,
    adminKey: door.adminKey,
    env: { METRICS_PREFIX: 'simcorp' },
  });
  // A whole batch and a half within five minutes: of fewer than twenty commands no rate says anything.
  await roastery.batch();
  await roastery.batch(() => viewOf(roaster.device.look()).stage === 'maillard');
  const other = await starting;
  assert.deepEqual(await effectOf(other, keys.agent, 'SET_POWER', { percent: 60 }), ['execute', 'L3+']);
  const { commands } = await get<{ commands: { total: number } }>(
    roastery,
    `/api/metrics/current?start=${new Date(clock.nowMs() - 300_000).toISOString()}`,
  );
  assert.ok(commands.total >= 20 && commands.total < 38, String(commands.total));
  await fetch(`${roaster.device.url}/loose-contact`, { method: 'POST', body: '{"every":1}' });

  // One failure in twenty-odd commands is under five of a hundred; the second is over.
  for (const percent of [50, 55]) {
    const { body } = await setPower(roastery, percent);
    assert.equal(body.status, 'failed', JSON.stringify(body));
  }
  const failedAt = performance.now();
  await until(
    'the next decision waits',
    async () => (await nextEffect('SET_POWER', { percent: 60 }))[0] !== 'execute',
  );
  const tookMs = performance.now() - failedAt;
  // Within the second, for a process that gets a processor when it needs one.
  const busy = Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());
  assert.ok(tookMs < 1_000 * busy, `${Math.round(tookMs)} ms at a load of ${busy.toFixed(1)}`);
  assert.deepEqual(await nextEffect('SET_POWER', { percent: 60 }), ['hold', 'L3']);
  assert.deepEqual(await effectOf(other, keys.agent, 'SET_POWER', { percent: 60 }), ['hold', 'L3']);
  assert.equal((await setPower(roastery, 60)).status, 202);
  await other.close();
}

/** A stop in mid-roast lets the shutdown through, and nothing else. */
async function stopInMidRoast(roastery: Roastery): Promise<void> {
  const { server, keys, roaster } = roastery;
  assert.equal(roaster.device.look().mode, 'roasting');
  await stop(server);
  const shutdown = { agent: 'roaster-1', action: 'roaster.EMERGENCY_SHUTDOWN' };
  for (const key of [keys.agent, keys.ada])
    assert.equal(
      (await ask(server, { ...shutdown, action: 'roaster.COOLING_CYCLE' }, { key })).body.code,
      'stopped',
    );
  assert.equal((await ask(server, shutdown, { key: keys.agent })).body.code, 'stopped');
  const shut = await ask(server, shutdown, { key: keys.ada });
  assert.deepEqual([shut.status, shut.body.status], [200, 'success'], JSON.stringify(shut.body));
  assert.deepEqual([roaster.device.look().mode, roaster.device.look().controls.powerPercent], ['locked', 0]);
  assert.equal((await resume(server)).status, 200);
}

/** It starts over: for thirty days nothing is proposed, and then not before it is ready anew, whoever asks. */
async function startOver(roastery: Roastery): Promise<void> {
  const { clock } = roastery;
  const { stabilizationUntil } = await stateOf(roastery);
  const daysLeft = (Date.parse(stabilizationUntil ?? '') - clock.nowMs()) / DAY_MS;
  assert.ok(daysLeft > 29.9 && daysLeft <= 30, String(daysLeft));
  const events = await get<readonly { readonly id: string; readonly ruleName: string }[]>(
    roastery,
    '/api/circuit-breaker/events/unresolved',
  );
  assert.deepEqual(events.map(({ ruleName }) => ruleName).toSorted(), [
    'High Error Rate',
    'roaster-commands-succeed',
  ]);
  for (const { id } of events)
    await post(
      roastery,
      `/api/circuit-breaker/events/${id}/resolve`,
      { reason: 'the probe was mounted anew' },
      { expect: 200 },
    );
  for (let week = 0; week < 4; week += 1) {
    clock.jumpTo(clock.nowMs() + WEEK_MS);
    const { decision } = await cycle(roastery);
    assert.ok(
      decision.reasons?.some(({ code }) => code === 'stabilizing'),
      JSON.stringify(decision),
    );
  }
  // Nor after that, whoever asks: the phase is young again, and its figures are still to come.
  const propose = (): Promise<{ detail: string }> =>
    post(roastery, '/api/governance/proposals', { reason: 'it works again' }, { as: 'tess', expect: 409 });
  assert.match((await propose()).detail, /in its stabilisation until .* The readiness score is/);
  clock.jumpTo(clock.nowMs() + 3 * DAY_MS);
  const { detail } = await propose();
  assert.doesNotMatch(detail, /stabilisation/);
  assert.match(
    detail,
    /The readiness score is .* required items are not met: 6\+ months at the current phase/,
  );
  assert.equal((await stateOf(roastery)).phase, 'L3');
}
