// Two callers who make one call at the same moment, with a server that answers both: one of them may run it.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { wholeFile } from '../../test/closing.ts';
import { startServer } from '../../test/server.ts';
import type { TestServer } from '../../test/server.ts';
import { until } from '../../test/until.ts';
import { createMandate } from './index.ts';
import type { GateOptions, Mandate } from './index.ts';

const file = wholeFile();
let server: TestServer;
let person: Mandate;

before(async () => {
  const charter = `
version: 1
extends: default
tiers:
  green: { actions: [shop.look] }
  red: { actions: [{ match: shop.refund, approvers: [admin] }] }
`;
  server = await startServer(file, { charter });
  person = createMandate({ url: server.url, apiKey: server.adminKey });
});

async function clientsOf(name: string, count: number): Promise<Mandate[]> {
  const apiKey = await server.makeKey({ roles: ['agent'], agents: [name] });
  return Array.from({ length: count }, () => createMandate({ url: server.url, apiKey, agent: name }));
}

/** One call in a process each, all at once; answers how often the tool ran and whether anybody got its result. */
async function together(
  clients: readonly Mandate[],
  call: { readonly tool: string; readonly input: unknown; readonly callId: string },
  options: GateOptions = {},
): Promise<{ readonly runs: number; readonly results: readonly unknown[] }> {
  let runs = 0;
  const settled = await Promise.allSettled(
    clients.map((mandate) =>
      mandate.gate({ prefix: 'shop', session: 'talk-1', ...options }).run(call, async () => {
        runs += 1;
        return 'done';
      }),
    ),
  );
  const results = settled.flatMap((ended) => (ended.status === 'fulfilled' ? [ended.value] : []));
  return { runs, results };
}

async function approveOf(agent: string, remember?: string): Promise<void> {
  const approval = await until('somebody is asked', async () =>
    (await person.approvals.list('pending')).find((waiting) => waiting.agent === agent),
  );
  await person.approvals.approve(approval, 'fine', remember === undefined ? {} : { remember });
}

test('one call in three processes at once runs once', async () => {
  for (let round = 0; round < 3; round += 1) {
    const clients = await clientsOf(`shared-${round}`, 3);
    const { runs, results } = await together(clients, { tool: 'look', input: {}, callId: 'c-1' });
    assert.equal(runs, 1);
    assert.ok(results.length >= 1);
  }
});

test('one idempotency key at once in one client runs once', async () => {
  const [mandate] = await clientsOf('keyed', 1);
  assert.ok(mandate !== undefined);
  let runs = 0;
  const both = await Promise.all(
    [0, 1].map(() =>
      mandate.run({ action: 'shop.look', idempotencyKey: 'look-1' }, async () => {
        runs += 1;
      }),
    ),
  );
  assert.equal(runs, 1);
  assert.ok(both.some(({ status }) => status === 'success'));
});

test('a held call that two follow runs once, also where people let it run again', async () => {
  const clients = await clientsOf('followed', 2);
  const call = { tool: 'refund', input: { order: 7 }, callId: 'c-1' };
  const running = together(clients, call, { holdMs: 20_000 });
  await approveOf('followed', '1h');
  assert.equal((await running).runs, 1);
  // The same call once more is answered with what it has become, and runs nothing.
  assert.equal((await together(clients, call)).runs, 0);
});

test('a call that meets an approval runs once, although it is made twice and may run again', async () => {
  const clients = await clientsOf('meeting', 2);
  const call = { tool: 'refund', input: { order: 8 }, callId: 'c-1' };
  assert.equal((await together(clients, call)).runs, 0);
  await approveOf('meeting', '1h');
  assert.equal((await together(clients, { ...call, callId: 'c-2' })).runs, 1);
  assert.equal((await together(clients, { ...call, callId: 'c-2' })).runs, 0);
  // Another call is another act: that is what people allowed.
  assert.equal((await together(clients.slice(1), { ...call, callId: 'c-3' })).runs, 1);
});

interface Answered {
  readonly id: string;
  readonly status: string;
  readonly permit?: string;
}

test('a permit is read again by the question that lost it, and by no other', async () => {
  const key = await server.makeKey({ roles: ['agent'], agents: ['plain'] });
  async function ask(idempotencyKey: string, attempt: string | null): Promise<Answered> {
    const response = await fetch(`${server.url}/api/v1/actions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'idempotency-key': idempotencyKey,
        ...(attempt === null ? {} : { 'mandate-attempt': attempt }),
      },
      body: JSON.stringify({ agent: 'plain', action: 'shop.look' }),
    });
    assert.equal(response.status, 200);
    return (await response.json()) as Answered;
  }
  const first = await ask('k-1', 'a');
  assert.equal(first.status, 'permitted');
  assert.ok(first.permit);
  assert.equal((await ask('k-1', 'a')).permit, first.permit);
  for (const other of ['b', null]) {
    const { id, status, permit } = await ask('k-1', other);
    assert.deepEqual([id, status, permit], [first.id, 'permitted', undefined]);
  }
  const unnamed = await ask('k-2', null);
  assert.equal((await ask('k-2', null)).permit, unnamed.permit);
  assert.equal((await ask('k-2', 'a')).permit, undefined);
});
