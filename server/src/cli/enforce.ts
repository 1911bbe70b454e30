// Leaving audit behind, with open eyes: what it would have held is shown first, and a person says yes.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';
import { CommandFailed, EXIT, usageError } from './exit.ts';
import { harmless } from './output.ts';
import { rangeBody, REPLAY_MS } from './policy-charter.ts';
import type { RangeOptions } from './policy-charter.ts';
import { entriesAt, listAt, textAt, valueAt } from './read.ts';
import { openSession } from './session.ts';
import type { Session } from './session.ts';
import { FEW, simulationLines } from './simulation-lines.ts';

export function registerEnforce(program: Command, cli: Cli): void {
  program
    .command('enforce')
    .helpGroup(GROUPS.law)
    .description('switch from audit to enforce; shows what that would have held')
    .option('--undo', 'back to what the charter says; takes the role admin where that is audit')
    .option('--against <time>', 'how far back to look: 12h, 7d, 2w', '7d')
    .option('--reason <text>', 'why, for the journal')
    .option('--yes', 'do not ask; needed where nobody can be asked')
    .addHelpText(
      'after',
      '\nIt sets the flag `enforcement` over the charter, so it stays when the charter file changes. Every process\ndecides by it from the next decision on.',
    )
    .action((options: EnforceOptions, command: Command) => enforce(cli, command, options));
}

interface EnforceOptions extends RangeOptions {
  readonly undo?: boolean;
  readonly reason?: string;
  readonly yes?: boolean;
}

const PATH = '/api/v1/charter/enforcement';

async function enforce(cli: Cli, command: Command, options: EnforceOptions): Promise<void> {
  const { out } = cli;
  const to = options.undo === true ? 'charter' : 'enforce';
  const session = await openSession(cli, command);
  const preview = await session.client.need({
    method: 'GET',
    path: PATH,
    query: { ...rangeBody(options), switch: to },
    timeoutMs: REPLAY_MS,
  });
  const flag = textAt(preview, 'flag');
  if (flag === to) {
    if (session.json) return out.json({ changed: false, ...documentOf(preview) });
    return out.data(`${standing(preview)} Nothing to change.`);
  }
  if (!session.json) showPreview(cli, preview);
  if (options.yes !== true) await ask(cli, session, preview);
  const reason = options.reason ?? (to === 'enforce' ? 'mandate enforce' : 'mandate enforce --undo');
  const answer = await session.client.need({ method: 'PUT', path: PATH, body: { to, reason } });
  if (session.json)
    return out.json({ changed: true, ...documentOf(answer), simulation: valueAt(preview, 'simulation') });
  out.data(standing(answer));
}

function documentOf(value: unknown): Readonly<Record<string, unknown>> {
  return Object.fromEntries(entriesAt(value));
}

function standing(view: unknown): string {
  const flag = textAt(view, 'flag');
  const by =
    flag === 'charter'
      ? 'as the charter says'
      : `by the flag, whatever the charter says (${harmless(textAt(view, 'charter'))})`;
  return textAt(view, 'enforcement') === 'audit'
    ? `On audit, ${by}: what rules and findings would hold runs and is recorded.`
    : `Enforced, ${by}.`;
}

function showPreview({ out, self }: Cli, preview: unknown): void {
  out.talk(standing(preview));
  const lines = simulationLines(valueAt(preview, 'simulation'), out.tintTalk, { most: FEW, self });
  for (const line of lines) out.talk(line);
  const own = listAt(preview, 'ownRules');
  if (own.length > 0) {
    const list = own.map((rule) => `${textAt(rule, 'match')} (${textAt(rule, 'enforcement')})`).join(', ');
    out.talk(`These rules have an enforcement of their own and keep it: ${harmless(list)}.`);
  }
}

async function ask({ out, self }: Cli, { json }: Session, preview: unknown): Promise<void> {
  if (json || !out.isInteractive)
    throw usageError(
      `${textAt(preview, 'simulation', 'summary')} Nobody can be asked here whether that is meant.`,
      `To go ahead: ${self} enforce --yes`,
    );
  const { confirm } = await import('@clack/prompts');
  const message = `From now on: ${textAt(preview, 'to') === 'audit' ? 'audit' : 'enforce'}?`;
  if ((await confirm({ message, initialValue: false, output: out.talkStream })) !== true)
    throw new CommandFailed('Nothing was changed.', { exitCode: EXIT.failure, code: 'cancelled' });
}
