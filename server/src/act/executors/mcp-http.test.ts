import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { SECRET, serveHttp } from './kit.test.ts';
import { call, codeOf, textOf, upstreamFor } from './mcp-kit.test.ts';
import type { McpSetting } from './mcp.ts';

// The web-standard handler of the SDK behind node:http.
function mount(fetch: (request: Request) => Promise<Response>) {
  return async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const headers = new Headers(
      Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
    );
    const hasBody = incoming.method === 'POST';
    const body = hasBody ? { body: await text(incoming) } : {};
    const request = new Request(`http://localhost${incoming.url}`, {
      method: incoming.method ?? 'GET',
      headers,
      ...body,
    });
    const response = await fetch(request);
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.end(Buffer.from(await response.arrayBuffer()));
  };
}

function httpSetting(port: number, part: Partial<Extract<McpSetting, { kind: 'mcpHttp' }>> = {}): McpSetting {
  return { kind: 'mcpHttp', url: `http://localhost:${port}/mcp`, secret: null, timeoutMs: 30_000, ...part };
}

test('a server behind a URL is called with its secret, which it cannot hand back', async (t) => {
  const authorizations = new Set<string | null>();
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'web', version: '1' }, { capabilities: { tools: {} } });
    server.registerTool('leak', { description: 'Echoes a secret' }, async () => ({
      content: [{ type: 'text', text: `"${SECRET}"` }],
    }));
    return server;
  });
  t.after(() => handler.close());
  const { port } = await serveHttp(t, (incoming, outgoing) => {
    authorizations.add(incoming.headers.authorization ?? null);
    void mount(handler.fetch)(incoming, outgoing);
  });
  const upstream = await upstreamFor(t, { setting: httpSetting(port, { secret: 'mcp-token' }) });
  const outcome = await call(upstream, 'leak');
  assert.equal(textOf(outcome), '[secret]');
  assert.deepEqual([...authorizations], [`Bearer ${SECRET}`]);
  assert.equal(
    codeOf(await call(await upstreamFor(t, { setting: httpSetting(port, { secret: 'none' }) }), 'leak')),
    'secret_missing',
  );
});

// Answers the handshake by hand, and tools/call as told.
function handmade(onCall: (outgoing: ServerResponse, id: unknown) => void) {
  return async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const message = z
      .object({ id: z.unknown().optional(), method: z.string() })
      .safeParse(incoming.method === 'POST' ? JSON.parse(await text(incoming)) : null);
    if (!message.success) {
      outgoing.writeHead(405).end();
    } else if (message.data.method === 'initialize') {
      const result = {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'hand', version: '1' },
      };
      outgoing
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id: message.data.id, result }));
    } else if (message.data.method === 'tools/call') {
      onCall(outgoing, message.data.id);
    } else outgoing.writeHead(202).end();
  };
}

test('a URL whose answer breaks off leaves the act unknown at once; a refused status is a failure', async (t) => {
  const streams: Record<string, (outgoing: ServerResponse) => void> = {
    brokenStream: (outgoing) => {
      outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
      outgoing.write(': open\n\n', () => outgoing.socket?.destroy());
    },
    endedStream: (outgoing) => outgoing.writeHead(200, { 'content-type': 'text/event-stream' }).end(),
    brokenSocket: (outgoing) => outgoing.socket?.destroy(),
    serverError: (outgoing) => outgoing.writeHead(503).end('busy'),
    endless: (outgoing) => {
      outgoing.writeHead(200, { 'content-type': 'application/json' });
      const pour = (): void => {
        while (outgoing.writable && outgoing.write(Buffer.alloc(65_536, 0x20)));
      };
      outgoing.on('drain', pour);
      pour();
    },
  };
  const outcomes: Record<string, string> = {};
  for (const [name, onCall] of Object.entries(streams)) {
    const { port } = await serveHttp(t, handmade(onCall));
    const upstream = await upstreamFor(t, { setting: httpSetting(port) });
    outcomes[name] = codeOf(await call(upstream, 'anything'));
  }
  assert.deepEqual(outcomes, {
    brokenStream: 'unknown',
    endedStream: 'unknown',
    brokenSocket: 'unknown',
    serverError: 'http_status',
    endless: 'unknown',
  });
});

test('a name that resolves to a private address is refused, an address the charter itself wrote is not', async (t) => {
  const service = await serveHttp(
    t,
    handmade((outgoing) => outgoing.writeHead(500).end()),
  );
  const url = `http://mcp.invalid:${service.port}/mcp`;
  assert.equal(
    codeOf(await call(await upstreamFor(t, { setting: httpSetting(service.port, { url }) }), 'x')),
    'address_refused',
  );
  assert.equal(service.connections(), 0);
  const gone = await upstreamFor(t, { setting: httpSetting(1) });
  assert.equal(codeOf(await call(gone, 'x')), 'executor_unavailable');
});
