import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import {
  callTool,
  connectWrapped,
  decisionOf,
  filesystemServer,
  fixtureServer,
  makeFolder,
  mcpCharter,
  textOf,
  wrapCommand,
} from '../test/mcp.ts';
import type { Era, WrapOptions } from '../test/mcp.ts';
import { approve, look, resume, stop } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import type { TestServer } from '../test/server.ts';
import { until } from '../test/until.ts';

async function house(t: TestContext) {
  const folder = await makeFolder(t);
  const server = await startServer(t, { charter: mcpCharter(folder, { executors: false }) });
  const key = await server.makeKey({ roles: ['agent'], agents: ['builder-1'] });
  const files: WrapOptions = { url: server.url, key, command: [process.execPath, filesystemServer, folder] };
  const fixture = (...args: readonly string[]): WrapOptions => ({
    ...files,
    name: 'fixture',
    command: [process.execPath, fixtureServer, ...args],
  });
  return { server, key, files, fixture, file: (name: string): string => join(folder, name) };
}

interface Pending {
  readonly id: string;
  readonly digest: string;
  readonly actId: string;
}

async function pending(server: TestServer): Promise<readonly Pending[]> {
  return (await server.call<{ items: readonly Pending[] }>('/api/v1/approvals?status=pending')).body.items;
}

async function approveNext(server: TestServer): Promise<Pending> {
  const waiting = await until('an approval waits', async () => (await pending(server))[0] ?? null);
  assert.equal((await approve(server, waiting)).status, 200);
  return waiting;
}

async function countOf(server: TestServer, status: string): Promise<number> {
  return (await server.call<{ items: readonly unknown[] }>(`/api/v1/actions?status=${status}`)).body.items
    .length;
}

/** Speaks to the wrapper line by line, as a client with bad manners does. */
function speak(t: TestContext, options: WrapOptions) {
  const { command, args, env } = wrapCommand(options);
  const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  t.after(() => void child.kill('SIGKILL'));
  const heard: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout }).on('line', (line) =>
    heard.push(JSON.parse(line) as Record<string, unknown>),
  );
  let talk = '';
  child.stderr.on('data', (chunk: Buffer) => (talk += chunk.toString()));
  return {
    child,
    heard,
    talk: () => talk,
    say: (line: string | object) =>
      void child.stdin.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`),
    answerTo: (id: unknown) =>
      until(
        `an answer to ${String(id)}`,
        () => heard.find((message) => message['id'] === id && message['method'] === undefined) ?? null,
      ),
  };
}

const HELLO = {
  jsonrpc: '2.0',
  id: 'hello',
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'rough', version: '1' } },
};

test('a wrapped server runs what is allowed, holds .env until it is approved, and never runs black', async (t) => {
  const { server, files, file } = await house(t);
  const client = await connectWrapped(t, files);
  const { tools } = await client.listTools();
  assert.ok(tools.some(({ name }) => name === 'write_file'));
  assert.equal(textOf(await callTool(client, 'read_text_file', { path: file('note.txt') })), 'hello');
  await callTool(client, 'write_file', { path: file('new.txt'), content: 'made' });
  assert.equal(await readFile(file('new.txt'), 'utf8'), 'made');
  const write = () => callTool(client, 'write_file', { path: file('.env'), content: 'A=1' });
  const calls = [write(), write()];
  const approval = await approveNext(server);
  for (const answer of await Promise.all(calls)) assert.notEqual(answer.isError, true, textOf(answer));
  assert.equal(await readFile(file('.env'), 'utf8'), 'A=1');
  await until(
    'the outcome is reported',
    async () => (await look(server, approval.actId)).body.status === 'success',
  );
  assert.equal(await countOf(server, 'success'), 3);
  assert.deepEqual(await pending(server), []);
  const moved = await callTool(client, 'move_file', { source: file('note.txt'), destination: file('x.txt') });
  assert.equal(decisionOf(moved).code, 'denied');
  assert.ok(existsSync(file('note.txt')));
  await stop(server);
  assert.equal(
    decisionOf(await callTool(client, 'read_text_file', { path: file('note.txt') })).code,
    'stopped',
  );
  await resume(server);
  assert.equal(textOf(await callTool(client, 'read_text_file', { path: file('note.txt') })), 'hello');
});

async function keepsItsWays(t: TestContext, era: Era): Promise<void> {
  const { server, fixture } = await house(t);
  const client = await connectWrapped(t, fixture(...(era === 'modern' ? ['modern'] : [])), era);
  await client.listTools();
  const echoed = await callTool(client, 'echo', { text: 'hi' });
  assert.deepEqual(echoed.structuredContent, { text: 'hi' });
  assert.match(textOf(echoed), /mandate\/idempotency-key/);
  assert.equal(textOf(await callTool(client, 'big')).length, 2_000_000);
  assert.equal((await callTool(client, 'fail')).isError, true);
  await assert.rejects(client.callTool({ name: 'no_such_tool', arguments: {} }), /no_such_tool/);
  assert.equal(decisionOf(await callTool(client, 'no such tool')).code, 'invalid');
  await until('the failures are reported', async () => (await countOf(server, 'failed')) === 2);
}

test('a wrapped server of the revisions up to 2025-11-25 keeps its tools, its errors and its large answers', (t) =>
  keepsItsWays(t, 'legacy'));

test('a wrapped server of revision 2026-07-28 keeps its tools, its errors and its large answers', (t) =>
  keepsItsWays(t, 'modern'));

test('without Mandate, or with something else in its place, nothing runs', async (t) => {
  const { server, files, file } = await house(t);
  const client = await connectWrapped(t, files);
  await server.kill();
  const refused = await callTool(client, 'write_file', { path: file('never.txt'), content: 'x' });
  assert.equal(decisionOf(refused).code, 'unreachable');
  const impostor = createServer((_request, response) =>
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end('{"status":"permitted","permit":"come in"}'),
  );
  await once(impostor.listen(0, '127.0.0.1'), 'listening');
  t.after(() => void impostor.close());
  const fooled = await connectWrapped(t, {
    ...files,
    url: `http://127.0.0.1:${(impostor.address() as AddressInfo).port}`,
  });
  assert.equal(
    decisionOf(await callTool(fooled, 'write_file', { path: file('never.txt'), content: 'x' })).code,
    'unavailable',
  );
  assert.equal(existsSync(file('never.txt')), false);
});

test('lines that are no messages, batches and look-alike keys end nothing and reach nobody', async (t) => {
  const { server, files, file } = await house(t);
  const wire = speak(t, files);
  wire.say(HELLO);
  await wire.answerTo('hello');
  const call = {
    jsonrpc: '2.0',
    id: 7,
    method: 'tools/call',
    params: { name: 'write_file', arguments: { path: file('never.txt'), content: 'x' } },
  };
  wire.say('this is no JSON');
  wire.say([call]);
  wire.say(JSON.stringify(call).replace('"method"', '"Method"').replace('"id":7', '"id":8,"method":"ping"'));
  wire.say(JSON.stringify({ ...call, id: 9 }).replace('"name"', '"Name":"move_file","name"'));
  const refused = await until('four refusals', () => (wire.heard.length >= 5 ? wire.heard.slice(1) : null));
  assert.deepEqual(
    refused.map((message) => (message['error'] as { code: number }).code),
    [-32_700, -32_600, -32_600, -32_600],
  );
  wire.say({
    ...call,
    id: 10,
    params: { ...call.params, arguments: { path: file('big.txt'), content: 'x'.repeat(2_000_000) } },
  });
  const big = (await wire.answerTo(10))['result'] as { isError: boolean; content: { text: string }[] };
  assert.equal(big.isError, true);
  assert.match(big.content[0]?.text ?? '', /too_large/);
  wire.say({ jsonrpc: '2.0', id: 11, method: 'ping' });
  assert.deepEqual((await wire.answerTo(11))['result'], {});
  assert.equal(existsSync(file('never.txt')), false);
  assert.equal(await countOf(server, 'success'), 0);
});

test('a server that prints nonsense is heard through it, and its end ends the wrapper clearly', async (t) => {
  const { files, fixture } = await house(t);
  const script =
    'process.stdout.write("Starting up...\\n\\n{broken\\n"); process.argv.splice(1, 1); await import(process.argv[1]);';
  const noisy = speak(t, {
    ...files,
    name: 'fixture',
    command: [process.execPath, '--input-type=module', '-e', script, 'x', fixtureServer],
  });
  noisy.say(HELLO);
  await noisy.answerTo('hello');
  assert.match(noisy.talk(), /Starting up/);
  const dying = speak(t, fixture());
  dying.say(HELLO);
  await dying.answerTo('hello');
  const exited = once(dying.child, 'exit');
  dying.say({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'die', arguments: {} } });
  const answer = (await dying.answerTo(1))['result'] as {
    isError: boolean;
    structuredContent: { mandate: { code: string } };
  };
  assert.equal(answer.structuredContent.mandate.code, 'unknown');
  assert.deepEqual(await exited, [1, null]);
  assert.match(dying.talk(), /ended with exit code 7/);
});

test('a held call that the client cancels is cancelled at Mandate, and the server never hears of it', async (t) => {
  const { server, fixture } = await house(t);
  const wire = speak(t, fixture());
  wire.say(HELLO);
  await wire.answerTo('hello');
  wire.say({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'pid', arguments: {} } });
  const [waiting] = await until('an approval waits', async () =>
    (await pending(server)).length > 0 ? pending(server) : null,
  );
  wire.say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
  await until(
    'the act is cancelled',
    async () => (await look(server, waiting?.actId ?? '')).body.status === 'cancelled',
  );
  assert.equal(
    wire.heard.some((message) => message['id'] === 1),
    false,
  );
});

test('mcp add proposes what the tools seem to be, and writes it among the comments of a charter', async (t) => {
  const folder = await makeFolder(t);
  const path = join(folder, 'charter.yaml');
  await writeFile(path, 'version: 1 # ours\nextends: default\n');
  const main = wrapCommand({ url: '', key: '', command: [] }).args[1] ?? '';
  const child = spawn(
    process.execPath,
    [
      '--conditions=mandate-source',
      main,
      'mcp',
      'add',
      'files',
      '--json',
      '--write',
      path,
      '--',
      process.execPath,
      filesystemServer,
      '.',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  assert.deepEqual(await once(child, 'close'), [0, null]);
  const { proposals } = JSON.parse(text) as {
    proposals: readonly { tool: string; tier: string; paths: readonly string[] }[];
  };
  const tiers = Object.fromEntries(proposals.map(({ tool, tier }) => [tool, tier]));
  assert.equal(tiers['read_text_file'], 'green');
  assert.equal(tiers['create_directory'], 'yellow');
  assert.equal(tiers['write_file'], 'red');
  const written = await readFile(path, 'utf8');
  assert.match(written, /^version: 1 # ours\n/);
  assert.match(written, /files\.write_file: \{ severity: high, paths: \[ path \], diff: content \}/);
});
