// mandate mcp wrap: starts an MCP server and stands between it and whoever started us. stdout belongs to the protocol;
// everything for people goes to stderr.
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { EXIT, usageError } from './exit.ts';
import { createProxy } from './mcp-proxy.ts';
import { createToolReport } from './mcp-report.ts';
import { createJudge } from './mcp-verdict.ts';
import { harmless } from './output.ts';
import { openSession } from './session.ts';

export interface WrapOptions {
  readonly agent?: string;
  readonly name?: string;
  /** Seconds. */
  readonly wait: string;
}

/** Clients give up on a request after 60 s. */
const LONGEST_WAIT_S = 50;
/** After the client has gone the server may finish what it does, for so long. */
const GRACE_MS = 5_000;
const NAME = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

export async function wrap(
  cli: Cli,
  command: Command,
  words: readonly string[],
  options: WrapOptions,
): Promise<void> {
  const { client } = await openSession(cli, command);
  const name = options.name ?? nameFor(words);
  if (name === null || !NAME.test(name))
    throw usageError(
      `${options.name ?? 'The command'} gives no name for actions.`,
      'Give one with --name: letters, digits, _ and -.',
    );
  if (!/^\d{1,2}$/.test(options.wait) || Number(options.wait) > LONGEST_WAIT_S)
    throw usageError(`--wait takes whole seconds from 0 to ${LONGEST_WAIT_S}: clients give up after 60.`);
  const agent = options.agent ?? cli.env['MANDATE_AGENT'] ?? 'mcp-client';
  const talk = (text: string): void => cli.out.talk(`mandate: ${harmless(text)}`);
  const [file = '', ...args] = words;
  const child = start(file, args, cli.env);
  const judge = createJudge({ client, agent, clock: cli.clock, holdMs: Number(options.wait) * 1_000 });
  const ended = endOf(child, file);
  const stop = (): void => kill(child, 'SIGTERM');
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const proxy = createProxy({
    client: { input: process.stdin, output: process.stdout },
    server: { input: child.stdout, output: child.stdin },
    upstream: name,
    judge,
    report: createToolReport({ client, upstream: name, talk }),
    after: (waitMs, run) => cli.clock.after(waitMs, run),
    talk,
    onClientEnd() {
      child.stdin.end();
      cli.clock.after(GRACE_MS, () => kill(child, 'SIGTERM'));
      cli.clock.after(GRACE_MS * 2, () => kill(child, 'SIGKILL'));
    },
  });
  talk(`tool calls of ${name} are actions ${name}.<tool> of agent ${agent} at ${client.url}`);
  const { text, isOrderly } = await ended;
  await proxy.serverEnded(text);
  process.stdin.destroy();
  if (isOrderly) return;
  talk(text);
  cli.exitWith(EXIT.failure);
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

/** Leads a process group of its own, so that what it starts (npx starts the real server) ends with it. */
function start(file: string, args: readonly string[], env: Cli['env']): Child {
  const theirs = Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(MANDATE_|DATABASE_URL$)/.test(name)),
  );
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: theirs,
    detached: process.platform !== 'win32',
  });
  // A server that has gone breaks the pipe; its end is told by `exit`.
  child.stdin.on('error', () => {});
  return child;
}

function endOf(child: Child, file: string): Promise<{ readonly text: string; readonly isOrderly: boolean }> {
  return new Promise((resolve) => {
    child.once('error', (error) =>
      resolve({ text: `${file} could not be started: ${error.message}.`, isOrderly: false }),
    );
    child.once('close', (code, signal) =>
      resolve({ text: `The MCP server ended with ${signal ?? `exit code ${code}`}.`, isOrderly: code === 0 }),
    );
  });
}

function kill(child: Child, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    if (process.platform === 'win32') child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // It has ended between the look and the signal.
  }
}

const RUNNERS =
  /^(npx|npm|node|uvx|uv|bunx|bun|deno|pnpm|yarn|python\d*|docker|podman|exec|run|dlx|-m|-y|--yes)$/;

/** `npx -y @modelcontextprotocol/server-filesystem ./work` → `filesystem`; null where nothing in it is a name. */
export function nameFor(words: readonly string[]): string | null {
  const word = words.find(
    (each, at) =>
      !RUNNERS.test(at === 0 ? (each.split(/[\\/]/).at(-1) ?? '') : each) && !each.startsWith('-'),
  );
  const parts = (word ?? '')
    .split(/[\\/]/)
    .filter((part) => part !== '' && !/^(dist|src|build|index(\.\w+)?|main(\.\w+)?)$/.test(part));
  const plain = (parts.at(-1) ?? '')
    .replace(/@[^@]*$/, '')
    .replace(/\.(m?js|c?ts|py)$/, '')
    .replaceAll(/^(mcp[-_])?(server[-_])?|[-_](mcp|server)([-_]server)?$/g, '')
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return plain === '' ? null : plain;
}
