// Nobody is told what is over, what was before their time, or what they have been told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../../../test/until.ts';
import type { DigestContent } from './message.ts';
import { approvalFor, channel, charterWith, openKit, TENANT } from './kit.test.ts';
import type { Kit } from './kit.test.ts';

const DOWN = { kind: 'refused', error: 'connection refused', permanent: false, retryAfterMs: null } as const;
const ADA = { user: 'ada', email: 'ada@example.org' };

async function hold(kit: Kit): Promise<string> {
  const action = 'deploy.production';
  const actId = await kit.act({ action, tier: 'red', status: 'waiting_for_approval' });
  const approvalId = await approvalFor(kit, actId);
  await kit.write([{ kind: 'action.held', agent: 'builder-1', actId, data: { action, tier: 'red' } }]);
  return approvalId;
}

async function decide(kit: Kit, approvalId: string): Promise<void> {
  await kit.database.admin`update mandate.approval set status = 'approved' where id = ${approvalId}`;
}

async function states(kit: Kit): Promise<readonly string[]> {
  const rows = await kit.notifications.list(TENANT, { status: null, channel: null, limit: 50 });
  return rows
    .filter(({ kind }) => kind === 'approval')
    .map(({ to, status, tries, mayHaveArrived }) => `${to} ${status} ${tries} ${mayHaveArrived}`)
    .toSorted();
}

test('what was decided in the night is not asked in the morning, and what still waits is', async (t) => {
  const kit = await openKit(t, Date.parse('2026-11-20T23:00:00Z'));
  kit.charter = charterWith(
    { mail: channel({ kind: 'email', to: [], quiet: '22:00-07:00 UTC', wake: [] }) },
    { users: { ada: { contacts: { mail: 'ada@example.org' } } } },
  );
  kit.voters = [ADA];
  await kit.turn();
  const first = await hold(kit);
  await hold(kit);
  await kit.turn();
  assert.deepEqual(kit.sent, []);
  await decide(kit, first);
  kit.clock.advance(8 * 3_600_000);
  await kit.turn();
  assert.equal(kit.sent.length, 1);
  assert.deepEqual(await states(kit), ['ada@example.org cancelled 0 false', 'ada@example.org sent 1 false']);
  const [cancelled] = await kit.notifications.list(TENANT, { status: 'cancelled', channel: null, limit: 9 });
  assert.equal(cancelled?.lastError, 'It was not sent, because what it asks for had been decided.');
  assert.equal(cancelled?.nextAt, null);
  const [shown] = await kit.notifications.channels(TENANT);
  assert.deepEqual([shown?.pending, shown?.dead, shown?.lastError], [0, 0, null], 'which is no trouble');
  kit.clock.advance(31 * 86_400_000);
  await kit.turn();
  assert.deepEqual(await states(kit), [], 'and not kept for ever');
});

test('what was decided between two tries, after a death or before a replay is not asked again', async (t) => {
  const kit = await openKit(t);
  kit.charter = charterWith({ hook: channel() });
  await kit.turn();
  kit.answer = () => DOWN;
  const tried = await hold(kit);
  await kit.turn();
  await decide(kit, tried);
  kit.clock.advance(10_000);
  await kit.turn();
  assert.deepEqual(await states(kit), ['https://hook.example/ cancelled 1 false']);

  kit.answer = () => ({ ...DOWN, permanent: true });
  const buried = await hold(kit);
  await kit.turn();
  await decide(kit, buried);
  await kit.notifications.replay({ tenant: TENANT, ids: null, by: 'user:ada', traceId: null });
  await kit.turn();
  assert.deepEqual(await states(kit), [
    'https://hook.example/ cancelled 0 false',
    'https://hook.example/ cancelled 1 false',
  ]);

  await kit.database.admin`delete from mandate.delivery`;
  kit.lacking = () => 'not yet';
  const cutOff = await hold(kit);
  await kit.turn();
  await kit.database
    .admin`update mandate.delivery set status = 'sending', tries = 1, lease_until = now() - interval '1 second'`;
  await decide(kit, cutOff);
  kit.lacking = () => null;
  await until('it is cancelled, and may have arrived', async () => {
    await kit.turn();
    return (await states(kit)).join() === 'https://hook.example/ cancelled 1 true';
  });
  assert.equal(kit.sent.length, 2);
});

test('a new tenant is told of stops of everything from then on, and of none before its time', async (t) => {
  const kit = await openKit(t);
  const stop = (reason: string) =>
    kit.write([{ kind: 'stop.requested', actor: 'user:ada', data: { scope: 'global', reason } }], '*');
  const told = (tenant: string): readonly string[] =>
    kit.sent
      .filter((message) => message.tenant === tenant)
      .map(({ subject }) => subject.replace(/^.*: /, ''))
      .toSorted();
  await stop('first');
  await stop('second');
  await kit.turn();
  kit.clock.advance(3_600_000);
  const tenant = 'newcomer';
  await kit.store.withTenant(tenant, async (tx) => {
    await tx`insert into mandate.tenant (tenant, created_at) values (${tenant}, ${new Date(kit.clock.nowMs())})`;
  });
  await kit.turn();
  await stop('third');
  await kit.turn();
  await until('both are told the third', () => told(tenant).length > 0 && told(TENANT).length === 3);
  await stop('fourth');
  await kit.turn();
  await until('and the fourth', () => told(tenant).length > 1 && told(TENANT).length === 4);
  assert.deepEqual(told(tenant), ['fourth', 'third']);
  assert.deepEqual(told(TENANT), ['first', 'fourth', 'second', 'third']);
});

test('a digest of what was too much for single messages repeats none of them', async (t) => {
  const kit = await openKit(t);
  const tiers = { green: 'none', yellow: 'realtime', red: 'realtime', black: 'realtime' } as const;
  kit.charter = charterWith({ now: channel({ tiers }) });
  await kit.turn();
  await kit.ran({ action: 'git.merge', parameters: { source: 'early' } });
  await kit.turn();
  for (let n = 0; n < 25; n += 1) await kit.ran({ action: 'git.merge', parameters: { source: `b${n}` } });
  await kit.turn();
  const singles = kit.sent.map(({ content }) => (content.kind === 'act' ? content.line.words : content.kind));
  assert.equal(singles.length, 21);
  kit.clock.advance(60_000);
  await kit.turn();
  assert.equal(kit.sent.length, 22);
  const digest = kit.sent[21]?.content as DigestContent;
  const folded = digest.agents.flatMap(({ lines }) => lines.map(({ words }) => words));
  assert.equal(new Set([...singles, ...folded]).size, 26, 'everything once');
  assert.equal(folded.length, 5);
});
