// A charter on trial: it decides beside the live one and binds nobody.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { charterBody } from './policy-charter.ts';
import { fields, harmless } from './output.ts';
import { listAt, numberAt, textAt, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { short } from './show.ts';
import { groupTable } from './simulation-lines.ts';
import { when } from './times.ts';

export function registerPolicyShadow(policy: Command, cli: Cli): void {
  const shadow = policy.command('shadow').description('put a charter on trial beside the live one');
  shadow
    .command('set')
    .description('let a charter decide beside the live one; only where they differ is recorded')
    .argument('<charter>', 'a file, or the first digits of a version')
    .option('--note <text>', 'what for; it stands in the journal')
    .action((charter: string, options: { readonly note?: string }, command: Command) =>
      set(cli, command, { charter, note: options.note }),
    );
  shadow
    .command('show')
    .description('where the charter on trial differs so far')
    .action((_options: object, command: Command) => show(cli, command));
  shadow
    .command('stop')
    .description('end the trial; shows what it came to')
    .action((_options: object, command: Command) => stop(cli, command));
}

const PATH = '/api/v1/charter/shadow';

async function set(
  cli: Cli,
  command: Command,
  of: { readonly charter: string; readonly note: string | undefined },
): Promise<void> {
  const { out, self } = cli;
  const charter = await charterBody(cli, of.charter);
  const { client, json } = await openSession(cli, command);
  const body = { charter, ...(of.note === undefined ? {} : { note: of.note }) };
  const answer = await client.need({ method: 'PUT', path: PATH, body });
  if (json) return out.json(answer);
  const version = short(textAt(answer, 'version'));
  out.data(
    valueAt(answer, 'changed') === true
      ? `${out.tint(version, 'cyan')} is on trial. What it would do otherwise: ${self} policy shadow show`
      : `${version} is on trial already; it goes on counting.`,
  );
}

async function show(cli: Cli, command: Command): Promise<void> {
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: PATH });
  if (json) return cli.out.json(answer);
  showReport(cli, valueAt(answer, 'shadow'));
}

async function stop(cli: Cli, command: Command): Promise<void> {
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'DELETE', path: PATH });
  if (json) return cli.out.json(answer);
  showReport(cli, valueAt(answer, 'shadow'));
}

function showReport({ out, clock, self }: Cli, report: unknown): void {
  if (report === null || report === undefined)
    return out.talk(`No charter is on trial. To put one there: ${self} policy shadow set FILE`);
  out.data(out.tint(harmless(textAt(report, 'summary')), 'bold'));
  const failed = numberAt(report, 'failed') ?? 0;
  const skipped = numberAt(report, 'skipped') ?? 0;
  out.data(
    fields(
      [
        ['charter', short(textAt(report, 'version'))],
        [
          'on trial',
          `${when(textAt(report, 'since'), clock.nowMs())} by ${harmless(textAt(report, 'author'))}`,
        ],
        ['note', harmless(textAt(report, 'note'))],
        ['failed', failed === 0 ? '' : `${failed}: the charter on trial could not be judged by`],
        ['skipped', skipped === 0 ? '' : `${skipped}: they came faster than they could be compared`],
      ],
      out.tint,
    ),
  );
  const groups = listAt(report, 'groups');
  if (groups.length > 0) out.data(`\n${groupTable(groups, out.tint)}`);
  const ungrouped = numberAt(report, 'ungrouped') ?? 0;
  if (ungrouped > 0) out.data(`and ${ungrouped} more, in more ways than are kept`);
}
