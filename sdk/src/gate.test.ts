import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { wholeFile } from '../../test/closing.ts';
import { startServer } from '../../test/server.ts';
import type { TestServer } from '../../test/server.ts';
import { until } from '../../test/until.ts';
import { createMandate, MandateDenied, MandateHeld } from './index.ts';
import type { Gate, GateOptions, Mandate, ToolCall } from './index.ts';

const file = wholeFile();
let server: TestServer;
let person: Mandate;

before(async () => {
  const charter = `
version: 1
extends: default
tiers:
  green: { actions: [shop.look, shop.unlucky] }
  red: { actions: [{ match: shop.refund, approvers: [admin] }] }
  black: { actions: [shop.erase] }
`;
  server = await startServer(file, { charter });
  person = createMandate({ url: server.url, apiKey: server.adminKey });
});

async function gateOf(name: string, options: GateOptions = {}): Promise<Gate> {
  const apiKey = await server.makeKey({ roles: ['agent'], agents: [name] });
  return createMandate({ url: server.url, apiKey, agent: name }).gate({ prefix: 'shop', ...options });
}

async function approve(held: { readonly approval: { readonly id: string; readonly digest: string } }) {
  await person.approvals.approve(held.approval, 'I have read it');
}

async function heldBy(promise: Promise<unknown>): Promise<MandateHeld> {
  const error = await promise.then(
    () => assert.fail('it ran without a person'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof MandateHeld, String(error));
  return error;
}

const refund = (callId: string, input: unknown = { order: 7 }): ToolCall => ({
  tool: 'refund',
  input,
  callId,
});

test('a tool runs once with what was decided about, and its outcome is on record', async () => {
  const gate = await gateOf('gate-green');
  const input = { page: 1 };
  const pending = gate.run({ tool: 'look', input, callId: 'c-1' }, (given, { id }) => ({ given, id }));
  input.page = 2;
  const { given, id } = await pending;
  assert.deepEqual(given, { page: 1 });
  const known = await person.wait(id);
  assert.ok(known.status === 'success' && known.executedBy === 'mandate');
});

test('the same call again gives the result that it had, and runs nothing', async () => {
  const gate = await gateOf('gate-retry');
  let runs = 0;
  const call = { tool: 'look', input: { page: 1 }, callId: 'c-1' };
  const run = () =>
    gate.run(call, () => {
      runs += 1;
      return { seen: runs };
    });
  assert.deepEqual(await run(), { seen: 1 });
  assert.deepEqual(await run(), { seen: 1 });
  assert.equal(runs, 1);
  assert.deepEqual(await gate.run({ ...call, callId: 'c-2' }, () => 'another call'), 'another call');
});

test('the same call at the same time runs once', async () => {
  const gate = await gateOf('gate-twice');
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
  let runs = 0;
  const call = { tool: 'look', input: {}, callId: 'c-1' };
  const both = [0, 1, 2].map(() =>
    gate.run(call, async () => {
      runs += 1;
      await mayEnd;
      return 'done';
    }),
  );
  const refused = await Promise.any(
    both.map((run) =>
      run.then(
        () => assert.fail('both ran'),
        (error: unknown) => error,
      ),
    ),
  );
  assert.ok(refused instanceof MandateDenied && refused.code === 'in_flight', String(refused));
  end();
  await Promise.allSettled(both);
  assert.equal(runs, 1);
});

test('a tool that threw is not tried again for the same call', async () => {
  const gate = await gateOf('gate-failing');
  const call = { tool: 'unlucky', input: {}, callId: 'c-1' };
  await assert.rejects(
    gate.run(call, () => {
      throw new Error('the till is jammed');
    }),
    /the till is jammed/,
  );
  await assert.rejects(
    gate.run(call, () => assert.fail('it was tried again')),
    (error) =>
      error instanceof MandateDenied && error.code === 'failed' && /the till is jammed/.test(error.detail),
  );
});

test('a held call runs when it is made again after the approval, once, under whatever id', async () => {
  const gate = await gateOf('gate-held');
  const held = await heldBy(gate.run(refund('c-1'), () => assert.fail('it ran')));
  const again = await heldBy(gate.run(refund('c-2'), () => assert.fail('it ran')));
  assert.equal(again.id, held.id, 'people were asked twice for one thing');
  await approve(held);
  let ranAs = '';
  await gate.run(refund('c-3'), (_input, { id }) => {
    ranAs = id;
  });
  assert.equal(ranAs, held.id);
  const another = await heldBy(gate.run(refund('c-4'), () => assert.fail('one approval ran it twice')));
  assert.notEqual(another.id, held.id);
});

test('a held call goes on under its own id, also with the gate of another process', async () => {
  const first = await gateOf('gate-resumed', { session: 'talk-1' });
  const held = await heldBy(first.run(refund('c-1'), () => assert.fail('it ran')));
  await approve(held);
  const second = await gateOf('gate-resumed', { session: 'talk-1' });
  assert.equal(await second.run(refund('c-1'), () => 'refunded'), 'refunded');
  assert.equal(await first.run(refund('c-1'), () => assert.fail('it ran twice')), 'refunded');
});

test('a gate that holds waits for people and then runs', async () => {
  const gate = await gateOf('gate-patient', { holdMs: 20_000 });
  const running = gate.run(refund('c-1', { order: 8 }), () => 'refunded');
  const approval = await until('somebody is asked', async () =>
    (await person.approvals.list('pending')).find(({ agent }) => agent === 'gate-patient'),
  );
  await person.approvals.approve(approval, 'fine');
  assert.equal(await running, 'refunded');
});

test('what people denied is refused, and asking about it asks nobody again', async () => {
  const gate = await gateOf('gate-denied');
  const held = await heldBy(gate.run(refund('c-1'), () => assert.fail('it ran')));
  await person.approvals.deny(held.approval, 'not this one');
  await assert.rejects(
    gate.run(refund('c-1'), () => assert.fail('it ran')),
    (error) => error instanceof MandateDenied,
  );
  const asked = (await person.approvals.list('pending')).filter(({ agent }) => agent === 'gate-denied');
  assert.deepEqual(asked, []);
});

test('a review begins nothing, and asks people where they have to be asked', async () => {
  const gate = await gateOf('gate-review');
  assert.deepEqual(await gate.review({ tool: 'look', input: {} }), { kind: 'may_run' });
  const denied = await gate.review({ tool: 'erase', input: {} });
  assert.ok(
    denied.kind === 'refused' && denied.code === 'denied' && /shop\.erase was not run/.test(denied.text),
  );
  const held = await gate.review(refund('c-1'));
  assert.ok(held.kind === 'held');
  const waiting = gate.settle(refund('c-1'), 20_000);
  await approve(held);
  assert.deepEqual(await waiting, { kind: 'may_run' });
  assert.equal(await gate.run(refund('c-1'), () => 'refunded'), 'refunded');
});

test('what somebody else runs is begun by one and ended by another', async () => {
  const gate = await gateOf('gate-hooks');
  const opening = await gate.begin({ tool: 'look', input: {}, callId: 'c-1' });
  assert.ok(opening.kind === 'begun');
  assert.equal(await gate.end(opening.begun, { status: 'failed', error: new Error('it broke') }), true);
  const known = await person.wait(opening.begun.id);
  assert.ok(known.status === 'failed' && /it broke/.test(known.error));
  const given = await gate.begin({ tool: 'look', input: {}, callId: 'c-2' });
  assert.ok(given.kind === 'begun');
  await gate.giveUp(given.begun, 'the user closed the window');
  // Whoever has a permit may have used it, whatever they say.
  assert.equal((await person.wait(given.begun.id)).status, 'unknown');
});

test('an input that JSON cannot carry is refused before anybody is asked', async () => {
  const gate = await gateOf('gate-odd');
  await assert.rejects(
    gate.run({ tool: 'look', input: { at: new Date(0) } }, () => assert.fail('it ran')),
    /input\.at is no plain object/,
  );
  const review = await gate.review({ tool: 'a tool', input: {} });
  assert.ok(review.kind === 'refused' && /no name for an action/.test(review.text));
});
