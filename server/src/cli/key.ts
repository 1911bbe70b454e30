// API keys: one for each agent and each person. The text of a key is shown once and kept nowhere.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';
import { usageError } from './exit.ts';
import { harmless, table } from './output.ts';
import { listAt, textAt, textsAt, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { readTime, relative, when } from './times.ts';

export function registerKey(program: Command, cli: Cli): void {
  const key = program.command('key').helpGroup(GROUPS.law).description('make, list and revoke API keys');
  key
    .command('create')
    .description('make a key; prints its text, this once')
    .requiredOption(
      '--role <role...>',
      'agent, operator, viewer, tech-lead, ops-lead, product-lead, exec-sponsor, admin, scrape or attestor',
    )
    .option('--agent <name...>', 'the agents it speaks for; any for all (operators)')
    .option('--label <text>', 'what people call it (default: the role and the agent)')
    .option('--user <id>', 'the person on whose authority it acts')
    .option('--email <address>', 'of that person')
    .option('--user-scope <scope...>', 'what that person may')
    .option('--scope <permission...>', 'narrow what the roles allow, e.g. actions.request')
    .option('--expires <when>', 'a duration (90d) or a time; by default it does not expire')
    .addHelpText(
      'after',
      `\nFor an agent:  ${cli.self} key create --role agent --agent builder-1\nFor a person:  ${cli.self} key create --role tech-lead --user anna   (--user names who votes and proposes with it)`,
    )
    .action((options: CreateOptions, command: Command) => create(cli, command, options));
  key
    .command('list')
    .description('all keys, without their texts')
    .action((_options: object, command: Command) => list(cli, command));
  key
    .command('revoke')
    .description('revoke a key; it opens nothing from the next request on')
    .argument('<id>', 'key_…, from the list')
    .action((id: string, _options: object, command: Command) => revoke(cli, command, id));
}

interface CreateOptions {
  readonly role: readonly string[];
  readonly agent?: readonly string[];
  readonly label?: string;
  readonly user?: string;
  readonly email?: string;
  readonly userScope?: readonly string[];
  readonly scope?: readonly string[];
  readonly expires?: string;
}

async function create(cli: Cli, command: Command, options: CreateOptions): Promise<void> {
  const { out, clock } = cli;
  const agents = options.agent ?? [];
  if (options.user === undefined && (options.email !== undefined || options.userScope !== undefined))
    throw usageError('--email and --user-scope say more about a person; name the person with --user.');
  const body = {
    label: options.label ?? [...options.role, ...agents].join(' '),
    roles: options.role,
    agents: agents.includes('any') ? 'any' : agents,
    ...(options.user === undefined
      ? {}
      : { user: { id: options.user, email: options.email ?? null, scopes: options.userScope ?? [] } }),
    ...(options.scope === undefined ? {} : { scopes: options.scope }),
    ...(options.expires === undefined
      ? {}
      : { expiresAt: readTime(options.expires, '--expires', { nowMs: clock.nowMs(), side: 'future' }) }),
  };
  const { client, json } = await openSession(cli, command);
  const key = await client.need({ method: 'POST', path: '/api/v1/keys', body });
  if (json) return out.json(key);
  out.talk(
    `Made ${harmless(textAt(key, 'id'))} (${textsAt(key, 'roles').map(harmless).join(', ')}). Its text is shown this once; give it as MANDATE_API_KEY:`,
  );
  out.data(textAt(key, 'text'));
}

async function list(cli: Cli, command: Command): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: '/api/v1/keys' });
  if (json) return out.json(answer);
  const nowMs = clock.nowMs();
  out.data(
    table(
      ['ID', 'LABEL', 'ROLES', 'AGENTS', 'STATE', 'MADE'],
      listAt(answer, 'items').map((item) => [
        textAt(item, 'id'),
        textAt(item, 'label'),
        textsAt(item, 'roles').join(' '),
        valueAt(item, 'agents') === 'any' ? 'any' : textsAt(item, 'agents').join(' ') || '-',
        stateOf(item, nowMs),
        relative(textAt(item, 'createdAt'), nowMs),
      ]),
      out.tint,
    ),
  );
}

function stateOf(key: unknown, nowMs: number) {
  const revoked = textAt(key, 'revokedAt');
  const expires = textAt(key, 'expiresAt');
  if (revoked !== '') return { text: `revoked ${relative(revoked, nowMs)}`, tint: 'dim' as const };
  if (expires === '') return 'valid';
  return Date.parse(expires) <= nowMs
    ? { text: `expired ${relative(expires, nowMs)}`, tint: 'dim' as const }
    : `until ${when(expires, nowMs)}`;
}

async function revoke(cli: Cli, command: Command, id: string): Promise<void> {
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'DELETE', path: `/api/v1/keys/${encodeURIComponent(id)}` });
  if (json) return cli.out.json(answer);
  cli.out.data('Revoked. It opens nothing from the next request on.');
}
