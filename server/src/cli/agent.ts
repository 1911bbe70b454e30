// The agents: who they are, how far each is trusted and why; freezing one and letting it go on.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';
import { EXIT } from './exit.ts';
import { fields, harmless, table } from './output.ts';
import { listAt, numberAt, textAt, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { registerAgentTrust } from './agent-trust.ts';
import { counts } from './show.ts';
import { relative, when } from './times.ts';

const SHOWN_MOVES = 20;

export function registerAgent(program: Command, cli: Cli): void {
  const agent = program
    .command('agent')
    .helpGroup(GROUPS.law)
    .description('list, show, freeze and unfreeze agents');
  agent
    .command('list')
    .description('all agents with their trust')
    .action((_options: object, command: Command) => list(cli, command));
  agent
    .command('show')
    .description('one agent: trust, counts and how its trust came about')
    .argument('<agent>')
    .action((id: string, _options: object, command: Command) => show(cli, command, id));
  registerAgentTrust(agent, cli);
  for (const [verb, about] of [
    ['freeze', 'let nothing of it begin without a person'],
    ['unfreeze', 'let it go on, after somebody has looked'],
  ] as const) {
    agent
      .command(verb)
      .description(about)
      .argument('<agent>')
      .requiredOption('--reason <text>', 'why, for the journal')
      .action((id: string, options: { readonly reason: string }, command: Command) =>
        change(cli, command, { id, verb, reason: options.reason }),
      );
  }
}

async function list(cli: Cli, command: Command): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: '/api/v1/agents' });
  if (json) return out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0)
    return out.talk(`No agent has asked for anything yet. Try: ${cli.self} request builder-1 test.run_suite`);
  out.data(
    table(
      ['AGENT', 'TRUST', 'LEVEL', 'FROZEN', 'IN FLIGHT', 'ACTS', 'SINCE'],
      items.map((item) => [
        textAt(item, 'id'),
        textAt(item, 'trustScore'),
        textAt(item, 'trustLevel'),
        valueAt(item, 'frozen') === true ? { text: 'yes', tint: 'red' } : 'no',
        textAt(item, 'liveActs'),
        counts(item, 'counts') || '-',
        relative(textAt(item, 'registeredAt'), clock.nowMs()),
      ]),
      out.tint,
    ),
  );
}

async function show(cli: Cli, command: Command, id: string): Promise<void> {
  const { out } = cli;
  const { client, json } = await openSession(cli, command);
  const agent = await client.need({ method: 'GET', path: `/api/v1/agents/${encodeURIComponent(id)}` });
  if (json) return out.json(agent);
  out.data(describe(cli, agent));
  const history = listAt(agent, 'history');
  if (history.length === 0) return;
  const rows = history.slice(0, SHOWN_MOVES).map((move) => {
    const before = numberAt(move, 'before') ?? 0;
    const after = numberAt(move, 'after') ?? 0;
    return [
      when(textAt(move, 'at'), cli.clock.nowMs()),
      { text: `${before} → ${after}`, tint: after < before ? ('red' as const) : ('green' as const) },
      textAt(move, 'cause'),
    ];
  });
  out.data(`\n${table(['WHEN', 'TRUST', 'CAUSE'], rows, out.tint)}`);
}

async function change(
  cli: Cli,
  command: Command,
  { id, verb, reason }: { readonly id: string; readonly verb: string; readonly reason: string },
): Promise<void> {
  const { client, json } = await openSession(cli, command);
  const agent = await client.need({
    method: 'POST',
    path: `/api/v1/agents/${encodeURIComponent(id)}/${verb}`,
    body: { reason },
  });
  const waits = textAt(agent, 'approval', 'id');
  if (waits !== '') cli.exitWith(EXIT.held);
  if (json) return cli.out.json(agent);
  cli.out.data(describe(cli, agent));
  if (waits !== '')
    cli.out.talk(
      `The charter asks others to agree first: ${cli.self} approve ${harmless(waits)} with a key of theirs.`,
    );
}

function describe({ out, clock }: Cli, agent: unknown): string {
  const isFrozen = valueAt(agent, 'frozen') === true;
  const nowMs = clock.nowMs();
  return [
    `${out.tint(harmless(textAt(agent, 'id')), 'bold')}  ${isFrozen ? out.tint('frozen', 'red') : out.tint('free', 'green')}`,
    fields(
      [
        [
          'trust',
          `${textAt(agent, 'trustScore')} (${harmless(textAt(agent, 'trustLevel'))}), streak ${textAt(agent, 'streak')}`,
        ],
        [
          'frozen',
          isFrozen
            ? harmless(
                `by ${textAt(agent, 'freeze', 'by')} ${when(textAt(agent, 'freeze', 'since'), nowMs)}: ${textAt(agent, 'freeze', 'cause')}`,
              )
            : '',
        ],
        ['acts', counts(agent, 'counts') || 'none yet'],
        ['in flight', textAt(agent, 'liveActs')],
        ['since', when(textAt(agent, 'registeredAt'), nowMs)],
      ],
      out.tint,
    ),
  ].join('\n');
}
