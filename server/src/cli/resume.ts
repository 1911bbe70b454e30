// Lifting a stop takes a key with the role and a reason, with or without a server; where the charter asks for two
// persons, the first only registers the wish.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { commonOptions, GROUPS } from './command.ts';
import { CommandFailed, EXIT, usageError } from './exit.ts';
import { locate, readConfig, readKey } from './location.ts';
import type { Location } from './location.ts';
import { harmless } from './output.ts';
import { numberAt, textAt } from './read.ts';
import { createClient, unreachable } from './client.ts';

interface ResumeOptions {
  readonly reason?: string;
  readonly scope: string;
}

export function registerResume(program: Command, cli: Cli): void {
  program
    .command('resume')
    .helpGroup(GROUPS.stop)
    .description('lift a stop, with a reason')
    .option('--reason <text>', 'why it is safe to go on (required)')
    .option('--scope <scope>', 'the scope that was stopped', 'tenant')
    .addHelpText(
      'after',
      '\nLifts every stop of the scope; without --scope also the stop of the whole installation and the file STOP (role admin).\nWhen the server is down this works on its machine, with an admin key. Exit code 4: a second person has to agree.',
    )
    .action((options: ResumeOptions, command: Command) => run(cli, command, options));
}

async function run(cli: Cli, command: Command, options: ResumeOptions): Promise<void> {
  const common = commonOptions(command);
  const reason = await readReason(cli, options.reason);
  const location = await locate(await readConfig(cli.env, common));
  const key = await readKey(location);
  const client = createClient({ url: location.url, key, self: cli.self });
  const { scope } = options;
  const json = common.json === true;
  if (scope !== 'global') {
    const probe = await client.send({ method: 'GET', path: '/health', timeoutMs: 2_000 });
    if (probe.kind !== 'unreachable')
      return report(
        cli,
        json,
        await client.need({ method: 'POST', path: '/api/v1/resume', body: { scope, reason } }),
      );
    if (!location.isThisMachine) throw unreachable(location.url, probe.why, cli.self);
    cli.out.talk(`No server answers at ${location.url} (${probe.why}); going straight to the database.`);
  }
  await resumeHere(cli, location, { scope, reason, key, json });
}

async function readReason(cli: Cli, given: string | undefined): Promise<string> {
  if (given !== undefined && given.trim() !== '') return given;
  if (!cli.out.isInteractive)
    throw usageError(
      'A stop is lifted with a reason.',
      `Say why it is safe to go on: ${cli.self} resume --reason "…"`,
    );
  const { isCancel, text } = await import('@clack/prompts');
  const answer = await text({
    message: 'Why is it safe to go on?',
    output: cli.out.talkStream,
    validate: (value) => ((value ?? '').trim() === '' ? 'A stop is lifted with a reason.' : undefined),
  });
  if (isCancel(answer))
    throw new CommandFailed('Cancelled; the stop stands.', { exitCode: EXIT.failure, code: 'cancelled' });
  return answer;
}

interface Wish {
  readonly scope: string;
  readonly reason: string;
  readonly key: string | null;
  readonly json: boolean;
}

async function resumeHere(cli: Cli, { config }: Location, { scope, reason, key, json }: Wish): Promise<void> {
  const { resumeInDatabase, sentinelOf, whyNoInstallation } = await import('./offline.ts');
  const missing = whyNoInstallation(config);
  if (missing !== null)
    throw new CommandFailed(`Nothing was lifted: ${missing}.`, {
      exitCode: EXIT.unreachable,
      code: 'unreachable',
      steps: ['Set MANDATE_DATA_DIR to the data directory of the server, or run this on its machine.'],
    });
  if (key === null)
    throw new CommandFailed('Only a key says who lifts a stop, and there is none.', {
      exitCode: EXIT.denied,
      code: 'unauthenticated',
      steps: [
        `Set MANDATE_API_KEY to an admin key, or run this as the account that may read ${config.dataDir}/admin.key.`,
      ],
    });
  const answer = await resumeInDatabase(cli, config, { scope, reason, key });
  if (answer.kind === 'unreachable') {
    const file = sentinelOf(config);
    throw new CommandFailed(
      `Nothing was lifted: the database does not answer (${answer.why}), so nobody can check the key.`,
      {
        exitCode: EXIT.failure,
        code: 'database_unreachable',
        steps: [
          `To find out what is wrong: ${cli.self} doctor`,
          ...(file === null
            ? []
            : [`The file ${file} goes on stopping every process on this data directory.`]),
        ],
      },
    );
  }
  const report_ = answer.value;
  if (report_.kind === 'second_person_needed')
    return report(cli, json, {
      resumed: false,
      waitingFor: 'a second person',
      requestedBy: report_.requestedBy,
    });
  const lifted = report_.lifted + (report_.sentinel ? 1 : 0);
  if (lifted === 0)
    throw new CommandFailed(`Nothing is stopped in the scope ${scope}.`, {
      exitCode: EXIT.failure,
      code: 'conflict',
      steps: [`To see what stands: ${cli.self} status (needs the server)`],
    });
  report(cli, json, { resumed: true, lifted, sentinel: report_.sentinel, database: answer.database });
}

function report(cli: Cli, json: boolean, answer: unknown): void {
  const isResumed = textAt(answer, 'resumed') === 'true';
  if (!isResumed) cli.exitWith(EXIT.held);
  if (json) return cli.out.json(answer);
  if (!isResumed)
    return cli.out.data(
      `${cli.out.tint('Still stopped.', 'yellow')} ${harmless(textAt(answer, 'requestedBy'))} wants to go on; a second person has to run the same command with a key of their own.`,
    );
  const lifted = numberAt(answer, 'lifted') ?? 0;
  cli.out.data(
    `${cli.out.tint('Resumed.', 'green')} ${lifted === 1 ? 'One stop was' : `${lifted} stops were`} lifted; agents may go on.`,
  );
}
