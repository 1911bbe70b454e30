// Flags: what people may change at run time, each change with a reason.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';
import { CommandFailed, EXIT } from './exit.ts';
import { harmless, table } from './output.ts';
import { listAt, textAt } from './read.ts';
import { openSession } from './session.ts';
import { relative } from './times.ts';

export function registerFlag(program: Command, cli: Cli): void {
  const flag = program.command('flag').helpGroup(GROUPS.law).description('read and set flags');
  flag
    .command('get')
    .description('all flags, or the value of one')
    .argument('[key]', 'e.g. autonomy.mode')
    .action((key: string | undefined, _options: object, command: Command) => get(cli, command, key));
  flag
    .command('changes')
    .description('every change of a flag, newest first')
    .action((_options: object, command: Command) => changes(cli, command));
  flag
    .command('set')
    .description('change a flag; operators may tighten, only an admin may widen')
    .argument('<key>', 'e.g. autonomy.mode')
    .argument('<value>', 'true, false, a number or a text')
    .requiredOption('--reason <text>', 'why, for the journal')
    .option('--scope <scope>', 'for an authority flag: e.g. agent:builder-1')
    .action((key: string, value: string, options: SetOptions, command: Command) =>
      set(cli, command, { key, value, options }),
    );
}

async function get(cli: Cli, command: Command, key: string | undefined): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: '/api/v1/flags' });
  const items = listAt(answer, 'items').filter((item) => key === undefined || textAt(item, 'key') === key);
  if (key !== undefined && items.length === 0)
    throw new CommandFailed(`There is no flag ${key}.`, {
      exitCode: EXIT.failure,
      code: 'not_found',
      steps: [`All of them: ${cli.self} flag get`],
    });
  if (json) return out.json(key === undefined ? answer : { items });
  const [only] = items;
  // One flag is for scripts: its value alone.
  if (key !== undefined && items.length === 1) return out.data(harmless(textAt(only, 'value')));
  out.data(
    table(
      ['FLAG', 'SCOPE', 'VALUE', 'CHANGED', 'BY', 'REASON'],
      items.map((item) => [
        textAt(item, 'key'),
        textAt(item, 'scope') || '-',
        { text: textAt(item, 'value'), tint: textAt(item, 'value') === 'false' ? 'yellow' : 'bold' },
        relative(textAt(item, 'updatedAt'), clock.nowMs()),
        textAt(item, 'owner'),
        textAt(item, 'reason'),
      ]),
      out.tint,
    ),
  );
}

async function changes(cli: Cli, command: Command): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: '/api/v1/flags/audit' });
  if (json) return out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0) return out.talk('No flag has been changed since the charter set them.');
  out.data(
    table(
      ['CHANGED', 'FLAG', 'SCOPE', 'FROM', 'TO', 'BY', 'REASON'],
      items.map((item) => [
        relative(textAt(item, 'at'), clock.nowMs()),
        textAt(item, 'data', 'key'),
        textAt(item, 'data', 'scope') || '-',
        textAt(item, 'data', 'from'),
        { text: textAt(item, 'data', 'to'), tint: 'bold' },
        textAt(item, 'actor'),
        textAt(item, 'data', 'reason'),
      ]),
      out.tint,
    ),
  );
}

interface SetOptions {
  readonly reason: string;
  readonly scope?: string;
}

async function set(
  cli: Cli,
  command: Command,
  { key, value, options }: { readonly key: string; readonly value: string; readonly options: SetOptions },
): Promise<void> {
  const { client, json } = await openSession(cli, command);
  const body = {
    value: readValue(value),
    reason: options.reason,
    ...(options.scope === undefined ? {} : { scope: options.scope }),
  };
  const flag = await client.need({ method: 'PUT', path: `/api/v1/flags/${encodeURIComponent(key)}`, body });
  if (json) return cli.out.json(flag);
  const scope = textAt(flag, 'scope');
  cli.out.data(
    `${harmless(textAt(flag, 'key'))}${scope === '' ? '' : ` (${harmless(scope)})`} is ${harmless(textAt(flag, 'value'))}`,
  );
}

function readValue(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
