// Completion in the shell, made of the same table of commands that the help shows.
import type { Command } from 'commander';
import { GROUPS } from './command.ts';

/** Whether the shell asks for completions or a person for the script; only then is the library loaded. */
export function isCompleting(argv: readonly string[]): boolean {
  const asksForHelp = argv.includes('--help') || argv.includes('-h');
  return argv[0] === 'complete' || (argv[0] === 'completion' && !asksForHelp);
}

/** How it stands in the help. */
export function registerCompletionHelp(program: Command): void {
  program
    .command('completion')
    .helpGroup(GROUPS.server)
    .argument('<shell>', 'zsh, bash, fish or powershell')
    .description('print a script that completes commands in your shell')
    .addHelpText(
      'after',
      '\nFor bash: source <(mandate completion bash). The script calls `mandate`, so that has to be on the PATH.',
    );
}

/** `completion <shell>` prints the script; `complete -- …` is what that script calls. */
export async function registerCompletion(program: Command): Promise<void> {
  const { default: tab } = await import('@bomb.sh/tab/commander');
  tab(program, { completionCommandName: 'completion' });
}
