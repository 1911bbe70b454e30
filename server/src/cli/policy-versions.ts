// Charters of before: which there were, what one said, how two differ, and the way back.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { EXIT, usageError } from './exit.ts';
import { fields, harmless, table } from './output.ts';
import { listAt, textAt, textsAt, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { short } from './show.ts';

export function registerPolicyVersions(policy: Command, cli: Cli): void {
  policy
    .command('versions')
    .description('every time a charter came into force, newest first')
    .action((_options: object, command: Command) => versions(cli, command));
  policy
    .command('show')
    .description('a charter as it was written')
    .argument('[version]', 'its first eight digits or more; the one in force without it')
    .action((version: string | undefined, _options: object, command: Command) => show(cli, command, version));
  policy
    .command('diff-versions')
    .description('what changes from one version to another: rules and settings')
    .argument('<from>', 'its first eight digits or more')
    .argument('[to]', 'likewise; the one in force without it')
    .action((from: string, to: string | undefined, _options: object, command: Command) =>
      diff(cli, command, { from, to }),
    );
  policy
    .command('rollback')
    .description('make a version of before the one in force')
    .argument('<version>', 'its first eight digits or more')
    .requiredOption('--reason <text>', 'why; it stands in the journal')
    .action((version: string, options: { readonly reason: string }, command: Command) =>
      rollback(cli, command, { version, reason: options.reason }),
    );
}

const VERSION = /^[0-9a-f]{8,64}$/;

function versionOf(text: string): string {
  if (!VERSION.test(text))
    throw usageError(
      `${JSON.stringify(text)} is no charter version: 8 to 64 hex digits.`,
      'To list them: mandate policy versions',
    );
  return text;
}

async function versions(cli: Cli, command: Command): Promise<void> {
  const { out } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: '/api/v1/charter/versions' });
  if (json) return out.json(answer);
  const active = listAt(answer, 'items').find((it) => valueAt(it, 'active') === true);
  const history = listAt(answer, 'history');
  const newest = textAt(active, 'version');
  const rows = history.map((it, index) => [
    index === 0 && textAt(it, 'version') === newest ? '→' : '',
    textAt(it, 'version').slice(0, 12),
    textAt(it, 'at'),
    textAt(it, 'author'),
    textAt(it, 'kind').replaceAll('_', ' '),
    textAt(it, 'note'),
  ]);
  if (rows.length === 0) return out.talk('No charter has been in force yet.');
  out.data(table(['', 'version', 'since', 'by', 'how', 'note'], rows, out.tint));
}

async function show(cli: Cli, command: Command, version: string | undefined): Promise<void> {
  const { out } = cli;
  const path = version === undefined ? '/api/v1/charter' : `/api/v1/charter/versions/${versionOf(version)}`;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path });
  if (json) return out.json(answer);
  const pairs = [
    ['version', textAt(answer, 'version')],
    ['written by', harmless(textAt(answer, 'author'))],
    ['written at', textAt(answer, 'createdAt')],
    ['note', harmless(textAt(answer, 'note'))],
  ] as const;
  out.talk(fields(pairs, out.tintTalk));
  const sources = listAt(answer, 'sources').filter((it) => textAt(it, 'kind') === 'own');
  for (const source of sources) {
    if (sources.length > 1) out.data(out.tint(`# ${harmless(textAt(source, 'name'))}`, 'dim'));
    // Line by line, so that what is no line break cannot pass for one.
    out.data(textAt(source, 'text').replace(/\n$/, '').split('\n').map(harmless).join('\n'));
  }
}

async function diff(
  cli: Cli,
  command: Command,
  { from, to }: { readonly from: string; readonly to: string | undefined },
): Promise<void> {
  const { out } = cli;
  versionOf(from);
  if (to !== undefined) versionOf(to);
  const { client, json } = await openSession(cli, command);
  const other = to ?? textAt(await client.need({ method: 'GET', path: '/api/v1/charter' }), 'version');
  const path = `/api/v1/charter/versions/${from}/diff/${other}`;
  const answer = await client.need({ method: 'GET', path });
  if (json) return out.json(answer);
  out.talk(`From ${short(textAt(answer, 'from'))} to ${short(textAt(answer, 'to'))}:`);
  for (const line of textsAt(answer, 'lines')) out.data(tinted(harmless(line), out.tint));
}

function tinted(line: string, tint: Cli['out']['tint']): string {
  if (line.startsWith('+ ')) return tint(line, 'green');
  if (line.startsWith('- ')) return tint(line, 'red');
  return line.startsWith('~ ') ? tint(line, 'yellow') : line;
}

async function rollback(
  cli: Cli,
  command: Command,
  { version, reason }: { readonly version: string; readonly reason: string },
): Promise<void> {
  const { out } = cli;
  const body = { version: versionOf(version), reason };
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'POST', path: '/api/v1/charter/rollback', body });
  const approval = textAt(answer, 'approval', 'id');
  if (approval !== '') cli.exitWith(EXIT.held);
  if (json) return out.json(answer);
  const now = short(textAt(answer, 'version'));
  if (approval !== '')
    return out.data(
      `People have to agree first: ${cli.self} approve ${harmless(approval)}. ${now} stays in force until then.`,
    );
  if (valueAt(answer, 'changed') !== true) return out.data(`${now} is in force already; nothing changed.`);
  out.data(`${out.tint(now, 'green')} is in force; before it was ${short(textAt(answer, 'previous'))}.`);
}
