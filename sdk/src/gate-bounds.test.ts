// What a gate promises beside its decisions: an answer in time, the input that was decided about, outcomes of the right call.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actAnswer } from '../../test/peer.ts';
import { createMandate, MandateDenied } from './index.ts';
import type { FetchResponse, Mandate } from './index.ts';
import { createAgentsGate } from './openai-agents.ts';

function answerOf(body: unknown): FetchResponse {
  return {
    status: 200,
    headers: new Headers({ 'content-type': 'application/json' }),
    body: new Response(JSON.stringify(body)).body,
  };
}

interface Sent {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A server that permits everything, each time as a new act. */
function permitting(): { readonly mandate: Mandate; readonly sent: Sent[] } {
  const sent: Sent[] = [];
  let count = 0;
  const mandate = createMandate({
    url: 'http://peer.test',
    apiKey: 'k',
    agent: 'a-1',
    async fetch(url, init) {
      const path = new URL(url).pathname;
      const body = JSON.parse(init.body ?? '{}') as Record<string, unknown>;
      sent.push({ path, body });
      if (path.endsWith('/outcome')) {
        const id = path.split('/').at(-2);
        return answerOf(actAnswer({ id, action: 'look', status: body['status'], permit: undefined }));
      }
      count += 1;
      return answerOf(actAnswer({ id: `act-${count}`, action: body['action'], permit: `permit-${count}` }));
    },
  });
  return { mandate, sent };
}

test('a permit that came too late, with a server that then says nothing, is answered within a minute', async () => {
  for (const how of ['run', 'begin'] as const) {
    let nowMs = 0;
    const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
    const mandate = createMandate({
      url: 'http://peer.test',
      apiKey: 'k',
      agent: 'a-1',
      fetch(url) {
        if (!url.endsWith('/actions')) return new Promise(() => undefined);
        nowMs += 50_000;
        return Promise.resolve(answerOf(actAnswer({ action: 'look' })));
      },
      machine: {
        nowMs: () => nowMs,
        random: () => 0,
        after(delayMs, run) {
          const timer = { atMs: nowMs + delayMs, run };
          timers.add(timer);
          return () => void timers.delete(timer);
        },
      },
    });
    const gate = mandate.gate();
    const call = { tool: 'look', input: {}, callId: 'c-1' };
    const asked =
      how === 'run'
        ? gate.run(call, () => assert.fail('it ran')).catch((error: unknown) => error)
        : gate.begin(call);
    const answers: unknown[] = [];
    void asked.then((given) => answers.push(given));
    // Time goes on only while nothing else happens, from timer to timer.
    while (answers.length === 0) {
      for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
      if (answers.length > 0) break;
      const [next] = [...timers].toSorted((a, b) => a.atMs - b.atMs);
      assert.ok(next !== undefined, 'it waits for nothing');
      timers.delete(next);
      nowMs = Math.max(nowMs, next.atMs);
      next.run();
    }
    const [answer] = answers;
    assert.ok(nowMs <= 54_000, `${how} took ${nowMs} ms`);
    if (how === 'run') assert.ok(answer instanceof MandateDenied && answer.code === 'cancelled', how);
    else assert.match(JSON.stringify(answer), /"code":"cancelled"/);
  }
});

test('an array that is more than JSON shows of it is refused', async () => {
  const { mandate, sent } = permitting();
  const hidden = Object.assign([1], { path: '.env' });
  const holes: unknown[] = [1];
  holes[2] = 3;
  const odd = [hidden, holes, [undefined], Object.assign([1], { [Symbol('path')]: '.env' })];
  for (const input of odd.flatMap((array) => [array, { list: array }])) {
    await assert.rejects(
      mandate.gate().run({ tool: 'look', input }, () => assert.fail('it ran')),
      /is an array with holes|holds undefined/,
    );
    const governed = mandate.govern((_given: unknown) => assert.fail('it ran'), { name: 'look' });
    await assert.rejects(governed(input), /is an array with holes|holds undefined/);
  }
  assert.deepEqual(sent, []);
});

test('what a getter says the second time is what is decided about, or refused', async () => {
  const { mandate } = permitting();
  let reads = 0;
  const input = {
    get when(): unknown {
      reads += 1;
      return reads === 1 ? 'now' : new Date(0);
    },
  };
  await assert.rejects(
    mandate.gate().run({ tool: 'look', input }, () => assert.fail('it ran')),
    /input\.when is no plain object/,
  );
});

test('a tool gets what was decided about, also where the program says what its input means', async () => {
  const { mandate, sent } = permitting();
  const input = { when: new Date(0), path: 'a.txt' };
  const gate = mandate.gate({
    parameters: (_tool, given) => ({ path: (given as { readonly path: string }).path }),
  });
  const pending = gate.run({ tool: 'look', input }, (given) => given);
  input.path = '.env';
  assert.deepEqual(await pending, { when: new Date(0), path: 'a.txt' });
  assert.deepEqual(sent[0]?.body['parameters'], { path: 'a.txt' });
  await assert.rejects(
    gate.run({ tool: 'look', input: { path: 'a.txt', open: () => 1 } }, () => assert.fail('it ran')),
    /input\.open is a function, which cannot be copied/,
  );
});

test('guardrails tell the outcome of the call that it belongs to, where ids of calls repeat', async () => {
  const { mandate, sent } = permitting();
  const { inputGuardrails, outputGuardrails } = createAgentsGate(mandate).guardrails();
  const [before] = inputGuardrails;
  const [after] = outputGuardrails;
  assert.ok(before !== undefined && after !== undefined);
  const call = (order: number) => ({
    name: 'look',
    callId: 'call_0',
    arguments: JSON.stringify({ order }),
  });
  assert.equal((await before.run({ toolCall: call(1) })).outputInfo?.mandate, 'act-1');
  assert.equal((await before.run({ toolCall: call(2) })).outputInfo?.mandate, 'act-2');
  assert.equal((await before.run({ toolCall: call(2) })).behavior.type, 'rejectContent');
  await after.run({ toolCall: call(1), output: 'one' });
  await after.run({ toolCall: call(2), output: 'two' });
  const told = sent.filter(({ path }) => path.endsWith('/outcome'));
  assert.deepEqual(
    told.map(({ path, body }) => [path.split('/').at(-2), body['permit'], body['result']]),
    [
      ['act-1', 'permit-1', 'one'],
      ['act-2', 'permit-2', 'two'],
    ],
  );
});
