// Where an agent stands is a matter of what it did. That has to be readable, and whoever changes the figures has to see
// first what they would have made of it.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { createMandate } from '../sdk/src/index.ts';
import { DEFAULT_TRUST } from '@mandate/kernel';
import { createDrift } from '../server/src/decide/agents/drift.ts';
import { manualClock } from '../server/src/platform/clock/manual-clock.ts';
import type { ManualClock } from '../server/src/platform/clock/manual-clock.ts';
import { writeEntry } from '../server/src/prove/journal/journal.ts';
import { openDoor } from '../test/door.ts';
import type { Door } from '../test/door.ts';
import { ask, callerOf } from '../test/road.ts';
import type { ActReply, Caller } from '../test/road.ts';

const CHARTER = `version: 1
actions: { test.run: {}, test.small: { severity: low }, test.large: { severity: high }, test.grave: { severity: critical } }
tiers: { green: { actions: [test.*] } }
`;
const DAY_MS = 86_400_000;

interface Opened {
  readonly door: Door;
  readonly clock: ManualClock;
  readonly server: Caller;
}

async function open(t: TestContext): Promise<Opened> {
  const clock = manualClock();
  const door = await openDoor(t, { clock, charter: CHARTER });
  door.app.registerExecutor('test.*', ({ parameters }) => {
    if (parameters['fail'] === true) throw new Error('it did not work');
    return null;
  });
  return { door, clock, server: callerOf(door) };
}

async function run({ server }: Opened, agent: string, action: string, fail = false): Promise<ActReply> {
  const { body } = await ask(server, { agent, action, parameters: { fail } });
  assert.equal(body.status, fail ? 'failed' : 'success', JSON.stringify(body));
  return body;
}

/** As if its last act had been that long ago. */
async function idle({ door, clock }: Opened, agent: string, days: number): Promise<void> {
  const at = new Date(clock.nowMs() - days * DAY_MS);
  await door.infrastructure.store.withTenant(
    'default',
    (tx) => tx`update mandate.agent set moved_at = ${at} where tenant = 'default' and id = ${agent}`,
  );
}

interface Entry {
  readonly kind: string;
  readonly at: string;
  readonly before?: number;
  readonly after?: number;
  readonly cause: string;
  readonly by: string;
  readonly actId: string | null;
  readonly action: string | null;
}

function historyOf(
  { server }: Opened,
  agent: string,
  query = '',
): Promise<{ readonly items: readonly Entry[]; readonly nextCursor: string | null }> {
  return server
    .call<{ readonly items: readonly Entry[]; readonly nextCursor: string | null }>(
      `/api/v1/agents/${agent}/trust${query}`,
    )
    .then(({ body }) => body);
}

test('the history of trust names every move with its cause and who saw it, and every freeze and its end', async (t) => {
  const opened = await open(t);
  const first = await run(opened, 'builder', 'test.run');
  await run(opened, 'builder', 'test.large', true);
  await run(opened, 'builder', 'test.grave', true);
  await opened.server.call('/api/v1/agents/builder/unfreeze', { reason: 'the disk was full' });
  const { items } = await historyOf(opened, 'builder');
  assert.deepEqual(
    items.toReversed().map(({ kind, before, after, cause, action }) => [kind, before, after, cause, action]),
    [
      ['moved', 50, 51, 'a medium success after 0 in a row', 'test.run'],
      ['moved', 51, 43, 'a high failure, 1 in a row', 'test.large'],
      ['moved', 43, 23, 'a critical failure, 2 in a row', 'test.grave'],
      ['frozen', undefined, undefined, 'a critical failure', 'test.grave'],
      ['unfrozen', undefined, undefined, 'the disk was full', null],
    ],
  );
  assert.equal(items.at(-1)?.actId, first.id);
  assert.match(items.at(-1)?.by ?? '', /^executor:/);
  assert.equal((await opened.server.call('/api/v1/agents/nobody/trust')).status, 404);
});

test('the history is read in pages and between two moments', async (t) => {
  const opened = await open(t);
  for (let day = 0; day < 3; day += 1) {
    await run(opened, 'builder', 'test.small');
    opened.clock.advance(10);
  }
  const page = await historyOf(opened, 'builder', '?limit=2');
  assert.equal(page.items.length, 2);
  const rest = await historyOf(opened, 'builder', `?limit=2&cursor=${page.nextCursor}`);
  assert.deepEqual([rest.items.length, rest.nextCursor], [1, null]);
  const middle = page.items[1]?.at ?? '';
  assert.equal((await historyOf(opened, 'builder', `?from=${middle}`)).items.length, 2);
  assert.equal((await historyOf(opened, 'builder', `?to=${middle}`)).items.length, 1);
});

// I10
test('idle days are seen at once, and written down as moves of their own', async (t) => {
  const opened = await open(t);
  for (let n = 0; n < 4; n += 1) await run(opened, 'builder', 'test.large');
  const scoreOf = async (): Promise<number> =>
    (await opened.server.call<{ readonly trustScore: number }>('/api/v1/agents/builder')).body.trustScore;
  assert.equal(await scoreOf(), 59.2);
  await idle(opened, 'builder', 5);
  assert.equal(await scoreOf(), 58.7, 'what counts is what is shown');
  const { store, clock } = opened.door.infrastructure;
  const drift = createDrift({ store, clock, settingsOf: () => Promise.resolve(DEFAULT_TRUST), writeEntry });
  assert.deepEqual([await drift(), await drift()], [1, 0], 'once');
  const [move] = (await historyOf(opened, 'builder')).items;
  assert.deepEqual(
    [move?.by, move?.before, move?.after, move?.cause],
    ['mandate:drift', 59.2, 58.7, '5 days without an act'],
  );
  const { body } = await opened.server.call<ActReply>('/api/v1/actions', {
    agent: 'builder',
    action: 'test.small',
  });
  assert.deepEqual(body.trust, { before: 58.7, after: 59.2 });
});

interface Simulation {
  readonly outcomes: number;
  readonly agents: readonly {
    readonly agent: string;
    readonly differs: readonly string[];
    readonly recorded: { readonly score: number; readonly level: string; readonly freezes: number };
    readonly simulated: {
      readonly score: number;
      readonly level: string;
      readonly freezes: number;
      readonly frozen: boolean;
      readonly outcomesWhileFrozen: number;
    };
  }[];
}

async function simulate({ server }: Opened, body: object): Promise<Simulation> {
  const answer = await server.call<Simulation>('/api/v1/trust/simulate', body);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

async function live(opened: Opened): Promise<void> {
  for (let n = 0; n < 6; n += 1) await run(opened, 'steady', 'test.large');
  await run(opened, 'shaky', 'test.run', true);
  await run(opened, 'shaky', 'test.run', true);
  await run(opened, 'shaky', 'test.run');
  opened.clock.advance(10);
}

test('under the settings in force a simulation ends exactly where every agent stands', async (t) => {
  const opened = await open(t);
  await live(opened);
  await run(opened, 'shaky', 'test.grave', true);
  await opened.server.call('/api/v1/agents/shaky/unfreeze', { reason: 'looked at' });
  await run(opened, 'shaky', 'test.small', true);
  const same = await simulate(opened, {});
  assert.equal(same.outcomes, 11);
  for (const { agent, recorded, simulated, differs } of same.agents) {
    assert.deepEqual(
      [simulated.score, simulated.level, simulated.freezes],
      [recorded.score, recorded.level, recorded.freezes],
      agent,
    );
    assert.deepEqual(differs, []);
  }
});

test('other settings say who would stand where, and whose level and freezes would differ', async (t) => {
  const opened = await open(t);
  await live(opened);
  const { agents } = await simulate(opened, {
    trust: { freezeAfterFailures: 2, gainPerDay: 1 },
    against: '1d',
  });
  assert.deepEqual(
    agents.map(({ agent, differs, recorded, simulated }) => [
      agent,
      differs,
      recorded.score,
      simulated.score,
    ]),
    [
      ['steady', ['level', 'score'], 60, 51],
      ['shaky', ['freezes'], 45, 45],
    ],
  );
  const [, shaky] = agents;
  assert.deepEqual(
    [shaky?.simulated.freezes, shaky?.simulated.frozen, shaky?.simulated.outcomesWhileFrozen],
    [1, true, 1],
  );
  const { body } = await opened.server.call<{ readonly trustScore: number }>('/api/v1/agents/steady');
  assert.equal(body.trustScore, 60, 'nothing was changed');
});

test('an agent that was there before the period begins it with the score that it had', async (t) => {
  const opened = await open(t);
  await run(opened, 'steady', 'test.large');
  await run(opened, 'steady', 'test.large');
  opened.clock.advance(10);
  const from = new Date(opened.clock.nowMs()).toISOString();
  await run(opened, 'steady', 'test.run', true);
  opened.clock.advance(10);
  const { agents, outcomes } = await simulate(opened, { trust: { failure: { medium: 10 } }, from });
  assert.equal(outcomes, 1);
  const [steady] = agents;
  assert.deepEqual([steady?.recorded.score, steady?.simulated.score], [51.2, 44.2]);
  assert.deepEqual(steady?.differs, ['score'], 'also within one level');
});

test('settings that are none are refused with their place', async (t) => {
  const opened = await open(t);
  for (const [trust, where] of [
    [{ gainPerDay: 'many' }, '/trust/gainPerDay'],
    [{ gains: 3 }, '/trust'],
    [{ levels: { trusted: 20 } }, '/trust/levels'],
  ] as const) {
    const { status, body } = await opened.server.call<{ readonly detail: string }>('/api/v1/trust/simulate', {
      trust,
    });
    assert.equal(status, 422);
    assert.ok(body.detail.includes(where), body.detail);
  }
  assert.equal((await opened.server.call('/api/v1/trust/simulate', { against: 'long' })).status, 422);
});

test('the SDK reads the history and simulates alike', async (t) => {
  const opened = await open(t);
  await live(opened);
  const mandate = createMandate({ url: opened.door.url, apiKey: opened.door.adminKey });
  const { items } = await mandate.trust.history('shaky', { limit: 2 });
  assert.deepEqual(
    items.map(({ before, after }) => [before, after]),
    [
      [44, 45],
      [47, 44],
    ],
  );
  const { agents } = await mandate.trust.simulate({ trust: { start: 70 } });
  assert.deepEqual(
    agents.map(({ agent, simulated }) => [agent, simulated.score]),
    [
      ['shaky', 65],
      ['steady', 80],
    ],
  );
});

// I2
test('when the answer says that a failure has frozen the agent, no start from before it is on its way any more', async (t) => {
  const opened = await open(t);
  await run(opened, 'builder', 'test.run');
  const { control, app } = opened.door.infrastructure.store;
  // A start that hangs: it has read the revision and holds the barrier.
  const hung = Promise.withResolvers<void>();
  const { promise: holding, resolve: held } = Promise.withResolvers<void>();
  const starting = app
    .begin(async (tx) => {
      await tx`select pg_advisory_xact_lock_shared(mandate.barrier_key('default'))`;
      held();
      await hung.promise;
      await tx`select 1`;
    })
    .then(
      () => 'went on',
      () => 'was ended',
    );
  await holding;
  await run(opened, 'builder', 'test.grave', true);
  const shared = await control<{ n: number }[]>`
    select count(*)::integer as n from pg_locks where locktype = 'advisory' and mode = 'ShareLock' and granted
      and objid::bigint = (mandate.barrier_key('default')::bigint & 4294967295) and database = (select oid from pg_database where datname = current_database())`;
  assert.equal(shared[0]?.n, 0);
  hung.resolve();
  assert.equal(await starting, 'was ended');
});
