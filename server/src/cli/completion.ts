// Completion in the shell, made of the same table of commands that the help shows.
import type { Command } from 'commander';

/** Whether the shell asks for completions or a person for the script; only then is the library loaded. */
export function isCompleting(argv: readonly string[]): boolean {
  return argv[0] === 'complete' || argv[0] === 'completion';
}

/** `completion <shell>` prints the script; `complete -- …` is what that script calls. */
export async function registerCompletion(program: Command, argv: readonly string[]): Promise<void> {
  if (argv.includes('--help') || argv.includes('-h')) return;
  const { default: tab } = await import('@bomb.sh/tab/commander');
  const placeholder = program.commands.findIndex((command) => command.name() === 'completion');
  // The list is commander's own: the library adds its command under the name that the placeholder has in the help.
  if (placeholder >= 0) (program.commands as Command[]).splice(placeholder, 1);
  tab(program, { completionCommandName: 'completion' });
}
