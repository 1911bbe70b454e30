// Whoever follows the journal by position sees every entry once and in the order of its commits, whatever is slow,
// dies or restarts in between; and nobody, whatever their role, changes what stands in it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { systemClock } from '../server/src/platform/clock/clock.ts';
import { createJournal, writeEntry } from '../server/src/prove/journal/journal.ts';
import { createSequencer } from '../server/src/prove/journal/sequencer.ts';
import { openFeed } from '../test/feed.ts';
import { openTestDatabase } from '../test/postgres.ts';
import { ask, many } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import { until } from '../test/until.ts';

const TENANT = 'acme';

function entry(kind: string) {
  return { kind, actor: 'a story', atMs: 1_767_225_600_000, traceId: null, data: { kind } };
}

// I7
test('positions have no gap and follow the commits, although one transaction is slow and two sequencers compete', async (t) => {
  const { store, admin } = await openTestDatabase(t, { max: 12 });
  const failed = (error: unknown): void => assert.fail(String(error));
  const sequencers = [1, 2].map(() => createSequencer({ db: store.sequencer, clock: systemClock, failed }));
  const passes = (): Promise<unknown> => Promise.all(sequencers.map((sequencer) => sequencer.pass()));
  const journal = createJournal({ store, clock: systemClock });

  let letGo = (): void => undefined;
  const sitting = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isWritten = false;
  const slow = store.withTenant(TENANT, async (tx) => {
    await writeEntry(tx, TENANT, entry('slow'));
    isWritten = true;
    await sitting;
  });
  await until('the slow one has written first', () => isWritten);

  const read: { position: number; kind: string }[] = [];
  const readOn = async (): Promise<void> => {
    await passes();
    const more = await journal.read(TENANT, {
      after: read.at(-1)?.position ?? 0,
      limit: 1_000,
      kind: null,
      agent: null,
      actId: null,
      fromMs: null,
      toMs: null,
      newestFirst: false,
    });
    read.push(...more.map(({ position, kind }) => ({ position, kind })));
  };
  await Promise.all([
    many(120, 8, (at) => store.withTenant(TENANT, (tx) => writeEntry(tx, TENANT, entry(`quick.${at}`)))),
    many(15, 1, readOn),
  ]);
  await readOn();
  assert.equal(read.length, 120, 'what has committed is not held up by what has not');
  const [first] = await admin<{ kind: string }[]>`select kind from mandate.journal order by id limit 1`;
  assert.notEqual(first?.kind, 'slow', 'the slow one is invisible before its commit');
  letGo();
  await slow;
  await readOn();
  await readOn();

  assert.deepEqual(
    read.map(({ position }) => position),
    Array.from({ length: 121 }, (_, at) => at + 1),
    'no gap, no double',
  );
  assert.equal(read.at(-1)?.kind, 'slow', 'what committed last comes last, though it wrote first');
  assert.equal(new Set(read.map(({ kind }) => kind)).size, 121, 'a reader by position has missed nothing');
});

// I7
test('a feed that resumes by Last-Event-ID after kill -9 and restart has missed nothing and seen nothing twice', async (t) => {
  const server = await startServer(t, { charter: 'version: 1\ntiers: { green: { actions: [test.run] } }\n' });
  const feed = await openFeed(t, server, { from: 0 });
  await many(60, 12, (at) => ask(server, { agent: `agent-${at % 4}`, parameters: { at } }));
  await until('the feed has delivered some of it', () => feed.events.length >= 20);
  const going = many(200, 12, (at) =>
    ask(server, { agent: `agent-${at % 4}`, parameters: { later: at } }).catch(() => null),
  );
  await until('and is in the middle of it', () => feed.events.length >= 80);
  await server.kill('SIGKILL');
  await going;
  const lastId = feed.events.at(-1)?.id ?? '';

  await server.restart();
  const resumed = await openFeed(t, server, { lastEventId: lastId });
  await many(20, 4, (at) => ask(server, { parameters: { after: at } }));
  const [row] = await server.database.admin<
    { n: number }[]
  >`select count(*)::integer as n from mandate.journal`;
  await until(
    'the feed has caught up',
    () => feed.events.length + resumed.events.length >= (row?.n ?? Infinity),
  );

  const seen = [...feed.events, ...resumed.events].map(({ id }) => Number(id));
  assert.deepEqual(
    seen,
    Array.from({ length: row?.n ?? 0 }, (_, at) => at + 1),
  );
});

test('no role changes, deletes or renumbers what stands in the journal', async (t) => {
  const { store, admin } = await openTestDatabase(t);
  await store.withTenant(TENANT, async (tx) => {
    await tx`insert into mandate.tenant (tenant, created_at) values (${TENANT}, now())`;
    await writeEntry(tx, TENANT, entry('stands'));
  });
  await createSequencer({ db: store.sequencer, clock: systemClock, failed: () => undefined }).pass();

  const wishes = [
    "update mandate.journal set data = '{}'",
    "update mandate.journal set actor = 'somebody else'",
    'update mandate.journal set position = position + 1',
    'update mandate.journal set position = null',
    'delete from mandate.journal',
    'truncate mandate.journal',
  ];
  for (const [name, sql] of Object.entries({
    app: store.app,
    sequencer: store.sequencer,
    control: store.control,
    superuser: admin,
  })) {
    for (const wish of wishes) {
      const outcome = await sql
        .begin(async (tx) => {
          await tx`select set_config('app.tenant', ${TENANT}, true)`;
          return (await tx.unsafe(wish)).count;
        })
        .catch(() => 'refused');
      assert.ok(outcome === 'refused' || outcome === 0, `${name} was able to: ${wish} (${outcome})`);
    }
  }
  const rows = await admin<
    { position: number; actor: string; data: string }[]
  >`select position, actor, data from mandate.journal`;
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    [{ position: 1, actor: 'a story', data: '{"kind":"stands"}' }],
  );
});

// I4
test('what is refused before it becomes an act stands in the journal as well', async (t) => {
  const server = await startServer(t, {
    charter: `version: 1
tiers: { green: { actions: [test.run] } }
limits: { concurrentAgents: 1 }
`,
  });
  const key = await server.makeKey({ roles: ['agent'], agents: ['worker-1'] });
  const stranger = await ask(server, { agent: 'another' }, { key });
  assert.deepEqual([stranger.status, stranger.body.code], [403, 'not_yours']);
  assert.equal((await ask(server, {}, { key })).body.status, 'permitted');
  const busy = await ask(server, { agent: 'second' });
  assert.deepEqual([busy.status, busy.body.code], [429, 'throttled']);
  const entries = await server.database.admin<{ agent: string | null; data: string }[]>`
    select agent, data from mandate.journal where kind = 'action.refused' order by id`;
  assert.deepEqual(
    entries.map(({ agent, data }) => {
      const { agent: named, code } = JSON.parse(data) as { agent: string; code: string };
      return { agent, named, code };
    }),
    [
      { agent: null, named: 'another', code: 'not_yours' },
      { agent: 'second', named: 'second', code: 'throttled' },
    ],
  );
});
