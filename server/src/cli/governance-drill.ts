// Drills from the command line: pull the kill switch for a trial, verify the journal, report what was broken on purpose.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { EXIT, usageError } from './exit.ts';
import { fields, harmless, table } from './output.ts';
import { entriesAt, listAt, textAt, textOf, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { readTime, relative, when } from './times.ts';

/** A journal of years is looked through week by week. */
const VERIFY_MS = 600_000;

interface ChaosOptions {
  readonly summary: string;
  readonly at?: string;
  readonly failed?: boolean;
  readonly file?: string;
  readonly link?: string;
}

/** Adds `drill` to `mandate governance`. */
export function registerDrill(governance: Command, cli: Cli): void {
  const drill = governance
    .command('drill')
    .description('rehearse: stop a scope of its own, verify the journal, report a chaos drill');
  drill
    .command('kill-switch')
    .description('really stop a scope that nobody works in, see that an act is refused, and resume it')
    .action((_options: object, command: Command) => record(cli, command, { kind: 'kill_switch' }));
  drill
    .command('audit-verification')
    .description('look for damage in the journal')
    .action((_options: object, command: Command) => record(cli, command, { kind: 'audit_verification' }));
  drill
    .command('chaos')
    .description('report a drill in which people broke something on purpose; needs the key of a person')
    .requiredOption('--summary <text>', 'what was broken, and what happened')
    .option('--at <time>', 'when it took place, or how long ago: 2h', '0s')
    .option('--failed', 'it did not go as it should')
    .option('--file <path>', 'a file with the evidence; its SHA-256 is kept, not the file')
    .option('--link <url>', 'where the evidence is')
    .action((options: ChaosOptions, command: Command) => chaos(cli, command, options));
  drill
    .command('list')
    .description('drills, newest first, and whether each still counts')
    .action((_options: object, command: Command) => list(cli, command));
}

async function chaos(cli: Cli, command: Command, options: ChaosOptions): Promise<void> {
  const { file, link } = options;
  if (file === undefined && link === undefined)
    throw usageError('A drill needs evidence.', 'Give a file with --file, or an address with --link.');
  const content =
    file === undefined
      ? null
      : await readFile(file).catch((error: unknown) => {
          throw usageError(`${file} cannot be read: ${error instanceof Error ? error.message : ''}`);
        });
  await record(cli, command, {
    kind: 'chaos',
    at: readTime(options.at ?? '0s', '--at', { nowMs: cli.clock.nowMs(), side: 'past' }),
    passed: options.failed !== true,
    summary: options.summary,
    ...(link === undefined ? {} : { link }),
    ...(content === null ? {} : { sha256: createHash('sha256').update(content).digest('hex') }),
  });
}

async function record(cli: Cli, command: Command, body: object): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  const drill = await client.need({
    method: 'POST',
    path: '/api/v1/governance/drills',
    body,
    timeoutMs: VERIFY_MS,
  });
  const passed = valueAt(drill, 'passed') === true;
  // A report of a failed drill was handed in as it should be; what Mandate did itself and did not pass is a failure.
  if (!passed && textAt(drill, 'kind') !== 'chaos')
    cli.exitWith(textAt(drill, 'kind') === 'audit_verification' ? EXIT.unverified : EXIT.failure);
  if (json) return out.json(drill);
  out.data(
    `${passed ? out.tint('passed', 'green') : out.tint('failed', 'red')}  ${harmless(textAt(drill, 'kind'))}  ${harmless(textAt(drill, 'id'))}`,
  );
  out.data(
    fields(
      [
        ...entriesAt(drill, 'evidence').map(([key, value]): readonly [string, string | readonly string[]] => [
          harmless(key),
          Array.isArray(value) ? value.map((line) => harmless(textOf(line))) : harmless(textOf(value)),
        ]),
        ['counts until', harmless(when(textAt(drill, 'expiresAt'), clock.nowMs()))],
      ],
      out.tint,
    ),
  );
}

async function list(cli: Cli, command: Command): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: '/api/v1/governance/drills' });
  if (json) return out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0)
    return out.talk(`There was no drill yet. Begin with: ${cli.self} governance drill kill-switch`);
  out.data(
    table(
      ['KIND', 'WHEN', 'BY', 'PASSED', 'COUNTS', 'ID'],
      items.map((item) => [
        textAt(item, 'kind'),
        relative(textAt(item, 'at'), clock.nowMs()),
        textAt(item, 'by'),
        valueAt(item, 'passed') === true ? { text: 'yes', tint: 'green' } : { text: 'no', tint: 'red' },
        valueAt(item, 'counts') === true ? 'yes' : 'no',
        textAt(item, 'id'),
      ]),
      out.tint,
    ),
  );
}
