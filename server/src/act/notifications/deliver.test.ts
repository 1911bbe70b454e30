import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { until } from '../../../../test/until.ts';
import { retryDelayMs } from './backoff.ts';
import { claimDelivery } from './delivery-store.ts';
import type { DeliveryView } from './view.ts';
import { channel, charterWith, openKit, TENANT } from './kit.test.ts';
import type { Kit } from './kit.test.ts';

const DOWN = { kind: 'refused', error: 'connection refused', permanent: false, retryAfterMs: null } as const;
const UNKNOWN = { kind: 'unknown', error: 'the connection broke' } as const;

/** One urgent message on its way. */
async function openWithMessage(t: Parameters<typeof openKit>[0]): Promise<Kit> {
  const kit = await openKit(t);
  await kit.turn();
  await kit.write([{ kind: 'stop.requested', actor: 'user:ada', data: { scope: 'tenant', reason: 'one' } }]);
  return kit;
}

async function only(kit: Kit): Promise<DeliveryView> {
  const [first, ...others] = await kit.notifications.list(TENANT, { status: null, channel: null, limit: 10 });
  assert.ok(first !== undefined && others.length === 0, JSON.stringify(others));
  return first;
}

async function pass(kit: Kit, ms: number): Promise<void> {
  kit.clock.advance(ms);
  await kit.turn();
}

test('a channel that is down loses nothing: it is tried again, later and later, and is no copy when it gets through', async (t) => {
  const kit = await openWithMessage(t);
  kit.answer = () => DOWN;
  await kit.turn();
  await kit.turn();
  assert.equal(kit.sent.length, 1, 'not at once');
  const { nextAt, lastError, mayHaveArrived } = await only(kit);
  assert.equal(lastError, 'connection refused');
  assert.equal(mayHaveArrived, false);
  const waitMs = Date.parse(nextAt ?? '') - kit.clock.nowMs();
  assert.ok(waitMs >= 5_000 && waitMs <= 10_000, String(waitMs));
  await pass(kit, 10_000);
  kit.answer = () => ({ kind: 'accepted', reference: '250 queued as 7' });
  await pass(kit, 20_000);
  const done = await only(kit);
  assert.deepEqual(
    [done.status, done.tries, done.reference, done.nextAt],
    ['sent', 3, '250 queued as 7', null],
  );
  assert.equal(new Set(kit.sent.map(({ id }) => id)).size, 1, 'one id for all tries');
  assert.deepEqual(
    kit.sent.map(({ sentAgain, attempt }) => [sentAgain, attempt]),
    [
      [false, 1],
      [false, 2],
      [false, 3],
    ],
  );
  assert.deepEqual(kit.counted, ['hook failed', 'hook failed', 'hook sent']);
});

test('a message that another process has just tried is not taken before its next try, although it had been found due', async (t) => {
  const kit = await openWithMessage(t);
  kit.answer = () => DOWN;
  await kit.turn();
  const { id } = await only(kit);
  const claim = () =>
    kit.store.withTenant(TENANT, (tx) =>
      claimDelivery(tx, TENANT, { id, leaseMs: 60_000, nowMs: kit.clock.nowMs() }),
    );
  assert.equal(await claim(), null);
  kit.clock.advance(10_000);
  assert.equal((await claim())?.tries, 2);
});

test('only what may have arrived is marked as sent again, under the same id', async (t) => {
  const kit = await openWithMessage(t);
  kit.answer = () => UNKNOWN;
  await kit.turn();
  assert.equal((await only(kit)).mayHaveArrived, true);
  kit.answer = () => ({ kind: 'accepted', reference: null });
  await pass(kit, 10_000);
  const [first, second] = kit.sent;
  assert.equal(first?.id, second?.id);
  assert.deepEqual([first?.sentAgain, second?.sentAgain], [false, true]);
  assert.doesNotMatch(first?.text ?? '', /Sent again/);
  assert.match(
    second?.text ?? '',
    /^Sent again: it is not known whether the first copy arrived\. Both have the message id /,
  );
});

test('a channel that gives no answer in time is cut off, and what it had may have arrived', async (t) => {
  const kit = await openWithMessage(t);
  const heard: AbortSignal[] = [];
  kit.answer = (_message, signal) => {
    heard.push(signal);
    return new Promise(() => undefined);
  };
  await kit.notifications.schedule.turn();
  const signal = await until('it is being sent', () => heard[0]);
  kit.clock.advance(30_000);
  await kit.turn();
  assert.equal(signal.aborted, true);
  const { status, lastError, mayHaveArrived } = await only(kit);
  assert.deepEqual([status, lastError, mayHaveArrived], ['pending', 'No answer within 30 s.', true]);
});

test('what is refused for good is put aside at once, what fails to the last try then, and both are on record', async (t) => {
  const kit = await openWithMessage(t);
  kit.charter = charterWith({ hook: channel({ tries: 3 }), gone: channel({ to: ['gone'] }) });
  await kit.write([{ kind: 'stop.requested', actor: 'user:ada', data: { scope: 'tenant', reason: 'two' } }]);
  kit.answer = ({ channel: name }) =>
    name === 'gone' ? { ...DOWN, error: 'HTTP 410', permanent: true } : UNKNOWN;
  await kit.turn();
  await pass(kit, 10_000);
  await pass(kit, 20_000);
  await pass(kit, 3_600_000);
  const dead = await kit.notifications.list(TENANT, { status: 'dead', channel: null, limit: 10 });
  assert.deepEqual(
    dead.map((it) => `${it.channel} ${it.tries} ${it.mayHaveArrived} ${it.lastError}`).toSorted(),
    [
      'gone 1 false HTTP 410',
      'gone 1 false HTTP 410',
      'hook 3 true the connection broke',
      'hook 3 true the connection broke',
    ],
  );
  const [row] = await kit.database.admin<
    { n: number }[]
  >`select count(*)::integer as n from mandate.journal where kind = 'notification.dead'`;
  assert.equal(row?.n, 4);
  const shown = await kit.notifications.channels(TENANT);
  assert.deepEqual(
    shown.map(({ name, dead: count, lastError }) => `${name} ${count} ${lastError}`).toSorted(),
    ['gone 2 HTTP 410', 'hook 2 the connection broke'],
  );
});

test('a process that dies while sending leaves what another sends again, marked', async (t) => {
  const kit = await openWithMessage(t);
  kit.answer = () => new Promise(() => undefined);
  await kit.notifications.schedule.turn();
  await until('it is being sent', () => kit.sent.length === 1);
  // What a death leaves behind: a claim that nobody renews.
  await kit.database.admin`update mandate.delivery set lease_until = now() - interval '1 second'`;
  kit.answer = () => ({ kind: 'accepted', reference: null });
  const other = kit.another();
  await other.schedule.turn();
  await until('it is sent again', () => kit.sent.length === 2);
  await other.close();
  assert.deepEqual(
    kit.sent.map(({ sentAgain }) => sentAgain),
    [false, true],
  );
  const { status, tries } = await only(kit);
  assert.deepEqual([status, tries], ['sent', 2]);
});

test('a slow channel keeps no other channel waiting', async (t) => {
  const kit = await openKit(t);
  kit.charter = charterWith({ slow: channel({ to: ['slow'] }), fast: channel({ to: ['fast'] }) });
  await kit.turn();
  kit.answer = ({ channel: name }) =>
    name === 'slow' ? new Promise(() => undefined) : { kind: 'accepted', reference: null };
  for (let n = 0; n < 12; n += 1)
    await kit.write([
      { kind: 'stop.requested', actor: 'user:ada', data: { scope: `agent:${n}`, reason: 'x' } },
    ]);
  const sentFast = (): number => kit.sent.filter((message) => message.channel === 'fast').length;
  await until('the fast one has all', async () => {
    await kit.notifications.schedule.turn();
    return sentFast() === 12;
  });
  assert.equal(
    kit.sent.filter((message) => message.channel === 'slow').length,
    4,
    'four at a time, and no more',
  );
});

test('a clock that was put back an hour keeps nothing waiting for the hour to come again', async (t) => {
  const kit = await openWithMessage(t);
  kit.answer = () => DOWN;
  await kit.turn();
  kit.clock.jumpTo(kit.clock.nowMs() - 3_600_000);
  kit.answer = () => ({ kind: 'accepted', reference: null });
  await kit.turn();
  assert.equal((await only(kit)).status, 'sent');
});

test('a test message says at once what became of it', async (t) => {
  const kit = await openKit(t);
  await kit.turn();
  const tested = await kit.notifications.test(TENANT, 'hook', 'user:ada');
  assert.deepEqual(
    tested.kind === 'tested' ? tested.deliveries.map(({ status, kind }) => [status, kind]) : tested,
    [['sent', 'test']],
  );
  assert.match(kit.sent[0]?.text ?? '', /user:ada asked for this message on 20 Nov 2026, 10:00\./);
  const missing = await kit.notifications.test(TENANT, 'nobody', 'user:ada');
  assert.equal(missing.kind === 'refused' ? missing.refusal.code : '', 'not_found');
});

test('dead letters are sent again within what the flags allow, oldest first', async (t) => {
  const kit = await openKit(t);
  const flag = (key: string, value: number) =>
    kit.store.withTenant(TENANT, async (tx) => {
      await tx`
        insert into mandate.flag (tenant, key, value, reason, owner, updated_at) values (${TENANT}, ${key}, ${value}::text::jsonb, 'test', 'test', ${new Date(kit.clock.nowMs())})
        on conflict (tenant, key, scope) do update set value = excluded.value`;
    });
  kit.answer = () => ({ ...DOWN, permanent: true });
  await kit.turn();
  for (let n = 0; n < 6; n += 1)
    await kit.write([
      { kind: 'stop.requested', actor: 'user:ada', data: { scope: `agent:${n}`, reason: 'x' } },
    ]);
  await kit.turn();
  const dead = await kit.notifications.list(TENANT, { status: 'dead', channel: null, limit: 10 });
  assert.equal(dead.length, 6);
  const ids = dead.map(({ id }) => id);
  const replay = async (wanted: readonly string[] | null = null): Promise<readonly unknown[]> => {
    const answer = await kit.notifications.replay({
      tenant: TENANT,
      ids: wanted,
      by: 'user:ada',
      traceId: null,
    });
    return answer.kind === 'refused' ? [answer.refusal.code] : [answer.ids.length, answer.left];
  };
  await flag('budget.replay.maxBatch', 2);
  assert.deepEqual(await replay(ids), ['limit_exceeded'], 'more than a batch');
  assert.deepEqual(await replay(['00000000-0000-4000-8000-000000000000']), ['not_found']);
  assert.deepEqual(await replay(), [2, 4]);
  await flag('budget.replay.maxPayloadMB', 0);
  assert.deepEqual(await replay(), ['limit_exceeded'], 'no room for any');
  await flag('budget.replay.maxPayloadMB', 2);
  assert.deepEqual(await replay([ids[0] ?? '']), [1, 3]);
  assert.deepEqual(await replay(), [2, 1]);
  const late = await kit.notifications.replay({ tenant: TENANT, ids: null, by: 'user:ada', traceId: null });
  assert.deepEqual(late.kind === 'refused' ? [late.refusal.code, late.refusal.retryAfterMs] : late, [
    'throttled',
    300_000,
  ]);
  kit.answer = () => ({ kind: 'accepted', reference: null });
  await kit.turn();
  kit.clock.advance(300_000);
  assert.deepEqual(await replay(), [1, 0]);
  await kit.turn();
  const all = await kit.notifications.list(TENANT, { status: 'sent', channel: null, limit: 10 });
  assert.deepEqual(
    all.map(({ tries, replays }) => [tries, replays]),
    Array.from({ length: 6 }, () => [1, 1]),
  );
});

test('ten replays at once are as many as the flag allows', async (t) => {
  const kit = await openKit(t);
  kit.answer = () => ({ ...DOWN, permanent: true });
  await kit.turn();
  for (let n = 0; n < 10; n += 1)
    await kit.write([
      { kind: 'stop.requested', actor: 'user:ada', data: { scope: `agent:${n}`, reason: 'x' } },
    ]);
  await kit.turn();
  const ids = (await kit.notifications.list(TENANT, { status: 'dead', channel: null, limit: 10 })).map(
    ({ id }) => id,
  );
  const answers = await Promise.all(
    ids.map((id) => kit.notifications.replay({ tenant: TENANT, ids: [id], by: 'user:ada', traceId: null })),
  );
  assert.equal(answers.filter(({ kind }) => kind === 'replayed').length, 3);
});

test('the wait before the next try grows to an hour, with half of it left to chance', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (tries, random) => {
        const fullMs = Math.min(3_600_000, 10_000 * 2 ** (tries - 1));
        const waitMs = retryDelayMs(tries, random);
        assert.ok(waitMs >= fullMs / 2 && waitMs <= fullMs);
      },
    ),
  );
});
