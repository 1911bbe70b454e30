// Evals from the command line: register an eval set, run it, and see how much of a governed set is covered.
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';
import { CommandFailed, EXIT, usageError } from './exit.ts';
import { harmless, table } from './output.ts';
import { listAt, numberAt, textAt, textsAt, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { relative, when } from './times.ts';

/** Cases that really run something take as long as that does. */
const RUN_MS = 600_000;

export function registerEval(program: Command, cli: Cli): void {
  const evals = program
    .command('eval')
    .helpGroup(GROUPS.law)
    .description('what agents are expected to be allowed and to achieve, tried out');
  evals
    .command('add')
    .description('register an eval set; another one of its name is replaced')
    .argument('<file>', 'YAML or JSON')
    .action((file: string, _options: object, command: Command) => add(cli, command, file));
  evals
    .command('list')
    .description('all eval sets with their last run')
    .action((_options: object, command: Command) => list(cli, command));
  evals
    .command('run')
    .description('run every case of an eval set; exit code 1 where one fails')
    .argument('<name>')
    .action((name: string, _options: object, command: Command) => run(cli, command, name));
  evals
    .command('coverage')
    .description('how much of what a governed set may do has passed a case under the charter in force')
    .option('--set <name>', 'which governed set, where the charter has several')
    .action((options: { readonly set?: string }, command: Command) => coverage(cli, command, options.set));
}

async function add(cli: Cli, command: Command, file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw usageError(`${file} cannot be read: ${error instanceof Error ? error.message : ''}`);
  });
  const { client, json } = await openSession(cli, command);
  const call = { method: 'POST', path: '/api/v1/evals', body: { text } } as const;
  const answer = await client.send(call);
  const errors = answer.kind === 'problem' ? listAt(answer.problem, 'errors') : [];
  if (errors.some((error) => numberAt(error, 'line') !== null))
    throw new CommandFailed(
      errors
        .map((error) =>
          harmless(
            `${file}:${textAt(error, 'line')}:${textAt(error, 'column')} ${textAt(error, 'pointer')}: ${textAt(error, 'detail')}`,
          ),
        )
        .join('\n'),
      { exitCode: EXIT.failure, code: 'invalid', steps: [], document: { problems: errors } },
    );
  const body = answer.kind === 'ok' ? answer.body : await client.need(call);
  if (json) return cli.out.json(body);
  cli.out.data(
    `${harmless(textAt(body, 'name'))}  ${textAt(body, 'cases')} cases  ${textAt(body, 'version').slice(0, 12)}`,
  );
  cli.out.talk(`Run it: ${cli.self} eval run ${harmless(textAt(body, 'name'))}`);
}

async function list(cli: Cli, command: Command): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: '/api/v1/evals' });
  if (json) return out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0)
    return out.talk(`There is no eval set yet. Register one: ${cli.self} eval add <file>`);
  out.data(
    table(
      ['NAME', 'VERSION', 'REGISTERED', 'BY', 'LAST RUN', 'PASSED', 'FAILED'],
      items.map((item) => [
        textAt(item, 'name'),
        textAt(item, 'version').slice(0, 12),
        relative(textAt(item, 'updatedAt'), clock.nowMs()),
        textAt(item, 'updatedBy'),
        relative(textAt(item, 'lastRun', 'startedAt'), clock.nowMs()) || '-',
        textAt(item, 'lastRun', 'passed') || '-',
        {
          text: textAt(item, 'lastRun', 'failed') || '-',
          tint: (numberAt(item, 'lastRun', 'failed') ?? 0) > 0 ? 'red' : 'dim',
        },
      ]),
      out.tint,
    ),
  );
}

async function run(cli: Cli, command: Command, name: string): Promise<void> {
  const { out } = cli;
  const { client, json } = await openSession(cli, command);
  const path = `/api/v1/evals/${encodeURIComponent(name)}/run`;
  const ran = await client.need({ method: 'POST', path, timeoutMs: RUN_MS });
  const failed = numberAt(ran, 'failed') ?? 0;
  if (failed > 0) cli.exitWith(EXIT.failure);
  if (json) return out.json(ran);
  const results = listAt(ran, 'results');
  for (const result of results) {
    const isOk = valueAt(result, 'ok') === true;
    const lines = textsAt(result, 'problems').map((problem) => `         ${harmless(problem)}`);
    out.data(
      [
        `${isOk ? out.tint('ok    ', 'green') : out.tint('failed', 'red')} ${harmless(textAt(result, 'name'))} (${harmless(textAt(result, 'action'))})`,
        ...lines,
      ].join('\n'),
    );
  }
  const sum = `${textAt(ran, 'passed')} of ${results.length} cases hold by the charter ${textAt(ran, 'charterVersion').slice(0, 12)}.`;
  out.talk(failed === 0 ? sum : out.tintTalk(`${sum} ${failed} do not.`, 'red'));
}

async function coverage(cli: Cli, command: Command, set: string | undefined): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: '/api/v1/evals/coverage', query: { set } });
  if (json) return out.json(answer);
  out.data(
    table(
      ['COMMAND TYPE', 'COVERED', 'PASSED', 'FAILED', 'WHY NOT'],
      listAt(answer, 'types').map((type) => [
        textAt(type, 'commandType'),
        valueAt(type, 'covered') === true ? { text: 'yes', tint: 'green' } : { text: 'no', tint: 'red' },
        textAt(type, 'passed'),
        textAt(type, 'failed'),
        textAt(type, 'why'),
      ]),
      out.tint,
    ),
  );
  const ratio = numberAt(answer, 'ratio');
  out.talk(
    `${textAt(answer, 'covered')} of ${textAt(answer, 'total')} command types of ${harmless(textAt(answer, 'set'))} are covered${ratio === null ? '' : ` (${Math.floor(ratio * 100)} %)`}; last run: ${when(textAt(answer, 'lastRun'), clock.nowMs()) || 'never'}.`,
  );
}
