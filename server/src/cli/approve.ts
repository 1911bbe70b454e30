// A person lets one exact action run.
import type { Command } from 'commander';
import { castBallot } from './ballot.ts';
import type { BallotOptions } from './ballot.ts';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';

export function registerApprove(program: Command, cli: Cli): void {
  program
    .command('approve')
    .helpGroup(GROUPS.people)
    .description('let exactly this action run; shows it first')
    .argument('<id>', 'of the approval, or of the action that waits')
    .option('--reason <text>', 'why, for the journal')
    .option('--digest <digest>', 'only if it is still what has this digest (first 8 characters or more)')
    .option('--remember <duration>', 'let exactly this run again for so long without asking (15m, 1h)')
    .option('--with <json>', 'approve it with these parameters instead; they are decided anew')
    .option('--identical', 'approve everything that waits with the same digest')
    .option('-y, --yes', 'do not ask once more on a terminal')
    .addHelpText('after', '\nExit code 4: your vote counts, others are still missing.')
    .action((id: string, options: BallotOptions, command: Command) =>
      castBallot(cli, command, { id, decision: 'approve', options }),
    );
}
