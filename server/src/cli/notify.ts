// What people are told, and whether it reached them: the channels, the messages, the digest now, and what was put aside.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';
import { CommandFailed, EXIT } from './exit.ts';
import { fields, harmless, table } from './output.ts';
import type { Tint } from './output.ts';
import { listAt, numberAt, textAt, textsAt, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { relative } from './times.ts';

/** A message may take as long as its channel, and several are sent at once. */
const SEND_MS = 120_000;

const TINTS: Readonly<Record<string, Tint>> = {
  sent: 'green',
  pending: 'yellow',
  sending: 'yellow',
  dead: 'red',
};

export function registerNotify(program: Command, cli: Cli): void {
  const notify = program
    .command('notify')
    .helpGroup(GROUPS.people)
    .description('what people are told, and whether it reached them');
  notify
    .command('channels')
    .description('the channels, when their next digest is due, and how they do')
    .action((_options: object, command: Command) => channels(cli, command));
  notify
    .command('list')
    .description('what was sent or will be, newest first')
    .option('--status <status>', 'pending, sending, sent, dead or cancelled')
    .option('--channel <channel>', 'only this channel')
    .action((options: ListOptions, command: Command) =>
      list(cli, command, '/api/v1/notifications', { ...options }),
    );
  notify
    .command('now')
    .description('send the digest now, whatever the hour')
    .option('--channel <channel>', 'only this channel')
    .action((options: ListOptions, command: Command) => now(cli, command, options));
  notify
    .command('test')
    .description('send a test message over a channel')
    .argument('<channel>', 'its name, as mandate notify channels shows it')
    .action((channel: string, _options: object, command: Command) => test(cli, command, channel));
  const dead = notify.command('dead').description('what could not be delivered and was put aside');
  dead
    .command('list')
    .description('all of it')
    .action((_options: object, command: Command) => list(cli, command, '/api/v1/notifications/dead', {}));
  dead
    .command('replay')
    .description('send it again: these, or the oldest that fit into one replay')
    .argument('[ids...]', 'ids of messages')
    .action((ids: readonly string[], _options: object, command: Command) => replay(cli, command, ids));
}

interface ListOptions {
  readonly status?: string;
  readonly channel?: string;
}

async function channels(cli: Cli, command: Command): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: '/api/v1/notifications/channels' });
  if (json) return out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0)
    return out.talk('Nobody is told anything: the charter in force has no notify.to and no notify.channels.');
  out.data(
    table(
      ['CHANNEL', 'KIND', 'TO', 'NEXT DIGEST', 'PENDING', 'DEAD', 'LAST SENT', 'LAST ERROR'],
      items.map((item) => [
        textAt(item, 'name'),
        textAt(item, 'kind'),
        textsAt(item, 'to').join(', ') || '-',
        relative(textAt(item, 'digestDueAt'), clock.nowMs()) || '-',
        textAt(item, 'pending'),
        { text: textAt(item, 'dead'), tint: numberAt(item, 'dead') === 0 ? 'dim' : 'red' },
        relative(textAt(item, 'lastSentAt'), clock.nowMs()) || '-',
        textAt(item, 'lastError') || '-',
      ]),
      out.tint,
    ),
  );
}

async function list(cli: Cli, command: Command, path: string, query: ListOptions): Promise<void> {
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({
    method: 'GET',
    path,
    query: { status: query.status, channel: query.channel },
  });
  if (json) return cli.out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0) return cli.out.talk('There is nothing.');
  show(cli, items);
}

async function now(cli: Cli, command: Command, { channel }: ListOptions): Promise<void> {
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({
    method: 'POST',
    path: '/api/v1/notifications/digest',
    body: channel === undefined ? {} : { channel },
    timeoutMs: SEND_MS,
  });
  if (json) cli.out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0) {
    if (!json) cli.out.talk('There is nothing to tell since the last digest.');
    return;
  }
  tell(cli, items, json);
}

async function test(cli: Cli, command: Command, channel: string): Promise<void> {
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({
    method: 'POST',
    path: '/api/v1/notifications/test',
    body: { channel },
    timeoutMs: SEND_MS,
  });
  if (json) cli.out.json(answer);
  tell(cli, listAt(answer, 'items'), json);
}

/** What became of messages that were sent at once; the command fails where one did not get through. */
function tell(cli: Cli, items: readonly unknown[], json: boolean): void {
  for (const item of items) {
    const status = textAt(item, 'status');
    if (json) continue;
    cli.out.data(
      `${cli.out.tint(status, TINTS[status] ?? 'bold')}  ${harmless(`${textAt(item, 'kind')} to ${textAt(item, 'to') || textAt(item, 'channel')}`)}`,
    );
    cli.out.data(
      fields(
        [
          ['over', harmless(textAt(item, 'channel'))],
          ['id', textAt(item, 'id')],
          ['answer', harmless(textAt(item, 'reference'))],
          ['error', harmless(textAt(item, 'lastError'))],
        ],
        cli.out.tint,
      ),
    );
  }
  if (items.some((item) => textAt(item, 'status') !== 'sent')) cli.exitWith(EXIT.failure);
}

async function replay(cli: Cli, command: Command, ids: readonly string[]): Promise<void> {
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({
    method: 'POST',
    path: '/api/v1/notifications/replay',
    body: ids.length === 0 ? {} : { ids },
  });
  if (json) return cli.out.json(answer);
  const count = listAt(answer, 'ids').length;
  const left = numberAt(answer, 'left') ?? 0;
  if (count === 0 && left === 0) return cli.out.talk('There are no dead letters.');
  if (count === 0)
    throw new CommandFailed('Nothing was sent again.', {
      exitCode: EXIT.failure,
      code: 'conflict',
      steps: [`To see what is there: ${cli.self} notify dead list`],
    });
  cli.out.data(
    `${count} ${count === 1 ? 'message is' : 'messages are'} sent again${left === 0 ? '' : `; ${left} are left`}.`,
  );
}

function show(cli: Cli, items: readonly unknown[]): void {
  const { out, clock } = cli;
  out.data(
    table(
      ['ID', 'CHANNEL', 'TO', 'KIND', 'STATUS', 'TRIES', 'MADE', 'ERROR'],
      items.map((item) => {
        const status = textAt(item, 'status');
        return [
          textAt(item, 'id'),
          textAt(item, 'channel'),
          textAt(item, 'to') || '-',
          textAt(item, 'kind'),
          { text: status, tint: TINTS[status] ?? 'bold' },
          `${textAt(item, 'tries')}${valueAt(item, 'mayHaveArrived') === true ? ' (one may have arrived)' : ''}`,
          relative(textAt(item, 'createdAt'), clock.nowMs()),
          textAt(item, 'lastError') || '-',
        ];
      }),
      out.tint,
    ),
  );
}
