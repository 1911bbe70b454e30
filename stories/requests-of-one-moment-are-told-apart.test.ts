// Requests that come at the same moment are looked up and read for together. None of them may notice: everybody gets
// what they would get alone, and a key that was revoked a moment ago opens nothing in whatever company it comes.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { manualClock } from '../server/src/platform/clock/manual-clock.ts';
import { wholeFile } from '../test/closing.ts';
import type { Answered, Door } from '../test/door.ts';
import { openDoor } from '../test/door.ts';

const CHARTER = `version: 1
agents:
  spender: { usdPerDay: 5 }
tiers:
  green: { actions: [code.write] }
  yellow: { actions: [mail.send] }
  red: { actions: [deploy.site] }
`;
const AGENTS = ['novice', 'trusted', 'frozen', 'approved', 'consented', 'spender', 'unseen'];
const TIMES = 4;

const clock = manualClock();
let door: Door;
const keys = new Map<string, { readonly id: string; readonly text: string }>();
const file = wholeFile();
before(async () => {
  door = await openDoor(file, { clock, charter: CHARTER });
  for (const agent of AGENTS) keys.set(agent, await door.makeKey({ roles: ['agent'], agents: [agent] }));
});

const bodyOf = (agent: string, action: string, more: object = {}): object => ({
  agent,
  action,
  parameters: { to: `${agent}@example.org` },
  estimatedCostUsd: 1,
  ...more,
});

const ask = (agent: string, path: string, body: object): Promise<Answered> =>
  door.call('POST', path, { key: keys.get(agent)?.text ?? '', body });

/** Each agent in a state of its own, so that nobody's facts would do for anybody else. */
async function prepare(): Promise<void> {
  const { store } = door.infrastructure;
  for (const agent of AGENTS)
    if (agent !== 'unseen')
      assert.equal((await ask(agent, '/api/v1/actions', bodyOf(agent, 'code.write'))).status, 200);
  await store.withTenant('default', async (tx) => {
    await tx`update mandate.agent set score = case id when 'novice' then 20 when 'trusted' then 70 else score end`;
    await tx`insert into mandate.grants (tenant, id, kind, from_principal, to_agent, actions, purpose, created_at, expires_at)
      values ('default', gen_random_uuid(), 'consent', 'user:eve', 'consented', '{mail.*}', 'newsletters', ${clock.nowMs()}::timestamptz, ${clock.nowMs() + 3_600_000}::timestamptz)`;
    await tx`insert into mandate.limit_use (tenant, key, window_start, used)
      values ('default', 'usd/agent:spender', ${Math.floor(clock.nowMs() / 86_400_000) * 86_400_000}::timestamptz, 4500000)
      on conflict (tenant, key, window_start) do update set used = excluded.used`;
  });
  await door.call('POST', '/api/v1/agents/frozen/freeze', { body: { reason: 'a look at what it does' } });
  const held = await ask('approved', '/api/v1/actions', bodyOf('approved', 'deploy.site'));
  assert.equal(held.status, 202, held.text);
  const approval = held.json?.['approval'] as { readonly id: string; readonly digest: string };
  const decision = { decision: 'approve', digest: approval.digest, reason: 'fine' };
  const given = await door.call('POST', `/api/v1/approvals/${approval.id}/decision`, { body: decision });
  assert.equal(given.status, 200, given.text);
}

test('everybody gets the decision that they would get alone', async () => {
  await prepare();
  const asked = AGENTS.flatMap((agent) => [
    [agent, bodyOf(agent, 'mail.send', { onBehalfOf: agent === 'consented' ? 'user:eve' : null })] as const,
    [agent, bodyOf(agent, 'mail.send', { onBehalfOf: 'user:eve' })] as const,
    [agent, bodyOf(agent, 'deploy.site')] as const,
  ]);
  const alone: unknown[] = [];
  for (const [agent, body] of asked)
    alone.push((await ask(agent, '/api/v1/decisions', body)).json?.['decision']);
  const codes = alone.map((decision) => (decision as { readonly code: string }).code);
  for (const code of [
    'allowed',
    'approved',
    'approval_required',
    'consent_required',
    'frozen',
    'limit_exceeded',
  ])
    assert.ok(codes.includes(code), `${code} is not among ${codes.join(', ')}`);
  for (let time = 0; time < TIMES; time += 1) {
    const together = await Promise.all(
      asked.map(async ([agent, body]) => (await ask(agent, '/api/v1/decisions', body)).json?.['decision']),
    );
    assert.deepEqual(together, alone);
  }
});

test('a key that has just been revoked opens nothing, in whatever company it comes', async () => {
  const { id, text } = await door.makeKey({ roles: ['agent'], agents: ['leaver'] });
  keys.set('leaver', { id, text });
  const crowd = (): Promise<Answered>[] =>
    AGENTS.map((agent) => ask(agent, '/api/v1/decisions', bodyOf(agent, 'code.write')));
  const paths = ['/api/v1/decisions', '/api/v1/actions'];
  const leaver = (): Promise<Answered>[] =>
    paths.map((path) => ask('leaver', path, bodyOf('leaver', 'code.write')));
  for (const answer of await Promise.all([...crowd(), ...leaver(), ...crowd()]))
    assert.equal(answer.status, 200, answer.text);
  // Under way while the key is revoked, so that there is something to join.
  const before = crowd();
  assert.equal((await door.call('DELETE', `/api/v1/keys/${id}`)).status, 200);
  const [first, second, ...others] = await Promise.all([...leaver(), ...before, ...crowd()]);
  for (const answer of [first, second]) {
    assert.equal(answer?.status, 401, answer?.text);
    assert.equal(answer?.json?.['reason'], 'key_revoked');
  }
  for (const answer of others) assert.equal(answer.status, 200, answer.text);
});
