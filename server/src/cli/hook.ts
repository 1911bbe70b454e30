// mandate hook: what agent programs run before and after their tools. An answer goes to stdout in the program's own
// protocol. Whatever goes wrong ends with exit code 2, which Claude Code reads as "blocked": with any other it goes on.
import { createHash } from 'node:crypto';
import { lstat, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { BegunCalls } from '@mandate/sdk/claude-code';
import type { Cli, Register } from './command.ts';
import { commonOptions, GROUPS } from './command.ts';
import { EXIT, usageError } from './exit.ts';
import { locate, readConfig } from './location.ts';
import { harmless } from './output.ts';
import { textAt } from './read.ts';

interface HookOptions {
  readonly agent?: string;
  /** Seconds. */
  readonly wait: string;
}

/** Mandate's own bound; Claude Code gives a hook ten minutes, other programs give it one. */
const LONGEST_WAIT_S = 50;
/** Tool results of megabytes come on stdin as well; what is larger than this is no event. */
const LONGEST_INPUT = 64 * 1_048_576;

export const registerHook: Register = (program, cli) => {
  const hook = program.command('hook').helpGroup(GROUPS.ask).description("answer an agent program's hooks");
  hook
    .command('claude-code')
    .description('decide on a tool call of Claude Code and report its outcome; reads the event from stdin')
    .option('--agent <name>', 'in whose name the calls are made (MANDATE_AGENT; claude-code)')
    .option('--wait <seconds>', 'how long a held call waits for its approval', '25')
    .addHelpText(
      'after',
      '\nIt takes the key of the agent from MANDATE_API_KEY. Exit codes: 0 answered · 2 blocked, because there is no answer',
    )
    .action(async function (this: Command, options: HookOptions) {
      try {
        cli.out.data(JSON.stringify(await answer(cli, this, options)));
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        cli.out.talk(`mandate: ${harmless(message)}`);
        cli.exitWith(EXIT.usage);
      }
    });
};

async function answer(cli: Cli, command: Command, options: HookOptions): Promise<unknown> {
  if (!/^\d{1,2}$/.test(options.wait) || Number(options.wait) > LONGEST_WAIT_S)
    throw usageError(`--wait takes whole seconds from 0 to ${LONGEST_WAIT_S}.`);
  const event: unknown = JSON.parse(await readAll(process.stdin));
  const [{ createMandate }, { createClaudeCodeHook }] = await Promise.all([
    import('@mandate/sdk'),
    import('@mandate/sdk/claude-code'),
  ]);
  const agent = options.agent ?? cli.env['MANDATE_AGENT'] ?? 'claude-code';
  const common = commonOptions(command);
  // Found as every command finds it; the key is the agent's own and never that of the data directory.
  const { url } = await locate(await readConfig(cli.env, common));
  const mandate = createMandate({
    url,
    apiKey: cli.env['MANDATE_API_KEY'],
    agent,
  });
  const hook = createClaudeCodeHook(mandate, {
    holdMs: Number(options.wait) * 1_000,
    calls: createFiles(cli.env['XDG_RUNTIME_DIR'] ?? tmpdir()),
  });
  return hook(event);
}

async function readAll(input: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > LONGEST_INPUT) throw new Error(`The event on stdin is larger than ${LONGEST_INPUT} bytes.`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Permits of calls that run now, one file each, readable by this user alone: the process that asked has ended when the
 * call has. Whoever reads a permit could report a wrong outcome, and nothing else.
 */
function createFiles(base: string): BegunCalls {
  const directory = join(base, `mandate-hook-${userInfo().username}`);
  const fileOf = (key: string): string =>
    join(directory, `${createHash('sha256').update(key).digest('hex')}.json`);
  async function isOurs(): Promise<boolean> {
    const found = await lstat(directory);
    // In a shared temporary directory anybody may have made one of this name.
    return found.isDirectory() && (process.getuid === undefined || found.uid === process.getuid());
  }
  return {
    async put(key, begun) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      if (!(await isOurs())) throw new Error(`${directory} belongs to somebody else; remove it.`);
      try {
        await writeFile(fileOf(key), JSON.stringify(begun), { mode: 0o600, flag: 'wx' });
        return true;
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
        throw error;
      }
    },
    async take(key) {
      let text: string;
      try {
        if (!(await isOurs())) return null;
        text = await readFile(fileOf(key), 'utf8');
      } catch {
        return null;
      }
      await rm(fileOf(key), { force: true });
      const begun: unknown = JSON.parse(text);
      return { id: textAt(begun, 'id'), agent: textAt(begun, 'agent'), permit: textAt(begun, 'permit') };
    },
  };
}
