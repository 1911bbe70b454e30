// An official MCP server with one tool that echoes, over Streamable HTTP in a process of its own.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'bench', version: '1' }, { capabilities: { tools: {} } });
  server.registerTool('echo', { inputSchema: z.object({ text: z.string() }) }, async (input) => ({
    content: [{ type: 'text', text: input.text }],
  }));
  return server;
});

async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const method = incoming.method ?? 'GET';
  const body = method === 'POST' ? { body: await text(incoming) } : {};
  const headers = new Headers(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
  const answered = await handler.fetch(
    new Request(`http://localhost${incoming.url}`, { method, headers, ...body }),
  );
  outgoing.writeHead(answered.status, Object.fromEntries(answered.headers));
  outgoing.end(Buffer.from(await answered.arrayBuffer()));
}

const http = createServer((incoming, outgoing) => void serve(incoming, outgoing));
http.keepAliveTimeout = 60_000;
await once(http.listen(0, '127.0.0.1'), 'listening');
process.send?.({ url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp` });

process.once('message', () => {
  http.closeAllConnections();
  http.close();
  void handler.close().finally(() => process.disconnect());
});
