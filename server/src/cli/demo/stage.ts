// Where the demo plays: a server of its own on a free port, an empty data directory, a folder with real files, and an
// agent that reaches them only through the gateway. All of it ends with the demo, however that ends.
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Client as McpClient } from '@modelcontextprotocol/client';
import { createClient } from '../client.ts';
import type { Client } from '../client.ts';
import type { Cli } from '../command.ts';
import { CommandFailed, EXIT } from '../exit.ts';
import { readConfig } from '../location.ts';
import { textAt } from '../read.ts';
import { AGENT, demoCharter, FILES, UPSTREAM } from './charter.ts';

export interface Typed {
  readonly exitCode: number | null;
  /** What `--json` printed; null when that was no JSON. */
  readonly document: unknown;
  readonly talk: string;
}

export interface Stage {
  readonly url: string;
  readonly folder: string;
  /** The server with the key of a person. */
  readonly admin: Client;
  /** The server with the agent's own key. */
  readonly agent: Client;
  /** A tool call of the agent through the gateway; the result as the client got it. */
  callTool(name: string, parameters: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** Runs this very command line in a process of its own, as a person would in another terminal. */
  type(args: readonly string[]): Promise<Typed>;
  /** A file of the folder; null when it is not there. */
  read(file: string): Promise<string | null>;
}

type Close = () => Promise<unknown>;

/** Opens everything, hands it to `play`, and closes everything again, in the other order. */
export async function onStage<T>(
  cli: Cli,
  signal: AbortSignal,
  play: (stage: Stage) => Promise<T>,
): Promise<T> {
  const closing: Close[] = [];
  try {
    const stage = await build(cli, signal, (close) => void closing.unshift(close));
    return await play(stage);
  } finally {
    for (const close of closing)
      await close().catch((error: unknown) => cli.out.talk(`While clearing up: ${messageOf(error)}`));
  }
}

async function build(cli: Cli, signal: AbortSignal, later: (close: Close) => void): Promise<Stage> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'mandate-demo-')));
  later(() => rm(root, { recursive: true, force: true }));
  // Postgres refuses to run as root; the account that it then runs as has to get through to its own directory.
  await chmod(root, 0o711);
  const folder = join(root, 'work');
  const dataDir = join(root, 'data');
  const charter = join(root, 'charter.yaml');
  await mkdir(folder, { mode: 0o700 });
  for (const [name, content] of Object.entries(FILES)) await writeFile(join(folder, name), content);
  await writeFile(charter, demoCharter(folder));

  const url = await serve(cli, { dataDir, charter }, later);
  signal.throwIfAborted();
  const adminKey = (await readFile(join(dataDir, 'admin.key'), 'utf8')).trim();
  const admin = createClient({ url, key: adminKey, self: cli.self });
  const made = await admin.need({
    method: 'POST',
    path: '/api/v1/keys',
    body: { label: 'the agent of the demo', roles: ['agent'], agents: [AGENT] },
  });
  const key = textAt(made, 'text');
  const mcp = await connect({ url, key, version: cli.host.version, signal });
  later(() => mcp.close());
  return {
    url,
    folder,
    admin,
    agent: createClient({ url, key, self: cli.self }),
    callTool: (name, parameters) => mcp.callTool({ name, arguments: { ...parameters } }, { signal }),
    type: (args) => typed(cli, [...args, '--json', '--url', url, '--data-dir', dataDir], signal),
    read: (file) => readFile(join(folder, file), 'utf8').catch(missing),
  };
}

/** Settings of whoever runs the demo do not count: it must reach no database and no server of theirs. */
async function serve(
  { host, env }: Cli,
  { dataDir, charter }: { readonly dataDir: string; readonly charter: string },
  later: (close: Close) => void,
): Promise<string> {
  const level = env['LOG_LEVEL'] ?? '';
  const config = await readConfig({}, { dataDir }, [
    '--port',
    '0',
    '--charter',
    charter,
    '--log-level',
    level === '' ? 'error' : level,
  ]);
  const answer = await host.serve(config, { pretty: process.stderr.isTTY });
  if (answer.kind === 'charter_refused')
    throw new CommandFailed(`The charter of the demo was refused:\n${answer.problems.join('\n')}`, {
      exitCode: EXIT.failure,
      code: 'charter_refused',
      document: { problems: answer.problems },
    });
  later(() => answer.serving.close());
  return answer.serving.url;
}

interface Connecting {
  readonly url: string;
  readonly key: string;
  readonly version: string;
  readonly signal: AbortSignal;
}

async function connect({ url, key, version, signal }: Connecting): Promise<McpClient> {
  const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
  const client = new Client({ name: 'mandate-demo', version });
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp/${UPSTREAM}`), {
    // A held call is answered at once: the person who approves it comes next.
    requestInit: { headers: { authorization: `Bearer ${key}`, prefer: 'wait=0' } },
  });
  await client.connect(transport, { signal });
  return client;
}

async function typed(cli: Cli, args: readonly string[], signal: AbortSignal): Promise<Typed> {
  const [, script = ''] = process.argv;
  const child = spawn(process.execPath, [...process.execArgv, script, ...args], {
    env: withoutSettings(cli.env),
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [stdout, talk, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { exitCode, document: parse(stdout), talk };
}

function withoutSettings(env: Cli['env']): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(?:MANDATE_|DATABASE_URL$|PORT$|HOST$|LOG_LEVEL$)/.test(name)),
  );
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

function missing(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
  throw error;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
