// The command line: reads what was typed, hands it to the one command that is meant, and turns whatever comes of it
// into lines for people, a document for programs and an exit code for scripts.
import { Command, CommanderError } from 'commander';
import { systemClock } from '../platform/clock/clock.ts';
import type { Cli } from './command.ts';
import { selfOf } from './command.ts';
import { COMMANDS } from './commands.ts';
import { isCompleting, registerCompletion, registerCompletionHelp } from './completion.ts';
import { CommandFailed, EXIT, EXIT_CODES_TEXT } from './exit.ts';
import type { ExitCode } from './exit.ts';
import type { Host } from './host.ts';
import { createOutput } from './output.ts';
import type { Output } from './output.ts';
import { talkFailure } from './show.ts';

export type { Host, ServeAnswer } from './host.ts';

/** Runs one command line (`argv` without node and script) and answers with its exit code. */
export async function runCli(argv: readonly string[], host: Host): Promise<number> {
  const out = createOutput({
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
  });
  // `mandate audit search | head` closes our stdout early, and that is no mistake.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    throw error;
  });
  let exitCode: ExitCode = EXIT.ok;
  const cli: Cli = {
    env: process.env,
    clock: systemClock,
    out,
    host,
    self: selfOf(process.env),
    exitWith: (code) => (exitCode = code),
  };
  const program = createProgram(cli);
  if (isCompleting(argv)) await registerCompletion(program);
  else registerCompletionHelp(program);
  if (argv.length === 0) {
    program.outputHelp();
    return EXIT.ok;
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    return endOf(error, { out, self: cli.self, json: argv.includes('--json') });
  }
}

function createProgram(cli: Cli): Command {
  const { out, host } = cli;
  const program = new Command('mandate')
    .description('The control plane for AI agents: may it do this, can I stop it, can I prove what it did.')
    .version(host.version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .enablePositionalOptions()
    .showHelpAfterError(`Try ${cli.self} --help.`)
    .exitOverride()
    .configureHelp({ showGlobalOptions: false, styleTitle: (title) => out.tint(title, 'bold') })
    .addHelpText(
      'after',
      `\n${EXIT_CODES_TEXT}\n\nData goes to stdout, talk to stderr; every command takes --json. Begin with: ${cli.self} start`,
    );
  addCommon(program);
  for (const register of COMMANDS) register(program, cli);
  for (const command of leavesOf(program)) addCommon(command);
  return program;
}

/** What every command takes, before or after its name. */
function addCommon(command: Command): void {
  const has = (long: string): boolean => command.options.some((option) => option.long === long);
  if (!has('--json')) command.option('--json', 'print one JSON document for programs');
  if (!has('--url')) command.option('--url <url>', 'where the server is (MANDATE_URL)');
  if (!has('--data-dir')) command.option('--data-dir <directory>', 'the data directory (MANDATE_DATA_DIR)');
}

function leavesOf(command: Command): readonly Command[] {
  return command.commands.flatMap((child) => (child.commands.length === 0 ? [child] : leavesOf(child)));
}

function endOf(
  error: unknown,
  { out, self, json }: { readonly out: Output; readonly self: string; readonly json: boolean },
): number {
  if (error instanceof CommanderError) {
    // Help and version were asked for; everything else was typed wrong and has been told already.
    return error.code === 'commander.helpDisplayed' || error.code === 'commander.version'
      ? EXIT.ok
      : EXIT.usage;
  }
  if (error instanceof CommandFailed) {
    if (json) out.json(error.document);
    talkFailure(out, error, self);
    return error.exitCode;
  }
  const message = error instanceof Error ? error.message : String(error);
  if (json) out.json({ code: 'internal', detail: message });
  out.talk(`${out.tintTalk('mandate:', 'red')} ${message}`);
  const isLoud = process.env['LOG_LEVEL'] === 'debug' || process.env['LOG_LEVEL'] === 'trace';
  if (isLoud && error instanceof Error) out.talk(error.stack ?? '');
  return EXIT.failure;
}
