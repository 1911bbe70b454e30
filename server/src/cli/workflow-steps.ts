// Steps of runs that no executor takes: an agent's program finds those that are offered to it, and takes one.
import type { Command } from 'commander';
import { actLines } from './act-lines.ts';
import type { Cli } from './command.ts';
import { exitOfStatus } from './exit.ts';
import { harmless, table } from './output.ts';
import { listAt, textAt } from './read.ts';
import { openSession } from './session.ts';
import { relative } from './times.ts';

export function registerWorkflowSteps(workflow: Command, cli: Cli): void {
  workflow
    .command('steps')
    .description('steps that are offered to the agents for whom the key speaks, oldest first')
    .action((_options: object, command: Command) => steps(cli, command));
  workflow
    .command('take')
    .description('take a step that is offered, as an action of its agent; prints its permit')
    .argument('<run>')
    .argument('<step>', 'e.g. build, or build[3]')
    .addHelpText(
      'after',
      '\nExit codes: 0 permitted · 1 failed · 3 denied · 4 waits for approval · 5 stopped',
    )
    .action((run: string, step: string, _options: object, command: Command) =>
      take(cli, command, { run, step }),
    );
}

async function steps(cli: Cli, command: Command): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: '/api/v1/workflow-steps' });
  if (json) return out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0) return out.talk('No step is offered to this key.');
  out.data(
    table(
      ['RUN', 'STEP', 'AGENT', 'TEMPLATE', 'OFFERED'],
      items.map((item) => [
        textAt(item, 'run'),
        textAt(item, 'step'),
        textAt(item, 'agent'),
        textAt(item, 'template'),
        relative(textAt(item, 'offeredAt'), clock.nowMs()),
      ]),
      out.tint,
    ),
  );
}

async function take(
  cli: Cli,
  command: Command,
  { run, step }: { readonly run: string; readonly step: string },
): Promise<void> {
  const { out, self } = cli;
  const { client, json } = await openSession(cli, command);
  const path = `/api/v1/workflows/${encodeURIComponent(run)}/take`;
  const act = await client.need({ method: 'POST', path, body: { step } });
  const status = textAt(act, 'status');
  cli.exitWith(exitOfStatus(status));
  if (json) return out.json(act);
  out.data(actLines(cli, act));
  if (status === 'permitted')
    out.talk(
      `Begin within seconds; then: ${self} action outcome ${harmless(textAt(act, 'id'))} success --permit …`,
    );
  else if (status === 'waiting_for_approval')
    out.talk(`It waits for a person: ${self} approve ${harmless(textAt(act, 'approval', 'id'))}`);
}
