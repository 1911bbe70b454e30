// Acts from the command line: which there are and what became of each; vouching for one, ending one, and saying how one
// ended whose end is unknown.
import type { Command } from 'commander';
import { recordLines } from './act-lines.ts';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';
import { EXIT, exitOfStatus, usageError } from './exit.ts';
import { table } from './output.ts';
import { listAt, textAt } from './read.ts';
import { openSession } from './session.ts';
import { tintOf } from './show.ts';
import { readTime, relative } from './times.ts';

const TIERS = 'green, yellow, red or black';
const STATUSES =
  'recorded, success, failed, denied, waiting_for_approval, permitted, executing, cancelled, expired or unknown';

interface ListOptions {
  readonly agent?: string;
  readonly status?: string;
  readonly tier?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

interface OutcomeOptions {
  readonly permit: string;
  readonly result?: string;
  readonly error?: string;
  readonly cost?: string;
}

interface ResolveOptions {
  readonly reason: string;
  readonly result?: string;
}

export function registerAction(program: Command, cli: Cli): void {
  const action = program
    .command('action')
    .helpGroup(GROUPS.look)
    .description('what agents did: list it, look at it, say what became of it');
  action
    .command('list')
    .description('acts, newest first')
    .option('--agent <name>', 'of one agent')
    .option('--status <status>', STATUSES)
    .option('--tier <tier>', TIERS)
    .option('--from <when>', 'asked for since a time, or a duration ago (2h, 7d)')
    .option('--to <when>', 'until a time, or a duration ago')
    .option('--limit <n>', 'how many at most (50; 200 is the most)')
    .option('--cursor <cursor>', 'go on where the list before ended')
    .addHelpText('after', '\nWith --json: {"items","nextCursor"}.')
    .action((options: ListOptions, command: Command) => list(cli, command, options));
  action
    .command('show')
    .description('one act: what it was asked for, why it was decided so, what came of it')
    .argument('<id>')
    .action((id: string, _options: object, command: Command) => show(cli, command, id));
  action
    .command('confirm')
    .description('vouch for a success that an agent reported, so that it counts for trust')
    .argument('<id>')
    .action((id: string, _options: object, command: Command) =>
      change(cli, command, { id, verb: 'confirm' }),
    );
  action
    .command('cancel')
    .description('end an act that waits or runs')
    .argument('<id>')
    .requiredOption('--reason <text>', 'why, for the journal')
    .action((id: string, { reason }: { readonly reason: string }, command: Command) =>
      change(cli, command, { id, verb: 'cancel', body: { reason } }),
    );
  action
    .command('resolve')
    .description('say how an act ended whose end is unknown, after looking')
    .argument('<id>')
    .argument('<status>', 'success or failed')
    .requiredOption('--reason <text>', 'what was found, and how')
    .option('--result <json>', 'what came of it')
    .action((id: string, status: string, options: ResolveOptions, command: Command) =>
      change(cli, command, {
        id,
        verb: 'resolve',
        body: { status: endOf(status), reason: options.reason, ...resultOf(options.result) },
      }),
    );
  action
    .command('outcome')
    .description('report, with the permit, what came of an act that an agent executed')
    .argument('<id>')
    .argument('<status>', 'success or failed')
    .requiredOption('--permit <permit>', 'that it was begun with; - reads it from stdin')
    .option('--result <json>', 'of a success')
    .option('--error <text>', 'of a failure')
    .option('--cost <usd>', 'what it really cost, in US dollars')
    .action(async (id: string, status: string, options: OutcomeOptions, command: Command) =>
      change(cli, command, { id, verb: 'outcome', body: await outcomeOf(status, options) }),
    );
}

async function list(cli: Cli, command: Command, options: ListOptions): Promise<void> {
  const { out, clock } = cli;
  const nowMs = clock.nowMs();
  const at = (text: string | undefined, flag: string): string | undefined =>
    text === undefined ? undefined : readTime(text, flag, { nowMs, side: 'past' });
  const { agent, status, tier, limit, cursor } = options;
  const query = {
    agent,
    status,
    tier,
    limit,
    cursor,
    from: at(options.from, '--from'),
    to: at(options.to, '--to'),
  };
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: '/api/v1/actions', query });
  if (json) return out.json(answer);
  const items = listAt(answer, 'items');
  const next = textAt(answer, 'nextCursor');
  if (items.length > 0)
    out.data(
      table(
        ['ID', 'STATUS', 'TIER', 'AGENT', 'ASKED FOR', 'ACTION'],
        items.map((item) => {
          const grade = textAt(item, 'decision', 'tier');
          return [
            textAt(item, 'id'),
            { text: textAt(item, 'status'), tint: tintOf(textAt(item, 'status')) },
            { text: grade, tint: tintOf(grade) },
            textAt(item, 'agent'),
            relative(textAt(item, 'createdAt'), nowMs),
            textAt(item, 'action'),
          ];
        }),
        out.tint,
      ),
    );
  // An agent's own key sees its own acts only, so that a page may be empty while older ones are not.
  if (next !== '') out.talk(`There are older ones: add --cursor ${next}`);
  else if (items.length === 0) out.talk('There is no such act.');
}

async function show(cli: Cli, command: Command, id: string): Promise<void> {
  const { client, json } = await openSession(cli, command);
  const act = await client.need({ method: 'GET', path: pathOf(id) });
  return json ? cli.out.json(act) : cli.out.data(recordLines(cli, act));
}

interface Change {
  readonly id: string;
  readonly verb: 'confirm' | 'cancel' | 'resolve' | 'outcome';
  readonly body?: object;
}

async function change(cli: Cli, command: Command, { id, verb, body }: Change): Promise<void> {
  const { client, json } = await openSession(cli, command);
  const act = await client.need({
    method: 'POST',
    path: `${pathOf(id)}/${verb}`,
    ...(body === undefined ? {} : { body }),
  });
  const status = textAt(act, 'status');
  // What was to be said has been said, whatever it is. Only what could not be cancelled for certain is no success.
  cli.exitWith(verb === 'cancel' && status !== 'cancelled' ? exitOfStatus(status) : EXIT.ok);
  if (json) return cli.out.json(act);
  cli.out.data(recordLines(cli, act));
  if (verb === 'cancel' && status === 'executing')
    cli.out.talk(`It is being aborted. Look again: ${cli.self} action show ${textAt(act, 'id')}`);
}

function pathOf(id: string): string {
  return `/api/v1/actions/${encodeURIComponent(id)}`;
}

function endOf(text: string): string {
  if (text === 'success' || text === 'failed') return text;
  throw usageError(`${JSON.stringify(text)} is no end of an act.`, 'Write success or failed.');
}

async function outcomeOf(status: string, { permit, result, error, cost }: OutcomeOptions): Promise<object> {
  const end = endOf(status);
  const costUsd = cost === undefined || cost.trim() === '' ? Number.NaN : Number(cost);
  if (cost !== undefined && !(costUsd >= 0))
    throw usageError(`--cost is ${JSON.stringify(cost)}; write US dollars, such as 0.25.`);
  return {
    permit: permit === '-' ? await permitOnStdin() : permit,
    status: end,
    ...resultOf(result),
    ...(error === undefined ? {} : { error }),
    ...(cost === undefined ? {} : { costUsd }),
  };
}

/** Whoever sees the list of processes would see it there. */
async function permitOnStdin(): Promise<string> {
  const { text } = await import('node:stream/consumers');
  return (await text(process.stdin)).trim();
}

function resultOf(text: string | undefined): { readonly result?: unknown } {
  if (text === undefined) return {};
  try {
    return { result: JSON.parse(text) };
  } catch (error) {
    throw usageError(
      `--result is no JSON: ${error instanceof Error ? error.message : String(error)}.`,
      `Quote it for the shell: '{"build":42}', or '"a text"'.`,
    );
  }
}
