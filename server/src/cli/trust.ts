// Trying other settings of trust out on what happened, before they count.
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';
import { usageError } from './exit.ts';
import { harmless, table } from './output.ts';
import { listAt, textAt, textsAt, valueAt } from './read.ts';
import { openSession } from './session.ts';

interface SimulateOptions {
  readonly against: string;
  readonly all?: boolean;
}

export function registerTrust(program: Command, cli: Cli): void {
  const trust = program
    .command('trust')
    .helpGroup(GROUPS.law)
    .description('try other settings of trust out on what happened');
  trust
    .command('simulate')
    .description('who would stand where, and whose level, freezes and score would differ; nothing is changed')
    .argument('[settings]', 'a YAML file with a trust section; without one, the active settings')
    .option('--against <time>', 'how far back to look: 12h, 7d, 2w', '30d')
    .option('--all', 'also list the agents for which nothing would differ')
    .action((file: string | undefined, options: SimulateOptions, command: Command) =>
      simulate(cli, command, file, options),
    );
}

async function simulate(
  cli: Cli,
  command: Command,
  file: string | undefined,
  { against, all = false }: SimulateOptions,
): Promise<void> {
  const { out } = cli;
  const trust = file === undefined ? {} : await readSettings(file);
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({
    method: 'POST',
    path: '/api/v1/trust/simulate',
    body: { trust, against },
  });
  if (json) return out.json(answer);
  const agents = listAt(answer, 'agents');
  const changed = agents.filter((agent) => textsAt(agent, 'differs').length > 0);
  const shown = all ? agents : changed;
  if (shown.length > 0)
    out.data(
      table(
        ['AGENT', 'NOW', 'WOULD BE', 'FREEZES', 'WOULD BE', 'OUTCOMES', 'DIFFERS'],
        shown.map((agent) => [
          textAt(agent, 'agent'),
          standing(valueAt(agent, 'recorded')),
          standing(valueAt(agent, 'simulated')),
          textAt(agent, 'recorded', 'freezes'),
          freezes(agent),
          textAt(agent, 'outcomes'),
          textsAt(agent, 'differs').join(', ') || '-',
        ]),
        out.tint,
      ),
    );
  out.talk(
    `${textAt(answer, 'outcomes')} outcomes since ${textAt(answer, 'from')}: of ${agents.length} ${agents.length === 1 ? 'agent' : 'agents'} ${changed.length} would differ.`,
  );
}

function standing(of: unknown): string {
  const frozen = valueAt(of, 'frozen') === true ? ', frozen' : '';
  return `${textAt(of, 'score')} (${harmless(textAt(of, 'level'))}${frozen})`;
}

function freezes(agent: unknown): string {
  const lost = textAt(agent, 'simulated', 'outcomesWhileFrozen');
  const count = textAt(agent, 'simulated', 'freezes');
  return lost === '0' ? count : `${count} (${lost} outcomes fewer)`;
}

/** The section `trust` of a charter, or its keys by themselves. */
async function readSettings(file: string): Promise<object> {
  const { parse } = await import('yaml');
  let written: unknown;
  try {
    written = parse(await readFile(file, 'utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message : 'it cannot be read';
    throw usageError(`${file} cannot be read: ${why}`, 'Give a YAML file with a trust section.');
  }
  const section: unknown =
    typeof written === 'object' && written !== null && Object.hasOwn(written, 'trust')
      ? Reflect.get(written, 'trust')
      : written;
  if (typeof section === 'object' && section !== null && !Array.isArray(section)) return section;
  throw usageError(
    `${file} holds no settings of trust.`,
    'Write them as in a charter: trust: { gainPerDay: 5 }',
  );
}
