// Authority handed on: narrower, expiring, revocable.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';
import { harmless, table } from './output.ts';
import { listAt, textAt, textsAt } from './read.ts';
import { openSession } from './session.ts';
import { readTime, relative, when } from './times.ts';

export function registerGrant(program: Command, cli: Cli): void {
  const grant = program
    .command('grant')
    .helpGroup(GROUPS.law)
    .description('hand authority on, list it, take it back');
  grant
    .command('create')
    .description('hand authority on; prints the token that carries it')
    .argument('<to>', 'the agent that receives it')
    .argument('<actions...>', "action names or prefixes, e.g. git.read 'test.*'")
    .requiredOption('--purpose <text>', 'what it is for')
    .option('--expires <when>', 'a duration (8h, 7d) or a time', '8h')
    .option('--kind <kind>', 'delegation, task or consent', 'delegation')
    .action((to: string, actions: readonly string[], options: CreateOptions, command: Command) =>
      create(cli, command, { to, actions, options }),
    );
  grant
    .command('list')
    .description('all grants, newest first')
    .action((_options: object, command: Command) => list(cli, command));
  grant
    .command('revoke')
    .description('take it back; it counts on the next decision')
    .argument('<id>')
    .action((id: string, _options: object, command: Command) => revoke(cli, command, id));
}

interface CreateOptions {
  readonly purpose: string;
  readonly expires: string;
  readonly kind: string;
}

async function create(
  cli: Cli,
  command: Command,
  {
    to,
    actions,
    options,
  }: { readonly to: string; readonly actions: readonly string[]; readonly options: CreateOptions },
): Promise<void> {
  const { out, clock } = cli;
  const nowMs = clock.nowMs();
  const expiresAt = readTime(options.expires, '--expires', { nowMs, side: 'future' });
  const { client, json } = await openSession(cli, command);
  const grant = await client.need({
    method: 'POST',
    path: '/api/v1/grants',
    body: { kind: options.kind, to, actions, purpose: options.purpose, expiresAt },
  });
  if (json) return out.json(grant);
  out.talk(
    `Granted to ${harmless(textAt(grant, 'to'))}: ${textsAt(grant, 'actions').map(harmless).join(', ')}, until ${when(textAt(grant, 'expiresAt'), nowMs)}`,
  );
  const token = textAt(grant, 'token');
  out.talk(
    token === ''
      ? 'A consent is looked up and not carried: no token is needed.'
      : 'The agent sends this token as `delegation`; it is shown this once:',
  );
  out.data(token === '' ? textAt(grant, 'id') : token);
  out.talk(`Take it back with: ${cli.self} grant revoke ${harmless(textAt(grant, 'id'))}`);
}

async function list(cli: Cli, command: Command): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: '/api/v1/grants' });
  if (json) return out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0) return out.talk('No authority has been handed on.');
  const nowMs = clock.nowMs();
  out.data(
    table(
      ['ID', 'KIND', 'FROM', 'TO', 'ACTIONS', 'UNTIL', 'PURPOSE'],
      items.map((item) => [
        textAt(item, 'id'),
        textAt(item, 'kind'),
        textAt(item, 'from'),
        textAt(item, 'to'),
        textsAt(item, 'actions').join(' '),
        textAt(item, 'revokedAt') === ''
          ? relative(textAt(item, 'expiresAt'), nowMs)
          : { text: `revoked ${relative(textAt(item, 'revokedAt'), nowMs)}`, tint: 'dim' },
        textAt(item, 'purpose'),
      ]),
      out.tint,
    ),
  );
}

async function revoke(cli: Cli, command: Command, id: string): Promise<void> {
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'DELETE', path: `/api/v1/grants/${encodeURIComponent(id)}` });
  if (json) return cli.out.json(answer);
  cli.out.data(`Revoked. It counts from the next decision on.`);
}
