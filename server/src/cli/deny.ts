// A person refuses one exact action.
import type { Command } from 'commander';
import { castBallot } from './ballot.ts';
import type { BallotOptions } from './ballot.ts';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';

export function registerDeny(program: Command, cli: Cli): void {
  program
    .command('deny')
    .helpGroup(GROUPS.people)
    .description('refuse an action that waits')
    .argument('<id>', 'of the approval, or of the action that waits')
    .option('--reason <text>', 'why, for the agent and the journal')
    .option('--digest <digest>', 'only if it is still what has this digest (first 8 characters or more)')
    .option('--identical', 'deny everything that waits with the same digest')
    .action((id: string, options: BallotOptions, command: Command) =>
      castBallot(cli, command, { id, decision: 'deny', options }),
    );
}
