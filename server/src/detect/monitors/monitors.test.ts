// Monitors by themselves, on a real Postgres, with figures that the test says: one event for each episode whatever the
// number of servers and the whims of clocks, answered once, and nothing that guards nothing in silence.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import { NO_COMMANDS, ratesOf } from '@mandate/kernel';
import type { CommandCounts, CommandTypeMetrics, GovernedSet, SloSetting } from '@mandate/kernel';
import { wholeFile } from '../../../../test/closing.ts';
import { openTestDatabase } from '../../../../test/postgres.ts';
import type { TestDatabase } from '../../../../test/postgres.ts';
import { until } from '../../../../test/until.ts';
import { createChance } from '../../platform/clock/clock.ts';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import { writeEntry } from '../../prove/journal/journal.ts';
import { createIncidents } from '../incidents/incidents.ts';
import { createMonitors } from './monitors.ts';
import { BY_TIME } from './needs.ts';
import { createSchedule } from './schedule.ts';
import type { MonitorsNeeds } from './needs.ts';

const TENANT = 'default';
const SET: GovernedSet = {
  name: 'roastery',
  patterns: ['roaster.*'],
  phases: [{ name: 'L3', title: '', whitelist: [], validationMs: 0, approvals: [] }],
  stabilizationMs: 0,
  firstStabilizationMs: 0,
  cycle: '@weekly',
  timeZone: 'UTC',
  origin: '',
};
const BAD = { total: 40, succeeded: 30, failed: 10 };
const NO_SAFETY = { constraintViolations: 0, emergencyAborts: 0, safetyGateTriggers: 0 };
const WELL = { total: 40, succeeded: 40 };

const ROASTS: SloSetting = {
  name: 'roast-success',
  title: 'Roasts succeed',
  set: 'roastery',
  patterns: ['roaster.*'],
  indicator: { kind: 'ratio' },
  windowMs: 30 * 86_400_000,
  target: 0.99,
  response: 'throttle',
  alertSeverity: 'alert',
  minSamples: 20,
  origin: '',
};

const file = wholeFile();
let database: TestDatabase;
before(async () => void (database = await openTestDatabase(file)));

/** As if nothing had ever happened. */
async function ground(slos: readonly SloSetting[] = []) {
  const { store, admin } = database;
  await admin.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx`
      truncate mandate.act, mandate.approval, mandate.journal, mandate.consumer, mandate.incident, mandate.incident_act, mandate.incident_step,
        mandate.circuit_breaker_rule, mandate.circuit_breaker_seed, mandate.circuit_breaker_event`;
    await tx`delete from mandate.restriction`;
    await tx`delete from mandate.tenant where tenant <> '*'`;
  });
  const clock = manualClock();
  const chance = createChance(clock);
  await store.withTenant(TENANT, async (tx) => {
    await tx`insert into mandate.tenant (tenant, created_at) values (${TENANT}, now())`;
  });
  let commands = countsOf({});
  let types: readonly CommandTypeMetrics[] = [];
  let critical = 0;
  let safety = NO_SAFETY;
  /** Titles of which no incident can be opened. */
  let unwritten = /^$/;
  let fallsThrough = true;
  let breakers: NonNullable<Awaited<ReturnType<MonitorsNeeds['charterOf']>>>['monitors'] = {
    breakers: [],
    slos,
  };
  let version = 1;
  let sets: readonly GovernedSet[] = [SET];
  /** A set whose figures cannot be read. */
  let broken: string | null = null;
  let isPartial = false;
  const spans: { readonly set: string | null; readonly startMs: number }[] = [];
  const done: string[] = [];
  const errors: string[] = [];
  const build = () =>
    createMonitors({
      store,
      clock,
      chance,
      writeEntry,
      charterOf: () =>
        Promise.resolve({
          version: String(version),
          sets,
          monitors: breakers,
          safeStates: ['roaster.STOP*'],
          constraints: ['roaster.HOT*'],
          classes: {},
        }),
      metricsOf: (_tenant, { startMs, set }) => {
        if (set !== null && set === broken) return Promise.reject(new Error('no figures'));
        spans.push({ set, startMs });
        return Promise.resolve({
          commands,
          rates: ratesOf(commands),
          incidents: { total: critical, critical, fromAutonomousActions: 0 },
          safety,
          isPartial,
        });
      },
      typesOf: () => Promise.resolve(types),
      fallIn: (_tx, { set, to }) => {
        if (!fallsThrough) return Promise.resolve({ kind: 'refused', refusal: { detail: 'not yet' } });
        done.push(`fall ${set} ${to}`);
        return Promise.resolve({ kind: 'fallen' });
      },
      pauseIn: (_tx, { action }) => {
        done.push(`pause ${action}`);
        return Promise.resolve(chance.uuid());
      },
      unpause: () => Promise.resolve(done.push('unpause')),
      settle: () => Promise.resolve(true),
      openIncident: async (tx, { severity, title }) => {
        if (unwritten.test(title)) await tx`select nonsense`;
        done.push(`incident ${severity}: ${title}`);
        return { id: chance.uuid() };
      },
      failed: (_error, what) => void errors.push(what),
    });
  const monitors = build();
  return {
    monitors,
    another: build,
    clock,
    admin,
    store,
    done,
    errors,
    say: (
      some: Partial<CommandCounts>,
      more: {
        readonly types?: readonly CommandTypeMetrics[];
        readonly critical?: number;
        readonly safety?: typeof NO_SAFETY;
      } = {},
    ) => {
      commands = countsOf(some);
      types = more.types ?? spread(commands);
      critical = more.critical ?? 0;
      safety = more.safety ?? NO_SAFETY;
    },
    write: (settings: typeof breakers) => {
      breakers = settings;
      version += 1;
    },
    spans,
    chance,
    refuseIncidents: (titles: RegExp) => (unwritten = titles),
    govern: (now: readonly GovernedSet[]) => (sets = now),
    breakSet: (name: string | null) => (broken = name),
    hide: (some: boolean) => (isPartial = some),
    refuseFalls: (refuse: boolean) => (fallsThrough = !refuse),
    check: () => monitors.check(TENANT, 'roastery', clock.nowMs(), BY_TIME),
    rule: (
      name: string,
      condition: string,
      { window = '1h', action = 'alert_only', severity = 'info' } = {},
    ) =>
      store.withTenant(TENANT, async (tx) => {
        await tx`
          insert into mandate.circuit_breaker_rule (tenant, name, condition, time_window, action, alert_severity)
          values (${TENANT}, ${name}, ${condition}, ${window}, ${action}, ${severity})`;
      }),
    resolveAll: async () => {
      for (const { id } of await monitors.unresolvedEvents(TENANT, 'roastery'))
        await monitors.resolve(resolving(id));
    },
    events: () => monitors.events(TENANT, { set: null, unresolved: false, limit: 100 }),
    /** An act has failed, as far as the journal is concerned. */
    fail: (action: string, atMs = 0) =>
      store.withTenant(TENANT, (tx) =>
        writeEntry(tx, TENANT, {
          kind: 'action.failed',
          actor: 'test',
          atMs,
          traceId: null,
          data: { action },
        }),
      ),
  };
}

function countsOf(some: Partial<CommandCounts>): CommandCounts {
  return { ...NO_COMMANDS, ...some };
}

/** The same by type, so that no type fails twice. */
function spread({ failed, ...others }: CommandCounts): readonly CommandTypeMetrics[] {
  return [
    { commandType: 'roaster.SET_DRUM', ...others, total: others.total - failed, failed: 0 },
    ...Array.from({ length: failed }, (_, n) => typeOf(`roaster.N${n}`, { total: 1, failed: 1 })),
  ];
}

function typeOf(commandType: string, some: Partial<CommandCounts>): CommandTypeMetrics {
  return { commandType, ...countsOf(some) };
}

const resolving = (id: string) => ({
  tenant: TENANT,
  id,
  reason: 'looked at',
  by: 'user:ada',
  traceId: null,
});

test('two servers that notice the same thing at the same time open one event, and answer it once', async () => {
  const { monitors, another, say, clock, done, events } = await ground();
  await monitors.rulesOf(TENANT, 'roastery');
  say(BAD);
  const servers = [monitors, another(), another(), another()];
  const reports = await Promise.all(
    [...servers, ...servers].map((each) => each.check(TENANT, 'roastery', clock.nowMs(), BY_TIME)),
  );
  assert.equal(reports.flatMap(({ opened }) => opened).length, 1);
  const [event, ...others] = await events();
  assert.deepEqual(others, []);
  assert.deepEqual(
    [event?.rule, event?.metrics['commands'], event?.respondedMs],
    ['High Error Rate', countsOf(BAD), clock.nowMs()],
  );
  assert.match(event?.detail ?? '', /errorRate > 0\.05 over 5m; errorRate 0\.25/);
  assert.deepEqual(done, ['incident high: The breaker High Error Rate has tripped', 'fall roastery first']);
});

test('an event is one episode: it goes on while the checks hold, and the next begins when one has not', async () => {
  const { check, say, clock, events, monitors, hide } = await ground();
  const count = async (): Promise<number> => (await events()).length;
  const step = async (some: Partial<CommandCounts>): Promise<number> => {
    clock.advance(60_000);
    say(some);
    await check();
    return count();
  };
  assert.deepEqual([await step(BAD), await step(BAD)], [1, 1]);
  // While not everything can be counted, what is counted does not say that it is over.
  hide(true);
  assert.deepEqual([await step(WELL), await step(BAD)], [1, 1]);
  hide(false);
  assert.deepEqual([await step(WELL), await step(WELL)], [1, 1]);
  const [first] = await events();
  assert.ok(
    first !== undefined && first.endedMs !== null && first.resolvedMs === null,
    'a person resolves it',
  );
  assert.equal(await step(BAD), 2);
  // Resolved while it holds: what is known already opens nothing.
  const [second] = await events();
  assert.equal((await monitors.resolve(resolving(second?.id ?? ''))).kind, 'resolved');
  assert.equal((await monitors.resolve(resolving(second?.id ?? ''))).kind, 'already');
  assert.deepEqual([await step(BAD), await step(BAD)], [2, 2]);
  assert.deepEqual(
    (await monitors.unresolvedEvents(TENANT, 'roastery')).map(({ id }) => id),
    [first.id],
  );
});

test('after it was resolved a new failure opens an event at once, and one of other actions does not', async () => {
  const { check, say, events, monitors, fail, clock } = await ground();
  say(BAD);
  await check();
  await monitors.resolve(resolving((await events())[0]?.id ?? ''));
  await fail('shop.pay');
  await check();
  assert.equal((await events()).length, 1);
  // Also where the clock says that the failure was before the resolution.
  clock.jumpTo(clock.nowMs() - 3_600_000);
  await fail('roaster.SET_POWER');
  await check();
  assert.equal((await events()).length, 2);
});

test('a clock that goes back neither ends an episode nor begins it again', async () => {
  const { check, say, clock, events } = await ground();
  const at = clock.nowMs();
  say(BAD);
  await check();
  clock.jumpTo(at - 3_600_000);
  say({});
  await check();
  assert.equal((await events())[0]?.endedMs, null, 'the failures are yet to come, by this clock');
  clock.jumpTo(at + 600_000);
  await check();
  assert.equal((await events())[0]?.endedMs, at + 600_000);
  clock.jumpTo(at);
  say(BAD);
  await check();
  assert.equal((await events()).length, 1, 'the same failures once more');
  clock.jumpTo(at + 700_000);
  await check();
  assert.equal((await events()).length, 2);
});

test('one type of command is paused by its own failures, and what leads to a safe state never is', async () => {
  const { check, say, events, monitors, done } = await ground();
  const types = [
    typeOf('roaster.SET_POWER', { total: 3, failed: 3 }),
    typeOf('roaster.SET_FAN', { total: 3, failed: 2 }),
    typeOf('roaster.STOP_NOW', { total: 3, failed: 3 }),
  ];
  say({ total: 9, failed: 8 }, { types });
  await check();
  const found = await events();
  assert.deepEqual(
    found.map(({ commandType, restrictions }) => `${commandType} ${restrictions.length}`).toSorted(),
    ['roaster.SET_POWER 1', 'roaster.STOP_NOW 0'],
  );
  assert.deepEqual(
    done.filter((each) => /^(un)?pause/.test(each)),
    ['pause roaster.SET_POWER'],
  );
  // While it waits nothing of it happens, so its window empties: the episode is over, the pause is not.
  say({});
  await check();
  assert.ok(!done.includes('unpause'));
  const paused = found.find(({ commandType }) => commandType === 'roaster.SET_POWER');
  await monitors.resolve(resolving(paused?.id ?? ''));
  assert.equal(done.at(-1), 'unpause');
});

test('a fall that is refused is owed, and carried out by a later check', async () => {
  const { check, say, events, done, errors, refuseFalls } = await ground();
  refuseFalls(true);
  say(BAD);
  await check();
  assert.equal((await events())[0]?.respondedMs, null);
  assert.match(errors[0] ?? '', /could not fall/);
  refuseFalls(false);
  say(WELL);
  await check();
  assert.notEqual((await events())[0]?.respondedMs, null);
  assert.deepEqual(
    done.filter((each) => each.startsWith('fall')),
    ['fall roastery first'],
  );
});

// I5
test('a rule written by SQL counts with the next check, and a wrong one is an event until it is put right', async () => {
  const { check, say, events, store, admin, monitors } = await ground();
  await store.withTenant(TENANT, async (tx) => {
    await tx`
      insert into mandate.circuit_breaker_rule (tenant, name, condition, time_window, action)
      values (${TENANT}, 'Any Failure', 'commands.failed > 0', '1h', 'alert_only'),
        (${TENANT}, 'Misspelt', 'errorRat > 0.05', '5m', 'revert_to_l3'), (${TENANT}, 'Endless', 'commands.failed > 0', '99y', 'revert_to_l3')`;
  });
  say({ total: 1, failed: 1 });
  const report = await check();
  assert.deepEqual(
    report.failing.map(({ rule }) => rule),
    ['Endless', 'Misspelt'],
  );
  const found = await events();
  assert.deepEqual(found.map(({ rule, source, action }) => `${rule}, ${source}, ${action}`).toSorted(), [
    'Any Failure, breaker, alert_only',
    'Endless, problem, alert_only',
    'Misspelt, problem, alert_only',
  ]);
  assert.match(
    found.find(({ rule }) => rule === 'Misspelt')?.detail ?? '',
    /guards nothing.*did you mean 'errorRate'/,
  );
  await check();
  assert.equal((await events()).length, 3, 'one event, however often it is looked at');
  await admin`update mandate.circuit_breaker_rule set condition = 'errorRate > 0.5' where name = 'Misspelt'`;
  await admin`update mandate.circuit_breaker_rule set enabled = false where name = 'Endless'`;
  await check();
  const unresolved = await monitors.unresolvedEvents(TENANT, 'roastery');
  assert.deepEqual(
    unresolved.map(({ rule }) => rule),
    ['Any Failure'],
  );
});

test('nobody finds a set without its rules, however many ask while they are seeded', async () => {
  const { monitors } = await ground();
  const asked = await Promise.all(Array.from({ length: 6 }, () => monitors.rulesOf(TENANT, 'roastery')));
  assert.deepEqual(new Set(asked.map(({ length }) => length)), new Set([4]));
});

test('the charter seeds its rules once: what people change stays, what nobody touched follows the charter', async () => {
  const { monitors, write, another } = await ground();
  const rule = (name: string, condition: string) => ({
    name,
    condition,
    enabled: true,
    window: '5m',
    action: 'alert_only' as const,
    alertSeverity: 'info' as const,
    minSamples: 5,
    sets: [],
    origin: '',
  });
  const conditions = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      (await another().rulesOf(TENANT, 'roastery')).map(({ name, condition }) => [name, condition]),
    );
  write({ breakers: [rule('One', 'errorRate > 0.1'), rule('Two', 'errorRate > 0.2')], slos: [] });
  assert.deepEqual(await conditions(), { One: 'errorRate > 0.1', Two: 'errorRate > 0.2' });
  const changed = await monitors.changeRule({
    tenant: TENANT,
    set: 'roastery',
    name: 'One',
    patch: { condition: 'errorRate > 0.15' },
    reason: null,
    by: 'user:ada',
    traceId: null,
  });
  assert.equal(changed.kind, 'changed');
  write({ breakers: [rule('One', 'errorRate > 0.9'), rule('Two', 'errorRate > 0.3')], slos: [] });
  assert.deepEqual(await conditions(), { One: 'errorRate > 0.15', Two: 'errorRate > 0.3' });
  // What a charter no longer says goes on guarding: leaving a line out switches nothing off.
  write({ breakers: [rule('Three', 'errorRate > 0.4')], slos: [] });
  assert.deepEqual(await conditions(), {
    One: 'errorRate > 0.15',
    Two: 'errorRate > 0.3',
    Three: 'errorRate > 0.4',
  });
});

test('a budget that burns throttles its actions until it no longer does, or the charter drops it', async () => {
  const slo = ROASTS;
  const { monitors, say, store, write, clock, events } = await ground([slo]);
  const standing = () =>
    store.withTenant(TENANT, async (tx) =>
      (
        await tx<{ scope: string; floor: string; except_actions: string[] }[]>`
          select scope, floor, except_actions from mandate.restriction where kind = 'throttle' and lifted_at is null`
      ).map(({ scope, floor, except_actions }) => `${scope} ${floor} but ${except_actions.join()}`),
    );
  const look = async (some: Partial<CommandCounts>): Promise<readonly string[]> => {
    clock.advance(60_000);
    say(some);
    await monitors.checkTenant(TENANT, BY_TIME);
    return standing();
  };
  const held = ['action:roaster.* red but roaster.STOP*'];
  assert.deepEqual(
    await look({ succeeded: 97, failed: 3, total: 100 }),
    [],
    'three times as fast as allowed',
  );
  assert.deepEqual(await look({ succeeded: 92, failed: 8, total: 100 }), held, 'eight times');
  const [status] = await monitors.objectives(TENANT, null);
  assert.ok(status !== undefined && (status.budget.remaining ?? 0) < 0 && status.event !== null);
  assert.deepEqual(await look({ succeeded: 80, failed: 20, total: 100 }), held, 'one event, one throttle');
  assert.deepEqual(await look({ succeeded: 100, total: 100 }), []);
  const burnt = (await events()).filter(({ source }) => source === 'slo');
  assert.deepEqual(
    burnt.map(({ resolvedBy, reason }) => [resolvedBy, reason]),
    [['mandate:monitors', 'The error budget no longer burns.']],
  );
  assert.deepEqual(await look({ succeeded: 80, failed: 20, total: 100 }), held);
  write({ breakers: [], slos: [] });
  assert.deepEqual(await look({ succeeded: 80, failed: 20, total: 100 }), []);
});

test('what a set held up outlives the set only where somebody sees it and may resolve it', async () => {
  const slo = ROASTS;
  const { monitors, say, clock, done, write, govern, store, check } = await ground([slo]);
  const types = [typeOf('roaster.SET_POWER', { total: 20, failed: 20 })];
  say({ total: 20, failed: 20 }, { types });
  await monitors.checkTenant(TENANT, BY_TIME);
  const throttles = () =>
    store.withTenant(
      TENANT,
      async (tx) =>
        (await tx`select 1 from mandate.restriction where kind = 'throttle' and lifted_at is null`).length,
    );
  assert.equal(await throttles(), 1);
  // when the charter calls the set something else and drops the objective
  govern([{ ...SET, name: 'roasting' }]);
  write({ breakers: [], slos: [] });
  say({});
  clock.advance(60_000);
  await monitors.checkTenant(TENANT, BY_TIME);
  // then what ends by itself has ended, and the pause waits for people who are shown it
  assert.equal(await throttles(), 0);
  const shown = await monitors.unresolvedEvents(TENANT, 'roasting', true);
  assert.deepEqual(shown.map(({ set, rule, endedMs }) => `${set} ${rule} ${endedMs === null}`).toSorted(), [
    'roastery High Error Rate false',
    'roastery Repeated Command Failures false',
  ]);
  assert.deepEqual(await monitors.unresolvedEvents(TENANT, 'roasting'), []);
  assert.ok(!done.includes('unpause'));
  const [paused] = shown.filter(({ commandType }) => commandType !== '');
  assert.equal((await monitors.resolve(resolving(paused?.id ?? ''))).kind, 'resolved');
  assert.equal(done.at(-1), 'unpause');
  assert.equal((await check()).checked, false);
});

test('a look that comes late reaches back as far as the trouble that it has not seen', async () => {
  const { monitors, clock, spans, say, events, check, rule } = await ground();
  const nowMs = clock.nowMs();
  say(WELL);
  await monitors.checkTenant(TENANT, { ...BY_TIME, sinceMs: nowMs - 600_000 });
  const starts = new Set(spans.map(({ startMs }) => nowMs - startMs));
  for (const window of [60_000, 300_000]) {
    assert.ok(starts.has(600_000 + window), 'as of the trouble');
    assert.ok(starts.has(window), 'and as of now, where a wide window would thin it out');
  }
  // What has begun and ended meanwhile was about the same trouble.
  say(BAD);
  await check();
  clock.advance(60_000);
  say(WELL);
  await check();
  say(BAD);
  const late = { ...BY_TIME, sinceMs: nowMs - 600_000 };
  await monitors.checkTenant(TENANT, late);
  assert.equal((await events()).length, 1);
  // Windows that are shorter than the time between two looks: nothing happens in none of them.
  await rule('Short', 'commands.total > 1000', { window: '10s' });
  const lastMs = clock.nowMs();
  spans.length = 0;
  clock.advance(25_000);
  await monitors.checkTenant(TENANT, BY_TIME);
  const begins = new Set(spans.map(({ startMs }) => startMs));
  for (const startMs of [lastMs - 10_000, lastMs + 15_000, lastMs - 35_000])
    assert.ok(begins.has(startMs), `${startMs - lastMs}`);
  assert.ok(!begins.has(lastMs - 60_000), 'a window that overlaps the one before is exact');
});

test('after a resolution what the condition is about opens the next event: rollbacks, and entries committed late', async () => {
  const { store, admin, say, check, events, rule, resolveAll } = await ground();
  await rule('Undone', 'commands.rolledBack >= 3');
  const count = async (): Promise<number> => (await events()).length;
  say({ total: 30, succeeded: 30, rolledBack: 3 });
  await check();
  assert.equal(await count(), 1);
  // given an entry that has its number already, and one that was seen but has no position yet
  const undo = undoing(admin);
  await store.withTenant(TENANT, (tx) => undo(tx, 'shop.pay'));
  let commit = (): void => undefined;
  let begun = (): void => undefined;
  const hasBegun = new Promise<void>((done) => (begun = done));
  const late = store.withTenant(TENANT, async (tx) => {
    await undo(tx, 'roaster.SET');
    begun();
    await new Promise<void>((done) => (commit = done));
  });
  await hasBegun;
  await resolveAll();
  await check();
  assert.equal(await count(), 1, 'nothing of these actions was undone since');
  // when it is committed
  commit();
  await late;
  await check();
  assert.equal(await count(), 2);
  // What was seen when it was resolved is known, also when it gets its position later.
  await resolveAll();
  await place(admin);
  await check();
  assert.equal(await count(), 2);
  // What was looked through once is not looked through again.
  const [read] = await admin`
    select max(mark) as mark, (select max(position) from mandate.journal) as head from mandate.circuit_breaker_event`;
  assert.equal(read?.['mark'], read?.['head']);
});

test('after a resolution neither words nor what others did open an event, and what adds to its figure does', async () => {
  const { store, clock, admin, chance, say, check, events, rule, resolveAll } = await ground();
  await rule('Any', 'incidents.total > 0');
  await rule('Gates', 'safety.safetyGateTriggers > 0');
  await rule('Constraints', 'safety.constraintViolations > 0');
  await rule('Aborts', 'safety.emergencyAborts > 0');
  await rule('Rejected', 'commands.rejected > 0');
  say(
    { total: 1, rejected: 1 },
    { critical: 1, safety: { constraintViolations: 1, emergencyAborts: 1, safetyGateTriggers: 1 } },
  );
  await check();
  const incidents = createIncidents({
    store,
    clock,
    chance,
    writeEntry,
    setsOf: () => Promise.resolve(['roastery', 'shop']),
    becameCritical: () => undefined,
  });
  const by = { tenant: TENANT, by: 'user:ada', traceId: null } as const;
  const open = async (set: string | null, severity: 'low' | 'critical'): Promise<string> => {
    const cause = { title: 'smoke', cause: 'hot', source: 'person', actIds: [] } as const;
    const answer = await incidents.open({ ...by, ...cause, set, severity });
    return answer.kind === 'done' ? answer.incident.id : assert.fail();
  };
  const call = (id: string, severity: 'low' | 'medium' | 'critical') =>
    incidents.changeSeverity({ ...by, id, severity, reason: 'looked at', mayLower: true });
  const write = async (kind: string, status: string, causes: readonly string[] = []): Promise<void> => {
    clock.advance(1_000);
    const [id, at] = [randomUUID(), new Date(clock.nowMs())];
    const decision = JSON.stringify({ causes, effect: 'hold' });
    await admin`
      insert into mandate.act (tenant, id, agent, action, status, tier, severity, principal, digest, display, decision, sealed, created_at, started_at, ended_at)
      values (${TENANT}, ${id}, 'test', 'roaster.SET', ${status}, 'red', 'low', 'test', '', '{}', ${decision}::text::jsonb, '', ${at}, ${at}, ${at})`;
    await store.withTenant(TENANT, (tx) =>
      writeEntry(tx, TENANT, {
        kind,
        actId: id,
        actor: 'test',
        atMs: clock.nowMs(),
        traceId: null,
        data: {},
      }),
    );
  };
  const held = (...causes: readonly string[]) => write('action.held', 'waiting_for_approval', causes);
  /** What is opened by that. */
  const after = async (what: () => Promise<unknown>): Promise<readonly string[]> => {
    await resolveAll();
    const before = (await events()).length;
    await what();
    await check();
    const found = await events();
    return found
      .slice(0, found.length - before)
      .map((event) => event.rule)
      .toSorted();
  };
  let known = '';
  assert.deepEqual(await after(async () => (known = await open('roastery', 'critical'))), [
    'Any',
    'Critical Incident',
  ]);
  assert.deepEqual(await after(() => incidents.note({ ...by, id: known, text: 'the fan was replaced' })), []);
  assert.deepEqual(await after(() => call(known, 'low')), []);
  assert.deepEqual(await after(() => open('shop', 'critical')), []);
  assert.deepEqual(await after(() => call(known, 'medium')), ['Any']);
  assert.deepEqual(await after(() => open(null, 'low')), ['Any']);
  assert.deepEqual(await after(() => call(known, 'critical')), ['Any', 'Critical Incident']);
  assert.deepEqual(await after(() => held('rule:roaster.*', 'restriction:none of ours')), ['Gates']);
  assert.deepEqual(await after(() => held('rule:roaster.*')), []);
  assert.deepEqual(await after(() => held('rule:roaster.HOT*')), ['Constraints']);
  assert.deepEqual(await after(() => held('finding:cost')), ['Constraints', 'Gates']);
  assert.deepEqual(await after(() => write('approval.denied', 'denied')), ['Rejected']);
  assert.deepEqual(await after(() => write('approval.approved', 'success')), []);
  assert.deepEqual(await after(() => write('action.cancelled', 'cancelled')), []);
  const stop = async (): Promise<void> => {
    await admin`
      insert into mandate.restriction (tenant, id, kind, level, scope, floor, except_actions, cause, created_by, created_at)
      values (${TENANT}, ${randomUUID()}, 'stop', 'stop', 'tenant', 'black', '{}', 'smoke', 'ada', ${new Date(clock.nowMs())})`;
    await write('action.cancelled', 'cancelled');
  };
  assert.deepEqual(await after(stop), ['Aborts']);
});

test('what goes on is answered as its rule and its objective stand by now', async () => {
  const { monitors, check, say, done, events, rule, write, store } = await ground([
    { ...ROASTS, response: 'alert_only' },
  ]);
  await rule('Any Failure', 'commands.failed > 0');
  say(BAD);
  await monitors.checkTenant(TENANT, BY_TIME);
  const found = async (): Promise<readonly string[]> =>
    (await events())
      .filter((event) => event.rule === 'Any Failure' || event.source === 'slo')
      .map((event) => `${event.rule} ${event.action} ${event.endedMs === null} ${event.reason}`);
  assert.deepEqual(await found(), ['roast-success alert_only true null', 'Any Failure alert_only true null']);
  const change = (action: 'revert_to_l3' | 'alert_only') =>
    monitors.changeRule({ ...resolving(''), set: 'roastery', name: 'Any Failure', patch: { action } });
  done.length = 0;
  await change('revert_to_l3');
  await check();
  await check();
  assert.deepEqual(done, ['fall roastery first']);
  // Milder is nothing new.
  await change('alert_only');
  await check();
  assert.deepEqual((await found()).slice(0, 1), ['Any Failure revert_to_l3 true null']);
  const held = async (slo: SloSetting): Promise<readonly string[]> => {
    write({ breakers: [], slos: [slo] });
    await monitors.checkTenant(TENANT, BY_TIME);
    await monitors.checkTenant(TENANT, BY_TIME);
    const rows = await store.withTenant(
      TENANT,
      (tx) => tx<{ scope: string }[]>`
        select scope from mandate.restriction where kind = 'throttle' and lifted_at is null order by scope`,
    );
    return rows.map(({ scope }) => scope);
  };
  assert.deepEqual(await held(ROASTS), ['action:roaster.*']);
  assert.deepEqual(await held({ ...ROASTS, patterns: ['roaster.*', 'cooler.*'] }), [
    'action:cooler.*',
    'action:roaster.*',
  ]);
  assert.deepEqual(await held({ ...ROASTS, response: 'alert_only' }), []);
  const another = 'The charter answers this objective in another way now.';
  assert.deepEqual(
    (await found()).filter((event) => event.startsWith('roast')),
    [
      'roast-success alert_only true null',
      ...['throttle', 'throttle', 'alert_only'].map((action) => `roast-success ${action} false ${another}`),
    ],
  );
});

test('what cannot be written keeps nothing else from it, and who resolves it at that moment has resolved it', async () => {
  const { monitors, check, say, events, rule, refuseIncidents, admin, clock } = await ground([ROASTS]);
  await rule('Any Failure', 'commands.failed > 0', { severity: 'alert' });
  refuseIncidents(/Any Failure/);
  say(BAD);
  await assert.rejects(check(), /nonsense/);
  const rules = async (): Promise<readonly string[]> => (await events()).map((event) => event.rule);
  assert.deepEqual(await rules(), ['High Error Rate']);
  refuseIncidents(/^$/);
  await monitors.checkTenant(TENANT, BY_TIME);
  assert.deepEqual(await rules(), ['roast-success', 'Any Failure', 'High Error Rate']);
  // Somebody is about to resolve the event of the objective when its budget no longer burns.
  clock.advance(60_000);
  say(WELL);
  let ended: Promise<unknown> = Promise.resolve();
  await admin.begin(async (tx) => {
    await tx`
      update mandate.circuit_breaker_event set resolved_at = now(), resolved_by = 'user:ada', resolve_reason = 'looked at' where source = 'slo'`;
    ended = monitors.checkTenant(TENANT, BY_TIME);
    await until('the check waits for them', async () => {
      const [row] =
        await admin`select count(*)::integer as waiting from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
      return row?.['waiting'] === 1;
    });
  });
  await ended;
  const [slo] = await events();
  assert.deepEqual([slo?.resolvedBy, slo?.endedMs], ['user:ada', clock.nowMs()]);
  const [told] = await admin`
    select count(*)::integer as times from mandate.journal where kind = 'breaker.resolved'`;
  assert.equal(told?.['times'], 0, 'only who resolved it says so');
});

test('a wake-up during a read is not lost', async () => {
  const { store, clock, admin, fail } = await ground();
  const looks: (string | null)[] = [];
  let goOn = (): void => undefined;
  const gate = new Promise<void>((done) => (goOn = done));
  const schedule = createSchedule({
    monitors: {
      async checkTenant(_tenant, { action }) {
        looks.push(action);
        if (action === 'roaster.ONE') await gate;
        return { reports: [], failed: [] };
      },
      forget: assert.fail,
    },
    isElsewhere: () => Promise.resolve(false),
    store,
    control: store.control,
    clock,
    intervalMs: 3_600_000,
    failed: assert.fail,
  });
  schedule.start();
  clock.advance(0);
  await schedule.idle();
  const write = async (action: string): Promise<void> => {
    await fail(action);
    await place(admin);
    schedule.wake();
  };
  await write('roaster.ONE');
  clock.advance(200);
  await until('the first is looked at', () => looks.includes('roaster.ONE'));
  await write('roaster.TWO');
  goOn();
  await schedule.idle();
  clock.advance(200);
  await schedule.idle();
  assert.deepEqual(looks, [null, 'roaster.ONE', 'roaster.TWO']);
  await schedule.close();
});

test('a set that cannot be checked keeps no other waiting, and is looked at again as of its own trouble', async () => {
  const { monitors, store, clock, admin, fail, say, govern, breakSet, events, errors, spans } =
    await ground();
  const reported: string[] = [];
  let isOthers = false;
  const schedule = createSchedule({
    monitors,
    store,
    control: store.control,
    isElsewhere: () => Promise.resolve(isOthers),
    clock,
    intervalMs: 3_600_000,
    failed: (_error, what) => void reported.push(what),
  });
  govern([SET, { ...SET, name: 'shop', patterns: ['shop.*'] }]);
  schedule.start();
  clock.advance(0);
  await schedule.idle();
  // when one set fails with trouble of an hour ago
  breakSet('roastery');
  say(BAD);
  const since = clock.nowMs() - 3_600_000;
  await fail('roaster.SET_POWER', since);
  await place(admin);
  schedule.wake();
  clock.advance(200);
  await schedule.idle();
  // then the other has been looked at
  const found = async () => (await events()).map(({ set, rule }) => `${set} ${rule}`);
  assert.deepEqual(await found(), ['shop High Error Rate']);
  assert.deepEqual(reported, ['the monitors of default could not check roastery; they try again']);
  // and the first is, as soon as it can be
  breakSet(null);
  spans.length = 0;
  clock.advance(1_000);
  await schedule.idle();
  assert.deepEqual(await found(), ['roastery High Error Rate', 'shop High Error Rate']);
  const earliest = (name: string): number =>
    Math.min(...spans.filter(({ set }) => set === name).map(({ startMs }) => startMs));
  assert.equal(earliest('roastery'), since - 900_000, 'the widest window that ships');
  assert.equal(earliest('shop'), clock.nowMs() - 900_000, 'it has seen that trouble already');
  assert.deepEqual(errors, []);
  // What another process counts more of is looked at by that one, and left for it to read.
  isOthers = true;
  spans.length = 0;
  await fail('roaster.SET_POWER');
  await place(admin);
  schedule.look(TENANT, BY_TIME);
  schedule.wake();
  clock.advance(200);
  await schedule.idle();
  assert.deepEqual(spans, []);
  isOthers = false;
  schedule.wake();
  clock.advance(200);
  await schedule.idle();
  assert.ok(spans.length > 0);
  await schedule.close();
});

test('a rule that cannot be evaluated may be switched off, put right at the same time or not', async () => {
  const { check, store, monitors } = await ground();
  await store.withTenant(TENANT, async (tx) => {
    await tx`
      insert into mandate.circuit_breaker_rule (tenant, name, condition, time_window, action)
      values (${TENANT}, 'One', 'errorRat > 0.05', '5m', 'alert_only'), (${TENANT}, 'Two', 'errorRat > 0.05', '5m', 'alert_only')`;
  });
  await check();
  const change = async (name: string, patch: Parameters<typeof monitors.changeRule>[0]['patch']) =>
    (
      await monitors.changeRule({
        tenant: TENANT,
        set: 'roastery',
        name,
        patch,
        reason: null,
        by: 'user:ada',
        traceId: null,
      })
    ).kind;
  assert.equal(await change('One', { enabled: false, condition: 'errorRa > 0.05' }), 'refused');
  assert.equal(await change('One', { window: '6m' }), 'refused');
  assert.equal(await change('One', { enabled: false }), 'changed');
  assert.equal(await change('Two', { enabled: false, condition: 'errorRate > 0.05' }), 'changed');
  assert.deepEqual(await monitors.unresolvedEvents(TENANT, 'roastery'), []);
  assert.equal(await change('One', { enabled: true }), 'refused');
});

type Admin = Awaited<ReturnType<typeof openTestDatabase>>['admin'];

async function place(admin: Admin): Promise<void> {
  await admin`update mandate.journal set position = id where position is null`;
}

/** Writes down that an act of that action was undone. */
function undoing(admin: Admin) {
  const insert = async (id: string, action: string, compensates: string | null): Promise<unknown> => admin`
    insert into mandate.act (tenant, id, agent, action, status, tier, severity, principal, digest, display, decision, sealed, compensates, created_at)
    values (${TENANT}, ${id}, 'test', ${action}, 'success', 'green', 'low', 'test', '', '{}', '{}', '', ${compensates}, now())`;
  return async (tx: Parameters<typeof writeEntry>[0], action: string): Promise<void> => {
    const [done, undone] = [randomUUID(), randomUUID()];
    await insert(done, action, null);
    await insert(undone, 'other.UNDO', done);
    await writeEntry(tx, TENANT, {
      kind: 'action.succeeded',
      actId: undone,
      actor: 'test',
      atMs: 0,
      traceId: null,
      data: {},
    });
  };
}
