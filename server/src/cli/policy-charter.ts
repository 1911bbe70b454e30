// Which charter a command means: a file on this disk, with everything that it extends, or a version that the server has.
import { existsSync } from 'node:fs';
import type { Cli } from './command.ts';
import { CommandFailed, EXIT, usageError } from './exit.ts';
import { harmless } from './output.ts';
import { loadFile } from './policy-file.ts';

/** As the server takes it in a body. */
export type CharterBody = { readonly files: readonly unknown[] } | { readonly version: string };

/** Its mistakes are told here, with file, line and column as they lie on this disk, and end the command. */
export async function charterBody({ self }: Cli, named: string): Promise<CharterBody> {
  if (!existsSync(named)) {
    if (/^[0-9a-f]{8,64}$/.test(named)) return { version: named };
    throw usageError(
      `There is no file ${JSON.stringify(named)}, and it is no charter version either.`,
      `A version is 8 to 64 hex digits; to list them: ${self} policy versions`,
    );
  }
  const loaded = await loadFile(named);
  if (loaded.kind === 'loaded') return { files: loaded.sources };
  const { renderError } = await import('../decide/charter/error.ts');
  const problems = loaded.problems.map((problem) => harmless(renderError(problem)));
  throw new CommandFailed(
    `${named} has ${problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`}, so nothing was asked of the server.`,
    { exitCode: EXIT.failure, code: 'invalid', steps: problems, document: { problems: loaded.problems } },
  );
}

/** How long a replay may take: some 10 s for 100,000 actions, and others may be running. */
export const REPLAY_MS = 120_000;

export interface RangeOptions {
  readonly against?: string;
  readonly from?: string;
  readonly to?: string;
}

/** The time that is meant, for a body or a query. */
export function rangeBody({ against, from, to }: RangeOptions): Readonly<Record<string, string>> {
  return {
    ...(against === undefined ? {} : { against }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}
