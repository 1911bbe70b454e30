// What commands have come to, from the command line: any window, all together or each command type by itself.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { fields, table } from './output.ts';
import { listAt, numberAt, textAt, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { local, readTime, when } from './times.ts';

interface MetricsOptions {
  readonly set?: string;
  readonly from?: string;
  readonly to?: string;
  readonly types?: boolean;
  readonly latest?: boolean;
  readonly history?: boolean;
}

/** Adds `metrics` to `mandate governance`. */
export function registerMetrics(governance: Command, cli: Cli): void {
  governance
    .command('metrics')
    .description(
      'what commands have come to: how many were proposed, approved, succeeded, failed and rolled back',
    )
    .option('--set <name>', 'which governed set, where the charter has several')
    .option('--from <when>', 'since a time, or a duration ago (2h, 7d); the last seven days by default')
    .option('--to <when>', 'until a time, or a duration ago')
    .option('--types', 'each command type by itself')
    .option('--latest', 'the newest snapshot that was kept')
    .option('--history', 'the snapshots that were kept, newest first')
    .action((options: MetricsOptions, command: Command) => {
      if (options.history === true) return history(cli, command, options);
      return options.types === true ? types(cli, command, options) : metrics(cli, command, options);
    });
}

async function metrics(cli: Cli, command: Command, options: MetricsOptions): Promise<void> {
  const { out } = cli;
  const { client, json } = await openSession(cli, command);
  const isWindow = options.from !== undefined || options.to !== undefined;
  const path = options.latest === true ? 'latest' : isWindow ? 'current' : 'weekly';
  const query = { set: options.set, ...(path === 'current' ? windowOf(cli, options) : {}) };
  const answer = await client.need({ method: 'GET', path: `/api/v1/metrics/${path}`, query });
  if (json) return out.json(answer);
  const count = (...at: readonly string[]): string => String(numberAt(answer, ...at) ?? 0);
  const command_ = (name: string): string =>
    `${count('commands', name)} ${name === 'rolledBack' ? 'rolled back' : name}`;
  out.data(
    fields(
      [
        [
          'period',
          `${local(textAt(answer, 'period', 'start'))} to ${local(textAt(answer, 'period', 'end'))}`,
        ],
        [
          'ended',
          [
            `${count('commands', 'total')} in all`,
            ['succeeded', 'failed', 'rolledBack'].map(command_).join(', '),
          ],
        ],
        ['asked', ['proposed', 'approved', 'rejected'].map(command_).join(', ')],
        [
          'rates',
          ['success', 'approval', 'error', 'rollback']
            .map((name) => `${name} ${percent(valueAt(answer, 'rates', `${name}Rate`))}`)
            .join(', '),
        ],
        [
          'incidents',
          `${count('incidents', 'total')}, ${count('incidents', 'critical')} critical, ${count('incidents', 'fromAutonomousActions')} from autonomous actions`,
        ],
        [
          'safety',
          `${count('safety', 'constraintViolations')} constraint violations, ${count('safety', 'emergencyAborts')} emergency aborts, ${count('safety', 'safetyGateTriggers')} safety gate triggers`,
        ],
        ['sources', listAt(answer, 'sources').map((source) => sourceLine(source))],
      ],
      out.tint,
    ),
  );
}

async function types(cli: Cli, command: Command, options: MetricsOptions): Promise<void> {
  const { out } = cli;
  const { client, json } = await openSession(cli, command);
  const query = { set: options.set, ...windowOf(cli, options) };
  const answer = await client.need({ method: 'GET', path: '/api/v1/metrics/command-types', query });
  if (json) return out.json(answer);
  const rows = listAt(answer, 'commandTypes');
  if (rows.length === 0) return out.talk('No command has been asked for in this time.');
  const columns = ['total', 'proposed', 'approved', 'rejected', 'succeeded', 'failed', 'rolledBack'] as const;
  out.data(
    table(
      ['COMMAND', 'ENDED', 'PROPOSED', 'APPROVED', 'REJECTED', 'SUCCEEDED', 'FAILED', 'ROLLED BACK'],
      rows.map((row) => [
        textAt(row, 'commandType'),
        ...columns.map((name) => String(numberAt(row, name) ?? 0)),
      ]),
      out.tint,
    ),
  );
}

async function history(cli: Cli, command: Command, { set }: MetricsOptions): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: '/api/v1/metrics/history', query: { set } });
  if (json) return out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0)
    return out.talk('Nothing has been kept yet; a snapshot is taken of each day when it is over.');
  out.data(
    table(
      ['UNTIL', 'WHY', 'ENDED', 'SUCCESS', 'APPROVAL', 'ERROR', 'ROLLBACK', 'INCIDENTS'],
      items.map((item) => [
        when(textAt(item, 'period', 'end'), clock.nowMs()),
        textAt(item, 'why'),
        String(numberAt(item, 'commands', 'total') ?? 0),
        ...['success', 'approval', 'error', 'rollback'].map((name) =>
          percent(valueAt(item, 'rates', `${name}Rate`)),
        ),
        String(numberAt(item, 'incidents', 'total') ?? 0),
      ]),
      out.tint,
    ),
  );
}

function windowOf(
  { clock }: Cli,
  { from, to }: MetricsOptions,
): { readonly start: string | undefined; readonly end: string | undefined } {
  const nowMs = clock.nowMs();
  return {
    start: from === undefined ? undefined : readTime(from, '--from', { nowMs, side: 'past' }),
    end: to === undefined ? undefined : readTime(to, '--to', { nowMs, side: 'past' }),
  };
}

/** A rate of nothing is none. */
function percent(rate: unknown): string {
  return typeof rate === 'number' ? `${Math.round(rate * 1_000) / 10} %` : '-';
}

function sourceLine(source: unknown): string {
  if (textAt(source, 'name') === 'acts') return 'the acts';
  const unreadable = numberAt(source, 'unreadable') ?? 0;
  const lost = unreadable === 0 ? '' : `, and ${unreadable} rows that cannot be read`;
  return `the command database: ${numberAt(source, 'commands') ?? 0} commands${lost}`;
}
