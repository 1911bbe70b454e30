import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { closed, createManualTime, createWire, GRACE_MS, runOf, temporaryDirectory } from './kit.test.ts';
import { call, codeOf, node, textOf, upstreamFor } from './mcp-kit.test.ts';

test('an action runs the tool named after the executor, and the real filesystem server does what it says', async (t) => {
  const baseDir = await temporaryDirectory(t);
  await mkdir(path.join(baseDir, 'work'));
  const bin = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-filesystem/dist/index.js');
  const setting = { kind: 'mcp', mcp: [node, bin, './work'], cwd: '.', timeoutMs: 30_000 } as const;
  const upstream = await upstreamFor(t, { setting, baseDir });
  const file = path.join(baseDir, 'work', 'note.txt');
  const written = await call(upstream, 'write_file', { path: file, content: 'held by Mandate' });
  assert.equal(written.kind, 'success', JSON.stringify(written));
  assert.equal(await readFile(file, 'utf8'), 'held by Mandate');
  const outside = await call(upstream, 'write_file', {
    path: path.join(baseDir, 'outside.txt'),
    content: 'x',
  });
  assert.equal(codeOf(outside), 'tool_error');
  const listing = await upstream.listTools();
  assert.ok(listing.kind === 'tools' && listing.tools.some(({ name }) => name === 'write_file'));
});

test('content and structured content come back, and the tool sees idempotency key and trace', async (t) => {
  const upstream = await upstreamFor(t);
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const outcome = await call(upstream, 'echo', { text: 'hello' }, { traceparent });
  assert.deepEqual(textOf(outcome), { 'mandate/idempotency-key': 'act-1', traceparent });
  assert.ok(
    outcome.kind === 'success' &&
      JSON.stringify(outcome.result).includes('"structuredContent":{"text":"hello"}'),
  );
});

test('one process serves many calls, started by the first, also when they come at once', async (t) => {
  const upstream = await upstreamFor(t);
  const answers = await Promise.all([call(upstream, 'pid'), call(upstream, 'pid'), call(upstream, 'pid')]);
  const pids = new Set(answers.map((answer) => JSON.stringify(textOf(answer))));
  assert.equal(pids.size, 1);
});

test('every way a tool can fail has its outcome', async (t) => {
  const upstream = await upstreamFor(t);
  const outcomes = {
    fail: codeOf(await call(upstream, 'fail')),
    throw: codeOf(await call(upstream, 'throw')),
    unknownTool: codeOf(await call(upstream, 'no_such_tool')),
    badInput: codeOf(await call(upstream, 'echo', { text: 5 })),
    tooLarge: codeOf(await call(upstream, 'big')),
    otherAction: codeOf(await upstream.run(runOf({ action: 'docs.save' }))),
    noTool: codeOf(await upstream.run(runOf({ action: 'files.' }))),
  };
  assert.deepEqual(outcomes, {
    fail: 'tool_error',
    throw: 'tool_error',
    unknownTool: 'protocol_error',
    badInput: 'tool_error',
    tooLarge: 'result_too_large',
    otherAction: 'bad_executor',
    noTool: 'bad_executor',
  });
});

test('a server that dies during a call leaves the act unknown, and the next act gets a new process', async (t) => {
  const upstream = await upstreamFor(t);
  const first = textOf(await call(upstream, 'pid'));
  assert.equal((await call(upstream, 'die')).kind, 'unknown');
  const second = textOf(await call(upstream, 'pid'));
  assert.notDeepEqual(first, second);
});

test('a message beyond 8 MiB ends the connection instead of filling the memory', async (t) => {
  const upstream = await upstreamFor(t);
  assert.equal((await call(upstream, 'huge')).kind, 'unknown');
  assert.equal((await call(upstream, 'pid')).kind, 'success');
});

test('a stop sends the server a cancellation, and the act is unknown because nobody can make it obey', async (t) => {
  const wire = await createWire(t);
  const upstream = await upstreamFor(t, { args: [String(wire.port)] });
  const stop = new AbortController();
  const hanging = call(upstream, 'hang', {}, { signal: stop.signal });
  const socket = await wire.next();
  const said = once(socket, 'data');
  stop.abort();
  assert.equal(String((await said)[0]), 'cancelled');
  assert.equal((await hanging).kind, 'unknown');
});

test('a call over its time is cancelled and unknown, and the next act does not get the hanging server', async (t) => {
  const wire = await createWire(t);
  const time = createManualTime();
  const upstream = await upstreamFor(t, { args: [String(wire.port)], time, timeoutMs: 1_000 });
  const before = textOf(await call(upstream, 'pid'));
  const hanging = call(upstream, 'hang');
  await wire.next();
  time.fire(1_000);
  assert.equal((await hanging).kind, 'unknown');
  assert.notDeepEqual(textOf(await call(upstream, 'pid')), before);
});

test('a server that never gets ready fails at the deadline and is cancelled by a stop: nothing was sent', async (t) => {
  const time = createManualTime();
  const upstream = await upstreamFor(t, { args: ['mute'], time, timeoutMs: 1_000 });
  const stop = new AbortController();
  const stopped = call(upstream, 'pid', {}, { signal: stop.signal, deadlineMs: 500 });
  const late = call(upstream, 'pid', {}, { deadlineMs: 700 });
  await time.armed(1_000);
  stop.abort();
  assert.deepEqual(await stopped, { kind: 'cancelled' });
  time.fire(700);
  assert.equal(codeOf(await late), 'executor_unavailable');
  const third = call(upstream, 'pid');
  time.fire(1_000);
  assert.equal(codeOf(await third), 'executor_unavailable');
  await time.armed(GRACE_MS);
});

test('a server that cannot start is a failure with its last words, and is tried again', async (t) => {
  const stillborn = await upstreamFor(t, { args: ['stillborn'] });
  const first = await call(stillborn, 'pid');
  assert.equal(codeOf(first), 'executor_unavailable');
  assert.match(first.kind === 'failed' ? first.error : '', /no licence found/);
  assert.equal(codeOf(await call(stillborn, 'pid')), 'executor_unavailable');
  const setting = { kind: 'mcp', mcp: ['no-such-program-here'], cwd: '.', timeoutMs: 1_000 } as const;
  assert.equal(codeOf(await call(await upstreamFor(t, { setting }), 'pid')), 'executor_unavailable');
  const outside = await upstreamFor(t, { setting: { ...setting, cwd: '/' } });
  assert.equal(codeOf(await call(outside, 'pid')), 'bad_executor');
  assert.equal((await outside.listTools()).kind, 'unavailable');
});

test('a server that only speaks the revision of 2026 is served, and its tools are cancelled too', async (t) => {
  const wire = await createWire(t);
  const upstream = await upstreamFor(t, { args: ['modern', String(wire.port)] });
  assert.equal((await call(upstream, 'echo', { text: 'hi' })).kind, 'success');
  const stop = new AbortController();
  const hanging = call(upstream, 'hang', {}, { signal: stop.signal });
  const socket = await wire.next();
  stop.abort();
  await closed(socket);
  assert.equal((await hanging).kind, 'unknown');
});

test('closing ends the server and whatever it left behind', async (t) => {
  const wire = await createWire(t);
  const time = createManualTime();
  const upstream = await upstreamFor(t, { args: [String(wire.port)], time });
  assert.equal((await call(upstream, 'linger')).kind, 'success');
  const survivor = await wire.next();
  const closing = upstream.close();
  await time.armed(GRACE_MS);
  time.fire(GRACE_MS);
  await closing;
  await closed(survivor);
});

test('a retired upstream lets its running call end before it closes', async (t) => {
  const wire = await createWire(t);
  const upstream = await upstreamFor(t, { args: [String(wire.port)] });
  const stop = new AbortController();
  const hanging = call(upstream, 'hang', {}, { signal: stop.signal });
  const socket = await wire.next();
  upstream.retire();
  assert.equal(socket.closed, false);
  stop.abort();
  await hanging;
  await closed(socket);
});

test('a gateway gets a transport of its own to the same server and speaks JSON-RPC itself', async (t) => {
  const upstream = await upstreamFor(t);
  const transport = await upstream.connect();
  const { promise: answered, resolve } = Promise.withResolvers<unknown>();
  Object.assign(transport, { onmessage: resolve });
  await transport.start();
  const clientInfo = { name: 'gateway', version: '1' };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
  await transport.send({ jsonrpc: '2.0', id: 'a', method: 'initialize', params });
  const answer = z
    .object({ id: z.literal('a'), result: z.object({ protocolVersion: z.string() }) })
    .parse(await answered);
  assert.equal(answer.result.protocolVersion, '2025-11-25');
  await transport.close();
});
