// One command stops everything, and it works when the server does not: then the sentinel file is raised at once, and
// the stop goes straight to the database. What it says is what it knows: confirmed only where the barrier was taken.
import type { Command } from 'commander';
import type { StopLevel } from '../decide/restrictions/stop.ts';
import type { Config } from '../platform/config/config.ts';
import { createClient } from './client.ts';
import type { Answer } from './client.ts';
import type { Cli } from './command.ts';
import { commonOptions, GROUPS } from './command.ts';
import { CommandFailed, EXIT, exitOfProblem, usageError } from './exit.ts';
import { locate, readConfigForStop, readKey } from './location.ts';
import type { Location } from './location.ts';
import { fields, harmless } from './output.ts';
import { listAt, textAt, valueAt } from './read.ts';
import { when } from './times.ts';

/** A server that is well answers this in milliseconds; one that is not must not keep a stop waiting. */
const PROBE_MS = 1_000;
/** The server may have to end hung sessions four times over before it can confirm. */
const STOP_MS = 8_000;

const LEVELS: readonly StopLevel[] = ['pause', 'stop', 'seal'];

interface StopOptions {
  readonly reason?: string;
  readonly scope: string;
  readonly level: string;
}

interface Order {
  readonly scope: string;
  readonly level: StopLevel;
  readonly reason: string;
}

export function registerStop(program: Command, cli: Cli): void {
  program
    .command('stop')
    .helpGroup(GROUPS.stop)
    .description('stop every agent, or those in a scope; works when the server is down')
    .option('--reason <text>', 'why, for the journal and for whoever resumes')
    .option(
      '--scope <scope>',
      'tenant, global, agent:ID, class:NAME, action:PATTERN, user:ID or resource:TYPE/ID',
      'tenant',
    )
    .option('--level <level>', 'pause (finish what runs), stop (abort it) or seal (also lock keys)', 'stop')
    .addHelpText(
      'after',
      `
When the server does not answer, the file STOP is written to the data directory (every process on it obeys within
100 ms) and the stop goes straight to the database, for every tenant. --scope global always takes that way.
Exit codes: 0 confirmed (nothing begins any more) · 1 only requested, or only the file was written
            3 not allowed · 69 nothing could be reached that could be stopped`,
    )
    .action((options: StopOptions, command: Command) => run(cli, command, options));
}

async function run(cli: Cli, command: Command, options: StopOptions): Promise<void> {
  const order = await readOrder(options);
  const common = commonOptions(command);
  const location = await locate(await readConfigForStop(cli.env, common, (text) => cli.out.talk(text)));
  const json = common.json === true;
  const answer = order.scope === 'global' ? null : await askServer(cli, location, order);
  if (answer?.kind === 'ok')
    return report(cli, json, {
      via: 'server',
      ...Object.fromEntries(Object.entries(answer.body ?? {})),
      sentinel: null,
      database: null,
    });
  if (answer?.kind === 'problem' && answer.status < 500) {
    throw new CommandFailed(textAt(answer.problem, 'detail'), {
      exitCode: exitOfProblem(textAt(answer.problem, 'code')),
      code: textAt(answer.problem, 'code'),
      steps: [`On the server's machine this needs no key: ${cli.self} stop --scope global`],
      document: answer.problem,
    });
  }
  const why =
    answer === null
      ? null
      : answer.kind === 'unreachable'
        ? answer.why
        : `it answered ${answer.status} (${textAt(answer.problem, 'code')})`;
  await stopHere(cli, location, { order, why, json });
}

async function readOrder({ scope, level, reason }: StopOptions): Promise<Order> {
  const known = LEVELS.find((name) => name === level);
  if (known === undefined)
    throw usageError(`--level is ${JSON.stringify(level)}, which is not one of ${LEVELS.join(', ')}.`);
  const { parseScope } = await import('@mandate/kernel');
  const { holdsSecret, NO_SECRET } = await import('../platform/http/names.ts');
  const parsed = parseScope(scope);
  if (parsed.kind === 'problem')
    throw usageError(
      `--scope is ${JSON.stringify(scope)}, which is no scope.`,
      'One of: tenant, global, agent:ID, class:NAME, action:PATTERN, user:ID, resource:TYPE/ID.',
    );
  if (holdsSecret(scope)) throw usageError(`--scope ${NO_SECRET}.`);
  return {
    scope,
    level: known,
    reason: reason === undefined || reason.trim() === '' ? 'stopped from the command line' : reason,
  };
}

async function askServer(cli: Cli, location: Location, order: Order): Promise<Answer> {
  const client = createClient({ url: location.url, key: await readKey(location), self: cli.self });
  const probe = await client.send({ method: 'GET', path: '/health', timeoutMs: PROBE_MS });
  if (probe.kind === 'unreachable') return probe;
  return client.send({ method: 'POST', path: '/api/v1/stop', body: order, timeoutMs: STOP_MS });
}

interface Unanswered {
  readonly order: Order;
  /** Why the server did not do it; null when it was not asked. */
  readonly why: string | null;
  readonly json: boolean;
}

async function stopHere(cli: Cli, location: Location, { order, why, json }: Unanswered): Promise<void> {
  const { config } = location;
  const { stopInDatabase, whyNoInstallation } = await import('./offline.ts');
  if (why !== null) cli.out.talk(`The server at ${location.url} did not stop it: ${why}.`);
  const nothingHere =
    !location.isThisMachine && why !== null
      ? `MANDATE_URL names another machine, and what lies in ${config.dataDir} is not its data`
      : whyNoInstallation(config);
  if (nothingHere !== null) {
    throw new CommandFailed(`Nothing was stopped: ${nothingHere}.`, {
      exitCode: EXIT.unreachable,
      code: 'unreachable',
      steps: [
        `On the machine that the server runs on: ${cli.self} stop --scope global`,
        'If its data is elsewhere on this machine: set MANDATE_DATA_DIR or give --data-dir.',
      ],
      document: { url: location.url, dataDir: config.dataDir },
    });
  }
  const isEverything = order.scope === 'tenant' || order.scope === 'global';
  // The file aborts everything, so it is only for orders that ask for no less.
  const raisesFile = isEverything && order.level !== 'pause';
  const requestedMs = cli.clock.nowMs();
  const sentinel = raisesFile
    ? await tryRaise(cli, config, { reason: order.reason, atMs: requestedMs })
    : null;
  const answer = await stopInDatabase(
    cli,
    config,
    isEverything ? { ...order, tenant: '*', scope: 'global' } : { ...order, tenant: config.tenant },
  );
  if (answer.kind === 'done')
    return report(cli, json, { via: 'database', ...answer.value, sentinel, database: answer.database });
  if (sentinel === null) {
    throw new CommandFailed(`Not stopped: the database did not take it (${answer.why}).`, {
      exitCode: EXIT.failure,
      code: 'database_unreachable',
      steps: [`To stop everything at once, without the database: ${cli.self} stop`],
    });
  }
  cli.out.talk(`The database did not take it: ${answer.why}.`);
  const requestedAt = new Date(requestedMs).toISOString();
  report(cli, json, {
    via: 'sentinel',
    scope: 'global',
    level: order.level,
    confirmed: false,
    requestedAt,
    confirmedAt: null,
    quietAt: null,
    epoch: null,
    inFlight: null,
    sentinel,
    database: null,
  });
}

/** The file could not be written: that must not keep the stop from the database. */
async function tryRaise(
  cli: Cli,
  config: Config,
  note: { readonly reason: string; readonly atMs: number },
): Promise<string | null> {
  const { raise } = await import('./offline.ts');
  try {
    const path = await raise(config, note.reason, note.atMs);
    cli.out.talk(`Wrote ${path}: every process on this data directory stops within 100 ms.`);
    return path;
  } catch (error) {
    cli.out.talk(
      `The file STOP could not be written: ${error instanceof Error ? error.message : String(error)}.`,
    );
    return null;
  }
}

/** What is known, and no more. */
function report(cli: Cli, json: boolean, stop: Readonly<Record<string, unknown>>): void {
  const { out, self } = cli;
  const nowMs = cli.clock.nowMs();
  const isConfirmed = valueAt(stop, 'confirmed') === true;
  cli.exitWith(isConfirmed ? EXIT.ok : EXIT.failure);
  if (json) return out.json(stop);
  const flight = listAt(stop, 'inFlight');
  const isOnFileOnly = textAt(stop, 'via') === 'sentinel';
  const headline = isConfirmed
    ? out.tint('Stopped.', 'green')
    : out.tint(
        isOnFileOnly ? 'Stopped by the file alone, not confirmed.' : 'Requested, not confirmed.',
        'yellow',
      );
  const quiet = textAt(stop, 'quietAt');
  out.data(`${headline} Scope ${harmless(textAt(stop, 'scope'))}, level ${harmless(textAt(stop, 'level'))}.`);
  out.data(
    fields(
      [
        ['requested', when(textAt(stop, 'requestedAt'), nowMs)],
        [
          'confirmed',
          isConfirmed ? `${when(textAt(stop, 'confirmedAt'), nowMs)}: nothing begins any more` : 'no',
        ],
        [
          'quiet',
          quiet === '' || quiet === textAt(stop, 'confirmedAt')
            ? ''
            : `${when(quiet, nowMs)}: by then the last permit can no longer be started`,
        ],
        [
          'in flight',
          isOnFileOnly
            ? 'not known without the database'
            : flight.length === 0
              ? 'nothing'
              : flight.map((act) =>
                  harmless(
                    `${textAt(act, 'action')} by ${textAt(act, 'agent')} (${textAt(act, 'status')}, ${textAt(act, 'id')})`,
                  ),
                ),
        ],
        ['file', textAt(stop, 'sentinel')],
        ['database', textAt(stop, 'database')],
      ],
      out.tint,
    ),
  );
  const scope = textAt(stop, 'scope');
  const flag = scope === 'tenant' || scope === 'global' ? '' : ` --scope ${scope}`;
  out.talk(
    isConfirmed || isOnFileOnly
      ? `To go on: ${self} resume --reason "…"${flag}`
      : `The restriction stands, but hung sessions kept the barrier. Run it again to confirm: ${self} stop${flag}`,
  );
}
