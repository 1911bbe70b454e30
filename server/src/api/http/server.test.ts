// The door alone, with limits so short that a test can reach them: who sends slowly, too much or in riddles.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { z } from 'zod';
import { json, route } from '../../platform/http/route.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { createHttp } from './server.ts';
import type { DoorLimits } from './server.ts';

const somebody: Principal = {
  id: 'user:somebody',
  kind: 'key',
  tenant: 'default',
  roles: ['admin'],
  agents: 'any',
  user: null,
  scopes: null,
  keyId: null,
  expiresMs: null,
  delegation: null,
};

async function openDoor(t: TestContext, limits: Partial<DoorLimits> = {}) {
  const mistakes: unknown[] = [];
  const { fastify } = createHttp({
    routes: [
      route({
        method: 'POST',
        path: '/things',
        summary: 'Echo',
        permission: 'actions.request',
        answer: 'The body',
        body: z.strictObject({ a: z.string().optional() }),
        handle: ({ body }) => Promise.resolve(json(body)),
      }),
      route({
        method: 'GET',
        path: '/things/:id',
        summary: 'Fail',
        permission: 'actions.read',
        answer: 'Never',
        handle: () => Promise.reject(new Error('a secret of ours')),
      }),
    ],
    authenticate: () => Promise.resolve({ kind: 'principal', principal: somebody }),
    isPermitted: () => true,
    stands: () => Promise.resolve(true),
    digestOf: JSON.stringify,
    traced: (_name, _headers, run) => run('0af7651916cd43dd8448eb211c80319c'),
    failed: (error) => void mistakes.push(error),
    version: '0.0.0',
    limits: { checkMs: 20, ...limits },
  });
  await fastify.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => fastify.close());
  const address = fastify.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, mistakes };
}

/** Writes and waits for the server to end the connection. */
function send(port: number, write: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => write(socket));
    socket.setEncoding('latin1').on('data', (chunk) => (text += String(chunk)));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
}

const HEAD = 'POST /things HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';

test('whoever sends the body too slowly is told so and disconnected', async (t) => {
  const { port } = await openDoor(t, { headersMs: 100, requestMs: 200 });
  const answer = await send(port, (socket) => socket.write(`${HEAD}Content-Length: 100\r\n\r\n{`));
  assert.match(answer, /^HTTP\/1\.1 408 /);
  assert.match(answer, /"code":"request_timeout"/);
});

test('whoever never finishes the headers is told so and disconnected', async (t) => {
  const { port } = await openDoor(t, { headersMs: 100, requestMs: 200 });
  const answer = await send(port, (socket) => socket.write('POST /things HTTP/1.1\r\nHost: a\r\nX-A: '));
  assert.match(answer, /^HTTP\/1\.1 408 /);
});

test('a chunked body without a length ends at the limit and not at its own end', async (t) => {
  const { port } = await openDoor(t, { bodyMax: 1_000 });
  const answer = await send(port, (socket) => {
    socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    // The last chunk never comes: the answer must not wait for it.
    socket.write(`800\r\n${' '.repeat(2_048)}\r\n`);
    socket.on('data', () => socket.end());
  });
  assert.match(answer, /^HTTP\/1\.1 413 /);
  assert.match(answer, /"code":"too_large"/);
  assert.match(answer, /larger than 1000 bytes/);
});

test('a body that says it is too long is refused before any of it arrives', async (t) => {
  const { port } = await openDoor(t);
  const answer = await send(port, (socket) => {
    socket.write(`${HEAD}Content-Length: 10000000\r\n\r\n`);
    socket.on('data', () => socket.end());
  });
  assert.match(answer, /^HTTP\/1\.1 413 /);
});

test('Expect: 100-continue is met, any other expectation is refused', async (t) => {
  const { port } = await openDoor(t);
  const met = await send(port, (socket) => {
    socket.write(`${HEAD}Expect: 100-continue\r\nConnection: close\r\nContent-Length: 9\r\n\r\n`);
    socket.once('data', () => socket.write('{"a":"b"}'));
  });
  assert.match(met, /^HTTP\/1\.1 100 Continue/);
  assert.match(met, /HTTP\/1\.1 200 OK/);
  const refused = await send(port, (socket) =>
    socket.write(`${HEAD}Expect: something-else\r\nContent-Length: 0\r\n\r\n`),
  );
  assert.match(refused, /^HTTP\/1\.1 417 /);
  assert.match(refused, /"code":"expectation_failed"/);
});

test('a request that a proxy could read otherwise is refused, and its connection with it', async (t) => {
  const { port } = await openDoor(t);
  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
  const rows: readonly string[] = [
    `${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}${smuggled}`,
    `${HEAD}Content-Length: 2, 2\r\n\r\n{}${smuggled}`,
    `${HEAD}Content-Length: +2\r\n\r\n{}${smuggled}`,
    `${HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `${HEAD}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`,
    `${HEAD}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `${HEAD}X-A: 1\r\n folded\r\nContent-Length: 2\r\n\r\n{}${smuggled}`,
    `${HEAD}Host: b\r\nContent-Length: 2\r\n\r\n{}${smuggled}`,
    `${HEAD}Authorization: Bearer a\r\nAuthorization: Bearer b\r\nContent-Length: 2\r\n\r\n{}${smuggled}`,
    `${HEAD}Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}${smuggled}`,
    `POST /things HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}${smuggled}`,
    `POST /things HTTP/9.9\r\nHost: a\r\n\r\n${smuggled}`,
    `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03`,
    `${HEAD}X-A: a\0b\r\nContent-Length: 2\r\n\r\n{}${smuggled}`,
  ];
  for (const bytes of rows) {
    const answer = await send(port, (socket) => socket.write(bytes));
    assert.match(answer, /^HTTP\/1\.1 400 /, bytes);
    assert.match(answer, /"code":"malformed"/, bytes);
    assert.equal(answer.match(/HTTP\/1\.1 \d/g)?.length, 1, `one answer, then the end: ${bytes}`);
  }
});

test('headers beyond what is read are refused', async (t) => {
  const { port } = await openDoor(t);
  const one = await send(port, (socket) => socket.write(`${HEAD}X-A: ${'a'.repeat(20_000)}\r\n\r\n`));
  assert.match(one, /^HTTP\/1\.1 431 /);
  const many = Array.from({ length: 3_000 }, (_, i) => `X-${i}: a\r\n`).join('');
  assert.match(await send(port, (socket) => socket.write(`${HEAD}${many}\r\n`)), /^HTTP\/1\.1 431 /);
});

test('a mistake of ours says nothing about itself, but its trace id', async (t) => {
  const { port, mistakes } = await openDoor(t);
  const response = await fetch(`http://127.0.0.1:${port}/things/00000000-0000-4000-8000-000000000000`);
  assert.equal(response.status, 500);
  const text = await response.text();
  assert.doesNotMatch(text, /a secret of ours/);
  assert.match(text, /0af7651916cd43dd8448eb211c80319c/);
  assert.equal(mistakes.length, 1);
});

test('HEAD never runs what GET does, because an answer without its body would be lost', async (t) => {
  const { port, mistakes } = await openDoor(t);
  const response = await fetch(`http://127.0.0.1:${port}/things/00000000-0000-4000-8000-000000000000`, {
    method: 'HEAD',
  });
  assert.equal(response.status, 405);
  assert.equal(response.headers.get('allow'), 'GET');
  assert.equal(mistakes.length, 0);
});
