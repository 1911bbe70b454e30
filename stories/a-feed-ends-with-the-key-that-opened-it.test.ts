// A feed is a request that goes on for days. It begins only for who may read the journal, where its reader says it
// stopped, and it ends when the key is taken back, however the reader behaves.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { wholeFile } from '../test/closing.ts';
import type { Door } from '../test/door.ts';
import { openDoor } from '../test/door.ts';

let door: Door;
const file = wholeFile();
before(async () => {
  door = await openDoor(file);
});

const act = () => door.call('POST', '/api/v1/actions', { body: { agent: 'builder-1', action: 'git.read' } });

function openStream(key: string, headers: Readonly<Record<string, string>> = {}) {
  return fetch(`${door.url}/api/v1/events`, { headers: { 'x-api-key': key, ...headers } });
}

/** Reads until the text fits or the stream ends. */
async function readUntil(response: Response, fits: RegExp): Promise<string> {
  let text = '';
  if (response.body === null) return text;
  const decoder = new TextDecoder();
  for await (const chunk of response.body.values({ preventCancel: true })) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (fits.test(text)) break;
  }
  return text;
}

interface Heard {
  readonly messages: readonly string[];
  readonly code: number;
  readonly reason: string;
}

/** Opens the WebSocket with a key in its header, which browsers cannot and everything else can. */
function openSocket(
  key: string,
  opened: (socket: WebSocket) => void,
  heardOne: () => void = () => undefined,
): Promise<Heard> {
  return new Promise((resolve) => {
    const init = { headers: { 'x-api-key': key } };
    const socket = new WebSocket(`${door.url.replace('http', 'ws')}/api/v1/live?from=0`, init);
    const messages: string[] = [];
    socket.addEventListener('open', () => opened(socket));
    socket.addEventListener('message', (event) => {
      messages.push(String(event.data));
      heardOne();
    });
    socket.addEventListener('close', ({ code, reason }) => resolve({ messages, code, reason }));
  });
}

test('a feed tells from now on, or from where its reader stopped, and skips nothing', async () => {
  const { text: key } = await door.makeKey({ roles: ['viewer'] });
  await act();
  const all = await readUntil(await openStream(key, { 'last-event-id': '0' }), /mandate\.action\.permitted/);
  const ids = [...all.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  assert.deepEqual(
    ids,
    ids.map((_, i) => i + 1),
  );
  const last = ids.at(-1) ?? 0;
  const rest = await openStream(key, { 'last-event-id': String(last) });
  await act();
  const next = await readUntil(rest, /^id: /m);
  assert.match(next, new RegExp(`^id: ${last + 1}$`, 'm'));
});

test('a position that nobody has given out is refused, because a reader would miss events and not know', async () => {
  for (const position of ['abc', '-1', '1.5', '0x10', '1e3', '9'.repeat(16), '1 2', '999999999']) {
    const answer = await door.call('GET', '/api/v1/events', { headers: { 'last-event-id': position } });
    assert.equal(answer.status, 422, `${position}: ${answer.text.slice(0, 200)}`);
    assert.equal(answer.json?.['code'], 'invalid', position);
    const plain = await door.call('GET', `/api/v1/live?from=${encodeURIComponent(position)}`);
    assert.equal(plain.status, 422, position);
  }
  assert.equal((await door.call('GET', '/api/v1/events?since=1')).status, 422, 'an unknown query');
});

test('without a WebSocket the live address says what it is', async () => {
  const answer = await door.call('GET', '/api/v1/live');
  assert.equal(answer.status, 426);
  assert.equal(answer.json?.['code'], 'upgrade_required');
  assert.equal(answer.headers.get('upgrade'), 'websocket');
});

test('no key, no handshake: the upgrade itself is refused', async () => {
  const ask = (line: string, path = '/api/v1/live') =>
    door.send(
      `GET ${path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${line}\r\n`,
    );
  assert.match(await ask(''), /^HTTP\/1\.1 401 [^]*"code":"unauthenticated"/);
  const { text: agent } = await door.makeKey({ roles: ['agent'], agents: ['builder-1'] });
  assert.match(await ask(`X-API-Key: ${agent}\r\n`), /^HTTP\/1\.1 403 [^]*"code":"forbidden"/);
  assert.match(await ask(`X-API-Key: ${door.adminKey}\r\nLast-Event-ID: x\r\n`), /^HTTP\/1\.1 422 /);
  assert.doesNotMatch(await ask('', '/api/v1/nothing'), /^HTTP\/1\.1 101/);
});

test('a stream ends when its key is revoked, and says why', async () => {
  const { id, text: key } = await door.makeKey({ roles: ['viewer'] });
  const stream = await openStream(key);
  assert.equal(stream.status, 200);
  assert.equal((await door.call('DELETE', `/api/v1/keys/${id}`)).status, 200);
  const text = await stream.text();
  assert.match(text, /event: mandate\.feed\.ended\ndata: \{"reason":"no_longer_allowed"\}/);
});

test('a WebSocket ends when its key is revoked, and says why', async () => {
  const { id, text: key } = await door.makeKey({ roles: ['viewer'] });
  const heard = await openSocket(key, () => void door.call('DELETE', `/api/v1/keys/${id}`));
  assert.equal(heard.code, 1008);
  assert.equal(heard.reason, 'no_longer_allowed');
});

test('a WebSocket that sends more than a little is closed, and what it sends is never obeyed', async () => {
  const { text: key } = await door.makeKey({ roles: ['viewer'] });
  const heard = await openSocket(key, (socket) => {
    socket.send('{"action":"stop"}');
    socket.send('x'.repeat(100_000));
  });
  assert.equal(heard.code, 1009);
  assert.equal((await door.call('GET', '/api/v1/stop')).json?.['stopped'], false);
});

test('after all of this nobody was woken', () => {
  assert.deepEqual(door.errors(), []);
});
