// Undoes an act by the action that the charter names for it, and says in the exit code what came of that.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';
import { exitOfStatus } from './exit.ts';
import { fields, harmless } from './output.ts';
import { textAt, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { decisionPairs, subjectOf, tintOf } from './show.ts';

/** What runs inside the request may take its time. */
const RUN_MS = 3_600_000;

export function registerRollback(program: Command, cli: Cli): void {
  program
    .command('rollback')
    .helpGroup(GROUPS.ask)
    .description('undo an act by the action that the charter names under compensate; decided like any other')
    .argument('<id>', 'of the act')
    .requiredOption('--reason <text>', 'why, for the journal')
    .action((id: string, { reason }: { readonly reason: string }, command: Command) =>
      run(cli, command, { id, reason }),
    );
}

async function run(
  cli: Cli,
  command: Command,
  { id, reason }: { readonly id: string; readonly reason: string },
): Promise<void> {
  const { out } = cli;
  const { client, json } = await openSession(cli, command);
  const path = `/api/v1/actions/${encodeURIComponent(id)}/rollback`;
  const act = await client.need({ method: 'POST', path, body: { reason }, timeoutMs: RUN_MS });
  const status = textAt(act, 'status');
  cli.exitWith(exitOfStatus(status));
  if (json) return out.json(act);
  out.data(
    `${out.tint(harmless(status), tintOf(status))}  ${subjectOf(act)}  ${harmless(textAt(act, 'id'))}`,
  );
  out.data(
    fields(
      [
        ['undoes', harmless(id)],
        ['error', harmless(textAt(act, 'error'))],
        ['approval', harmless(textAt(act, 'approval', 'id'))],
        ...decisionPairs(valueAt(act, 'decision'), out.tint),
      ],
      out.tint,
    ),
  );
  if (status === 'waiting_for_approval')
    out.talk(`It runs once it is approved: ${cli.self} approve ${harmless(textAt(act, 'approval', 'id'))}`);
}
