// Whether a charter file is sound, without any server.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { commonOptions } from './command.ts';
import { EXIT } from './exit.ts';
import { harmless } from './output.ts';
import { loadFile, showProblems } from './policy-file.ts';

interface CheckOptions {
  readonly strict?: boolean;
}

export function registerPolicyCheck(policy: Command, cli: Cli): void {
  policy
    .command('check')
    .description('look for mistakes in a charter, without a server')
    .argument('<file>', 'the charter, e.g. charter.yaml')
    .option('--strict', 'warnings fail as well')
    .addHelpText(
      'after',
      '\nEach mistake as file:line:column pointer: what is wrong and what to do. Exit code 1 where there is any.\nWarnings name what is sound and yet in vain: a rule that never decides, a condition that is always true.',
    )
    .action((file: string, options: CheckOptions, command: Command) => check(cli, command, file, options));
}

async function check(
  cli: Cli,
  command: Command,
  ...[file, { strict = false }]: readonly [string, CheckOptions]
): Promise<void> {
  const { out } = cli;
  const json = commonOptions(command).json === true;
  const loaded = await loadFile(file);
  if (loaded.kind === 'refused') return showProblems(cli, loaded.problems, json);
  const { version, files, warnings } = loaded;
  const ok = !strict || warnings.length === 0;
  if (!ok) cli.exitWith(EXIT.failure);
  if (json) return out.json({ ok, version, files, warnings });
  const { renderError } = await import('../decide/charter/error.ts');
  for (const warning of warnings)
    out.data(`${out.tint('warning', 'yellow')} ${harmless(renderError(warning))}`);
  out.data(
    `${out.tint('Sound.', 'green')} Version ${version.slice(0, 12)}, read from ${files.map(harmless).join(', ')}.`,
  );
  if (!ok)
    out.talk(
      out.tintTalk(`${warnings.length} warning${warnings.length === 1 ? '' : 's'} (--strict).`, 'red'),
    );
}
