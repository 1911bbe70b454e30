// Cases are the caller's, so however many and however heavy they are, nobody else waits for them for long.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Call, Reply } from '../../platform/http/route.ts';
import { shippedCharters } from './disk.ts';
import { historyRoutes } from './history-routes.ts';
import type { HistoryRoutesNeeds } from './history-routes.ts';
import { loadCharter } from './load.ts';

const CASES = Array.from({ length: 400 }, (_, n) => ({
  name: `case ${n}`,
  action: 'a.b',
  expect: { tier: 'green' as const },
}));

/** Each look at the clock takes that long. */
function ticking(stepMs: number): Pick<Clock, 'monotonicMs'> {
  let nowMs = 0;
  return { monotonicMs: () => (nowMs += stepMs) };
}

async function ask(clock: Pick<Clock, 'monotonicMs'>, may: boolean): Promise<Reply> {
  const never = (): never => assert.fail('nothing else is asked');
  const needs: HistoryRoutesNeeds = {
    clock,
    charters: {
      check: (text) =>
        loadCharter({ path: 'charter.yaml', readFile: async () => text, readShipped: shippedCharters }),
      active: never,
    } as Partial<HistoryRoutesNeeds['charters']> as HistoryRoutesNeeds['charters'],
    history: {} as HistoryRoutesNeeds['history'],
    askChange: never,
  };
  const found = historyRoutes(needs).find(({ path }) => path === '/api/v1/charter/test');
  const call = {
    principal: { id: 'key:ada', roles: ['viewer'] },
    body: { text: 'version: 1\ntiers: { green: { actions: [a.*] } }\n', cases: CASES },
    may: () => may,
  } as Partial<Record<keyof Call, unknown>> as Call;
  return found?.handle(call) ?? assert.fail('there is no such route');
}

test('between cases everything else has its turn', async () => {
  let turns = 0;
  let isOver = false;
  const others = (): void => {
    turns += 1;
    if (!isOver) setImmediate(others);
  };
  setImmediate(others);
  const reply = await ask(ticking(6), true);
  isOver = true;
  assert.ok(reply.kind === 'json');
  assert.equal((reply.body as { passed: number }).passed, 400);
  assert.ok(turns >= 150, `${turns} turns of others within 400 cases of 6 ms`);
});

test('cases that take too long are given up with how to go on', async () => {
  const reply = await ask(ticking(100), true);
  assert.ok(reply.kind === 'problem');
  assert.equal(reply.refusal.code, 'too_large');
  assert.match(reply.refusal.detail, /^Testing was given up after 10 s and \d+ cases\. Send fewer at a time/);
});

test('a text of the caller’s own takes the right to write charters', async () => {
  const reply = await ask(ticking(0), false);
  assert.ok(reply.kind === 'problem');
  assert.equal(reply.refusal.code, 'forbidden');
  assert.match(reply.refusal.detail, /^key:ada \(viewer\) may not: charter\.write\./);
});
