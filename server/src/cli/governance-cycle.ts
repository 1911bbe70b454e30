// The weekly cycle from the command line: run it now, list its reports, and show one or write it to a file as the page
// that people print.
import { Option } from 'commander';
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { harmless, table } from './output.ts';
import { listAt, numberAt, textAt } from './read.ts';
import { openSession } from './session.ts';
import { when } from './times.ts';

interface SetOption {
  readonly set?: string;
}

interface ReportOptions extends SetOption {
  readonly format: 'json' | 'markdown' | 'html';
}

const SET = ['--set <name>', 'which governed set, where the charter has several'] as const;
/** A journal of a busy week is hashed entry by entry. */
const CYCLE_MS = 120_000;
/** With any other good status the report had been there. */
const NEW = 201;
const REPORTS = '/api/v1/governance/reports';

/** Adds `run-cycle`, `reports` and `report` to `mandate governance`. */
export function registerCycle(governance: Command, cli: Cli): void {
  governance
    .command('run-cycle')
    .description('look at the week now and write its report; in a week that has one, that one is shown')
    .option(...SET)
    .action((options: SetOption, command: Command) => runCycle(cli, command, options));
  governance
    .command('reports')
    .description('reports of the weekly cycle, newest first')
    .option(...SET)
    .option('--limit <count>', 'how many', '10')
    .action((options: SetOption & { readonly limit: string }, command: Command) =>
      list(cli, command, options),
    );
  governance
    .command('report')
    .description('one report, or the newest one: on the terminal, or as a page to print with --format html')
    .argument('[id]', 'of the report')
    .option(...SET)
    .addOption(
      new Option('--format <form>', 'how it is written')
        .choices(['markdown', 'html', 'json'])
        .default('markdown'),
    )
    .action((id: string | undefined, options: ReportOptions, command: Command) =>
      report(cli, command, id, options),
    );
}

async function runCycle(cli: Cli, command: Command, { set }: SetOption): Promise<void> {
  const { out } = cli;
  const { client, json } = await openSession(cli, command);
  const { status, body: answer } = await client.needAnswer({
    method: 'POST',
    path: '/api/v1/governance/run-cycle',
    query: { set },
    timeoutMs: CYCLE_MS,
  });
  if (json) return out.json(answer);
  const decided =
    textAt(answer, 'decision', 'kind') === 'propose'
      ? `${textAt(answer, 'decision', 'target')} is proposed (${textAt(answer, 'proposal', 'id')})`
      : `${textAt(answer, 'set')} stays at ${textAt(answer, 'phase', 'name')}`;
  out.data(out.tint(harmless(`${textAt(answer, 'week')}: ${decided}`), 'bold'));
  for (const reason of listAt(answer, 'decision', 'reasons'))
    out.data(`  ${harmless(textAt(reason, 'text'))}`);
  if (status !== NEW)
    out.talk(
      `Nothing was looked at now: ${harmless(textAt(answer, 'week'))} has had its report since ${when(textAt(answer, 'createdAt'), cli.clock.nowMs())}, and a week has one. How things stand now: ${cli.self} governance state`,
    );
  out.talk(`The report: ${cli.self} governance report ${harmless(textAt(answer, 'id'))}`);
}

async function list(
  cli: Cli,
  command: Command,
  { set, limit }: SetOption & { readonly limit: string },
): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: REPORTS, query: { set, limit } });
  if (json) return out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0)
    return out.talk(`There is no report yet. ${cli.self} governance run-cycle writes one now.`);
  const nowMs = clock.nowMs();
  out.data(
    table(
      ['WEEK', 'SET', 'PHASE', 'READINESS', 'DECISION', 'WRITTEN', 'ID'],
      items.map((item) => [
        textAt(item, 'week'),
        textAt(item, 'set'),
        textAt(item, 'phase'),
        `${Math.floor((numberAt(item, 'score') ?? 0) * 100)} %`,
        textAt(item, 'decision') === 'propose' ? `proposes ${textAt(item, 'target')}` : 'stays',
        when(textAt(item, 'createdAt'), nowMs),
        textAt(item, 'id'),
      ]),
      out.tint,
    ),
  );
}

async function report(
  cli: Cli,
  command: Command,
  id: string | undefined,
  { set, format }: ReportOptions,
): Promise<void> {
  const { out } = cli;
  const { client, json } = await openSession(cli, command);
  const path = id === undefined ? `${REPORTS}/latest` : `${REPORTS}/${encodeURIComponent(id)}`;
  const query = id === undefined ? { set } : {};
  if (json || format === 'json') return out.json(await client.need({ method: 'GET', path, query }));
  // What cannot be seen, or turns the direction of writing, the server has made visible in both forms.
  out.data((await client.text({ method: 'GET', path, query: { ...query, format } })).trimEnd());
}
