// A process that works and answers nobody: it carries workflow runs, begins approved acts and takes over what dead
// processes left, on the same database as the servers. As many as are wanted, on as many machines.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { commonOptions, GROUPS } from './command.ts';
import { readConfig } from './location.ts';
import { charterRefused, listenForEnd } from './start.ts';

export function registerWorker(program: Command, cli: Cli): void {
  program
    .command('worker')
    .helpGroup(GROUPS.server)
    .description('carry workflow runs here, on the database of a server, without answering anybody')
    .addHelpText(
      'after',
      '\nIt takes DATABASE_URL, MANDATE_MASTER_KEY and MANDATE_TENANT of the server, and the charter that is in force there.\nIt sends no notifications; the servers do.\nWith --json, stdout gets one line when it is at work: {"pid","database","version"}.\nCtrl-C ends it in order, a second Ctrl-C at once.',
    )
    .action((_options: object, self: Command) => run(cli, self));
}

async function run(cli: Cli, command: Command): Promise<void> {
  const { out, host } = cli;
  const { json, ...options } = commonOptions(command);
  const read = await readConfig(cli.env, options, []);
  // The server's charter is in force; a file beside the worker must not put another one in its place.
  const config = { ...read, charter: null };
  const isTerminal = process.stderr.isTTY;
  const ending = listenForEnd(cli);
  const answer = await host.serve(config, { pretty: isTerminal, listen: false });
  if (answer.kind === 'charter_refused') throw charterRefused(config, answer.problems, cli.self);
  const { serving } = answer;
  try {
    out.talk(`At work on ${serving.database}; Ctrl-C ends it.`);
    if (json === true) out.json({ pid: process.pid, database: serving.database, version: host.version });
    await ending.asked;
  } finally {
    if (isTerminal) out.talk('Ending what runs; Ctrl-C once more ends it at once.');
    await serving.close();
  }
}
