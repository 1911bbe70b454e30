// The feeds alone, on a clock of the test's and with journals that never end: readers that stall, vanish or lose their
// key, and journals that break.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import Fastify from 'fastify';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { mountFeeds } from './feeds.ts';
import type { FeedsNeeds } from './feeds.ts';
import type { FeedEvent } from './reader.ts';

const somebody: Principal = {
  id: 'user:somebody',
  kind: 'key',
  tenant: 'default',
  roles: ['viewer'],
  agents: [],
  user: null,
  scopes: null,
  keyId: 'key_1',
  expiresMs: null,
  delegation: null,
};

async function openFeeds(t: TestContext, over: Partial<FeedsNeeds> = {}) {
  const fastify = Fastify({ exposeHeadRoutes: false, forceCloseConnections: true });
  const clock = manualClock();
  const closing = new AbortController();
  const mistakes: unknown[] = [];
  await mountFeeds({
    fastify,
    prove: () => Promise.resolve(somebody),
    stillMay: () => Promise.resolve(true),
    refuse: (reply, refusal) => reply.code(422).send(refusal),
    traced: (_name, _headers, run) => run('trace'),
    follow: silent,
    head: () => Promise.resolve(0),
    ofRun: () => Promise.resolve(null),
    after: (delayMs, fn) => clock.after(delayMs, fn),
    failed: (error) => void mistakes.push(error),
    closing: closing.signal,
    ...over,
  });
  await fastify.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => {
    closing.abort();
    return fastify.close();
  });
  const address = fastify.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, clock, closing, mistakes };
}

// oxlint-disable-next-line require-yield -- a journal in which nothing happens
async function* silent(
  _tenant: string,
  _from: number | null,
  signal: AbortSignal,
): AsyncGenerator<readonly FeedEvent[]> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** Batches of about a megabyte without end; tells how many were asked for. */
function endless(): { readonly follow: FeedsNeeds['follow']; readonly asked: () => number } {
  let asked = 0;
  const big = 'x'.repeat(100_000);
  return {
    asked: () => asked,
    async *follow(_tenant, _from, signal) {
      while (!signal.aborted) {
        asked += 1;
        yield Array.from({ length: 10 }, (_, i) => ({ id: String(asked * 10 + i), type: big }));
      }
    },
  };
}

/** Resolves once nothing more is asked for, for a hundred turns of the event loop that follow on real input and output. */
async function standstill(asked: () => number): Promise<number> {
  let last = -1;
  for (let still = 0; still < 2_000;) {
    await turn();
    still = asked() === last ? still + 1 : 0;
    last = asked();
  }
  return last;
}

const UPGRADE =
  'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const targets = [
  { name: 'stream', head: 'GET /api/v1/events HTTP/1.1\r\nHost: a\r\n\r\n' },
  { name: 'socket', head: `GET /api/v1/live HTTP/1.1\r\nHost: a\r\n${UPGRADE}\r\n` },
] as const;

test('a reader that does not read is waited for: the journal is read no further', async (t) => {
  for (const { name, head } of targets) {
    const journal = endless();
    const { port, clock, closing } = await openFeeds(t, { follow: journal.follow });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.pause();
    socket.write(head);
    const asked = await standstill(journal.asked);
    assert.ok(asked > 0 && asked < 100, `${name}: ${asked} batches of a megabyte`);
    closing.abort();
    await settle();
    clock.advance(1_000);
    await once(socket.resume(), 'close');
  }
});

test('a reader that stalls loses its connection when it may no more', async (t) => {
  for (const { name, head } of targets) {
    const journal = endless();
    let may = true;
    const { port, clock } = await openFeeds(t, {
      follow: journal.follow,
      stillMay: () => Promise.resolve(may),
    });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.pause();
    socket.write(head);
    const asked = await standstill(journal.asked);
    may = false;
    clock.advance(2_000);
    await settle();
    clock.advance(1_000);
    await once(socket.resume(), 'close');
    assert.ok(journal.asked() - asked < 100, name);
  }
});

test('as long as the key stands a silent feed stays open and is kept alive', async (t) => {
  let asked = 0;
  const { port, clock } = await openFeeds(t, { stillMay: () => Promise.resolve((asked += 1) > 0) });
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/events`);
  const reader = response.body?.getReader();
  assert.ok(reader !== undefined);
  const read = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value);
  assert.equal(await read(), ': mandate journal\n\n');
  for (let step = 0; step < 8; step += 1) {
    clock.advance(2_000);
    await turn();
  }
  assert.equal(await read(), ': keepalive\n\n');
  assert.ok(asked >= 7, `asked ${asked} times`);
  await reader.cancel();
});

test('a WebSocket that answers no ping is gone', async (t) => {
  const { port, clock } = await openFeeds(t);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(targets[1].head);
  await once(socket, 'data');
  // Raw bytes: nobody here answers the ping.
  socket.resume();
  clock.advance(15_000);
  await settle();
  clock.advance(15_000);
  await once(socket, 'close');
});

/** Lets what is already due happen. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i += 1) await turn();
}

test('a journal that breaks ends the feed and is told, and the process goes on', async (t) => {
  const { port, mistakes } = await openFeeds(t, {
    async *follow() {
      yield [{ id: '1', type: 'test' }];
      await turn();
      throw new Error('the database went away');
    },
  });
  const stream = await fetch(`http://127.0.0.1:${port}/api/v1/events`);
  assert.match(await stream.text(), /^id: 1$/m);
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/live`);
  const [closed] = (await once(socket, 'close')) as [CloseEvent];
  assert.equal(closed.code, 1011);
  assert.equal(mistakes.length, 2);
});

test('a key that cannot be checked any more counts as one that is gone', async (t) => {
  const { port, clock } = await openFeeds(t, { stillMay: () => Promise.resolve(false) });
  const stream = await fetch(`http://127.0.0.1:${port}/api/v1/events`);
  clock.advance(2_000);
  assert.match(await stream.text(), /no_longer_allowed/);
});

test('a server that closes says so', async (t) => {
  const { port, closing } = await openFeeds(t);
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/live`);
  await once(socket, 'open');
  closing.abort();
  const [closed] = (await once(socket, 'close')) as [CloseEvent];
  assert.equal(closed.code, 1001);
});
