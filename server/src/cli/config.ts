// Which settings are in force, and where each comes from. Secrets are masked.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { commonOptions, GROUPS } from './command.ts';
import { locate, readConfig } from './location.ts';
import { table } from './output.ts';

export function registerConfig(program: Command, cli: Cli): void {
  const config = program.command('config').helpGroup(GROUPS.server).description('show the settings');
  config
    .command('show')
    .description('the settings in force here, secrets masked')
    .option('--origin', 'also where each comes from')
    .action((options: { readonly origin?: boolean }, command: Command) =>
      show(cli, command, options.origin === true),
    );
}

async function show(cli: Cli, command: Command, withOrigin: boolean): Promise<void> {
  const { out } = cli;
  const options = commonOptions(command);
  const config = await readConfig(cli.env, options);
  const { describeConfig } = await import('../platform/config/config.ts');
  const lines = describeConfig(config);
  if (options.json === true) return out.json(lines);
  const rows = lines.map(({ env, value, origin }) => [
    env,
    value ?? { text: '(not set)', tint: 'dim' as const },
    ...(withOrigin ? [origin] : []),
  ]);
  out.data(table(['SETTING', 'VALUE', ...(withOrigin ? ['ORIGIN'] : [])], rows, out.tint));
  out.talk(`\nCommands here talk to ${(await locate(config)).url}.`);
}
