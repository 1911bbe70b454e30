// Hundreds of bad requests at once, of every kind, among good ones: each gets its own answer, every good one is decided,
// none is decided twice, and nothing of one shows in another.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answered, Door } from '../test/door.ts';
import { openDoor } from '../test/door.ts';

const BAD = 500;
const GOOD = 40;

const kinds: readonly ((door: Door, n: number) => Promise<Answered>)[] = [
  (door) => door.call('POST', '/api/v1/actions', { raw: '{"agent":' }),
  (door) => door.call('POST', '/api/v1/actions', { raw: '['.repeat(100_000) }),
  (door) => door.call('POST', '/api/v1/actions', { raw: '{"a":1,"a":2}' }),
  (door) => door.call('POST', '/api/v1/actions', { raw: 'x'.repeat(1_100_000) }),
  (door, n) => door.call('POST', '/api/v1/actions', { body: { agent: `bad ${n}`, action: 'git.read' } }),
  (door, n) => door.call('GET', `/api/v1/nothing/${n}`),
  (door) => door.call('PATCH', '/api/v1/actions'),
  (door) => door.call('GET', '/api/v1/actions', { key: null }),
  (door) => door.call('GET', '/api/v1/actions?cursor=garbage'),
  (door) => door.call('GET', '/api/v1/agents/%ff'),
];

test('every good request among five hundred bad ones is decided, once', async (t) => {
  const door = await openDoor(t);
  const bad = Array.from({ length: BAD }, (_, n) => {
    const kind = kinds[n % kinds.length];
    assert.ok(kind !== undefined);
    return kind(door, n);
  });
  const good = Array.from({ length: GOOD }, (_, n) =>
    door.call('POST', '/api/v1/actions', {
      body: { agent: `builder-${n % 4}`, action: 'git.read', parameters: { n } },
      headers: { 'idempotency-key': `good-${n}` },
    }),
  );
  const decided = await Promise.all(good);
  const refused = await Promise.all(bad);
  for (const [n, answer] of decided.entries()) {
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(answer.json?.['parameters'], { n });
  }
  const traces = refused.map(({ json }) => json?.['traceId']);
  assert.equal(new Set(traces).size, BAD, 'every refusal has a trace of its own');
  for (const { status, text } of refused)
    assert.ok(status >= 400 && status < 500, `${status} ${text.slice(0, 200)}`);
  const { items } = (await door.call('GET', '/api/v1/actions?limit=200')).json as {
    readonly items: readonly { readonly id: string }[];
  };
  const recorded = new Set(items.map(({ id }) => id));
  assert.deepEqual(recorded, new Set(decided.map(({ json }) => json?.['id'])));
  assert.equal(items.length, GOOD);
  assert.deepEqual(door.errors(), []);
});
