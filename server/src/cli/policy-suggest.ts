// A draft of a charter, from what was recorded: YAML on stdout, ready to be read, changed and checked by a person.
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { CommandFailed, EXIT } from './exit.ts';
import { rangeBody, REPLAY_MS } from './policy-charter.ts';
import type { RangeOptions } from './policy-charter.ts';
import { listAt, numberAt, textAt } from './read.ts';
import { openSession } from './session.ts';

export function registerPolicySuggest(policy: Command, cli: Cli): void {
  policy
    .command('suggest')
    .description('draft a charter from what was recorded under audit; nothing is put in force')
    .option('--from <time>', 'how far back (1d, 12h), or from when', '1d')
    .option('--to <time>', 'until then')
    .option('--relax', 'let what is red and ran run on, in yellow; the draft says so at each rule')
    .option('-o, --output <file>', 'write it there; an existing file is not overwritten')
    .action((options: SuggestOptions, command: Command) => suggest(cli, command, options));
}

interface SuggestOptions extends RangeOptions {
  readonly from: string;
  readonly relax?: boolean;
  readonly output?: string;
}

async function suggest(cli: Cli, command: Command, options: SuggestOptions): Promise<void> {
  const { out, self } = cli;
  const { from, to, relax = false, output } = options;
  const isDuration = /^\d+[smhdw]$/.test(from);
  const range = rangeBody({
    ...(isDuration ? { against: from } : { from }),
    ...(to === undefined ? {} : { to }),
  });
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({
    method: 'POST',
    path: '/api/v1/charter/suggest',
    body: { ...range, relax },
    timeoutMs: REPLAY_MS,
  });
  const text = textAt(answer, 'text');
  if (output !== undefined) await writeNew(output, text);
  if (json) return out.json(answer);
  // As it is, line by line: what it holds of agents' words are comments, and the server has freed those of controls.
  if (output === undefined) out.data(text.replace(/\n$/, ''));
  const held = listAt(answer, 'stillHeld').reduce<number>((sum, it) => sum + (numberAt(it, 'count') ?? 0), 0);
  const rules = listAt(answer, 'rules').length;
  out.talk(
    `${textAt(answer, 'acts')} actions, ${rules === 1 ? 'one new rule' : `${rules} new rules`}; of what ran it would hold ${held}.`,
  );
  const file = output ?? 'charter.yaml';
  out.talk(`Read it, then: ${self} policy check ${file} · ${self} policy simulate ${file}`);
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' });
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailed(isThere ? `${file} exists already and was left alone.` : `${file}: ${why}`, {
      exitCode: EXIT.failure,
      code: 'not_written',
      steps: isThere ? ['Name another file, or move that one away.'] : [],
    });
  }
}
