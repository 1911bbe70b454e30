// Rollups are nothing but saved counting. Here acts are asked for, decided on, begun, ended, cleared up and rolled back at
// random, in any order of commits and with a clock that goes back, and every window has to say what a count of the acts
// says, which is made from what the test itself did.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { openCommandWorld, START_MS } from '../../../../test/command-world.ts';
import type { CommandWorld, KnownAct } from '../../../../test/command-world.ts';
import { openTestDatabase } from '../../../../test/postgres.ts';
import type { TestDatabase } from '../../../../test/postgres.ts';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import { openCommandDb } from './command-db.ts';
import type { CommandDb } from './command-db.ts';
import { createCommandSource } from './command-source.ts';
import type { CommandSource } from './command-source.ts';
import type { ActionCounts, Counts, Window } from './counts.ts';
import { countDirectly, readCounts } from './rollup-store.ts';
import { createRollups } from './rollups.ts';

const ACTIONS = ['roaster.SET_POWER', 'roaster.SET_FAN', 'shop.refund', 'roasterx'];
const CAUSES = [
  'rule:roaster.*',
  'rule:none',
  'exception:roaster.*',
  'finding:cost',
  'restriction:flag:autonomy',
  'mode:SUPERVISED',
];
/** Later than any clock here has ever been: then everything is over. */
const LATER_MS = START_MS + 10_000_000_000;

let database: TestDatabase;
let worlds = 0;
before(async () => void (database = await openTestDatabase()));
after(() => database.drop());

function openWorld(): Promise<CommandWorld> {
  worlds += 1;
  return openCommandWorld(database.store, `t${worlds}`);
}

const aStep = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      action: fc.constantFrom(...ACTIONS),
      causes: fc.option(fc.subarray(CAUSES, { minLength: 1 })),
      refused: fc.option(
        fc.constantFrom({ code: 'denied', black: true }, { code: 'limit_exceeded', black: false }),
        { freq: 6 },
      ),
      undoes: fc.option(fc.nat(30), { freq: 4 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('move' as const),
      which: fc.nat(60),
      to: fc.constantFrom('success', 'success', 'failed', 'cancelled', 'unknown'),
      approve: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.integer({ min: 1, max: 400_000 }), fc.integer({ min: -2_000_000, max: 90_000_000 })),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('sequence' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('refuse' as const), action: fc.constantFrom(...ACTIONS) }),
  },
);
type Step = typeof aStep extends fc.Arbitrary<infer Made> ? Made : never;

async function take(world: CommandWorld, step: Step): Promise<unknown> {
  switch (step.do) {
    case 'ask': {
      const { action, refused, undoes } = step;
      const causes = refused === null ? step.causes : null;
      return world.ask({
        action,
        refused,
        causes,
        compensates: undoes === null ? null : freeToUndo(world, undoes),
      });
    }
    case 'move':
      return move(world, step);
    case 'wait':
      return world.clock.jumpTo(world.clock.nowMs() + step.ms);
    case 'pass':
      return world.metrics.rollups.pass(world.tenant);
    case 'sequence':
      return world.sequence();
    case 'refuse':
      return world.refuse(step.action);
  }
}

function freeToUndo({ acts }: CommandWorld, n: number): KnownAct | null {
  const act = acts[n % Math.max(1, acts.length)];
  return act === undefined || acts.some(({ compensates }) => compensates === act) ? null : act;
}

async function move(
  world: CommandWorld,
  { which, to, approve }: Extract<Step, { do: 'move' }>,
): Promise<void> {
  const open = world.acts.filter(({ status }) =>
    ['waiting_for_approval', 'executing', 'unknown'].includes(status),
  );
  const act = open[which % Math.max(1, open.length)];
  if (act === undefined || (act.status === 'unknown' && to === 'unknown')) return;
  if (act.status !== 'waiting_for_approval') return world.end(act, to);
  return act.decided === 'approved' ? world.begin(act) : world.decide(act, approve ? 'approved' : 'denied');
}

const aWindow = fc
  .record({
    from: fc.integer({ min: -4_000_000, max: 400_000_000 }),
    span: fc.oneof(fc.nat(400_000), fc.nat(400_000_000)),
    patterns: fc.constantFrom(['roaster.*'], ['*'], ['roaster.SET_FAN', 'shop.*']),
  })
  .map(({ from, span, patterns }): Window => ({
    patterns,
    startMs: START_MS + from,
    endMs: START_MS + from + span,
  }));

/** The acts' own times, where a mistake at an edge would show. */
function edgeWindows({ acts }: CommandWorld): readonly Window[] {
  const edges = acts.flatMap(({ createdMs, endedMs }) => [createdMs, endedMs ?? createdMs]);
  const [a = START_MS, b = START_MS] = [edges[3], edges[5]];
  const patterns = ['*'];
  return [
    { patterns, startMs: Math.min(START_MS, ...edges), endMs: Math.max(START_MS, ...edges) },
    { patterns, startMs: Math.min(a, b) + 1, endMs: Math.max(a, b) + 2 },
    { patterns, startMs: b, endMs: b },
  ];
}

function coveredBy(patterns: readonly string[]): (action: string) => boolean {
  return (action) =>
    patterns.some((pattern) =>
      pattern.endsWith('*') ? action.startsWith(pattern.slice(0, -1)) : action === pattern,
    );
}

async function check(world: CommandWorld, windows: readonly Window[]): Promise<void> {
  const { tenant } = world;
  for (const window of [...windows, ...edgeWindows(world)]) {
    const expected = world.counted(window, coveredBy(window.patterns));
    const [seen, direct] = await database.store.withTenant(tenant, async (tx) => [
      sum(await readCounts(tx, tenant, window, {})),
      sum(await countDirectly(tx, tenant, window, {})),
    ]);
    assert.deepEqual(seen, expected, `rollups: ${JSON.stringify(window)}`);
    assert.deepEqual(direct, expected, `acts: ${JSON.stringify(window)}`);
  }
}

const COUNTED = [
  ['proposed', 'approved', 'rejected', 'begun', 'violations', 'gates', 'heldByRule'],
  ['succeeded', 'failed', 'cancelled', 'unknown', 'rolledBack', 'stopped'],
].flat() as readonly (keyof Counts)[];

function sum(rows: readonly ActionCounts[]): Counts {
  const sums = COUNTED.map((key) => [key, rows.reduce((all, row) => all + row[key], 0)] as const);
  return Object.fromEntries(sums) as unknown as Counts;
}

function rowsOf({ tenant }: CommandWorld): Promise<readonly unknown[]> {
  return database.store.withTenant(tenant, async (tx) => [
    ...(await tx`select * from mandate.metric_bucket where tenant = ${tenant} order by seconds, at, action, rule`),
  ]);
}

test('any window of any actions says what counting the acts says, whatever happened in whatever order', async () => {
  const aStory = fc.array(aStep, { minLength: 10, maxLength: 60 });
  const windows = fc.array(aWindow, { minLength: 3, maxLength: 3 });
  const property = fc.asyncProperty(aStory, windows, async (steps, asked) => {
    const world = await openWorld();
    const half = Math.floor(steps.length / 2);
    for (const step of steps.slice(0, half)) await take(world, step);
    await check(world, asked);
    for (const step of steps.slice(half)) await take(world, step);
    await check(world, asked);
    world.clock.jumpTo(LATER_MS);
    await world.sequence();
    await world.metrics.rollups.settle(world.tenant);
    await check(world, asked);
    // Made again from nothing but the acts, the rollups are the same rows.
    const kept = await rowsOf(world);
    await world.metrics.rebuild(world.tenant);
    assert.deepEqual(await rowsOf(world), kept);
    await check(world, []);
  });
  await fc.assert(property, { numRuns: Number(process.env['MANDATE_TEST_RUNS'] ?? 8) });
});

test('what commits late, or behind a clock that went back, is in the very next answer and in the rollups', async () => {
  const world = await openWorld();
  const { tenant, clock, metrics } = world;
  const free = { action: 'roaster.SET_FAN', causes: null, refused: null, compensates: null };
  const early = await world.ask(free);
  await world.sequence();
  const all = { patterns: ['*'], startMs: START_MS - 86_400_000, endMs: START_MS + 86_400_000 };
  const settle = async (): Promise<void> => {
    clock.jumpTo(START_MS + 3_600_000);
    await world.sequence();
    await metrics.rollups.settle(tenant);
  };
  // While the end of one act and the beginning of another wait for their commit, everything is counted and closed.
  await world.end(early, 'failed', settle);
  clock.jumpTo(START_MS + 1_000);
  await world.ask(free, settle);
  await check(world, [all]);
  assert.equal((await metrics.of(tenant, all)).commands.failed, 1);
  await settle();
  await check(world, [all]);
  // Nothing is dirty any more: the answer above came from rollups.
  const [row] = await database.store.withTenant(
    tenant,
    (tx) =>
      tx<
        { dirty: number }[]
      >`select count(*)::integer as dirty from mandate.metric_dirty where tenant = ${tenant}`,
  );
  assert.equal(row?.dirty, 0);
  // Nobody knew how it ended; when somebody has looked, it has ended once, and not where it was lost.
  const lost = await world.ask(free);
  clock.jumpTo(START_MS + 5_400_000);
  await world.end(lost, 'unknown');
  clock.jumpTo(START_MS + 7_200_000);
  await world.sequence();
  await metrics.rollups.settle(tenant);
  await world.end(lost, 'success');
  await check(world, [all]);
  await world.sequence();
  clock.jumpTo(START_MS + 10_800_000);
  await metrics.rollups.settle(tenant);
  await check(world, [all]);
  clock.jumpTo(START_MS - 7_200_000);
  await world.ask(free);
  await check(world, [all]);
  await settle();
  await check(world, [all]);
});

test('a stop of a class reaches whom the charter in force puts there, also where it was counted by another', async () => {
  const { tenant, clock, ask, end, sequence } = await openWorld();
  const { store } = database;
  await store.withTenant(
    tenant,
    (tx) => tx`
      insert into mandate.restriction (tenant, id, kind, level, scope, floor, except_actions, cause, created_by, created_at)
      values (${tenant}, gen_random_uuid(), 'stop', 'stop', 'class:background', 'black', '{}', 'a drill', 'p', ${new Date(START_MS)})`,
  );
  const act = await ask({ action: 'roaster.SET_FAN', causes: null, refused: null, compensates: null });
  await end(act, 'cancelled');
  await sequence();
  clock.jumpTo(START_MS + 600_000);
  let classes: Readonly<Record<string, string>> = { a: 'background' };
  const rollups = createRollups({
    store,
    clock,
    classesOf: () => Promise.resolve(classes),
    failed: assert.ifError,
  });
  const window = { patterns: ['*'], startMs: START_MS - 3_600_000, endMs: START_MS + 3_600_000 };
  const stopped = (): Promise<readonly number[]> =>
    store.withTenant(tenant, async (tx) => [
      sum(await readCounts(tx, tenant, window, classes)).stopped,
      sum(await countDirectly(tx, tenant, window, classes)).stopped,
    ]);
  const kept = (): Promise<unknown> =>
    store.withTenant(tenant, async (tx) => {
      const [row] =
        await tx`select sum(stopped)::integer as stopped from mandate.metric_bucket where seconds = 60`;
      return row?.['stopped'];
    });
  await rollups.settle(tenant);
  assert.deepEqual(await stopped(), [1, 1]);
  classes = { a: 'foreground' };
  assert.deepEqual(await stopped(), [0, 0], 'before anything is counted again');
  await rollups.settle(tenant);
  assert.deepEqual([...(await stopped()), await kept()], [0, 0, 0]);
  classes = { a: 'background' };
  await rollups.settle(tenant);
  assert.deepEqual(await stopped(), [1, 1]);
});

test('a second source counts for its tenant alone, and every other process knows that it does not have it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mandate-commands-'));
  const path = join(directory, 'commands.db');
  const file = new DatabaseSync(path);
  file.exec(
    `create table command_proposals (status, execution_status, command_type, created_at, rejection_reason);
     insert into command_proposals values ('approved', 'failed', 'SET_FAN', ${START_MS}, null)`,
  );
  file.close();
  const { store, admin } = database;
  const clock = manualClock(START_MS);
  const told: string[] = [];
  const process = (tenant: string, worker: string, commandDb: CommandDb | null): CommandSource =>
    createCommandSource({
      store,
      clock,
      tenant,
      worker,
      commandDb,
      unread: assert.ifError,
      isWithout: () => void told.push(tenant),
    });
  const has = process('acme', '00000000-0000-4000-8000-000000000001', openCommandDb(path, clock));
  const own = process('acme', '00000000-0000-4000-8000-000000000002', null);
  const rival = process('rival', '00000000-0000-4000-8000-000000000003', openCommandDb(path, clock));
  const window = { patterns: ['roaster.*'], startMs: START_MS, endMs: START_MS };
  const seenBy = async ({ read, readNow, isElsewhere }: CommandSource, tenant: string) => {
    clock.advance(2_000);
    const reading = await read(tenant, window).then(
      (found) => found?.types.length ?? null,
      (error: Error) => error.name,
    );
    const missing = (await readNow(tenant, window))?.missing ?? null;
    return [reading, missing === null, await isElsewhere(tenant)];
  };
  await admin`
    insert into mandate.worker (id, host, pid, started_at, lease_until)
    values ('00000000-0000-4000-8000-000000000001', 'here', 1, now(), now() + interval '1 hour')`;
  await own.begin();
  assert.deepEqual(await seenBy(own, 'acme'), [null, true, false]);
  await has.begin();
  assert.deepEqual(await seenBy(has, 'acme'), [1, true, false]);
  assert.deepEqual(await seenBy(rival, 'acme'), ['CommandDbUnreadable', false, true]);
  assert.deepEqual(await seenBy(own, 'acme'), ['CommandDbUnreadable', false, true]);
  assert.deepEqual([own.isRead(), told], [false, []]);
  // Neither counts for anybody who has no file.
  assert.deepEqual(await seenBy(has, 'rival'), [null, true, false]);
  await own.begin();
  assert.deepEqual(told, ['acme']);
  // While nobody lives who could read it, it is still not all there is, and whoever lives has to look.
  await admin`update mandate.worker set lease_until = now() - interval '1 second'`;
  assert.deepEqual(await seenBy(rival, 'acme'), ['CommandDbUnreadable', false, false]);
  // Until a server of the tenant starts without it.
  await own.begin();
  assert.deepEqual(await seenBy(rival, 'acme'), [null, true, false]);
  await Promise.all([has.close(), rival.close()]);
  await rm(directory, { recursive: true });
});

test('two processes that count at the same time count once', async () => {
  const world = await openWorld();
  const { tenant, clock, metrics, other } = world;
  for (let n = 0; n < 40; n += 1) {
    clock.jumpTo(START_MS + n * 90_000);
    const act = await world.ask({
      action: 'roaster.SET_FAN',
      causes: null,
      refused: null,
      compensates: null,
    });
    await world.end(act, n % 5 === 0 ? 'failed' : 'success');
    if (n % 7 === 0) await world.sequence();
    if (n % 3 === 0) await Promise.all([metrics.rollups.pass(tenant), other.rollups.pass(tenant)]);
  }
  clock.jumpTo(LATER_MS);
  await world.sequence();
  await Promise.all([metrics.rollups.pass(tenant), other.rollups.pass(tenant), metrics.rollups.pass(tenant)]);
  await check(world, []);
  const { commands } = await other.of(tenant, {
    patterns: ['roaster.*'],
    startMs: START_MS,
    endMs: LATER_MS,
  });
  assert.deepEqual([commands.total, commands.failed], [40, 8]);
});
