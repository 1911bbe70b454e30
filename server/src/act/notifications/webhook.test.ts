// Against a real HTTP server, verified by the official library of the scheme.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { createPost } from '../executors/notice-post.ts';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import { channel } from './kit.test.ts';
import type { ChannelAnswer, ChannelMessage } from './message.ts';
import { createWebhook } from './webhook.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

const MESSAGE: ChannelMessage = {
  id: '01a1f8c9-ce80-7768-81c7-0323a7d4cc4e',
  tenant: 'acme',
  channel: 'hook',
  kind: 'event',
  urgent: true,
  to: '',
  user: null,
  subject: 'Mandate: user:ada stopped everything',
  text: 'user:ada stopped everything\n',
  html: '',
  blocks: [],
  content: {
    kind: 'event',
    event: {
      atMs: 0,
      kind: 'stop.requested',
      agent: null,
      text: 'user:ada stopped everything',
      traceId: null,
    },
  },
  link: null,
  sentAgain: true,
  attempt: 2,
  atMs: Date.parse('2026-11-20T10:00:00Z'),
};

interface Got {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function openHook(
  t: TestContext,
  answer: RequestListener,
): Promise<{ readonly url: string; readonly got: Got[] }> {
  const got: Got[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      got.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') });
      answer(request, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, got };
}

function send(
  to: string,
  {
    allowPrivate = true,
    secret = 'hook',
    text = SECRET,
    signal = new AbortController().signal,
  }: {
    allowPrivate?: boolean;
    secret?: string | null;
    text?: string | null;
    signal?: AbortSignal;
  } = {},
): Promise<ChannelAnswer> {
  // The library compares the timestamp with the clock of the machine.
  const webhook = createWebhook({ clock: manualClock(Date.now()), post: createPost(), secrets: () => text });
  return Promise.resolve(webhook({ ...MESSAGE, to }, channel({ to: [to], allowPrivate, secret }), signal));
}

const answering =
  (status: number, headers: Readonly<Record<string, string>> = {}): RequestListener =>
  (_request, response) =>
    response.writeHead(status, headers).end('whatever');

test('a webhook is signed so that the official library takes it, and takes it for nothing else', async (t) => {
  const hook = await openHook(t, answering(200));
  assert.equal((await send(hook.url)).kind, 'accepted');
  const [got] = hook.got;
  assert.ok(got !== undefined);
  const headers = {
    'webhook-id': String(got.headers['webhook-id']),
    'webhook-timestamp': String(got.headers['webhook-timestamp']),
    'webhook-signature': String(got.headers['webhook-signature']),
  };
  assert.equal(headers['webhook-id'], 'msg_01a1f8c9-ce80-7768-81c7-0323a7d4cc4e');
  const library = new Webhook(SECRET);
  const payload = library.verify(got.body, headers) as {
    type: string;
    timestamp: string;
    data: Record<string, unknown>;
  };
  assert.equal(payload.type, 'mandate.event');
  assert.equal(payload.timestamp, '2026-11-20T10:00:00.000Z');
  assert.deepEqual([payload.data['sentAgain'], payload.data['attempt']], [true, 2]);
  assert.throws(() => library.verify(got.body.replace('ada', 'eve'), headers));
  assert.throws(() =>
    new Webhook(`whsec_${Buffer.alloc(32, 8).toString('base64')}`).verify(got.body, headers),
  );
});

test('every answer ends in a clear state', async (t) => {
  const cases: readonly (readonly [number, string, boolean | null, number | null])[] = [
    [200, 'accepted', null, null],
    [204, 'accepted', null, null],
    [301, 'refused', true, null],
    [400, 'refused', false, null],
    [410, 'refused', true, null],
    [429, 'refused', false, 7_000],
    [500, 'refused', false, null],
    [502, 'unknown', null, null],
    [504, 'unknown', null, null],
  ];
  for (const [status, kind, permanent, retryAfterMs] of cases) {
    const hook = await openHook(
      t,
      answering(status, status === 429 ? { 'retry-after': '7' } : { location: 'http://127.0.0.1:1/' }),
    );
    const answer = await send(hook.url);
    assert.equal(answer.kind, kind, String(status));
    if (answer.kind === 'refused')
      assert.deepEqual([answer.permanent, answer.retryAfterMs], [permanent, retryAfterMs], String(status));
    assert.equal(hook.got.length, 1, 'nothing is followed');
  }
});

test('200 with megabytes of rubbish is taken for what it says, and not read to its end', async (t) => {
  const hook = await openHook(t, (_request, response) => {
    response.writeHead(200);
    const more = (): void => {
      while (response.write('x'.repeat(65_536)));
      response.once('drain', more);
    };
    more();
  });
  assert.equal((await send(hook.url)).kind, 'accepted');
});

test('what answers no HTTP at all, or breaks off, may have taken it', async (t) => {
  const rude = createNetServer((socket) => socket.once('data', () => socket.end('hello?\r\n\r\n')));
  rude.listen(0, '127.0.0.1');
  await once(rude, 'listening');
  t.after(() => rude.close());
  assert.equal((await send(`http://127.0.0.1:${(rude.address() as AddressInfo).port}/`)).kind, 'unknown');
  const gone = await openHook(t, (request) => request.socket.destroy());
  assert.equal((await send(gone.url)).kind, 'unknown');
  const cut = new AbortController();
  const slow = await openHook(t, () => cut.abort());
  assert.equal((await send(slow.url, { signal: cut.signal })).kind, 'unknown');
});

test('nothing goes to a private address unless the charter allows it, and nobody there is no copy later', async (t) => {
  const hook = await openHook(t, answering(200));
  const guarded = await send(hook.url, { allowPrivate: false });
  assert.deepEqual([guarded.kind, 'permanent' in guarded && guarded.permanent], ['refused', true]);
  assert.equal(hook.got.length, 0);
  const metadata = await send('http://169.254.169.254/latest/meta-data/', { allowPrivate: false });
  assert.deepEqual([metadata.kind, 'permanent' in metadata && metadata.permanent], ['refused', true]);
  const nobody = await send('http://127.0.0.1:1/');
  assert.deepEqual([nobody.kind, 'permanent' in nobody && nobody.permanent], ['refused', false]);
});

test('without a secret nothing is sent unsigned', async (t) => {
  const hook = await openHook(t, answering(200));
  for (const given of [{ secret: null }, { text: null }, { text: 'whsec_c2hvcnQ=' }]) {
    const answer = await send(hook.url, given);
    assert.equal(answer.kind, 'refused');
    assert.match('error' in answer ? answer.error : '', /whsec_/);
  }
  assert.equal(hook.got.length, 0);
});
