// The journal for people: what happened, narrowed down, and as it happens.
import type { Command } from 'commander';
import type { Client } from './client.ts';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';
import { usageError } from './exit.ts';
import { harmless } from './output.ts';
import { entriesAt, listAt, textAt, textOf } from './read.ts';
import { openSession } from './session.ts';
import { tintOf } from './show.ts';
import { local, readTime } from './times.ts';

interface SearchOptions {
  readonly kind?: string;
  readonly agent?: string;
  readonly action?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: string;
  readonly follow?: boolean;
}

export function registerAudit(program: Command, cli: Cli): void {
  const audit = program.command('audit').helpGroup(GROUPS.look).description('search the journal');
  audit
    .command('search')
    .description('journal entries, oldest of them first')
    .option('--kind <kind>', 'e.g. action, action.denied, approval, stop, flag, trust')
    .option('--agent <name>', 'of one agent')
    .option('--action <id>', 'of one action')
    .option('--from <when>', 'since a time, or a duration ago (2h, 7d)')
    .option('--to <when>', 'until a time, or a duration ago')
    .option('--limit <count>', 'the newest so many, at most 1000', '50')
    .option('-f, --follow', 'go on with new entries as they come, until Ctrl-C')
    .addHelpText('after', '\nWith --json: {"items","head"}; with --follow as well, one entry a line.')
    .action((options: SearchOptions, command: Command) => search(cli, command, options));
}

async function search(cli: Cli, command: Command, options: SearchOptions): Promise<void> {
  const { out, clock } = cli;
  if (!/^\d{1,4}$/.test(options.limit))
    throw usageError(`--limit is ${JSON.stringify(options.limit)}; write a number from 1 to 1000.`);
  const nowMs = clock.nowMs();
  const { client, json } = await openSession(cli, command);
  const query = {
    kind: options.kind,
    agent: options.agent,
    actionId: options.action,
    from: options.from === undefined ? undefined : readTime(options.from, '--from', { nowMs, side: 'past' }),
    to: options.to === undefined ? undefined : readTime(options.to, '--to', { nowMs, side: 'past' }),
    limit: options.limit,
  };
  const answer = await client.need({ method: 'GET', path: '/api/v1/audit/entries', query });
  const items = listAt(answer, 'items').toReversed();
  if (options.follow !== true) {
    if (json) return out.json(answer);
    if (items.length === 0) out.talk('No entry matches.');
    for (const item of items) out.data(entryLine(cli, item));
    return;
  }
  const print = (entry: unknown): void => out.data(json ? JSON.stringify(entry) : entryLine(cli, entry));
  items.forEach(print);
  await follow(client, { after: textAt(answer, 'head'), matches: matcher(options), print });
}

interface Following {
  readonly after: string;
  readonly matches: (entry: unknown) => boolean;
  readonly print: (entry: unknown) => void;
}

async function follow(client: Client, { after, matches, print }: Following): Promise<void> {
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort());
  for await (const event of client.events('/api/v1/events', { 'last-event-id': after }, ended.signal)) {
    const entry = entryOfEvent(JSON.parse(event.data));
    if (matches(entry)) print(entry);
  }
}

/** The CloudEvent of the feed as the entry that the search shows. */
function entryOfEvent(event: unknown): unknown {
  const { agent, actor, traceId, ...data } = Object.fromEntries(entriesAt(event, 'data'));
  const [, actId = null] = /^actions\/(.+)$/.exec(textAt(event, 'subject')) ?? [];
  return {
    position: Number(textAt(event, 'id')),
    kind: textAt(event, 'type').replace(/^mandate\./, ''),
    agent,
    actId,
    actor,
    at: textAt(event, 'time'),
    traceId,
    data,
  };
}

function matcher({ kind, agent, action }: SearchOptions): (entry: unknown) => boolean {
  return (entry) => {
    const is = textAt(entry, 'kind');
    return (
      (kind === undefined || is === kind || is.startsWith(`${kind}.`)) &&
      (agent === undefined || textAt(entry, 'agent') === agent) &&
      (action === undefined || textAt(entry, 'actId') === action)
    );
  };
}

const SHOWN: readonly string[] = [
  'action',
  'tier',
  'code',
  'status',
  'scope',
  'level',
  'key',
  'from',
  'to',
  'decision',
  'before',
  'after',
  'cause',
  'reason',
  'error',
];

function entryLine({ out }: Cli, entry: unknown): string {
  const kind = textAt(entry, 'kind');
  const details = entriesAt(entry, 'data')
    .filter(([name, value]) => SHOWN.includes(name) && textOf(value) !== '')
    .toSorted(([a], [b]) => SHOWN.indexOf(a) - SHOWN.indexOf(b))
    .map(([name, value]) => `${out.tint(`${name}=`, 'dim')}${harmless(textOf(value))}`);
  const agent = textAt(entry, 'agent');
  return [
    out.tint(local(textAt(entry, 'at')), 'dim'),
    out.tint(harmless(kind).padEnd(18), tintOf(textAt(entry, 'data', 'tier'))),
    agent === '' ? '' : harmless(agent),
    ...details,
    out.tint(`by ${harmless(textAt(entry, 'actor'))}`, 'dim'),
  ]
    .filter((part) => part !== '')
    .join('  ');
}
