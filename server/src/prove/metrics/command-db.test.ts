// A file that another program writes, however it likes: nothing that one row says spoils the others, nobody who writes it
// can make the thread wait that judges, and what is no such file is refused by name.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { until } from '../../../../test/until.ts';
import { systemClock } from '../../platform/clock/clock.ts';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import { openCommandDb } from './command-db.ts';

const AT_MS = 1_790_000_000_000;
const WINDOW = { patterns: ['roaster.*'], startMs: AT_MS, endMs: AT_MS };
const COLUMNS = 'status, execution_status, command_type, created_at, rejection_reason, mandateActionId';

let directory: string;
before(async () => void (directory = await mkdtemp(join(tmpdir(), 'mandate-commands-'))));
after(() => rm(directory, { recursive: true, force: true }));

type Row = readonly [
  type: string | null,
  at: string | number | bigint,
  more?: Readonly<Partial<Record<'status' | 'act', string>>>,
];

function openTable(name: string): {
  readonly path: string;
  readonly db: DatabaseSync;
  readonly add: (...rows: readonly Row[]) => void;
} {
  const path = join(directory, name);
  const db = new DatabaseSync(path);
  db.exec(`create table command_proposals (${COLUMNS})`);
  const row = db.prepare(`insert into command_proposals (${COLUMNS}) values (?, 'failed', ?, ?, null, ?)`);
  return {
    path,
    db,
    add: (...rows) => {
      for (const [type, at, more] of rows) row.run(more?.status ?? 'approved', type, at, more?.act ?? null);
    },
  };
}

test('a row that says nothing sound is counted as unreadable, and spoils no other', async () => {
  const { path, db, add } = openTable('rows.db');
  const power = { commandType: 'roaster.SET_POWER', total: 2, failed: 2, proposed: 2, approved: 2, begun: 2 };
  const none = { rejected: 0, succeeded: 0, rolledBack: 0 };
  add(['SET_POWER', AT_MS], ['roaster.SET_POWER', new Date(AT_MS).toISOString()]);
  add(['shop.refund', AT_MS], ['SET_POWER', AT_MS - 1], ['SET_POWER', AT_MS + 1]);
  const commandDb = openCommandDb(path, systemClock);
  const sound = { types: [{ ...power, ...none }], constraintViolations: 0, safetyGateTriggers: 0 };
  assert.deepEqual(await commandDb.read(WINDOW), { ...sound, unreadable: 0, ours: 0 });
  // None of these is the name of an action, nor would be behind a prefix.
  add(['SET\u0000P', AT_MS], ['roaster.SET\u0000P', AT_MS], ['two words', AT_MS], [null, AT_MS]);
  add([`SET_${'P'.repeat(256)}`, AT_MS], [`roaster.${'P'.repeat(256)}`, AT_MS], ['SET_\u202e', AT_MS]);
  add(['SET_POWER', AT_MS, { status: 'who knows' }], ['SET_POWER', AT_MS, { status: 'approved\u001f' }]);
  // Times of no window, also such as no number holds.
  add(['SET_POWER', 'some day'], ['SET_POWER', 9_223_372_036_854_775_807n], ['SET_POWER', -1e300]);
  // Mandate has counted this one.
  add(['SET_POWER', AT_MS, { act: '0199f000-0000-7000-8000-000000000000' }]);
  const found = await until('they are read', async () => {
    const reading = await commandDb.read(WINDOW);
    return reading.ours === 1 && reading;
  });
  assert.deepEqual(found, { ...sound, unreadable: 12, ours: 1 });
  db.close();
  await commandDb.close();
});

test('whoever writes it is never waited for by the thread that judges', async () => {
  const { path, db, add } = openTable('locked.db');
  const clock = manualClock();
  const commandDb = openCommandDb(path, clock);
  const said = (): Promise<unknown> =>
    commandDb.read(WINDOW).then(
      ({ types }) => types[0]?.total ?? 0,
      (error: Error) => error.message,
    );
  assert.equal(await said(), 0);
  add(['SET_POWER', AT_MS]);
  await until('what was committed counts', async () => (await said()) === 1);
  const now = async (): Promise<readonly [number | null, string]> => {
    const { reading, problem } = await commandDb.readNow(WINDOW);
    return [reading?.types[0]?.total ?? null, problem?.message ?? ''];
  };
  assert.deepEqual(await now(), [1, '']);
  db.exec('begin exclusive');
  // A lock at the start is nobody's mistake, and what was never read cannot be had at once.
  const late = openCommandDb(path, clock);
  assert.deepEqual(await late.readNow(WINDOW), { reading: null, problem: null });
  await late.close();
  const locked = await until('it is locked', async () => {
    const text = await said();
    return typeof text === 'string' && text;
  });
  assert.match(locked, /another program holds locked/);
  // Whoever cannot wait has what was read last, and is told; nobody tries again for them so soon.
  const stale = async (): Promise<void> => {
    const [total, problem] = await now();
    assert.equal(total, 1);
    assert.match(problem, /another program holds locked/);
  };
  for (let n = 0; n < 20; n += 1) await stale();
  db.exec('rollback');
  await stale();
  db.exec('begin exclusive');
  // While they wait this thread goes on, or nobody could say that it is enough.
  const waiting = [said(), said()];
  clock.advance(5_000);
  for (const text of [...(await Promise.all(waiting)), await said()])
    assert.match(String(text), /not read through within 5 s/);
  db.exec('rollback');
  await until('it is read again', async () => (await said()) === 1);
  assert.deepEqual(await now(), [1, '']);
  db.close();
  await rm(path);
  assert.match(String(await said()), /there is no such file/);
  openTable('locked.db').db.close();
  assert.equal(await said(), 0, 'another file under the same name');
  await commandDb.close();
});

test('what is no such file is refused at once, by name', async () => {
  const refusing = (name: string, why: RegExp, sql: string | null = null): void => {
    const path = join(directory, `${name}.db`);
    if (sql !== null) {
      const file = new DatabaseSync(path);
      file.exec(sql);
      file.close();
    }
    assert.throws(() => openCommandDb(path, systemClock), why);
  };
  refusing('nowhere', /nowhere\.db, and there is no such file/);
  refusing('empty', /no table command_proposals .*It has: commands\./, 'create table commands (a)');
  refusing(
    'other',
    /no column execution_status \(or executionStatus\)\. It has: status, command_type, created_at, rejection_reason\./,
    'create table command_proposals (status, command_type, created_at, rejection_reason)',
  );
  await writeFile(join(directory, 'text.db'), 'this is no database, whatever its name says\n'.repeat(100));
  refusing('text', /cannot be read as an SQLite database/);
});
