// Autonomy that is earned in phases: where each set stands, what is proposed, and letting one fall at once.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { GROUPS } from './command.ts';
import { registerBreakers } from './governance-breakers.ts';
import { registerCycle } from './governance-cycle.ts';
import { registerDrill } from './governance-drill.ts';
import { registerMetrics } from './governance-metrics.ts';
import { registerReadiness } from './governance-readiness.ts';
import { fields, harmless, table } from './output.ts';
import { listAt, numberAt, textAt, textsAt, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { relative, when } from './times.ts';

interface SetOption {
  readonly set?: string;
}

const SET = ['--set <name>', 'which governed set, where the charter has several'] as const;
const REASON = ['--reason <text>', 'why, for the record'] as const;

export function registerGovernance(program: Command, cli: Cli): void {
  const governance = program
    .command('governance')
    .helpGroup(GROUPS.law)
    .description('the phases in which autonomy is earned, and what is proposed');
  governance
    .command('state')
    .description('in which phase a set stands, what runs without asking, and what comes next')
    .option(...SET)
    .action((options: SetOption, command: Command) => state(cli, command, options));
  governance
    .command('proposals')
    .description('what was proposed, newest first')
    .option(...SET)
    .action((options: SetOption, command: Command) => proposals(cli, command, options));
  governance
    .command('propose')
    .description('propose that a set rises by one phase; people approve it')
    .option(...SET)
    .requiredOption(...REASON)
    .action((options: SetOption & { readonly reason: string }, command: Command) =>
      propose(cli, command, options),
    );
  for (const verdict of ['approve', 'reject'] as const)
    governance
      .command(verdict)
      .description(
        verdict === 'approve'
          ? 'approve a proposal as it stands; the last approval that it takes raises the phase'
          : 'reject a proposal; one rejection ends it',
      )
      .argument('<id>', 'of the proposal')
      .requiredOption(...REASON)
      .option('--role <role>', 'in which of your roles; the vote then counts for that one alone')
      .action((id: string, options: VerdictOptions, command: Command) =>
        decide(cli, command, { id, verdict, options }),
      );
  governance
    .command('fall')
    .description('let a set fall at once: the next decision in every process is by the lower phase')
    .option(...SET)
    .option('--to <phase>', 'first, previous, or a phase below the current one', 'first')
    .requiredOption(...REASON)
    .action((options: SetOption & { readonly to: string; readonly reason: string }, command: Command) =>
      fall(cli, command, options),
    );
  registerCycle(governance, cli);
  registerBreakers(governance, cli);
  registerDrill(governance, cli);
  registerMetrics(governance, cli);
  registerReadiness(governance, cli);
}

/** `?set=…` where one is named. */
function setQuery({ set }: SetOption): string {
  return set === undefined ? '' : `?set=${encodeURIComponent(set)}`;
}

async function state(cli: Cli, command: Command, options: SetOption): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: `/api/v1/governance/state${setQuery(options)}` });
  if (json) return out.json(answer);
  if (valueAt(answer, 'phase') === null)
    return out.talk('The charter governs nothing in phases. Add a set under phases.');
  const nowMs = clock.nowMs();
  const moment = (key: string): string =>
    textAt(answer, key) === '' ? '' : when(textAt(answer, key), nowMs);
  out.data(
    [
      `${out.tint(harmless(`${textAt(answer, 'set')} is at ${textAt(answer, 'phase')}`), 'bold')}  ${harmless(textAt(answer, 'title'))}`,
      fields(
        [
          ['since', moment('since')],
          ['runs without asking', textsAt(answer, 'whitelist').map(harmless).join(', ') || 'nothing'],
          ['on probation until', moment('validationUntil')],
          ['nothing proposed until', moment('stabilizationUntil')],
          ['proposed', harmless(textAt(answer, 'pendingProposal'))],
          ['next', nextLine(valueAt(answer, 'next'))],
        ],
        out.tint,
      ),
    ].join('\n'),
  );
  const history = listAt(answer, 'history').slice(0, 5);
  if (history.length > 0)
    out.data(
      table(
        ['WHEN', 'FROM', 'TO', 'BY', 'WHY'],
        history.map((change) => [
          relative(textAt(change, 'at'), nowMs),
          textAt(change, 'from') || '-',
          textAt(change, 'to') || '-',
          textAt(change, 'by'),
          textAt(change, 'cause'),
        ]),
        out.tint,
      ),
    );
}

function nextLine(next: unknown): string {
  if (next === null || next === undefined) return 'nothing: this is the top of the ladder';
  const adds = textsAt(next, 'adds').join(', ') || 'nothing more';
  return harmless(
    `${textAt(next, 'phase')} ${textAt(next, 'title')}: ${adds}; ${textsAt(next, 'requiredApprovals').join(' and ')} must agree`,
  );
}

async function proposals(cli: Cli, command: Command, options: SetOption): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  const path = `/api/v1/governance/proposals${setQuery(options)}`;
  const answer = await client.need({ method: 'GET', path });
  if (json) return out.json(answer);
  const items = listAt(answer, 'items');
  if (items.length === 0) return out.talk('Nothing was proposed yet.');
  out.data(
    table(
      ['ID', 'SET', 'FROM', 'TO', 'STATUS', 'ASKED', 'BY', 'MISSING'],
      items.map((item) => [
        textAt(item, 'id'),
        textAt(item, 'set'),
        textAt(item, 'from'),
        textAt(item, 'to'),
        { text: textAt(item, 'status'), tint: textAt(item, 'status') === 'pending' ? 'yellow' : 'dim' },
        relative(textAt(item, 'requestedAt'), clock.nowMs()),
        textAt(item, 'requestedBy'),
        textAt(item, 'status') === 'pending' ? textsAt(item, 'missingApprovals').join(', ') || '-' : '-',
      ]),
      out.tint,
    ),
  );
}

async function propose(
  cli: Cli,
  command: Command,
  { set, reason }: SetOption & { readonly reason: string },
): Promise<void> {
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({
    method: 'POST',
    path: '/api/v1/governance/proposals',
    body: { ...(set === undefined ? {} : { set }), reason },
  });
  if (json) return cli.out.json(answer);
  cli.out.data(harmless(textAt(answer, 'id')));
  cli.out.talk(
    harmless(
      `Proposed: ${textAt(answer, 'title')}. It takes ${textsAt(answer, 'requiredApprovals').join(' and ')}.`,
    ),
  );
}

interface VerdictOptions {
  readonly reason: string;
  readonly role?: string;
}

async function decide(
  cli: Cli,
  command: Command,
  {
    id,
    verdict,
    options,
  }: { readonly id: string; readonly verdict: 'approve' | 'reject'; readonly options: VerdictOptions },
): Promise<void> {
  const { out } = cli;
  const { client, json } = await openSession(cli, command);
  const path = `/api/v1/governance/proposals/${encodeURIComponent(id)}`;
  const shown = await client.need({ method: 'GET', path });
  if (!json)
    out.talk(
      harmless(
        `${textAt(shown, 'title')}: ${textsAt(shown, 'commands').join(', ') || 'no command'} would run without asking beside what does already, on probation for ${numberAt(shown, 'validationDays') ?? 0} days.`,
      ),
    );
  const { reason, role } = options;
  const answer = await client.need({
    method: 'POST',
    path: `${path}/${verdict}`,
    body: { reason, digest: textAt(shown, 'digest'), ...(role === undefined ? {} : { role }) },
  });
  if (json) return out.json(answer);
  const status = textAt(answer, 'status');
  const missing = textsAt(answer, 'missingApprovals');
  out.data(
    harmless(
      status === 'used'
        ? `${textAt(answer, 'set')} is at ${textAt(answer, 'to')}.`
        : status === 'pending'
          ? `Counted; still missing: ${missing.join(', ') || textAt(answer, 'missing')}.`
          : `The proposal is ${status}.`,
    ),
  );
}

async function fall(
  cli: Cli,
  command: Command,
  { set, to, reason }: SetOption & { readonly to: string; readonly reason: string },
): Promise<void> {
  const { out } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({
    method: 'POST',
    path: '/api/v1/governance/fall',
    body: { ...(set === undefined ? {} : { set }), to, reason },
  });
  if (json) return out.json(answer);
  out.data(
    harmless(
      valueAt(answer, 'changed') === true
        ? `${textAt(answer, 'set')} fell from ${textAt(answer, 'from')} to ${textAt(answer, 'to')}.`
        : `${textAt(answer, 'set')} is at ${textAt(answer, 'to')} already.`,
    ),
  );
  if (valueAt(answer, 'confirmed') !== true)
    out.talk(
      'Hung sessions kept it from being certain that nothing of before still begins. Stop what must not.',
    );
}
