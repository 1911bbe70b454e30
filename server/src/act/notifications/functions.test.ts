// Channels that are functions of a program: the program comes and goes, and answers whatever it likes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../../../test/until.ts';
import { channel, charterWith, openKit, TENANT } from './kit.test.ts';
import type { Kit } from './kit.test.ts';
import type { ChannelFunction } from './message.ts';

const DAY_MS = 86_400_000;

function stop(kit: Kit, reason: string): Promise<void> {
  return kit.write([{ kind: 'stop.requested', actor: 'user:ada', data: { scope: 'tenant', reason } }]);
}

async function states(kit: Kit, name: string): Promise<readonly string[]> {
  const rows = await kit.notifications.list(TENANT, { status: null, channel: name, limit: 50 });
  return rows.map(({ status, tries, lastError }) => `${status} ${tries} ${lastError}`).toSorted();
}

/** As a program that answers anything. */
function answering(value: unknown): ChannelFunction {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what no type checker has seen is what is tested
  return () => value as never;
}

test('a function of the program is a channel: what it returns, throws or makes up ends in a clear state', async (t) => {
  const kit = await openKit(t);
  kit.charter = charterWith({ declared: channel({ kind: 'function', to: ['pager-7'] }) });
  const got: string[] = [];
  let behave: () => unknown = () => undefined;
  const pager = ({
    channel: name,
    to,
    subject,
  }: {
    channel: string;
    to: string;
    subject: string;
  }): Promise<never> => {
    got.push(`${name} ${to} ${subject}`);
    return Promise.resolve(behave()) as Promise<never>;
  };
  kit.notifications.register(TENANT, 'own', pager);
  kit.notifications.register(TENANT, 'declared', pager);
  assert.throws(() => kit.notifications.register(TENANT, 'own', pager), /registered already/);
  assert.throws(() => kit.notifications.register(TENANT, 'No Name', pager), /is named with/);
  await kit.turn();
  const newest = async (): Promise<readonly unknown[]> => {
    await kit.turn();
    const rows = await kit.notifications.list(TENANT, { status: null, channel: 'own', limit: 1 });
    return rows.map(({ status, lastError, mayHaveArrived }) => [status, lastError, mayHaveArrived]);
  };
  await stop(kit, 'one');
  assert.deepEqual(await newest(), [['sent', null, false]]);
  assert.deepEqual(got.toSorted(), [
    'declared pager-7 Mandate: user:ada stopped everything: one',
    'own  Mandate: user:ada stopped everything: one',
  ]);
  kit.clock.advance(1);
  behave = () => {
    throw new Error('no idea, token ghp_0123456789abcdefghijABCDEFGHIJ012345');
  };
  await stop(kit, 'two');
  const [thrown] = (await newest()) as [readonly [string, string, boolean]];
  assert.deepEqual([thrown[0], thrown[2]], ['pending', true]);
  assert.doesNotMatch(thrown[1], /ghp_/, 'what a channel says is freed of secrets'); // I9
  kit.clock.advance(1);
  behave = () => ({ kind: 'whatever', ok: 200 });
  await stop(kit, 'three');
  assert.match(JSON.stringify(await newest()), /neither accepted, refused nor unknown/);
});

test('a message for a function of another process waits for that process', async (t) => {
  const kit = await openKit(t);
  kit.charter = charterWith({ pager: channel({ kind: 'function', to: [] }) });
  await kit.turn();
  await stop(kit, 'one');
  await kit.notifications.schedule.turn();
  assert.deepEqual(await states(kit, 'pager'), ['pending 0 null']);
  const other = kit.another();
  const got: string[] = [];
  other.register(TENANT, 'pager', ({ subject }) => void got.push(subject));
  await other.schedule.turn();
  await until('the other process has sent it', () => got.length === 1);
  await other.close();
  assert.deepEqual(await states(kit, 'pager'), ['sent 1 null']);
});

test('a message for a function that no charter names waits for a process that has registered it', async (t) => {
  const kit = await openKit(t);
  kit.charter = charterWith({});
  const before = kit.another();
  before.register(TENANT, 'own', () => undefined);
  await before.schedule.turn();
  await before.close();

  await stop(kit, 'one');
  await kit.notifications.schedule.turn();
  await kit.notifications.schedule.turn();
  assert.deepEqual(await states(kit, 'own'), ['pending 0 null'], 'a process without it leaves it alone');
  await kit.ran({ action: 'deploy.staging' });
  const flushed = await kit.notifications.flush(TENANT, 'own');
  assert.deepEqual(
    flushed?.map(({ status, kind }) => [status, kind]),
    [['pending', 'digest']],
  );
  const tested = await kit.notifications.test(TENANT, 'own', 'user:ada');
  assert.deepEqual(tested.kind === 'tested' ? tested.deliveries.map(({ status }) => status) : tested, [
    'pending',
  ]);

  const after = kit.another();
  await after.schedule.turn();
  assert.deepEqual(
    await states(kit, 'own'),
    ['pending 0 null', 'pending 0 null', 'pending 0 null'],
    'the same program, before it has registered',
  );
  const got: string[] = [];
  after.register(TENANT, 'own', ({ kind }) => void got.push(kind));
  await after.schedule.turn();
  await until('all of it is sent', async () =>
    (await states(kit, 'own')).every((state) => state === 'sent 1 null'),
  );
  await after.close();
  assert.deepEqual(got.toSorted(), ['digest', 'event', 'test']);
});

test('what waits for other processes takes no room from what can be sent', async (t) => {
  const kit = await openKit(t);
  kit.charter = charterWith({});
  const other = kit.another();
  for (let n = 0; n < 9; n += 1) other.register(TENANT, `own-${n}`, () => undefined);
  await other.schedule.turn();
  await other.close();
  for (let n = 0; n < 4; n += 1) await stop(kit, `before ${n}`);
  await kit.notifications.schedule.turn();
  kit.charter = charterWith({ hook: channel() });
  kit.clock.advance(1);
  await stop(kit, 'after');
  await kit.notifications.schedule.turn();
  await until('it is sent although 36 messages wait before it', () => kit.sent.length === 1);
});

test('a function that leaves out half of its answer settles its message all the same', async (t) => {
  const kit = await openKit(t);
  kit.charter = charterWith({ own: channel({ kind: 'function', to: [], tries: 2 }) });
  let fn: ChannelFunction = () => undefined;
  let calls = 0;
  kit.notifications.register(TENANT, 'own', (message, signal) => {
    calls += 1;
    return fn(message, signal);
  });
  await kit.turn();
  const told = async (value: unknown): Promise<readonly string[]> => {
    fn = answering(value);
    await kit.database.admin`delete from mandate.delivery`;
    await stop(kit, 'one');
    await kit.turn();
    return states(kit, 'own');
  };
  const noReason = 'It was not said why.';
  assert.deepEqual(await told({ kind: 'accepted' }), ['sent 1 null']);
  assert.deepEqual(await told({ kind: 'accepted', reference: { id: 7 } }), ['sent 1 null']);
  assert.deepEqual(await told({ kind: 'refused' }), [`pending 1 ${noReason}`]);
  assert.deepEqual(await told({ kind: 'refused', permanent: true }), [`dead 1 ${noReason}`]);
  assert.deepEqual(await told({ kind: 'refused', error: 'busy', retryAfterMs: Number.NaN }), [
    'pending 1 busy',
  ]);
  assert.deepEqual(await told({ kind: 'refused', error: 'half \uD800', permanent: true }), [
    'dead 1 half \uFFFD',
  ]);
  assert.deepEqual(await told({ kind: 'unknown' }), [`pending 1 ${noReason}`]);
  const trap = {
    get kind(): string {
      throw new Error('not like this');
    },
  };
  assert.deepEqual(await told(trap), ['pending 1 not like this']);
  assert.equal(calls, 8, 'each was handed over once');
  kit.clock.advance(10_000);
  await kit.turn();
  assert.deepEqual(await states(kit, 'own'), ['dead 2 not like this']);
});

test('a message that cannot be written out, or ends whoever sends it, is tried as often as any other and then put aside', async (t) => {
  const kit = await openKit(t);
  kit.charter = charterWith({ hook: channel({ tries: 2 }) });
  await kit.turn();
  kit.lacking = () => 'not yet';
  await stop(kit, 'one');
  await kit.turn();
  await kit.database.admin`update mandate.delivery set content = '{"kind":"event"}'::jsonb`;
  kit.lacking = () => null;
  await kit.turn();
  assert.match((await states(kit, 'hook')).join(), /^pending 1 The message could not be written: /);
  kit.clock.advance(10_000);
  await kit.turn();
  assert.match((await states(kit, 'hook')).join(), /^dead 2 The message could not be written: /);
  assert.match(kit.failures.pop() ?? '', /could not be written; it is tried again/);
  assert.match(kit.failures.pop() ?? '', /could not be written; it is tried again/);

  await kit.database.admin`delete from mandate.delivery`;
  kit.lacking = () => 'not yet';
  await stop(kit, 'two');
  await kit.turn();
  // What two processes leave behind that die of it.
  await kit.database
    .admin`update mandate.delivery set status = 'sending', tries = 2, lease_until = now() - interval '1 second'`;
  kit.lacking = () => null;
  const dead = await until('it is put aside', async () => {
    await kit.turn();
    const rows = await kit.notifications.list(TENANT, { status: 'dead', channel: 'hook', limit: 1 });
    return rows[0] ?? null;
  });
  assert.deepEqual(kit.sent, [], 'it is not sent for ever');
  assert.equal(dead.mayHaveArrived, true);
  assert.match(dead.lastError ?? '', /^2 tries were made\. What became of them is not known/);
});

test('a function whose program is away for a day has its messages put aside, on record; nothing else is', async (t) => {
  const kit = await openKit(t);
  kit.charter = charterWith({
    pager: channel({ kind: 'function', to: ['1', '2', '3'] }),
    hook: channel(),
  });
  kit.lacking = () => 'only a server has the secret';
  const program = kit.another();
  program.register(TENANT, 'own', () => ({
    kind: 'refused',
    error: 'busy',
    permanent: false,
    retryAfterMs: null,
  }));
  await program.schedule.turn();
  await stop(kit, 'one');
  await program.schedule.turn();
  await until('one was tried', async () => (await states(kit, 'own')).join() === 'pending 1 busy');
  await program.close();
  // A process died in the middle of the second.
  await kit.database
    .admin`update mandate.delivery set status = 'sending', tries = 1, lease_until = now() - interval '1 second' where channel = 'pager' and recipient = '2'`;
  kit.clock.advance(DAY_MS - 3_600_000);
  await kit.turn();
  assert.equal((await kit.notifications.list(TENANT, { status: 'dead', channel: null, limit: 9 })).length, 0);

  // While another process sends something over it, what waits has its turn still to come.
  await kit.database
    .admin`update mandate.delivery set status = 'sent', sent_at = ${new Date(kit.clock.nowMs())} where channel = 'pager' and recipient = '3'`;
  kit.clock.advance(2 * 3_600_000);
  await kit.turn();
  const text =
    'No program that has registered this channel has sent anything over it for a day. Start the one that does, and replay.';
  assert.deepEqual(await states(kit, 'own'), [`dead 1 ${text}`]);
  assert.deepEqual(await states(kit, 'pager'), ['pending 0 null', 'sending 1 null', 'sent 0 null']);
  kit.clock.advance(DAY_MS);
  await kit.turn();
  assert.deepEqual(await states(kit, 'pager'), [`dead 0 ${text}`, `dead 1 ${text}`, 'sent 0 null']);
  assert.deepEqual(await states(kit, 'hook'), ['pending 0 null'], 'what a server is to send waits for it');
  assert.deepEqual(kit.counted.toSorted(), ['own dead', 'own failed', 'pager dead', 'pager dead']);
  const entries = await kit.database.admin<{ channel: string }[]>`
    select data::jsonb->>'channel' as channel from mandate.journal where kind = 'notification.dead'`;
  assert.deepEqual(entries.map((entry) => entry.channel).toSorted(), ['own', 'pager', 'pager']);
});
