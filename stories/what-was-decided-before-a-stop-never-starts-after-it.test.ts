// Protocol STOP-2 on the bare database: act_start() and stops, thrown at each other without the server around them.
// What a decision was made of may have been tightened since; then the start must find out, however the two interleave.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { startAct } from '../server/src/act/actions/store.ts';
import type { StartAnswer } from '../server/src/act/actions/store.ts';
import { createStops } from '../server/src/decide/restrictions/stop.ts';
import type { Stops } from '../server/src/decide/restrictions/stop.ts';
import { createChance, systemClock } from '../server/src/platform/clock/clock.ts';
import { writeEntry } from '../server/src/prove/journal/journal.ts';
import type { TestDatabase } from '../test/postgres.ts';
import { isWaitingForRow, prepareGround, startCall, TENANT } from '../test/start-call.ts';
import type { Ground } from '../test/start-call.ts';
import { until } from '../test/until.ts';

interface StopGround extends Ground {
  readonly stops: Stops;
}

async function prepare(t: TestContext): Promise<StopGround> {
  const ground = await prepareGround(t);
  const { control } = ground.database.store;
  return {
    ...ground,
    stops: createStops({
      control,
      clock: systemClock,
      chance: createChance(systemClock),
      classesOf: () => Promise.resolve(null),
      // One person resumes in these stories.
      agree: () => Promise.reject(new Error('nobody has to agree here')),
      writeEntry,
    }),
  };
}

const order = {
  tenant: TENANT,
  scope: 'tenant',
  level: 'stop',
  reason: 'a story',
  by: 'key:test',
  traceId: null,
} as const;

// I2
test('act_start refuses to run in any isolation that would hide a stop', async (t) => {
  const { database, revision } = await prepare(t);
  const at = await revision();
  for (const isolation of ['repeatable read', 'serializable']) {
    await assert.rejects(
      database.store.app.begin(`isolation level ${isolation}`, (tx) =>
        startAct(tx as unknown as Parameters<typeof startAct>[0], startCall(at)),
      ),
      (error: Error) => 'code' in error && error.code === 'MD001' && error.message.includes(isolation),
    );
  }
  assert.equal((await startAct(database.store.app, startCall(at))).kind, 'started');
});

// I1
test('a start whose decision is older than the last tightening is stale, and leaves nothing behind', async (t) => {
  const { database, stops, revision } = await prepare(t);
  const before = await revision();
  await stops.stop(order);
  assert.deepEqual(await startAct(database.store.app, startCall(before)), { kind: 'stale' });
  await database.store.withTenant(TENANT, (tx) => tx`select mandate.raise_revision(${TENANT})`);
  assert.deepEqual(await startAct(database.store.app, startCall(before + 1)), { kind: 'stale' });
  await database.store.control.begin(
    (tx) => tx`update mandate.tenant set revision = revision + 1 where tenant = '*'`,
  );
  assert.deepEqual(
    await startAct(database.store.app, startCall((await revision()) - 1)),
    { kind: 'stale' },
    "everybody's revision counts as well",
  );
  const [row] = await database.admin<{ acts: number; agents: number }[]>`
    select (select count(*)::integer from mandate.act) as acts, (select count(*)::integer from mandate.agent) as agents`;
  assert.deepEqual({ ...row }, { acts: 0, agents: 0 });
});

// I2
test('without a row of the tenant, or of everybody, nothing starts', async (t) => {
  const { database, revision } = await prepare(t);
  const at = await revision();
  await database.admin`delete from mandate.tenant where tenant = ${TENANT}`;
  assert.deepEqual(await startAct(database.store.app, startCall(at)), { kind: 'stopped' });
  await database.admin`insert into mandate.tenant (tenant, created_at) values (${TENANT}, now())`;
  await database.admin`delete from mandate.tenant where tenant = '*'`;
  assert.deepEqual(await startAct(database.store.app, startCall(at)), { kind: 'stopped' });
});

// I2
test('a start that has read the revision and hangs is ended before a stop calls itself confirmed', async (t) => {
  const { database, stops, revision } = await prepare(t);
  assert.equal(
    (await startAct(database.store.app, startCall(await revision()))).kind,
    'started',
    'the agent is known',
  );
  let letGo = (): void => undefined;
  const sitting = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isIn = false;
  // Somebody else keeps the agent's row, on which the start waits after it has read the revision.
  const blocker = database.admin.begin(async (tx) => {
    await tx`select 1 from mandate.agent where tenant = ${TENANT} for update`;
    isIn = true;
    await sitting;
  });
  await until('the row is kept', () => isIn);
  const id = randomUUID();
  const starting = startAct(database.store.app, startCall(await revision(), id)).then(
    (answer) => answer.kind,
    () => 'ended',
  );
  await until('the start waits', () => isWaitingForRow(database));
  const beganMs = performance.now();
  const report = await stops.stop(order);
  const tookMs = performance.now() - beganMs;
  assert.equal(report.confirmed, true);
  assert.ok(tookMs < 4_000, `confirmed after ${Math.round(tookMs)} ms`);
  letGo();
  await blocker;
  assert.equal(await starting, 'ended', 'it did not start after the confirmation');
  const [row] = await database.admin<
    { n: number }[]
  >`select count(*)::integer as n from mandate.act where id = ${id}`;
  assert.equal(row?.n, 0);
});

// I1, I2
test('however starts and stops interleave, none with a decision older than a confirmed stop begins after it', async (t) => {
  const { database, stops } = await prepare(t);
  let started = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 5 }),
      async (starters, rounds, lags) => {
        const shift = { isOver: false };
        const work = Array.from({ length: starters }, async (_, starter) => {
          for (let at = 0; !shift.isOver; at += 1) {
            // As the pipeline does: facts of one moment, perhaps some time, then the start.
            const facts = await readFacts(database);
            for (let lag = lags[(at + starter) % lags.length] ?? 0; lag > 0; lag -= 1)
              await database.store.app`select 1`;
            if (facts.stops > 0) continue;
            const answer: StartAnswer = await startAct(database.store.app, startCall(facts.revision));
            if (answer.kind === 'started') started += 1;
          }
        });
        for (let round = 0; round < rounds; round += 1) {
          const before = started;
          await until('something starts', () => started > before);
          assert.equal((await stops.stop(order)).confirmed, true);
          await stops.resume({
            tenant: TENANT,
            scope: 'tenant',
            reason: 'on',
            by: 'key:test',
            roles: ['operator'],
            twoPersons: false,
            fileSinceMs: null,
            traceId: null,
          });
        }
        shift.isOver = true;
        await Promise.all(work);
        assert.deepEqual([...(await violations(database))], []);
      },
    ),
    { numRuns: 8, endOnFailure: true },
  );
  assert.ok(started > 20);
});

async function readFacts({ store }: TestDatabase): Promise<{ revision: number; stops: number }> {
  return store.withTenant(TENANT, async (tx) => {
    const [row] = await tx<{ revision: number; stops: number }[]>`
      select mandate.revision_of(${TENANT}) as revision, (select count(*)::integer from mandate.restriction where lifted_at is null) as stops`;
    return { revision: Number(row?.revision), stops: row?.stops ?? 1 };
  });
}

/** Entries are numbered inside the barrier: a start with a larger number than a confirmation came after it. */
async function violations({ admin }: TestDatabase): Promise<readonly { stop: number; start: number }[]> {
  return admin<{ stop: number; start: number }[]>`
    select c.id as stop, s.id as start
    from mandate.journal c
    join mandate.journal q on q.kind = 'stop.requested' and q.data::jsonb->>'restriction' = c.data::jsonb->>'restriction'
    join mandate.journal s on s.kind = 'action.started' and s.id > c.id
    where c.kind = 'stop.confirmed' and (s.data::jsonb->>'revision')::bigint < (
      -- Every stop and every resume raises it by one, so the stop's own revision can be counted.
      select 2 + count(*) from mandate.journal e where e.kind in ('stop.requested', 'stop.resumed') and e.id <= q.id)`;
}
