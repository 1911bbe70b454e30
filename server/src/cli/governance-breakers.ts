// Breakers from the command line: the rules that guard a set, what has tripped, saying that it is resolved, and the error
// budgets of objectives.
import type { Command } from 'commander';
import type { Cli } from './command.ts';
import { usageError } from './exit.ts';
import { harmless, table } from './output.ts';
import { listAt, numberAt, textAt, valueAt } from './read.ts';
import { openSession } from './session.ts';
import { relative } from './times.ts';

interface SetOption {
  readonly set?: string;
}

interface EventsOptions extends SetOption {
  readonly unresolved?: boolean;
  readonly limit: string;
}

interface RuleOptions extends SetOption {
  readonly condition?: string;
  readonly window?: string;
  readonly action?: string;
  readonly severity?: string;
  readonly minSamples?: string;
  readonly enable?: boolean;
  readonly disable?: boolean;
  readonly reason: string;
}

const SET = ['--set <name>', 'which governed set, where the charter has several'] as const;
const PATH = '/api/v1/circuit-breaker';

/** Adds `breakers`, `events`, `resolve-event`, `rule` and `slos` to `mandate governance`. */
export function registerBreakers(governance: Command, cli: Cli): void {
  governance
    .command('breakers')
    .description('the rules that guard a set, and what is wrong with one that guards nothing')
    .option(...SET)
    .action((options: SetOption, command: Command) => breakers(cli, command, options));
  governance
    .command('events')
    .description('what breakers and objectives have noticed, newest first')
    .option(...SET)
    .option('--unresolved', 'only what nobody has resolved yet')
    .option('--limit <number>', 'how many at most', '20')
    .action((options: EventsOptions, command: Command) => events(cli, command, options));
  governance
    .command('resolve-event')
    .description('resolve a breaker event: what it holds up goes on; a phase stays where it fell to')
    .argument('<id>', 'of the event')
    .requiredOption('--reason <text>', 'why, for the record')
    .action((id: string, { reason }: { readonly reason: string }, command: Command) =>
      resolve(cli, command, { id, reason }),
    );
  governance
    .command('rule')
    .description('change breaker rules')
    .command('set')
    .description('change a rule, or create it: then --condition, --window and --action are needed')
    .argument('<name>', "e.g. 'High Error Rate'")
    .option(...SET)
    .option('--condition <cel>', "e.g. 'errorRate > 0.05'")
    .option('--window <time>', 'e.g. 5m')
    .option('--action <action>', 'revert_to_l3, pause_command_type or alert_only')
    .option('--severity <severity>', 'info, warning, alert or critical; the last two open an incident')
    .option('--min-samples <number>', 'rates of fewer acts say nothing yet')
    .option('--enable', 'switch it on')
    .option('--disable', 'switch it off')
    .requiredOption('--reason <text>', 'why, for the record')
    .action((name: string, options: RuleOptions, command: Command) => setRule(cli, command, name, options));
  governance
    .command('slos')
    .description('the objectives of the charter: what is left of their error budgets')
    .option(...SET)
    .action((options: SetOption, command: Command) => slos(cli, command, options));
}

async function breakers(cli: Cli, command: Command, { set }: SetOption): Promise<void> {
  const { out } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: `${PATH}/rules`, query: { set } });
  if (json) return out.json(answer);
  const rules = listAt(answer);
  if (rules.length === 0)
    return out.talk('The charter governs nothing in phases, so no breaker guards anything.');
  out.data(
    table(
      ['RULE', 'ON', 'CONDITION', 'WINDOW', 'ACTION', 'SEVERITY'],
      rules.map((rule) => [
        textAt(rule, 'name'),
        { text: textAt(rule, 'enabled'), tint: valueAt(rule, 'enabled') === true ? 'bold' : 'yellow' },
        textAt(rule, 'condition'),
        textAt(rule, 'window'),
        textAt(rule, 'action'),
        textAt(rule, 'alertSeverity'),
      ]),
      out.tint,
    ),
  );
  for (const rule of rules)
    if (textAt(rule, 'problem') !== '')
      out.talk(harmless(`${textAt(rule, 'name')} guards nothing: ${textAt(rule, 'problem')}.`));
}

async function events(cli: Cli, command: Command, options: EventsOptions): Promise<void> {
  const { out, clock } = cli;
  const { client, json } = await openSession(cli, command);
  const { set, unresolved = false, limit } = options;
  const answer = await client.need(
    unresolved
      ? { method: 'GET', path: `${PATH}/events/unresolved`, query: { set } }
      : { method: 'GET', path: `${PATH}/events`, query: { set, limit } },
  );
  if (json) return out.json(answer);
  const found = listAt(answer);
  if (found.length === 0)
    return out.talk(unresolved ? 'Nothing is unresolved.' : 'No breaker has tripped yet.');
  out.data(
    table(
      ['ID', 'WHEN', 'RULE', 'ABOUT', 'ACTION', 'SEVERITY', 'STANDS'],
      found.map((event) => [
        textAt(event, 'id'),
        relative(textAt(event, 'triggeredAt'), clock.nowMs()),
        textAt(event, 'ruleName'),
        textAt(event, 'commandType') || textAt(event, 'set') || '-',
        textAt(event, 'action'),
        textAt(event, 'alertSeverity'),
        valueAt(event, 'resolved') === true
          ? `resolved by ${textAt(event, 'resolvedBy')}`
          : { text: 'unresolved', tint: 'yellow' },
      ]),
      out.tint,
    ),
  );
}

async function resolve(
  cli: Cli,
  command: Command,
  { id, reason }: { readonly id: string; readonly reason: string },
): Promise<void> {
  const { out } = cli;
  const { client, json } = await openSession(cli, command);
  const path = `${PATH}/events/${encodeURIComponent(id)}/resolve`;
  const event = await client.need({ method: 'POST', path, body: { reason } });
  if (json) return out.json(event);
  out.data(harmless(`${textAt(event, 'ruleName')} is resolved.`));
  if (textAt(event, 'action') === 'revert_to_l3')
    out.talk('The phase stays where it fell to: it rises by an approved proposal only.');
}

async function setRule(cli: Cli, command: Command, name: string, options: RuleOptions): Promise<void> {
  const { set, condition, window, action, severity, minSamples, enable, disable, reason } = options;
  if (enable === true && disable === true)
    throw usageError('A rule is either on or off.', 'Give one of --enable and --disable.');
  if (minSamples !== undefined && !/^\d{1,7}$/.test(minSamples))
    throw usageError(
      `${minSamples} is no number of acts.`,
      'Write a whole number, such as --min-samples 20.',
    );
  const { client, json } = await openSession(cli, command);
  const rule = await client.need({
    method: 'PATCH',
    path: `${PATH}/rules/${encodeURIComponent(name)}`,
    query: { set },
    body: {
      condition,
      window,
      action,
      alertSeverity: severity,
      minSamples: minSamples === undefined ? undefined : Number(minSamples),
      enabled: enable === true ? true : disable === true ? false : undefined,
      reason,
    },
  });
  if (json) return cli.out.json(rule);
  cli.out.data(
    harmless(
      `${textAt(rule, 'name')} is ${valueAt(rule, 'enabled') === true ? 'on' : 'off'}: ${textAt(rule, 'condition')} over ${textAt(rule, 'window')}, ${textAt(rule, 'action')}`,
    ),
  );
}

async function slos(cli: Cli, command: Command, { set }: SetOption): Promise<void> {
  const { out } = cli;
  const { client, json } = await openSession(cli, command);
  const answer = await client.need({ method: 'GET', path: '/api/v1/slos', query: { set } });
  if (json) return out.json(answer);
  const found = listAt(answer);
  if (found.length === 0)
    return out.talk('The charter has no objectives. Write one under monitors.slos, as OpenSLO v1.');
  const share = (value: number | null): string =>
    value === null ? '-' : `${Math.round(value * 10_000) / 100} %`;
  out.data(
    table(
      ['OBJECTIVE', 'SET', 'TARGET', 'IS', 'BUDGET LEFT', 'STATUS', 'HOLDS UP'],
      found.map((slo) => [
        textAt(slo, 'name'),
        textAt(slo, 'set') || '-',
        share(numberAt(slo, 'target')),
        share(numberAt(slo, 'ratio')),
        share(numberAt(slo, 'budget', 'remaining')),
        { text: textAt(slo, 'status'), tint: textAt(slo, 'status') === 'ok' ? 'dim' : 'yellow' },
        valueAt(slo, 'throttled') === true ? 'yes' : 'no',
      ]),
      out.tint,
    ),
  );
}
