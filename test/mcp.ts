// MCP clients and servers for stories: the official client in both protocol eras, the official filesystem server on a
// folder of its own, and a charter that governs it.
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { ClientOptions, Transport } from '@modelcontextprotocol/client';

export type Era = 'legacy' | 'modern';

export interface ToolAnswer {
  readonly isError?: boolean;
  readonly content: readonly { readonly type: string; readonly text?: string }[];
  readonly structuredContent?: Readonly<Record<string, unknown>>;
  readonly _meta?: Readonly<Record<string, unknown>>;
}

interface Closing {
  after(fn: () => Promise<void>): void;
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
export function mcpCharter(folder: string, { executors = true, fixtureArgs = [] as readonly string[] } = {}): string {
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
}

/** The official client behind the HTTP gateway. */
export function connectHttp(
  t: Closing,
  url: string,
  { key, upstream = 'files', agent, era = 'legacy', client = {} }: HttpClientOptions,
): Promise<Client> {
  const headers = { authorization: `Bearer ${key}`, ...(agent === undefined ? {} : { 'x-mandate-agent': agent }) };
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp/${upstream}`), { requestInit: { headers } });
  return connectClient(t, transport, era, client);
}

export async function connectClient(t: Closing, transport: unknown, era: Era, options: ClientOptions = {}): Promise<Client> {
  const client = new Client(
    { name: 'story', version: '1' },
    { ...options, versionNegotiation: { mode: era === 'legacy' ? 'legacy' : { pin: '2026-07-28' } } },
  );
  // The SDK's own transports disagree with its interface under exactOptionalPropertyTypes.
  await client.connect(transport as Transport);
  t.after(() => client.close());
  return client;
}

export async function callTool(client: Client, name: string, parameters: Readonly<Record<string, unknown>> = {}): Promise<ToolAnswer> {
  return (await client.callTool({ name, arguments: { ...parameters } })) as unknown as ToolAnswer;
}

export function textOf(answer: ToolAnswer): string {
  return answer.content.map((block) => block.text ?? '').join('\n');
}

/** The decision that stands in place of a result. */
export function decisionOf(answer: ToolAnswer): { readonly code: string; readonly actionId: string | null; readonly approval?: { readonly id: string } } {
  return answer._meta?.['dev.mandate/decision'] as never;
}
