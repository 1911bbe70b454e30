// Incidents from the command line: open one, see what is open and what was said, and say how it ended.
import type { Command } from 'commander';
import type { Client } from './client.ts';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';
import { usageError } from './exit.ts';
import { fields, harmless, table } from './output.ts';
import type { Tint } from './output.ts';
import { listAt, textAt, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { relative, when } from './times.ts';

const SEVERITIES = ['low', 'medium', 'high', 'critical'];
const TINTS: Readonly<Record<string, Tint>> = { critical: 'red', high: 'red', medium: 'yellow', low: 'dim' };

interface OpenOptions {
  readonly severity: string;
  readonly cause: string;
  readonly act?: readonly string[];
  readonly set?: string;
}

interface ListOptions {
  readonly status?: string;
  readonly severity?: string;
  readonly set?: string;
  readonly limit?: string;
}

export function registerIncident(program: Command, cli: Cli): void {
  const incident = program
    .command('incident')
    .helpGroup(GROUPS.look)
    .description('what went wrong: open it, follow it, say how it ended');
  incident
    .command('list')
    .description('incidents, newest first')
    .option('--status <status>', 'open or resolved')
    .option('--severity <severity>', SEVERITIES.join(', '))
    .option('--set <name>', 'only those opened for this governed set')
    .option('--limit <n>', 'how many at most')
    .action((options: ListOptions, command: Command) => list(cli, command, options));
  incident
    .command('show')
    .description('one incident with the acts involved and its timeline')
    .argument('<id>')
    .action((id: string, _options: object, command: Command) =>
      send(cli, command, (client) => client.need({ method: 'GET', path: pathOf(id) })),
    );
  incident
    .command('open')
    .description('open an incident; a critical one makes the circuit breakers look at once')
    .argument('<title>', 'what went wrong, in a line')
    .requiredOption('--severity <severity>', SEVERITIES.join(', '))
    .requiredOption('--cause <text>', 'why, as far as it is known')
    .option('--act <id...>', 'an act that is involved (may be repeated)')
    .option('--set <name>', 'the governed set that it concerns')
    .action((title: string, options: OpenOptions, command: Command) =>
      post(cli, command, {
        path: '/api/v1/incidents',
        body: {
          title,
          severity: severityOf(options.severity),
          cause: options.cause,
          ...(options.act === undefined ? {} : { actIds: options.act }),
          ...(options.set === undefined ? {} : { set: options.set }),
        },
      }),
    );
  incident
    .command('note')
    .description('add a note to the timeline of an open incident')
    .argument('<id>')
    .argument('<text>')
    .action((id: string, text: string, _options: object, command: Command) =>
      post(cli, command, { path: `${pathOf(id)}/notes`, body: { text } }),
    );
  incident
    .command('severity')
    .description('change how severe an open incident is')
    .argument('<id>')
    .argument('<severity>', SEVERITIES.join(', '))
    .requiredOption('--reason <text>', 'why, for the timeline')
    .action((id: string, severity: string, { reason }: { readonly reason: string }, command: Command) =>
      send(cli, command, (client) =>
        client.need({
          method: 'PATCH',
          path: pathOf(id),
          body: { severity: severityOf(severity), reason },
        }),
      ),
    );
  incident
    .command('resolve')
    .description('say how it ended; it stands like that from then on')
    .argument('<id>')
    .requiredOption('--reason <text>', 'how it ended, and what was done about it')
    .action((id: string, { reason }: { readonly reason: string }, command: Command) =>
      post(cli, command, { path: `${pathOf(id)}/resolve`, body: { reason } }),
    );
}

function pathOf(id: string): string {
  return `/api/v1/incidents/${encodeURIComponent(id)}`;
}

function severityOf(text: string): string {
  if (SEVERITIES.includes(text)) return text;
  throw usageError(`${JSON.stringify(text)} is no severity.`, `Write one of ${SEVERITIES.join(', ')}.`);
}

function post(
  cli: Cli,
  command: Command,
  { path, body }: { readonly path: string; readonly body: object },
): Promise<void> {
  return send(cli, command, (client) => client.need({ method: 'POST', path, body }));
}

async function send(cli: Cli, command: Command, ask: (client: Client) => Promise<unknown>): Promise<void> {
  const { client, json } = await openSession(cli, command);
  const found = await ask(client);
  return json ? cli.out.json(found) : show(cli, found);
}

async function list(cli: Cli, command: Command, options: ListOptions): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  // By name: the options of every command (--json, --url) come along, and they are no fields of a query.
  const { status, severity, set, limit } = options;
  const query = { status, severity, set, limit };
  const answer = await client.need({ method: 'GET', path: '/api/v1/incidents', query });
  if (json) return out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0) return out.talk('There is no such incident.');
  out.data(
    table(
      ['ID', 'SEVERITY', 'STATUS', 'OPENED', 'BY', 'SET', 'ACTS', 'TITLE'],
      items.map((item) => [
        textAt(item, 'id'),
        { text: textAt(item, 'severity'), tint: TINTS[textAt(item, 'severity')] ?? 'bold' },
        textAt(item, 'status'),
        relative(textAt(item, 'openedAt'), clock.nowMs()),
        textAt(item, 'openedBy'),
        textAt(item, 'set') || '-',
        String(listAt(item, 'acts').length),
        textAt(item, 'title'),
      ]),
      out.tint,
    ),
  );
}

function show({ out, clock }: Cli, incident: unknown): void {
  const nowMs = clock.nowMs();
  const severity = textAt(incident, 'severity');
  out.data(
    `${out.tint(severity, TINTS[severity] ?? 'bold')}  ${harmless(textAt(incident, 'title'))}  ${harmless(textAt(incident, 'id'))}`,
  );
  out.data(
    fields(
      [
        ['status', harmless(textAt(incident, 'status'))],
        ['cause', harmless(textAt(incident, 'cause'))],
        ['set', harmless(textAt(incident, 'set'))],
        [
          'opened',
          harmless(`${when(textAt(incident, 'openedAt'), nowMs)} by ${textAt(incident, 'openedBy')}`),
        ],
        [
          'acts',
          listAt(incident, 'acts').map((act) =>
            harmless(
              `${textAt(act, 'action')} by ${textAt(act, 'agent')}  ${textAt(act, 'id')}${valueAt(act, 'autonomous') === true ? '  (without approval)' : ''}`,
            ),
          ),
        ],
        [
          'timeline',
          listAt(incident, 'timeline').map((step) =>
            harmless(
              `${when(textAt(step, 'at'), nowMs)} ${textAt(step, 'by')} ${textAt(step, 'kind')}${textAt(step, 'severityTo') === '' ? '' : ` ${textAt(step, 'severityTo')}`}: ${textAt(step, 'text')}`,
            ),
          ),
        ],
      ],
      out.tint,
    ),
  );
}
