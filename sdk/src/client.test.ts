import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { wholeFile } from '../../test/closing.ts';
import { startServer } from '../../test/server.ts';
import type { TestServer } from '../../test/server.ts';
import { until } from '../../test/until.ts';
import { createMandate, MandateDenied, MandateHeld, MandateProblem } from './index.ts';
import type { Mandate } from './index.ts';

// One server for the file; each test asks as an agent of its own.
const file = wholeFile();
let server: TestServer;
let person: Mandate;

before(async () => {
  const charter = `
version: 1
extends: default
tiers:
  red:
    actions: [{ match: money.send, approvers: [admin] }]
actions:
  money.send: { severity: low }
`;
  server = await startServer(file, { charter });
  person = createMandate({ url: server.url, apiKey: server.adminKey });
});

async function agent(name: string): Promise<Mandate> {
  return createMandate({
    url: server.url,
    apiKey: await server.makeKey({ roles: ['agent'], agents: [name] }),
    agent: name,
  });
}

test('what may run runs once, and the journal knows its outcome', async () => {
  const mandate = await agent('runner');
  let runs = 0;
  const outcome = await mandate.run(
    { action: 'docs.write', parameters: { path: 'a.md' } },
    ({ id, signal }) => {
      assert.match(id, /^[0-9a-f-]{36}$/);
      assert.equal(signal.aborted, false);
      runs += 1;
      return { words: 3, at: new Date(0) };
    },
  );
  assert.ok(outcome.status === 'success' && outcome.executedBy === 'agent');
  assert.equal(outcome.reported, true);
  assert.equal(outcome.decision.tier, 'green');
  assert.equal(runs, 1);
  const known = await person.wait(outcome.id);
  assert.ok(known.status === 'success' && known.executedBy === 'mandate');
  assert.deepEqual(known.result, { words: 3, at: '1970-01-01T00:00:00.000Z' });
});

test('a function that throws is reported as failed, and its own error comes back', async () => {
  const mandate = await agent('failing');
  const broken = new Error('the disk is full');
  const outcome = await mandate.run({ action: 'docs.write' }, () => {
    throw broken;
  });
  assert.ok(outcome.status === 'failed' && outcome.executedBy === 'agent');
  assert.equal(outcome.error, broken);
  const known = await person.wait(outcome.id);
  assert.ok(known.status === 'failed' && /the disk is full/.test(known.error));
});

test('a result that is no JSON, or too large, does not make a failure of a success', async () => {
  const mandate = await agent('odd');
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  for (const result of [undefined, 1n, () => 1, cyclic, 'x'.repeat(2_000_000), Symbol('s'), '\ud800']) {
    const outcome = await mandate.run({ action: 'docs.write' }, () => result);
    assert.ok(
      outcome.status === 'success' && outcome.executedBy === 'agent' && outcome.reported,
      typeof result,
    );
    assert.equal(outcome.result, result);
  }
});

test('the program may say what Mandate is told of a result, and what it cost', async () => {
  const mandate = await agent('teller');
  const outcome = await mandate.run({ action: 'docs.write' }, () => ({ text: 'long', secret: 'x' }), {
    report: ({ text }) => ({ result: { text }, costUsd: 0.25 }),
  });
  assert.equal(outcome.status, 'success');
  const known = await person.wait(outcome.status === 'success' ? outcome.id : '');
  assert.deepEqual(known.status === 'success' && known.result, { text: 'long' });
});

test('what waits for a person does not run; after the approval it runs, once', async () => {
  const mandate = await agent('payer');
  const held = await mandate.run({ action: 'money.send', parameters: { usd: 5 } }, () =>
    assert.fail('it ran'),
  );
  assert.ok(held.status === 'waiting_for_approval');
  assert.deepEqual(held.approval.requiredRoles, ['admin']);
  const still = await mandate.wait(held.id, { timeoutMs: 1 });
  assert.equal(still.status, 'waiting_for_approval');
  await person.approvals.approve(held.approval);
  const done = await mandate.proceed(held.id, () => 'sent', { wait: { timeoutMs: 20_000 } });
  assert.equal(done.status === 'success' && done.result, 'sent');
  const again = await mandate.proceed(held.id, () => assert.fail('it ran twice'));
  assert.equal(again.status, 'success');
});

test('run can wait: the answer comes soon after the approval, and the function runs then', async () => {
  const mandate = await agent('patient');
  const order: string[] = [];
  const running = mandate.run(
    { action: 'money.send', parameters: { usd: 6 } },
    () => void order.push('ran'),
    { wait: { timeoutMs: 30_000 } },
  );
  const waiting = await until('the approval waits', async () =>
    (await person.approvals.list('pending')).find((approval) => approval.agent === 'patient'),
  );
  order.push('approved');
  const startedMs = performance.now();
  await person.approvals.approve(waiting);
  assert.equal((await running).status, 'success');
  assert.deepEqual(order, ['approved', 'ran']);
  // Far below the 25 s that one question is held: the server answers when the approval is there.
  assert.ok(performance.now() - startedMs < 5_000);
});

test('what a person denies ends as denied, with their reason', async () => {
  const mandate = await agent('denied');
  const held = await mandate.request({ action: 'money.send', parameters: { usd: 7 } });
  assert.ok(held.status === 'waiting_for_approval');
  await person.approvals.deny(held.approval, 'too much');
  const outcome = await mandate.proceed(held.id, () => assert.fail('it ran'), { wait: true });
  assert.ok(outcome.status === 'denied');
  assert.match(outcome.problem.detail, /too much/);
});

test('the same key and body is the same act, and another body is refused', async () => {
  const mandate = await agent('repeating');
  const first = await mandate.request({
    action: 'money.send',
    parameters: { usd: 8 },
    idempotencyKey: 'pay-8',
  });
  const again = await mandate.request({
    action: 'money.send',
    parameters: { usd: 8 },
    idempotencyKey: 'pay-8',
  });
  assert.ok(first.status === 'waiting_for_approval' && again.status === 'waiting_for_approval');
  assert.equal(again.id, first.id);
  await assert.rejects(
    mandate.request({ action: 'money.send', parameters: { usd: 9 }, idempotencyKey: 'pay-8' }),
    { name: 'MandateProblem', code: 'idempotency_mismatch' },
  );
});

test('a stop denies everything until it is lifted, and an approved act waits it out', async () => {
  const mandate = await agent('stopped');
  const held = await mandate.request({ action: 'money.send', parameters: { usd: 10 } });
  assert.ok(held.status === 'waiting_for_approval');
  await person.approvals.approve(held.approval);
  const report = await person.stop({ reason: 'a test', scope: 'agent:stopped' });
  assert.ok(report.confirmedAt !== null && report.quietAt !== null);
  assert.equal((await person.status()).stopped, true);
  const denied = await mandate.run({ action: 'docs.write' }, () => assert.fail('it ran'));
  assert.ok(denied.status === 'denied' && denied.problem.code === 'stopped' && denied.decision !== null);
  const waiting = await mandate.proceed(held.id, () => assert.fail('it ran'), { wait: { timeoutMs: 50 } });
  assert.equal(waiting.status, 'waiting_for_approval');
  await person.resume({ reason: 'over', scope: 'agent:stopped' });
  const done = await mandate.proceed(held.id, () => 'sent', { wait: { timeoutMs: 20_000 } });
  assert.equal(done.status, 'success');
});

test('an agent cannot approve, stop or speak for another, and is told so in a typed error', async () => {
  const mandate = await agent('ambitious');
  const held = await mandate.request({ action: 'money.send', parameters: { usd: 11 } });
  assert.ok(held.status === 'waiting_for_approval');
  await assert.rejects(
    mandate.approvals.approve(held.approval),
    (error) =>
      error instanceof MandateProblem &&
      error.code === 'forbidden' &&
      error.status === 403 &&
      error.traceId !== null,
  );
  await assert.rejects(mandate.stop({ reason: 'mine' }), { code: 'forbidden' });
  await assert.rejects(mandate.request({ agent: 'runner', action: 'docs.write' }), { code: 'not_yours' });
  await assert.rejects(
    createMandate({ url: server.url, apiKey: 'nonsense', agent: 'x' }).request({ action: 'docs.write' }),
    { code: 'unauthenticated', status: 401 },
  );
});

test('a preview decides and records nothing', async () => {
  const mandate = await agent('curious');
  const decision = await mandate.decide({ action: 'audit.delete' });
  assert.deepEqual([decision.tier, decision.effect], ['black', 'deny']);
  await assert.rejects(person.agents.find('curious'), { code: 'not_found' });
});

test('people see agents and numbers, freeze and unfreeze', async () => {
  const mandate = await agent('seen');
  await mandate.run({ action: 'docs.write' }, () => null);
  const { trustScore, trustLevel, counts } = await person.agents.find('seen');
  assert.deepEqual([trustScore, trustLevel, counts], [50, 'standard', { success: 1 }]);
  assert.equal((await person.agents.freeze('seen', 'a look')).frozen, true);
  const held = await mandate.run({ action: 'docs.write' }, () => assert.fail('it ran'));
  assert.notEqual(held.status, 'success');
  assert.equal((await person.agents.unfreeze('seen', 'all fine')).frozen, false);
  const stats = await person.stats();
  assert.ok(stats.agents > 0 && stats.today.byTier['green'] !== undefined);
  assert.ok((await person.agents.list()).some(({ id }) => id === 'seen'));
});

test('a governed function keeps its type, runs when it may, and throws when it may not', async () => {
  const mandate = await agent('governed');
  const calls: unknown[] = [];
  const tools = mandate.govern(
    {
      write: async ({ path }: { path: string }) => calls.push(path),
      sum: (a: number, b: number) => a + b,
      gitless: () => 'x',
    },
    { prefix: 'docs' },
  );
  const length: number = await tools.write({ path: 'a.md' });
  assert.equal(length, 1);
  assert.equal(await tools.sum(1, 2), 3);
  const send = mandate.govern(({ usd }: { usd: number }) => calls.push(usd), { name: 'money.send' });
  await assert.rejects(
    send({ usd: 12 }),
    (error) => error instanceof MandateHeld && error.id.length === 36 && /approval/.test(error.message),
  );
  const erase = mandate.govern(() => calls.push('erased'), { name: 'audit.delete' });
  await assert.rejects(
    erase(),
    (error) => error instanceof MandateDenied && error.code === 'denied' && error.reasons.length > 0,
  );
  assert.deepEqual(calls, ['a.md']);
  const failing = mandate.govern({ fail: () => Promise.reject(new RangeError('mine')) }, { prefix: 'docs' });
  await assert.rejects(failing.fail(), RangeError);
  const { items } = (
    await server.call<{ items: readonly { action: string; parameters: unknown }[] }>(
      '/api/v1/actions?agent=governed',
    )
  ).body;
  assert.deepEqual(items.find((item) => item.action === 'docs.sum')?.parameters, { arguments: [1, 2] });
});

test('what was decided about is what is called with, whatever the caller changes in between', async () => {
  const mandate = await agent('changing');
  const read = mandate.govern(({ path }: { path: string }) => path, { name: 'docs.read' });
  const wish = { path: 'a.md' };
  const reading = read(wish);
  wish.path = '.env';
  assert.equal(await reading, 'a.md');
});

test('what cannot be decided about is not governed by half', async () => {
  const mandate = await agent('strict');
  assert.throws(() => mandate.govern({ run: () => 1, nested: { wipe: () => 2 } }), /nested is no function/);
  assert.throws(() => mandate.govern(() => 1), /no name for an action/);
  const take = mandate.govern((_what: unknown) => assert.fail('it ran'), { name: 'docs.take' });
  for (const odd of [new Map(), () => 1, 1n, Number.NaN, { deep: { at: new Date() } }])
    await assert.rejects(take(odd), TypeError);
});

test('events are followed live and taken up again behind the last one', { timeout: 30_000 }, async () => {
  const mandate = await agent('eventful');
  const done = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const event of person.events({ signal: done.signal })) {
      if (!JSON.stringify(event.data).includes('eventful')) continue;
      seen.push(event.type);
      return event.id;
    }
    return null;
  })();
  // The head is read before the stream opens, so whatever comes after the first answer is in it.
  await until('an event arrives', async () => {
    await mandate.run({ action: 'docs.write' }, () => 1);
    return seen.length > 0;
  });
  const last = await following;
  assert.ok(last !== null);
  await mandate.run({ action: 'docs.write' }, () => 2);
  for await (const event of person.events({ after: last })) {
    assert.ok(Number(event.id) > Number(last));
    break;
  }
  done.abort();
});

test('a stream goes on over a restart of the server without a gap', { timeout: 60_000 }, async (t) => {
  const own = await startServer(t);
  const client = createMandate({
    url: 'http://moving.test',
    apiKey: own.adminKey,
    fetch: (url, init) => fetch(url.replace('http://moving.test', own.url), init),
  });
  const positions: number[] = [];
  const done = new AbortController();
  const following = (async () => {
    for await (const event of client.events({ after: '0', signal: done.signal }))
      positions.push(Number(event.id));
  })();
  await until('the first events', () => positions.length > 0);
  await own.restart();
  await client.run({ agent: 'mover', action: 'docs.write' }, () => 1);
  const { body } = await own.call<{ head: number }>('/api/v1/audit/entries?limit=1');
  const head = await until(
    'the head is positioned',
    async () =>
      (await own.call<{ head: number }>('/api/v1/audit/entries?limit=1')).body.head >= body.head && body.head,
  );
  await until('everything has arrived', () => (positions.at(-1) ?? 0) >= head, { withinMs: 20_000 });
  done.abort();
  await following;
  assert.deepEqual(
    positions.slice(0, head),
    Array.from({ length: head }, (_, i) => i + 1),
  );
});
