// I5
import assert from 'node:assert/strict';
import { before, beforeEach, test } from 'node:test';
import { randomUUID } from 'node:crypto';
import type { Action, Json, Law } from '@mandate/kernel';
import { startAct } from '../../act/actions/store.ts';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import { wholeFile } from '../../../../test/closing.ts';
import { actionOf } from '../../../../test/plain.ts';
import { prepareGround, startCall, TENANT } from '../../../../test/start-call.ts';
import type { Ground } from '../../../../test/start-call.ts';
import { loadCharter } from '../charter/load.ts';
import { createHistory } from './history.ts';
import type { History, Past } from './history.ts';

const HOUR_MS = 3_600_000;
const SECRET = 'the customers of the north';

const file = wholeFile();
let ground: Ground;
before(async () => {
  ground = await prepareGround(file);
});
beforeEach(() => ground.database.admin`truncate mandate.act_source, mandate.act`);

const asked = (action: string, more: Partial<Action> = {}): Action =>
  actionOf(action, { agent: 'worker-1', ...more });

const FLOW = '{ name: leak, after: crm.read*, then: mail.* }';

async function lawOf(flows = FLOW): Promise<Law> {
  const text = `version: 1
actions: { web.fetch: { untrusted: true } }
flows: [${flows}]
tiers: { green: { actions: ['*'] } }
`;
  const made = await loadCharter({
    path: 'charter.yaml',
    readFile: (name) => Promise.resolve(name === 'charter.yaml' ? text : null),
    readShipped: () => Promise.resolve(null),
  });
  return made.kind === 'loaded' ? made.law : assert.fail(JSON.stringify(made.problems));
}

interface Opened {
  readonly clock: ReturnType<typeof manualClock>;
  readonly history: History;
  /** Remembers an act that has begun and ended so; answers with its id. */
  readonly did: (action: Action, ending?: Ending, id?: string) => Promise<string>;
  /** As `did`, this many more times: copies of the act, each begun a moment after the one before. */
  readonly again: (actId: string, count: number) => Promise<void>;
  readonly look: (action: Action) => Promise<Past>;
}

interface Ending {
  readonly status: string;
  readonly result?: Json;
  readonly executor?: string;
}

async function open(flows?: string): Promise<Opened> {
  const law = await lawOf(flows);
  const { store, admin } = ground.database;
  const clock = manualClock();
  const asker = { roles: ['agent'] };
  const history = createHistory({
    store,
    clock,
    unseal: (_tenant, sealed) => Promise.resolve(JSON.parse(Buffer.from(sealed).toString('utf8'))),
    scopeIds: (_tenant, scope) => [Buffer.from(scope)],
  });
  return {
    clock,
    history,
    async did(action, { status, result, executor } = { status: 'success' }, id = randomUUID()) {
      await history.remember({ tenant: TENANT, action, asker, law, actId: id });
      const call = startCall(await ground.revision(), id);
      const started = await startAct(store.app, {
        ...call,
        nowMs: clock.nowMs(),
        act: { ...call.act, agent: action.agent, action: action.action, executor: executor ?? null },
        sealed: Buffer.from(JSON.stringify({ action })),
      });
      assert.equal(started.kind, 'started');
      const sealed = result === undefined ? null : Buffer.from(JSON.stringify(result));
      await admin`update mandate.act set status = ${status}, sealed_result = ${sealed}, ended_at = started_at where id = ${id}`;
      clock.advance(1);
      return id;
    },
    async again(actId, count) {
      await admin.begin(async (tx) => {
        await tx`
          create temp table copies on commit drop as
          select gen_random_uuid() as id, n from generate_series(1, ${count}) n`;
        await tx`
          insert into mandate.act select (jsonb_populate_record(a, jsonb_build_object('id', c.id, 'started_at', a.started_at + c.n * interval '1 millisecond'))).*
          from mandate.act a, copies c where a.id = ${actId}`;
        await tx`
          insert into mandate.act_source select s.tenant, s.scope, c.id, s.agent, s.action, s.untrusted, s.claimed, s.at
          from mandate.act_source s, copies c where s.act_id = ${actId}`;
      });
      clock.advance(count);
    },
    look: (action) => history.lookBack({ tenant: TENANT, action, asker, law }) ?? Promise.resolve({}),
  };
}

const MAIL = asked('mail.send', { parameters: { body: SECRET } });
const MARKED = asked('note.write', { context: { untrusted: true } });

test('no number of acts that an agent marks as untrusted makes the beginning of a flow forgotten', async () => {
  const { did, again, look } = await open();
  const read = await did(asked('crm.read'));
  await again(await did(MARKED), 501);
  const { past, taint } = await look(MAIL);
  assert.deepEqual(
    past?.map(({ actId }) => actId),
    [read],
  );
  assert.deepEqual(
    taint?.map(({ how }) => how),
    ['unseen'],
    'more than are opened may hold anything',
  );
});

test('no number of acts that begin a flow makes an untrusted source forgotten', async () => {
  const { did, again, look } = await open();
  await did(asked('web.fetch'), { status: 'success', result: SECRET, executor: 'web' });
  const read = await did(asked('crm.read_0'));
  await again(read, 600);
  // Each of another name, as under a prefix any number may be.
  await ground.database
    .admin`update mandate.act a set action = 'crm.read_' || n from (select id, row_number() over () as n from mandate.act) r where r.id = a.id and starts_with(a.action, 'crm.')`;
  await ground.database
    .admin`update mandate.act_source s set action = a.action from mandate.act a where a.id = s.act_id`;
  const { past, taint } = await look(MAIL);
  assert.equal(past?.length, 1);
  assert.deepEqual(
    taint?.map(({ pointer, how }) => `${pointer} ${how}`),
    ['/parameters/body value'],
  );
});

test('a read that failed here hides none that succeeded before it', async () => {
  const { did, look } = await open();
  const read = await did(asked('crm.read'), { status: 'success', executor: 'crm' });
  await did(asked('crm.read'), { status: 'failed', executor: 'crm' });
  assert.deepEqual(
    (await look(MAIL)).past?.map(({ actId }) => actId),
    [read],
  );
});

test('for each pattern the latest act is found, and nothing for those under which nothing was done', async () => {
  const flows = `{ name: leak, after: [crm.read, hr.*], then: mail.* }, { name: all, after: '*', then: mail.*, within: 2h }`;
  const { did, look } = await open(flows);
  await did(asked('crm.read'));
  const [read, hire] = [await did(asked('crm.read')), await did(asked('hr.hire'))];
  const last = await did(asked('crm.read_more'));
  assert.deepEqual(
    (await look(MAIL)).past?.map(({ actId }) => actId),
    [last, hire, read],
  );
  assert.equal((await look(asked('code.read'))).past, undefined, 'nobody asks');
});

test('what an agent has fetched and not told may be anything, whatever it says has become of it', async () => {
  const lunch = asked('mail.send', { parameters: { body: 'Lunch at noon?' } });
  for (const [ending, expected] of [
    [{ status: 'failed' }, ['unseen']],
    [{ status: 'success' }, ['unseen']],
    [{ status: 'unknown' }, ['unseen']],
    [{ status: 'success', result: 'A page about gardens.' }, []],
    [{ status: 'failed', executor: 'web' }, []],
  ] as const) {
    await ground.database.admin`truncate mandate.act_source, mandate.act`;
    const { did, look } = await open();
    await did(asked('web.fetch'), ending);
    assert.deepEqual(
      (await look(lunch)).taint?.map(({ how }) => how),
      expected,
      JSON.stringify(ending),
    );
  }
});

test('a mark says whether Mandate has seen its source itself', async () => {
  const { did, look } = await open();
  await did(asked('web.fetch'), { status: 'success', result: SECRET, executor: 'web' });
  await did(asked('web.fetch'), { status: 'success', result: SECRET });
  assert.deepEqual(
    (await look(MAIL)).taint?.map(({ claimed }) => claimed ?? false),
    [true, false],
  );
});

test('an approved act that could begin only later is remembered from when it began', async () => {
  const { did, look, history, clock } = await open();
  const actId = randomUUID();
  const action = asked('crm.read');
  await history.remember({ tenant: TENANT, action, asker: { roles: [] }, law: await lawOf(), actId });
  clock.advance(3 * HOUR_MS);
  assert.deepEqual((await look(MAIL)).past, [], 'it has not begun');
  await did(action, { status: 'success' }, actId);
  assert.deepEqual(
    (await look(MAIL)).past?.map((act) => act.actId),
    [actId],
  );
});

test('what was done is kept for as long as a charter may look back', async () => {
  const { did, look, history, clock } = await open(
    '{ name: leak, after: crm.read*, then: mail.*, within: 7d }',
  );
  await did(asked('crm.read'));
  clock.advance(168 * HOUR_MS - 1);
  await history.prune();
  assert.equal((await look(MAIL)).past?.length, 1);
  clock.advance(2 * HOUR_MS);
  await history.prune();
  const [{ left } = { left: -1 }] = await ground.database.admin<
    { left: number }[]
  >`select count(*)::integer as left from mandate.act_source`;
  assert.equal(left, 0);
});
