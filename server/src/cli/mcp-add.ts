// mandate mcp add: starts an MCP server, lists its tools and proposes what each may do. A person reads it and accepts.
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import type { ExecutorSetting, Tier } from '@mandate/kernel';
import { commonOptions } from './command.ts';
import type { Cli } from './command.ts';
import { CommandFailed, EXIT, usageError } from './exit.ts';
import { readConfig } from './location.ts';
import { propose } from './mcp-propose.ts';
import type { Proposal } from './mcp-propose.ts';
import { addToCharter, snippetOf } from './mcp-write.ts';
import type { Addition } from './mcp-write.ts';
import { table } from './output.ts';
import type { Cell } from './output.ts';

export interface AddOptions {
  readonly url?: string;
  readonly write?: string;
}

export interface AddCall {
  readonly name: string;
  readonly words: readonly string[];
  readonly options: AddOptions;
}

const START_MS = 60_000;
const NAME = /^[A-Za-z0-9_-]+$/;
const TINT = { green: 'green', yellow: 'yellow', red: 'red', black: 'bold' } as const satisfies Record<
  Tier,
  Cell['tint']
>;

export async function add(cli: Cli, command: Command, { name, words, options }: AddCall): Promise<void> {
  const { out } = cli;
  if (!NAME.test(name))
    throw usageError(
      `${JSON.stringify(name)} is no name for an executor.`,
      'It takes letters, digits, _ and -.',
    );
  if ((words.length === 0) === (options.url === undefined))
    throw usageError('Give either the command of the server after --, or its --url.');
  const { json = false, dataDir } = commonOptions(command);
  const config = await readConfig(cli.env, dataDir === undefined ? {} : { dataDir });
  const charter = resolve(options.write ?? config.charter ?? 'charter.yaml');
  const server = options.url ?? words;
  const proposals = (await listTools(cli, { name, server, baseDir: dirname(charter) })).map((tool) =>
    propose(name, tool),
  );
  const addition: Addition = { name, server, proposals };
  if (json) out.json({ name, proposals, snippet: snippetOf(addition) });
  else show(cli, addition);
  const isWanted = options.write !== undefined || (!json && (await isAccepted(cli, charter)));
  if (isWanted) await write(cli, charter, addition);
  else if (!json)
    out.talk(
      `Nothing was written. To write it: ${cli.self} mcp add ${name} --write ${options.write ?? 'charter.yaml'} …`,
    );
}

interface Listing {
  readonly name: string;
  readonly server: readonly string[] | string;
  readonly baseDir: string;
}

/** Started exactly as the executor of the charter will be: same directory, same clean environment. */
async function listTools({ env, clock }: Cli, { name, server, baseDir }: Listing) {
  const { createExecutors } = await import('../act/executors/executors.ts');
  const silent = { info: () => {}, warn: () => {} };
  const setting: ExecutorSetting =
    typeof server === 'string'
      ? { kind: 'mcpHttp', url: server, secret: null, timeoutMs: START_MS }
      : { kind: 'mcp', mcp: server, cwd: '.', timeoutMs: START_MS };
  const executors = createExecutors({
    settings: { [name]: setting },
    baseDir,
    secrets: () => null,
    environment: env,
    log: silent,
    after: (waitMs, run) => clock.after(waitMs, run),
  });
  try {
    const listing = await executors.listTools(name);
    if (listing.kind === 'tools') return listing.tools;
    throw new CommandFailed(listing.error, {
      exitCode: EXIT.failure,
      code: listing.code,
      steps: ['Run the command by itself to see what it says.'],
    });
  } finally {
    await executors.close();
  }
}

function show({ out }: Cli, addition: Addition): void {
  const rows = addition.proposals.map(({ tool, action, tier, paths, why }: Proposal) =>
    action === null
      ? [tool, { text: 'refused', tint: 'red' as const }, '', 'no charter can spell this name']
      : [tool, { text: tier, tint: TINT[tier] }, paths.join(', '), why],
  );
  out.talk(table(['TOOL', 'TIER', 'PATHS', 'WHY'], rows, out.tintTalk));
  out.talk('');
  out.data(snippetOf(addition).trimEnd());
}

async function isAccepted({ out }: Cli, charter: string): Promise<boolean> {
  if (!out.isInteractive) return false;
  const { confirm } = await import('@clack/prompts');
  return (
    (await confirm({
      message: `Write this into ${charter}?`,
      initialValue: false,
      output: out.talkStream,
    })) === true
  );
}

/** Checked before a byte is written: a charter that does not load would keep the server from its next start. */
async function write({ out }: Cli, path: string, addition: Addition): Promise<void> {
  const before = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  const written = addToCharter(before, addition);
  if (written.kind === 'refused')
    throw new CommandFailed(written.why, {
      exitCode: EXIT.failure,
      code: 'charter',
      steps: [`${path} was left as it is.`],
    });
  const [{ loadCharter }, { readCharterFile, shippedCharters }, { renderError }] = await Promise.all([
    import('../decide/charter/load.ts'),
    import('../decide/charter/disk.ts'),
    import('../decide/charter/error.ts'),
  ]);
  const loaded = await loadCharter({
    path,
    readFile: async (each) => (resolve(each) === path ? written.text : readCharterFile(each)),
    readShipped: shippedCharters,
  });
  if (loaded.kind === 'refused') {
    const problems = loaded.problems.map(renderError);
    throw new CommandFailed(
      `The charter would have mistakes:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
      {
        exitCode: EXIT.failure,
        code: 'charter',
        steps: [`${path} was left as it is.`],
        document: { problems },
      },
    );
  }
  await writeFile(path, written.text);
  for (const action of written.kept) out.talk(`Kept what the charter says about ${action}.`);
  out.talk(
    `Written to ${path}; version ${loaded.version.slice(0, 12)}. A server that follows this file has it at once.`,
  );
}
