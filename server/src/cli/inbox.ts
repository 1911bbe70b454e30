// What waits for people, each with what is asked, why it waits and the command that decides it.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';
import { harmless, table } from './output.ts';
import { listAt, numberAt, textAt } from './read.ts';
import { openSession } from './session.ts';
import { showApproval } from './ballot.ts';

export function registerInbox(program: Command, cli: Cli): void {
  program
    .command('inbox')
    .helpGroup(GROUPS.people)
    .description('what waits for a person to approve or deny')
    .option('--stats', 'how much and how fast each approver approves, over the last day')
    .action((options: { readonly stats?: boolean }, command: Command) =>
      options.stats === true ? stats(cli, command) : run(cli, command),
    );
}

async function run(cli: Cli, command: Command): Promise<void> {
  const { out, self } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({
    method: 'GET',
    path: '/api/v1/approvals',
    query: { status: 'pending' },
  });
  if (json) return out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0) return out.data('Nothing waits for a person.');
  // Oldest first: that is who has waited longest.
  for (const item of items.toReversed()) out.data(`${showApproval(cli, item, out.tint)}\n`);
  const [only] = items;
  out.talk(
    `${items.length === 1 ? 'One waits' : `${items.length} wait`}. Decide with: ${self} approve ${items.length === 1 ? textAt(only, 'id') : '<id>'} (or deny) --reason "…"`,
  );
}

async function stats(cli: Cli, command: Command): Promise<void> {
  const { out } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: '/api/v1/approvals/stats' });
  if (json) return out.json(answer);
  const rows = listAt(answer, 'approvers').map((each) => {
    const median = numberAt(each, 'medianReadingMs');
    const quick = numberAt(each, 'shareUnder2s');
    return [
      harmless(textAt(each, 'approver')),
      textAt(each, 'approved'),
      textAt(each, 'denied'),
      (numberAt(each, 'perHour') ?? 0).toFixed(1),
      median === null ? '-' : `${(median / 1_000).toFixed(1)} s`,
      quick === null ? '-' : `${Math.round(quick * 100)} %`,
    ];
  });
  if (rows.length === 0) return out.data('Nobody has decided anything in the last day.');
  out.data(table(['APPROVER', 'APPROVED', 'DENIED', 'AN HOUR', 'READING', 'UNDER 2 S'], rows, out.tint));
}
