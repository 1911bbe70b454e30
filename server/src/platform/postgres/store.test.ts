// The promise of tenancy as a client of the pool lives it: whatever goes wrong in one request, the next one on the
// same connection sees its own tenant and nothing else. Keeps I8.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openTestDatabase } from '../../../../test/postgres.ts';
import type { TestDatabase } from '../../../../test/postgres.ts';
import type { Tx } from './store.ts';

test('a tenant sees and writes its own rows only, and nobody sees any outside withTenant', async (t) => {
  const { store } = await withNotes(t);
  await store.withTenant('a', (tx) => tx`insert into mandate.note values ('a', 1)`);
  await store.withTenant('b', (tx) => tx`insert into mandate.note values ('b', 2)`);
  assert.deepEqual(
    [...(await store.withTenant('a', (tx) => tx`select * from mandate.note`))],
    [{ tenant: 'a', id: 1 }],
  );
  assert.deepEqual([...(await store.app`select * from mandate.note`)], []);
  await assert.rejects(
    store.withTenant('a', (tx) => tx`insert into mandate.note values ('b', 3)`),
    /row-level security/,
  );
  await assert.rejects(store.app`insert into mandate.note values ('a', 4)`, /row-level security/);
  await assert.rejects(
    store.withTenant('', async () => 1),
    /needs a tenant/,
  );
});

test('an error undoes the transaction and is handed on', async (t) => {
  const { store } = await withNotes(t);
  const failure = new Error('ours');
  const attempt = store.withTenant('a', async (tx) => {
    await tx`insert into mandate.note values ('a', 1)`;
    throw failure;
  });
  await assert.rejects(attempt, failure);
  assert.deepEqual([...(await store.withTenant('a', (tx) => tx`select * from mandate.note`))], []);
});

test('what fn returns arrives as it is, lists of promises included', async (t) => {
  const { store } = await withNotes(t);
  const returned = await store.withTenant('a', async () => [1, 2]);
  assert.deepEqual(returned, [1, 2]);
  assert.equal(await store.withTenant('a', async () => undefined), undefined);
});

test('the app is READ COMMITTED, bounded in time and known by name', async (t) => {
  const { store } = await openTestDatabase(t, {
    statementTimeoutMs: 1234,
    idleInTransactionMs: 2345,
    lockTimeoutMs: 3456,
    name: 'bounded',
  });
  const [row] = await store.withTenant(
    'a',
    (tx) => tx`
    select current_setting('transaction_isolation') as isolation, current_setting('statement_timeout') as statement,
      current_setting('idle_in_transaction_session_timeout') as idle, current_setting('lock_timeout') as lock,
      current_setting('application_name') as name`,
  );
  assert.deepEqual(
    { ...row },
    { isolation: 'read committed', statement: '1234ms', idle: '2345ms', lock: '3456ms', name: 'bounded app' },
  );
});

test('a request that holds its transaction and does nothing is ended by the server', async (t) => {
  const { store, admin } = await withNotes(t, { idleInTransactionMs: 50 });
  const hung = store.withTenant('a', async (tx) => {
    await tx`select 1`;
    await store.control`select pg_sleep(0.3)`;
    // On a driver that reconnects these would run outside of any transaction, and stay.
    const late = [1, 2, 3].map((id) => tx`insert into mandate.note values (mandate.app_tenant(), ${id})`);
    const settled = await Promise.allSettled(late);
    assert.deepEqual(
      settled.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    );
    return settled;
  });
  await assert.rejects(hung);
  assert.deepEqual([...(await admin`select * from mandate.note`)], []);
  assert.deepEqual(await store.withTenant('a', async (tx) => [...(await tx`select 1 as alive`)]), [
    { alive: 1 },
  ]);
});

test('control can end a session of the app, and the pool recovers', async (t) => {
  const { store } = await openTestDatabase(t);
  const { promise: pid, resolve } = Promise.withResolvers<number>();
  const busy = store.withTenant('a', async (tx) => {
    const [row] = await tx<{ readonly pid: number }[]>`select pg_backend_pid() as pid`;
    resolve(row?.pid ?? 0);
    return tx`select pg_sleep(60)`;
  });
  const ended = pid.then((id) => store.control`select pg_terminate_backend(${id}, 1000) as ended`);
  await Promise.all([assert.rejects(busy), ended]);
  assert.deepEqual([...(await ended)], [{ ended: true }]);
  assert.deepEqual(await store.withTenant('a', async (tx) => [...(await tx`select 1 as alive`)]), [
    { alive: 1 },
  ]);
});

test('a query that is awaited after its transaction reaches nobody', async (t) => {
  const { store } = await withNotes(t, { max: 1 });
  // In a function, because a promise that is handed on would be awaited, and that runs the query.
  const escaped = await store.withTenant('a', async (tx) => {
    const query = tx`select * from mandate.note`;
    return { awaitQuery: async () => query, awaitNew: async () => tx`select * from mandate.note` };
  });
  // Wrapped in a transaction of another tenant on the same connection, where it would find that tenant's rows.
  await store.withTenant('b', async (other) => {
    await other`insert into mandate.note values ('b', 1)`;
    await assert.rejects(escaped.awaitQuery(), /transaction is over/);
    await assert.rejects(escaped.awaitNew(), /transaction is over/);
  });
});

test('a failed statement that somebody caught still fails the transaction, unless a savepoint held it', async (t) => {
  const { store } = await withNotes(t);
  const swallowed = store.withTenant('a', async (tx) => {
    await tx`insert into mandate.note values ('a', 1)`;
    await tx`select nonsense`.catch(() => {});
    return 'looks well';
  });
  await assert.rejects(swallowed, /column "nonsense" does not exist/);
  const held = await store.withTenant('a', async (tx) => {
    await tx`insert into mandate.note values ('a', 2)`;
    await tx.savepoint((inner) => inner`select nonsense`).catch(() => {});
    return tx`select id from mandate.note`;
  });
  assert.deepEqual([...held], [{ id: 2 }]);
});

test('more transactions than connections wait their turn, and closing lets those that run finish', async (t) => {
  const { store } = await withNotes(t, { max: 2 });
  const all = Promise.all(
    Array.from({ length: 20 }, (_, id) =>
      store.withTenant('a', (tx) => tx`insert into mandate.note values ('a', ${id})`),
    ),
  );
  await all;
  const [row] = await store.withTenant('a', (tx) => tx`select count(*) as notes from mandate.note`);
  assert.equal(row?.['notes'], 20);
  const last = store.withTenant('a', (tx) => tx`select pg_sleep(0.1), 1 as done`);
  await store.withTenant('a', (tx) => tx`select 1`);
  await Promise.all([store.close(), last]);
  await assert.rejects(
    store.withTenant('a', (tx) => tx`select 1`),
    /pool is closed/,
  );
});

test('a reserved session keeps its locks until it is released, and no longer', async (t) => {
  const { store } = await openTestDatabase(t);
  const mine = await store.control.reserve();
  await mine`select pg_advisory_lock(7)`;
  assert.deepEqual([...(await store.sequencer`select pg_try_advisory_lock(7) as free`)], [{ free: false }]);
  mine.release();
  await store.sequencer`select pg_advisory_lock(7)`;
  await assert.rejects(async () => mine`select 1`, /is over/);
});

test('ten thousand requests of several tenants, with errors, cancels and ended sessions among them, never see a foreign row', async (t) => {
  const { store } = await withNotes(t);
  const tenants = ['a', 'b', 'c', 'd', '*', "o'hara"];
  for (const tenant of tenants)
    await store.withTenant(
      tenant,
      (tx) => tx`insert into mandate.note select ${tenant}, n from generate_series(1, 3) n`,
    );
  const plan = fc.sample(fc.record({ tenant: fc.constantFrom(...tenants), kind: anyKind }), {
    numRuns: 10_000,
    seed: 8,
  });
  const foreign: unknown[] = [];
  const refused = new Map<Kind, number>();
  let next = 0;
  const anonymous = async (kind: 'outside' | 'bare'): Promise<readonly Note[]> =>
    kind === 'outside'
      ? store.app<Note[]>`select * from mandate.note`
      : store.app.begin((tx) => tx<Note[]>`select * from mandate.note`);
  const worker = async (): Promise<void> => {
    for (let step = plan[next++]; step !== undefined; step = plan[next++]) {
      const { tenant, kind } = step;
      try {
        const isAnonymous = kind === 'outside' || kind === 'bare';
        const rows = isAnonymous
          ? await anonymous(kind)
          : await store.withTenant(tenant, (tx) => request(tx, kind));
        if (isAnonymous ? rows.length > 0 : rows.length < 3 || rows.some((row) => row.tenant !== tenant))
          foreign.push({ step, rows });
      } catch {
        refused.set(kind, (refused.get(kind) ?? 0) + 1);
      }
    }
  };
  await Promise.all(Array.from({ length: 24 }, worker));
  assert.deepEqual(foreign, []);
  // The unlucky ones were really unlucky, and the others were not: the test would otherwise prove nothing.
  assert.deepEqual([...refused.keys()].toSorted(), ['cancel', 'conflict', 'die', 'nonsense', 'throw']);
});

// A new connection costs as much as a hundred requests: sessions are ended now and then.
const anyKind = fc
  .integer({ min: 0, max: 599 })
  .map((n): Kind => (n < 9 ? 'die' : (kinds[n % kinds.length] ?? 'read')));
const kinds = [
  'read',
  'read',
  'write',
  'pipeline',
  'throw',
  'nonsense',
  'conflict',
  'cancel',
  'outside',
  'bare',
] as const;
type Kind = (typeof kinds)[number] | 'die';
interface Note {
  readonly tenant: string;
  readonly id: number;
}

async function request(tx: Tx, kind: Kind): Promise<readonly Note[]> {
  switch (kind) {
    case 'read':
    case 'outside':
    case 'bare':
      return tx<Note[]>`select * from mandate.note`;
    case 'write':
      await tx`update mandate.note set id = id where id = 1`;
      return tx<Note[]>`select * from mandate.note`;
    case 'pipeline': {
      const [first, second] = await Promise.all([
        tx<Note[]>`select * from mandate.note`,
        tx<Note[]>`select * from mandate.note order by id`,
      ]);
      return [...first, ...second];
    }
    case 'throw':
      await tx`select * from mandate.note`;
      throw new Error('a bug of ours');
    case 'nonsense':
      return tx<Note[]>`select nonsense from mandate.note`;
    case 'conflict':
      await tx`insert into mandate.note values (mandate.app_tenant(), 1)`;
      return tx<Note[]>`select * from mandate.note`;
    case 'die':
      await tx`select pg_terminate_backend(pg_backend_pid())`.catch(() => {});
      return tx<Note[]>`select * from mandate.note`;
    case 'cancel':
      // Cancelled by the server. (The driver's own cancel() may drop a query that is not yet running unanswered.)
      await tx`set local statement_timeout = 5`;
      return tx<Note[]>`select n.* from mandate.note n, pg_sleep(4)`;
  }
}

async function withNotes(...given: Parameters<typeof openTestDatabase>): Promise<TestDatabase> {
  const database = await openTestDatabase(...given);
  await database.admin.unsafe(`
    create table mandate.note (tenant text not null, id integer not null, primary key (tenant, id));
    alter table mandate.note owner to mandate_owner;
    alter table mandate.note enable row level security;
    alter table mandate.note force row level security;
    create policy note_own on mandate.note using (tenant = mandate.app_tenant()) with check (tenant = mandate.app_tenant());
    grant select, insert, update on mandate.note to mandate_app;`);
  return database;
}
