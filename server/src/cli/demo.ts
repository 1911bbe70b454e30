// mandate demo: a real session under governance, from the first read to a stop, in under a minute. It always brings a
// server of its own: what stops and resumes everything has no business on a server that somebody works with.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { commonOptions, GROUPS } from './command.ts';
import type { Entry, Recorded, Standing } from './demo/record.ts';
import type { Stage } from './demo/stage.ts';
import { CommandFailed, EXIT, usageError } from './exit.ts';
import { fields, harmless, table } from './output.ts';
import { tintOf } from './show.ts';

interface DemoOptions {
  readonly slow?: boolean;
}

const PAUSE_MS = 1_500;

export function registerDemo(program: Command, cli: Cli): void {
  program
    .command('demo')
    .helpGroup(GROUPS.server)
    .description('watch a real MCP client work under governance, in under a minute')
    .option('--slow', 'wait between the moves, to read along on a terminal')
    .addHelpText(
      'after',
      `
Starts a server of its own on a free port, with a temporary data directory, a charter, a folder with real files and
the public filesystem server behind the gateway. A real MCP client then works on the files, and people decide by this
very command line. It needs nothing running, touches no server and no data of yours, and leaves nothing behind.
With --json, stdout gets {"ok","scenes","agents","tookMs"}; each scene has its moves, with what was promised and
what was seen, and its journal entries. Exit code 1: something did not go as promised; it says what.`,
    )
    .action((options: DemoOptions, command: Command) => run(cli, command, options));
}

async function run(cli: Cli, command: Command, options: DemoOptions): Promise<void> {
  const { json = false, url, dataDir } = commonOptions(command);
  if (url !== undefined || dataDir !== undefined)
    throw usageError('The demo brings a server of its own, so it takes neither --url nor --data-dir.');
  const ended = new AbortController();
  const end = (): void => (ended.signal.aborted ? process.exit(EXIT.failure) : ended.abort());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  const startedMs = cli.clock.monotonicMs();
  try {
    const { onStage } = await import('./demo/stage.ts');
    if (!json) cli.out.talk(cli.out.tintTalk('Starting a server of its own, with its own Postgres …', 'dim'));
    await onStage(cli, ended.signal, (stage) =>
      perform(cli, stage, { json, isSlow: options.slow === true, signal: ended.signal, startedMs }),
    );
  } catch (error) {
    if (!ended.signal.aborted) throw error;
    throw new CommandFailed('The demo was ended; nothing of it was left behind.', {
      exitCode: EXIT.failure,
      code: 'cancelled',
    });
  }
  if (!json) cli.out.talk(farewell(cli));
}

interface Performance {
  readonly json: boolean;
  readonly isSlow: boolean;
  readonly signal: AbortSignal;
  readonly startedMs: number;
}

async function perform(
  cli: Cli,
  stage: Stage,
  { json, isSlow, signal, startedMs }: Performance,
): Promise<void> {
  const { clock, out } = cli;
  const [
    { playSession },
    { createStoryteller },
    { recordOf, standingsOf },
    { fakeToken },
    { createChance, wait },
  ] = await Promise.all([
    import('./demo/session.ts'),
    import('./demo/scene.ts'),
    import('./demo/record.ts'),
    import('./demo/fake-token.ts'),
    import('../platform/clock/clock.ts'),
  ]);
  if (!json) out.data(await opening(cli, stage, clock.monotonicMs() - startedMs));
  const isPaced = isSlow && !json && process.stdout.isTTY;
  const storyteller = createStoryteller({
    cli,
    isSilent: json,
    pause: () => (isPaced ? wait(clock, PAUSE_MS, signal) : Promise.resolve()),
    signal,
  });
  const played = await playSession({
    stage,
    storyteller,
    self: cli.self,
    token: fakeToken(createChance(clock).bytes(30)),
  });
  const needs = { cli, admin: stage.admin, signal };
  const scenes = await recordOf(needs, played);
  const agents = await standingsOf(needs);
  const tookMs = Math.round(clock.monotonicMs() - startedMs);
  if (json) return out.json({ ok: true, scenes, agents, tookMs });
  out.data(closing(cli, { scenes, agents, tookMs }));
}

async function opening({ out }: Cli, { url, folder }: Stage, tookMs: number): Promise<string> {
  const { AGENT, FILES, RULES, UPSTREAM } = await import('./demo/charter.ts');
  return fields(
    [
      ['Server', `${out.tint(url, 'cyan')} (ready in ${(tookMs / 1_000).toFixed(1)} s)`],
      ['Folder', `${harmless(folder)}: ${Object.keys(FILES).join(', ')}`],
      ['Agent', `${AGENT}, an MCP client with a key of its own, at ${url}/mcp/${UPSTREAM}`],
      ['Behind it', '@modelcontextprotocol/server-filesystem, started by Mandate'],
      ['Charter', RULES.map(([tier, what]) => `${out.tint(tier.padEnd(6), tintOf(tier))}  ${what}`)],
    ],
    out.tint,
  );
}

interface Ending {
  readonly scenes: readonly Recorded[];
  readonly agents: readonly Standing[];
  readonly tookMs: number;
}

function closing({ out }: Cli, { scenes, agents, tookMs }: Ending): string {
  const rows = scenes.flatMap(({ journal }, index) =>
    runsOf(journal).map((run) => [
      String(index + 1),
      run.map(({ position }) => position).join(' '),
      run[0]?.actionId ?? '',
      run.map(({ kind }) => kind).join(', '),
    ]),
  );
  const trust = agents.map(
    ({ agent, before, after, level }) => `${harmless(agent)} ${before} → ${after} (${harmless(level)})`,
  );
  return [
    `\n${out.tint('All of it is in the journal, written in the transaction that it tells of:', 'bold')}\n`,
    table(['SCENE', 'POSITIONS', 'ACTION', 'ENTRIES'], rows, out.tint),
    `\n${out.tint('Trust', 'bold')}  ${trust.join(', ')}`,
    `\nEverything went as promised, in ${(tookMs / 1_000).toFixed(1)} s.`,
  ].join('\n');
}

/** Neighbours that tell of the same action, or of none. */
function runsOf(journal: readonly Entry[]): readonly (readonly Entry[])[] {
  return journal.reduce<readonly (readonly Entry[])[]>((runs, entry) => {
    const last = runs.at(-1);
    return last?.[0]?.actionId === entry.actionId
      ? [...runs.slice(0, -1), [...(last ?? []), entry]]
      : [...runs, [entry]];
  }, []);
}

function farewell({ out, self }: Cli): string {
  return [
    out.tintTalk('The server has ended and the folder is gone. With your own agents:', 'dim'),
    `  ${self} start`,
    `  ${self} mcp wrap --agent builder-1 -- npx -y @modelcontextprotocol/server-filesystem ./work`,
  ].join('\n');
}
