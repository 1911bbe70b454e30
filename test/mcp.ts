// MCP clients and servers for stories: the official client in both protocol eras, the official filesystem server on a
// folder of its own, and a charter that governs it.
import { once } from 'node:events';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { ClientOptions, Transport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { Closing } from './closing.ts';

export type Era = 'legacy' | 'modern';

export interface ToolAnswer {
  readonly isError?: boolean;
  readonly content: readonly { readonly type: string; readonly text?: string }[];
  readonly structuredContent?: Readonly<Record<string, unknown>>;
  readonly _meta?: Readonly<Record<string, unknown>>;
}

export const filesystemServer = join(
  createRequire(import.meta.url).resolve('@modelcontextprotocol/server-filesystem/package.json'),
  '../dist/index.js',
);
/** Tools that echo, fail, hang, die and grow; speaks both eras unless told `modern`. */
export const fixtureServer = fileURLToPath(
  new URL('../server/src/act/executors/fixtures/mcp-server.mjs', import.meta.url),
);

/** A folder that the filesystem server may touch, with one file in it. */
export async function makeFolder(t: Closing): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'mandate-mcp-')));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'note.txt'), 'hello');
  return folder;
}

/** Executors `files` and `fixture`, each a real process, or neither for agents that start them themselves. */
export function mcpCharter(
  folder: string,
  { executors = true, fixtureArgs = [] as readonly string[] } = {},
): string {
  const list = (words: readonly string[]): string => JSON.stringify(words);
  const named = `executors:
  files: { mcp: ${list([process.execPath, filesystemServer, folder])} }
  fixture: { mcp: ${list([process.execPath, fixtureServer, ...fixtureArgs])} }
`;
  return `version: 1
extends: default
${executors ? named : ''}actions:
  files.write_file: { severity: medium, paths: [path], diff: content }
tiers:
  green: { actions: ['files.read_*', 'files.list_*', 'fixture.*'] }
  yellow: { actions: [files.write_file] }
  red: { actions: [fixture.pid] }
  black: { actions: [files.move_file] }
`;
}

export interface HttpClientOptions {
  readonly key: string;
  readonly upstream?: string;
  readonly agent?: string;
  readonly era?: Era;
  readonly client?: ClientOptions;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The official client behind the HTTP gateway. */
export function connectHttp(
  t: Closing,
  url: string,
  { key, upstream = 'files', agent, era = 'legacy', client = {}, headers: more = {} }: HttpClientOptions,
): Promise<Client> {
  const headers = {
    ...more,
    authorization: `Bearer ${key}`,
    ...(agent === undefined ? {} : { 'x-mandate-agent': agent }),
  };
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp/${upstream}`), {
    requestInit: { headers },
  });
  return connectClient(t, transport, era, client);
}

async function connectClient(
  t: Closing,
  transport: unknown,
  era: Era,
  options: ClientOptions = {},
): Promise<Client> {
  const client = new Client(
    { name: 'story', version: '1' },
    { ...options, versionNegotiation: { mode: era === 'legacy' ? 'legacy' : { pin: '2026-07-28' } } },
  );
  // The SDK's own transports disagree with its interface under exactOptionalPropertyTypes.
  await client.connect(transport as Transport);
  t.after(() => client.close());
  return client;
}

export async function callTool(
  client: Client,
  name: string,
  parameters: Readonly<Record<string, unknown>> = {},
): Promise<ToolAnswer> {
  return (await client.callTool({ name, arguments: { ...parameters } })) as unknown as ToolAnswer;
}

export function textOf(answer: ToolAnswer): string {
  return answer.content.map((block) => block.text ?? '').join('\n');
}

/** The decision that stands in place of a result. */
export function decisionOf(answer: ToolAnswer): {
  readonly code: string;
  readonly actionId: string | null;
  readonly approval?: { readonly id: string };
} {
  return answer._meta?.['dev.mandate/decision'] as never;
}

/** One echoing tool and five that fail. */
function createFixture(): McpServer {
  const server = new McpServer({ name: 'web', version: '1' }, { capabilities: { tools: {} } });
  const schema = z.object({ text: z.string() });
  server.registerTool('echo', { inputSchema: schema, outputSchema: schema }, async (input) => ({
    content: [],
    structuredContent: input,
  }));
  for (const name of ['fail', 'fail-2', 'fail-3', 'fail-4', 'fail-5']) {
    server.registerTool(name, {}, async () => ({
      content: [{ type: 'text', text: 'failed' }],
      isError: true,
    }));
  }
  return server;
}

/** Tools behind a URL, served by the official handler in this process. */
export async function serveMcp(t: Closing): Promise<string> {
  const handler = createMcpHandler(createFixture);
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = incoming.method === 'POST' ? { body: await text(incoming) } : {};
    const headers = new Headers(
      Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
    );
    const method = incoming.method ?? 'GET';
    const response = await handler.fetch(
      new Request(`http://localhost${incoming.url}`, { method, headers, ...body }),
    );
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.end(Buffer.from(await response.arrayBuffer()));
  };
  const http = createServer((incoming, outgoing) => void serve(incoming, outgoing));
  await once(http.listen(0, '127.0.0.1'), 'listening');
  t.after(async () => {
    http.closeAllConnections();
    http.close();
    await handler.close();
  });
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`;
}

export interface WrapOptions {
  readonly url: string;
  readonly key: string;
  readonly command: readonly string[];
  readonly name?: string;
  readonly agent?: string;
  /** Seconds that a held call waits. */
  readonly wait?: number;
}

/** How `mandate mcp wrap` is started, for the client's stdio transport and for tests that write lines themselves. */
export function wrapCommand({
  url,
  key,
  command,
  name = 'files',
  agent = 'builder-1',
  wait = 25,
}: WrapOptions) {
  const main = fileURLToPath(new URL('../server/src/main.ts', import.meta.url));
  return {
    command: process.execPath,
    args: [
      '--conditions=mandate-source',
      main,
      'mcp',
      'wrap',
      '--agent',
      agent,
      '--name',
      name,
      '--wait',
      String(wait),
      '--',
      ...command,
    ],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      MANDATE_URL: url,
      MANDATE_API_KEY: key,
    },
  };
}

/** The official client over stdio, with `mandate mcp wrap` as its server. */
export function connectWrapped(t: Closing, options: WrapOptions, era: Era = 'legacy'): Promise<Client> {
  return connectClient(t, new StdioClientTransport({ ...wrapCommand(options), stderr: 'ignore' }), era);
}
