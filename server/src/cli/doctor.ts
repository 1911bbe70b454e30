// What keeps Mandate from working here, or from protecting what it should, each with the remedy.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { commonOptions, GROUPS } from './command.ts';
import { EXIT } from './exit.ts';
import { harmless, table } from './output.ts';
import type { Tint } from './output.ts';

export function registerDoctor(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .helpGroup(GROUPS.server)
    .description('find out what is wrong, with the server or without')
    .addHelpText(
      'after',
      '\nWithout a server it starts the embedded Postgres for a moment to look at it. Exit code 1 where something must be mended.',
    )
    .action((_options: object, command: Command) => run(cli, command));
}

const TINTS: Readonly<Record<string, Tint>> = { ok: 'green', warn: 'yellow', fail: 'red', skip: 'dim' };

async function run(cli: Cli, command: Command): Promise<void> {
  const { out } = cli;
  const options = commonOptions(command);
  const { examine } = await import('./examine.ts');
  const found = await examine(cli, options);
  const failed = found.filter(({ state }) => state === 'fail').length;
  const warned = found.filter(({ state }) => state === 'warn').length;
  if (failed > 0) cli.exitWith(EXIT.failure);
  if (options.json === true) return out.json({ ok: failed === 0, checks: found });
  out.data(
    table(
      ['', 'CHECK', 'FOUND'],
      found.map(({ name, state, detail }) => [{ text: state, tint: TINTS[state] ?? 'dim' }, name, detail]),
      out.tint,
    ),
  );
  const remedies = found.filter(({ remedy }) => remedy !== null);
  if (remedies.length > 0) out.talk(`\nWhat to do:`);
  for (const { name, remedy } of remedies) out.talk(`  ${name}: ${harmless(remedy ?? '')}`);
  if (failed === 0) out.talk(warned === 0 ? '\nAll is well.' : '\nIt works; look at the warnings.');
}
