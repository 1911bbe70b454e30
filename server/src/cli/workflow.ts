// Workflows from the command line: templates are checked and written, runs started, looked at and steered.
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';
import { CommandFailed, EXIT, usageError } from './exit.ts';
import { fields, harmless, table } from './output.ts';
import { listAt, textAt, textOf, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { relative, when } from './times.ts';
import { readObject } from './wanted.ts';
import { registerWorkflowSteps } from './workflow-steps.ts';

const VERBS = [
  ['pause', 'begin no further step; what runs goes on to its end'],
  ['resume', 'go on with a paused run'],
  ['cancel', 'end a run; what was done is undone where its template says how'],
] as const;

export function registerWorkflow(program: Command, cli: Cli): void {
  const workflow = program
    .command('workflow')
    .helpGroup(GROUPS.ask)
    .description('write templates, start runs of them, and steer them');
  workflow
    .command('check')
    .description('look for mistakes in a template, without writing it')
    .argument('<file>', 'YAML or JSON')
    .action((file: string, _options: object, command: Command) => write(cli, command, { file, check: true }));
  workflow
    .command('write')
    .description('write a template; runs that are under way keep the version they began with')
    .argument('<file>', 'YAML or JSON')
    .action((file: string, _options: object, command: Command) =>
      write(cli, command, { file, check: false }),
    );
  workflow
    .command('templates')
    .description('all templates with their current version')
    .action((_options: object, command: Command) => templates(cli, command));
  workflow
    .command('start')
    .description('start a run')
    .argument('<template>', 'its name, or name@version')
    .argument('[json]', 'its inputs as a JSON object')
    .option('--agent <role=name...>', 'who has a role in this run')
    .option('--dry-run', 'only say what would be decided for each step')
    .action(function (this: Command, template: string, json: string | undefined) {
      return start(cli, this, { template, json, options: this.opts<StartOptions>() });
    });
  workflow
    .command('list')
    .description('runs, newest first')
    .option('--template <name>')
    .option('--status <status>', 'running, paused, cancelling, succeeded, failed or cancelled')
    .action(function (this: Command) {
      return list(cli, this, this.opts<ListOptions>());
    });
  workflow
    .command('show')
    .description('one run with its steps')
    .argument('<id>')
    .action((id: string, _options: object, command: Command) => show(cli, command, id));
  for (const [verb, about] of VERBS)
    workflow
      .command(verb)
      .description(about)
      .argument('<id>')
      .option('--reason <text>', 'why, for the journal')
      .action((id: string, options: { readonly reason?: string }, command: Command) =>
        steer(cli, command, {
          id,
          verb,
          body: options.reason === undefined ? {} : { reason: options.reason },
        }),
      );
  workflow
    .command('retry')
    .description('do a step again, and whatever comes after it')
    .argument('<id>')
    .option('--from <step>', 'default: whatever failed')
    .action((id: string, options: { readonly from?: string }, command: Command) =>
      steer(cli, command, {
        id,
        verb: 'retry',
        body: options.from === undefined ? {} : { from: options.from },
      }),
    );
  registerWorkflowSteps(workflow, cli);
}

interface StartOptions {
  readonly agent?: readonly string[];
  readonly dryRun?: boolean;
}

interface ListOptions {
  readonly template?: string;
  readonly status?: string;
}

async function write(
  cli: Cli,
  command: Command,
  { file, check }: { readonly file: string; readonly check: boolean },
): Promise<void> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw usageError(`${file} cannot be read: ${error instanceof Error ? error.message : ''}`);
  });
  const { client, json } = await openSession(cli, command);
  const answer = await client.send({
    method: 'POST',
    path: '/api/v1/workflow-templates',
    query: { check: check ? 'true' : undefined },
    body: { text },
  });
  if (answer.kind === 'problem' && listAt(answer.problem, 'errors').length > 0) {
    const errors = listAt(answer.problem, 'errors');
    throw new CommandFailed(
      errors
        .map((error) => {
          const where = `${file}:${textAt(error, 'line')}:${textAt(error, 'column')}`;
          return harmless(`${where} ${textAt(error, 'pointer')}: ${textAt(error, 'detail')}`);
        })
        .join('\n'),
      { exitCode: EXIT.failure, code: 'invalid', steps: [], document: { problems: errors } },
    );
  }
  const body =
    answer.kind === 'ok'
      ? answer.body
      : await client.need({
          method: 'POST',
          path: '/api/v1/workflow-templates',
          query: { check: check ? 'true' : undefined },
          body: { text },
        });
  if (json) return cli.out.json(body);
  cli.out.data(
    `${harmless(textAt(body, 'name'))}  ${textAt(body, 'steps')} steps  ${textAt(body, 'version').slice(0, 12)}  ${check ? 'no mistakes' : 'written'}`,
  );
}

async function templates(cli: Cli, command: Command): Promise<void> {
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: '/api/v1/workflow-templates' });
  if (json) return cli.out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0)
    return cli.out.talk(`There is no template yet. Write one: ${cli.self} workflow write <file>`);
  cli.out.data(
    table(
      ['TEMPLATE', 'VERSION', 'BY', 'WRITTEN'],
      items.map((item) => [
        textAt(item, 'name'),
        textAt(item, 'version').slice(0, 12),
        textAt(item, 'createdBy'),
        relative(textAt(item, 'createdAt'), cli.clock.nowMs()),
      ]),
      cli.out.tint,
    ),
  );
}

async function start(
  cli: Cli,
  command: Command,
  {
    template,
    json: text,
    options,
  }: { readonly template: string; readonly json: string | undefined; readonly options: StartOptions },
): Promise<void> {
  const input = text === undefined ? {} : readObject(text, 'The inputs');
  const agents = Object.fromEntries(
    (options.agent ?? []).map((pair) => {
      const [role = '', name = ''] = pair.split('=', 2);
      if (role === '' || name === '') throw usageError(`Write --agent role=name; ${pair} is something else.`);
      return [role, name];
    }),
  );
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({
    method: 'POST',
    path: '/api/v1/workflows',
    query: { dryRun: options.dryRun === true ? 'true' : undefined },
    body: { template, input, agents },
  });
  if (json) return cli.out.json(answer);
  if (options.dryRun !== true) {
    cli.out.data(`${textAt(answer, 'id')}  ${textAt(answer, 'status')}`);
    return cli.out.talk(`Look at it: ${cli.self} workflow show ${textAt(answer, 'id')}`);
  }
  cli.out.data(
    table(
      ['STEP', 'WOULD', 'ACTION', 'AGENT', 'BECAUSE'],
      listAt(answer, 'steps').map((step) => [
        textAt(step, 'step'),
        textAt(step, 'would'),
        textAt(step, 'action'),
        textAt(step, 'agent'),
        textAt(step, 'note') || listAt(valueAt(step, 'decision'), 'reasons').map(textOf).join(' '),
      ]),
      cli.out.tint,
    ),
  );
}

async function list(cli: Cli, command: Command, { template, status }: ListOptions): Promise<void> {
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: '/api/v1/workflows', query: { template, status } });
  if (json) return cli.out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0)
    return cli.out.talk(`There is no such run. Start one: ${cli.self} workflow start <template>`);
  cli.out.data(
    table(
      ['RUN', 'TEMPLATE', 'STATUS', 'WAITS FOR', 'STARTED'],
      items.map((item) => [
        textAt(item, 'id'),
        textAt(item, 'template'),
        { text: textAt(item, 'status'), tint: TINT[textAt(item, 'status')] ?? 'dim' },
        listAt(item, 'waitsFor').map(textOf).join(', '),
        relative(textAt(item, 'createdAt'), cli.clock.nowMs()),
      ]),
      cli.out.tint,
    ),
  );
}

const TINT: Readonly<Record<string, 'green' | 'red' | 'yellow'>> = {
  succeeded: 'green',
  failed: 'red',
  cancelled: 'red',
  waiting: 'yellow',
  paused: 'yellow',
};

async function show(cli: Cli, command: Command, id: string): Promise<void> {
  const { client, json } = await openSession(cli, command);
  const run = await client.need({ method: 'GET', path: `/api/v1/workflows/${encodeURIComponent(id)}` });
  if (json) return cli.out.json(run);
  describe(cli, run);
}

function describe({ out, clock }: Cli, run: unknown): void {
  const nowMs = clock.nowMs();
  const status = textAt(run, 'status');
  out.data(
    `${out.tint(harmless(textAt(run, 'template')), 'bold')}  ${out.tint(status, TINT[status] ?? 'dim')}  ${textAt(run, 'id')}`,
  );
  out.data(
    fields(
      [
        ['waits for', listAt(run, 'waitsFor').map(textOf).join(', ')],
        ['error', harmless(textAt(run, 'error'))],
        ['started', `${when(textAt(run, 'createdAt'), nowMs)} by ${harmless(textAt(run, 'startedBy'))}`],
        [
          'output',
          valueAt(run, 'output') === undefined ? '' : harmless(JSON.stringify(valueAt(run, 'output'))),
        ],
      ],
      out.tint,
    ),
  );
  const rows = listAt(run, 'steps').map((step) => [
    textAt(step, 'step'),
    { text: textAt(step, 'status'), tint: TINT[textAt(step, 'status')] ?? ('dim' as const) },
    textAt(step, 'action'),
    textAt(step, 'agent'),
    textAt(step, 'error') || textAt(step, 'actionId'),
  ]);
  const pending = listAt(run, 'pending').map((step) => [
    textOf(step),
    { text: 'pending', tint: 'dim' as const },
    '',
    '',
    '',
  ]);
  out.data(`\n${table(['STEP', 'STATUS', 'ACTION', 'AGENT', 'ACT'], [...rows, ...pending], out.tint)}`);
}

async function steer(
  cli: Cli,
  command: Command,
  { id, verb, body }: { readonly id: string; readonly verb: string; readonly body: object },
): Promise<void> {
  const { client, json } = await openSession(cli, command);
  const run = await client.need({
    method: 'POST',
    path: `/api/v1/workflows/${encodeURIComponent(id)}/${verb}`,
    body,
  });
  if (json) return cli.out.json(run);
  cli.out.data(`${textAt(run, 'id')}  ${textAt(run, 'status')}`);
}
