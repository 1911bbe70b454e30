// What every command is given, and how it adds itself. A command file holds its registration and its run; anything
// heavy is imported inside the run, so that `mandate --help` and the other commands never pay for it.
import type { Command } from 'commander';
import type { Clock } from '../platform/clock/clock.ts';
import type { ExitCode } from './exit.ts';
import type { Host } from './host.ts';
import type { Output } from './output.ts';

export interface Cli {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly out: Output;
  readonly host: Host;
  /** How this person calls us, to begin the commands that we suggest: `mandate`, `npx mandate` or `npm run mandate --`. */
  readonly self: string;
  /** The exit code of a command that ends in order; 0 unless it is called. */
  readonly exitWith: (code: ExitCode) => void;
}

export type Register = (program: Command, cli: Cli) => void;

/** What every command understands (added to all of them in cli.ts). */
export interface CommonOptions {
  readonly json?: boolean;
  readonly url?: string;
  readonly dataDir?: string;
}

export const GROUPS = {
  server: 'The server:',
  stop: 'Stopping:',
  people: 'What waits for people:',
  ask: 'Asking:',
  law: 'Who may do what:',
  look: 'Looking:',
} as const;

export function commonOptions(command: Command): CommonOptions {
  return command.optsWithGlobals<CommonOptions>();
}

/** How the command was started, told from what npm leaves in the environment. */
export function selfOf(env: Cli['env']): string {
  if (env['npm_lifecycle_event'] === 'start' || env['npm_lifecycle_event'] === 'mandate')
    return 'npm run mandate --';
  return env['npm_command'] === 'exec' ? 'npx mandate' : 'mandate';
}
