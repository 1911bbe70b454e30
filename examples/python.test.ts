import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { actAnswer } from '../test/peer.ts';
import { path, python, LAST_WORDS, play } from './play.ts';

test('an agent in Python is governed with the standard library alone', { skip: python }, async (t) => {
  assert.match(await play(t, 'python'), LAST_WORDS);
});

/** A server that permits once and then says `report` to the outcome; answers what the program said. */
async function runAgainst(t: TestContext, act: string, report: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    let asked = '';
    let isAnswered = false;
    socket.on('data', (chunk) => {
      asked += chunk.toString('utf8');
      if (isAnswered || !asked.includes('\r\n\r\n')) return;
      isAnswered = true;
      if (asked.startsWith('POST /api/v1/actions ')) {
        const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n';
        socket.end(`${head}content-length: ${Buffer.byteLength(act)}\r\n\r\n${act}`);
      } else report(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const program = `
import sys
from mandate import Mandate, Unavailable
runs = 0
def work():
    global runs
    runs += 1
    return "done"
try:
    print(Mandate("a-1", sys.argv[1], "k", timeout=0.5).run("docs.write", {}, work), runs)
except Unavailable as error:
    print("unavailable", runs, error)
`;
  const child = spawn('python3', ['-B', '-c', program, `http://127.0.0.1:${address.port}`], {
    cwd: path('python'),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return `${out}${err}`;
}

test('a rubbish answer to the report of an outcome does not cost the result', { skip: python }, async (t) => {
  const said = await runAgainst(t, JSON.stringify(actAnswer()), (socket) => socket.end('rubbish\r\n\r\n'));
  assert.match(said, /^done 1\n/, said);
  assert.match(said, /mandate: the outcome of act .* could not be reported/);
});

test(
  'an answer that drips without end is given up in time, and loses no result',
  { skip: python },
  async (t) => {
    const startedMs = performance.now();
    const said = await runAgainst(t, JSON.stringify(actAnswer()), (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n');
      const timer = setInterval(() => socket.write(' '), 100);
      socket.on('close', () => clearInterval(timer));
    });
    assert.match(said, /^done 1\n/, said);
    assert.match(said, /no whole answer within 0\.5 s/);
    assert.ok(performance.now() - startedMs < 20_000);
  },
);

test('a permit without an end in time permits nothing', { skip: python }, async (t) => {
  for (const within of ['NaN', 'Infinity', '1e400', '9'.repeat(400), '-1']) {
    const act = JSON.stringify(actAnswer()).replace('"startWithinMs":5000', `"startWithinMs":${within}`);
    assert.match(await runAgainst(t, act, (socket) => socket.end()), /^unavailable 0 /, within);
  }
});
