import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { callTool, connectHttp, decisionOf, makeFolder, mcpCharter, serveMcp, textOf } from '../test/mcp.ts';
import type { Era, HttpClientOptions } from '../test/mcp.ts';
import { approve, look, resume, stop } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import type { TestServer } from '../test/server.ts';
import { until } from '../test/until.ts';

interface Pending {
  readonly id: string;
  readonly digest: string;
  readonly actId: string;
}

async function house(t: TestContext, fixtureArgs: readonly string[] = []) {
  const folder = await makeFolder(t);
  const server = await startServer(t, { charter: mcpCharter(folder, { fixtureArgs }) });
  const key = await server.makeKey({ roles: ['agent'], agents: ['builder-1'] });
  const connect = (options: Partial<HttpClientOptions> = {}) =>
    connectHttp(t, server.url, { key, ...options });
  const file = (name: string): string => join(folder, name);
  return { server, key, connect, file };
}

async function pending(server: TestServer): Promise<readonly Pending[]> {
  return (await server.call<{ items: readonly Pending[] }>('/api/v1/approvals?status=pending')).body.items;
}

/** Approves what waits as soon as it does. */
async function approveNext(server: TestServer): Promise<Pending> {
  const waiting = await until('an approval waits', async () => (await pending(server))[0] ?? null);
  assert.equal((await approve(server, waiting)).status, 200);
  return waiting;
}

async function actsOf(
  server: TestServer,
  status: string,
): Promise<readonly { readonly id: string; readonly action: string; readonly status: string }[]> {
  return (
    await server.call<{ items: readonly { id: string; action: string; status: string }[] }>(
      `/api/v1/actions?status=${status}`,
    )
  ).body.items;
}

test('what the charter allows runs at the real filesystem server, and its answer comes back as it was given', async (t) => {
  const { server, connect, file } = await house(t);
  const client = await connect();
  const { tools } = await client.listTools();
  assert.ok(tools.some(({ name }) => name === 'write_file'));
  const read = await callTool(client, 'read_text_file', { path: file('note.txt') });
  assert.deepEqual(read.content, [{ type: 'text', text: 'hello' }]);
  assert.deepEqual(read.structuredContent, { content: 'hello' });
  const written = await callTool(client, 'write_file', { path: file('new.txt'), content: 'made' });
  assert.notEqual(written.isError, true);
  assert.equal(await readFile(file('new.txt'), 'utf8'), 'made');
  const acts = await actsOf(server, 'success');
  assert.deepEqual(acts.map(({ action }) => action).toSorted(), ['files.read_text_file', 'files.write_file']);
  const failed = await callTool(client, 'read_text_file', { path: file('missing.txt') });
  assert.equal(failed.isError, true);
  assert.match(textOf(failed), /ENOENT/);
});

test('a write to .env waits for people, and of many identical calls exactly one runs', async (t) => {
  const { server, connect, file } = await house(t);
  const client = await connect();
  await client.listTools();
  const write = () => callTool(client, 'write_file', { path: file('.env'), content: 'A=1' });
  const calls = [write(), write(), write()];
  const approval = await approveNext(server);
  for (const answer of await Promise.all(calls)) assert.notEqual(answer.isError, true, textOf(answer));
  assert.equal(await readFile(file('.env'), 'utf8'), 'A=1');
  assert.equal((await actsOf(server, 'success')).length, 1);
  assert.deepEqual(await pending(server), []);
  assert.equal((await look(server, approval.actId)).body.status, 'success');
});

test('black is refused, a stop refuses everything, and the resumed client goes on', async (t) => {
  const { server, connect, file } = await house(t);
  const client = await connect();
  const moved = await callTool(client, 'move_file', {
    source: file('note.txt'),
    destination: file('gone.txt'),
  });
  assert.equal(moved.isError, true);
  assert.equal(decisionOf(moved).code, 'denied');
  assert.ok(existsSync(file('note.txt')));
  await stop(server);
  const stopped = await callTool(client, 'read_text_file', { path: file('note.txt') });
  assert.equal(decisionOf(stopped).code, 'stopped');
  assert.match(textOf(stopped), /resume/);
  await resume(server);
  assert.equal(textOf(await callTool(client, 'read_text_file', { path: file('note.txt') })), 'hello');
});

test('a server that dies in the middle of a call leaves the act unknown, and nothing is sent twice', async (t) => {
  const { server, connect } = await house(t);
  const client = await connect({ upstream: 'fixture' });
  const answer = await callTool(client, 'die');
  assert.equal(answer.isError, true);
  assert.equal(decisionOf(answer).code, 'unknown');
  assert.match(textOf(answer), /look before/);
  const acts = await actsOf(server, 'unknown');
  assert.deepEqual(
    acts.map(({ action }) => action),
    ['fixture.die'],
  );
  const again = await connect({ upstream: 'fixture' });
  assert.equal(
    textOf(await callTool(again, 'echo', { text: 'x' })).includes('mandate/idempotency-key'),
    true,
  );
});

test('a client that gives up cancels the act at the server', async (t) => {
  // The fixture's tool reports here that it runs, and that it was told to stop.
  const wire = createServer();
  await once(wire.listen(0, '127.0.0.1'), 'listening');
  t.after(() => void wire.close());
  const { server, connect } = await house(t, [String((wire.address() as AddressInfo).port)]);
  const client = await connect({ upstream: 'fixture' });
  const given = new AbortController();
  const call = client.callTool({ name: 'hang', arguments: {} }, { signal: given.signal });
  call.catch(() => {});
  const [socket] = (await once(wire, 'connection')) as [Socket];
  const act = await until('the act runs', async () => (await actsOf(server, 'executing'))[0] ?? null);
  const told = once(socket, 'data');
  given.abort();
  await assert.rejects(call);
  assert.equal(String((await told)[0]), 'cancelled');
  const ended = await until('the act ends', async () => {
    const { status } = (await look(server, act.id)).body;
    return status === 'executing' ? null : status;
  });
  assert.equal(ended, 'unknown');
});

async function isServed(t: TestContext, era: Era): Promise<void> {
  const { server, connect } = await house(t, era === 'modern' ? ['modern'] : []);
  const client = await connect({ upstream: 'fixture', era });
  const { tools } = await client.listTools();
  assert.ok(tools.length > 5);
  assert.deepEqual((await callTool(client, 'echo', { text: 'hi' })).structuredContent, { text: 'hi' });
  const held = callTool(client, 'pid');
  await approveNext(server);
  assert.notEqual((await held).isError, true);
  const big = await callTool(client, 'big');
  assert.equal(textOf(big).length, 2_000_000);
  await assert.rejects(client.callTool({ name: 'no_such_tool', arguments: {} }), /no_such_tool/);
}

test('a client of the revisions up to 2025-11-25 is governed, and served once approved', (t) =>
  isServed(t, 'legacy'));

test('a client of revision 2026-07-28 is governed, and served once approved', (t) => isServed(t, 'modern'));

test('a client of 2026 that can show links shows its person the approval, and the call goes on afterwards', async (t) => {
  const { server, connect } = await house(t, ['modern']);
  const client = await connect({
    upstream: 'fixture',
    era: 'modern',
    client: { capabilities: { elicitation: { url: {} } } },
  });
  const shown: string[] = [];
  client.setRequestHandler('elicitation/create', async ({ params }) => {
    shown.push('url' in params ? params.url : '');
    await approveNext(server);
    return { action: 'accept' };
  });
  const answer = await callTool(client, 'pid');
  assert.notEqual(answer.isError, true, textOf(answer));
  assert.match(shown.join(), /:\d+\/approvals\//);
});

test('a call that nobody approves in time is told how to get approved, and its repeat runs once', async (t) => {
  const { server, connect } = await house(t);
  const client = await connect({ upstream: 'fixture', headers: { prefer: 'wait=0' } });
  const told = await callTool(client, 'pid');
  const [waiting] = await pending(server);
  assert.ok(waiting !== undefined);
  assert.equal(told.isError, true);
  assert.equal(decisionOf(told).approval?.id, waiting.id);
  assert.match(textOf(told), new RegExp(`mandate approve ${waiting.id}`));
  assert.deepEqual(told.structuredContent, { mandate: decisionOf(told) });
  assert.equal(decisionOf(await callTool(client, 'pid')).approval?.id, waiting.id);
  await approve(server, waiting);
  assert.equal((await look(server, waiting.actId)).body.status, 'waiting_for_approval');
  assert.notEqual((await callTool(client, 'pid')).isError, true);
  assert.equal((await look(server, waiting.actId)).body.status, 'success');
  assert.notEqual(decisionOf(await callTool(client, 'pid')).approval?.id, waiting.id);
});

test('progress and questions of a tool reach the client that called it', async (t) => {
  const { connect } = await house(t);
  const client = await connect({
    upstream: 'fixture',
    client: { capabilities: { elicitation: { form: {} } } },
  });
  client.setRequestHandler('elicitation/create', async () => ({
    action: 'accept',
    content: { colour: 'green' },
  }));
  const seen: number[] = [];
  await client.callTool(
    { name: 'count', arguments: {} },
    { onprogress: ({ progress }) => void seen.push(progress) },
  );
  assert.deepEqual(seen, [1, 2]);
  assert.equal(textOf(await callTool(client, 'ask')), 'green');
});

test('a server behind a URL is governed like one behind a command, in both eras', async (t) => {
  const url = await serveMcp(t);
  const server = await startServer(t, {
    charter: `version: 1\nextends: default\nexecutors: { web: { mcp: '${url}' } }\ntiers: { green: { actions: [web.echo] }, black: { actions: [web.fail] } }\n`,
  });
  const key = await server.makeKey({ roles: ['agent'], agents: ['builder-1'] });
  for (const era of ['legacy', 'modern'] as const) {
    const client = await connectHttp(t, server.url, { key, upstream: 'web', era });
    assert.ok((await client.listTools()).tools.length > 5);
    assert.deepEqual((await callTool(client, 'echo', { text: era })).structuredContent, { text: era });
    assert.equal(decisionOf(await callTool(client, 'fail')).code, 'denied');
  }
});

test('a change of the charter ends the connection to the old server', async (t) => {
  const { server, connect, file } = await house(t);
  const client = await connect();
  assert.equal(textOf(await callTool(client, 'read_text_file', { path: file('note.txt') })), 'hello');
  const text = await readFile(server.charterPath, 'utf8');
  await writeFile(server.charterPath, text.replace('files: { mcp:', 'other: { mcp:'));
  await until('the charter is in force', async () => {
    const answer = await server.call<{ sources: readonly { text: string }[] }>('/api/v1/charter');
    return answer.body.sources.some((source) => source.text.includes('other: { mcp:'));
  });
  await assert.rejects(
    callTool(client, 'read_text_file', { path: file('note.txt') }),
    /There is no MCP server/,
  );
});

test('odd tool names become no other action, and odd messages go no further', async (t) => {
  const { server, connect, key } = await house(t);
  const client = await connect();
  for (const name of ['../read_text_file', 'read text', 'read_text_file ', 'a..b', 'réad', '', '*']) {
    const answer = await callTool(client, name);
    assert.equal(decisionOf(answer).code, 'invalid', name);
  }
  const post = async (body: string, path = '/mcp/files', headers = {}) => {
    const response = await fetch(server.url + path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${key}`,
        ...headers,
      },
      body,
    });
    return {
      status: response.status,
      body: (await response.json()) as { error?: { code: number; message: string }; code?: string },
    };
  };
  const call = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'read_text_file', arguments: {} },
  };
  assert.equal((await post('{"jsonrpc": nonsense')).body.error?.code, -32_700);
  assert.equal((await post(JSON.stringify([call]))).body.error?.code, -32_600);
  assert.match(
    (await post('{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}')).body.error?.message ?? '',
    /two ways/,
  );
  assert.match(
    (await post('{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping"}')).body.error?.message ?? '',
    /twice/,
  );
  assert.equal((await post(JSON.stringify(call))).status, 400);
  assert.equal((await post(JSON.stringify(call), '/mcp/files', { 'mcp-session-id': 'made-up' })).status, 404);
  assert.equal((await post(JSON.stringify(call), '/mcp/nothing')).body.code, 'not_found');
  assert.equal(
    (await post(JSON.stringify(call), '/mcp/files', { 'x-mandate-agent': 'somebody-else' })).body.code,
    'not_yours',
  );
  assert.equal(
    (await post(JSON.stringify(call), '/mcp/files', { authorization: 'Bearer nobody' })).status,
    401,
  );
  assert.equal((await actsOf(server, 'success')).length, 0);
});

test('a message of two megabytes is judged and written whole', async (t) => {
  const { server, connect, file } = await house(t);
  const client = await connect();
  const content = 'many words and a line\n'.repeat(95_000);
  const call = callTool(client, 'write_file', { path: file('big.txt'), content });
  await approveNext(server);
  const answer = await call;
  assert.notEqual(answer.isError, true, textOf(answer));
  assert.equal(await readFile(file('big.txt'), 'utf8'), content);
});
