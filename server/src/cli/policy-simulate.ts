// Before the law changes: what a charter, or one charter instead of another, would have made of recorded actions.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { charterBody, rangeBody, REPLAY_MS } from './policy-charter.ts';
import type { RangeOptions } from './policy-charter.ts';
import { openSession } from './session.ts';
import { FEW, simulationLines } from './simulation-lines.ts';

export function registerPolicySimulate(policy: Command, cli: Cli): void {
  withRange(
    policy
      .command('simulate')
      .description('what a charter would have made of recorded actions; nothing changes')
      .argument('[charter]', 'a file, or the first digits of a version; the one in force without it'),
  ).action((charter: string | undefined, options: ReplayOptions, command: Command) =>
    simulate(cli, command, { charter, options }),
  );
  withRange(
    policy
      .command('diff')
      .description('what two charters make of recorded actions differently')
      .argument('<old>', 'a file, or the first digits of a version')
      .argument('<new>', 'likewise'),
  ).action((old: string, next: string, options: ReplayOptions, command: Command) =>
    diff(cli, command, { old, next, options }),
  );
}

interface ReplayOptions extends RangeOptions {
  readonly all?: boolean;
}

function withRange(command: Command): Command {
  return command
    .option('--against <time>', 'how far back: 12h, 7d, 2w (7d without it)')
    .option('--from <time>', 'from then on, e.g. 2026-11-20T14:00:00Z')
    .option('--to <time>', 'until then')
    .option('--all', 'list every action that differs')
    .addHelpText(
      'after',
      '\nA file takes a key that may write charters (role admin): its conditions could ask what is sealed in recorded\nactions. A version that was in force takes one that may read actions.\n\nFacts such as trust, grants and limits stay as they were recorded; the law alone changes. What people\napproved counts as held, because they were asked.',
    );
}

async function simulate(
  cli: Cli,
  command: Command,
  { charter, options }: { readonly charter: string | undefined; readonly options: ReplayOptions },
): Promise<void> {
  const asked = charter === undefined ? {} : { charter: await charterBody(cli, charter) };
  await replay(cli, command, { path: '/api/v1/charter/simulate', asked, options });
}

async function diff(
  cli: Cli,
  command: Command,
  of: { readonly old: string; readonly next: string; readonly options: ReplayOptions },
): Promise<void> {
  const asked = { old: await charterBody(cli, of.old), new: await charterBody(cli, of.next) };
  await replay(cli, command, { path: '/api/v1/charter/diff', asked, options: of.options });
}

async function replay(
  cli: Cli,
  command: Command,
  of: { readonly path: string; readonly asked: object; readonly options: ReplayOptions },
): Promise<void> {
  const { out, self } = cli;
  const { client, json } = await openSession(cli, command);
  const body = { ...of.asked, ...rangeBody(of.options) };
  const report = await client.need({ method: 'POST', path: of.path, body, timeoutMs: REPLAY_MS });
  if (json) return out.json(report);
  const most = of.options.all === true ? Number.MAX_SAFE_INTEGER : FEW;
  for (const line of simulationLines(report, out.tint, { most, self })) out.data(line);
}
