// Runs the server in the foreground. What can be known to fail is told before anything is opened; what is running is
// ended in order by the first Ctrl-C, and at once by the second.
import { createServer } from 'node:net';
import { join, relative } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../platform/config/config.ts';
import type { Cli } from './command.ts';
import { commonOptions, GROUPS } from './command.ts';
import { CommandFailed, EXIT } from './exit.ts';
import { greeting } from './greeting.ts';
import type { Serving } from './host.ts';
import { readConfig, removeNote, urlOf, writeNote } from './location.ts';

/** Flags of the settings table (platform/config/settings.ts); a test keeps the two equal. */
const FLAGS = [
  ['port', '<port>', 'port of the API (PORT, default 4007; 0 takes any free one)'],
  ['host', '<address>', 'address to listen on (HOST, default 127.0.0.1)'],
  [
    'charter',
    '<file>',
    'the charter to load (MANDATE_CHARTER, default: the one in force, at first the shipped rules)',
  ],
  ['tenant', '<name>', 'the tenant that the first start makes (MANDATE_TENANT)'],
  ['public-url', '<url>', 'how people reach the server, for links (MANDATE_PUBLIC_URL)'],
  ['log-level', '<level>', 'trace, debug, info, warn, error or silent (LOG_LEVEL)'],
] as const;

/** The names of the flags, besides --data-dir, which every command has. */
export const START_FLAGS: readonly string[] = FLAGS.map(([name]) => name);

export function registerStart(program: Command, cli: Cli): void {
  const command = program
    .command('start')
    .helpGroup(GROUPS.server)
    .description('run the server here, with its own Postgres unless DATABASE_URL names one')
    .addHelpText(
      'after',
      '\nWith --json, stdout gets one line when the server is up: {"url","pid","dataDir","database","charter","version","stopped","adminKey"}.\nCtrl-C ends it in order (running acts get 10 s), a second Ctrl-C at once.',
    );
  for (const [name, value, about] of FLAGS) command.option(`--${name} ${value}`, about);
  command.action((_options: object, self: Command) => run(cli, self));
}

async function run(cli: Cli, command: Command): Promise<void> {
  const { out, host, clock } = cli;
  const startedMs = clock.monotonicMs();
  const given = command.opts<Readonly<Record<string, string | undefined>>>();
  const options = commonOptions(command);
  const argv = FLAGS.flatMap(([name]) => {
    const value = given[name.replaceAll(/-(\w)/g, (_match, letter: string) => letter.toUpperCase())];
    return value === undefined ? [] : [`--${name}`, value];
  });
  const config = await readConfig(cli.env, options, argv);
  await refuseTakenPort(config, cli.self);
  // A person at a terminal wants to hear of trouble; machines get every line.
  const isTerminal = process.stderr.isTTY;
  const quiet: Config =
    isTerminal && config.origins.logLevel === 'default' ? { ...config, logLevel: 'warn' } : config;
  if (isTerminal) out.talk(out.tintTalk('Mandate is starting …', 'dim'));
  const ending = listenForEnd(cli);
  const serving = await open(cli, quiet);
  try {
    if (!ending.isAsked()) await greet(cli, config, { serving, startedMs, json: options.json === true });
    await ending.asked;
  } finally {
    if (isTerminal) out.talk('Ending what runs; Ctrl-C once more ends it at once.');
    await removeNote(config.dataDir, process.pid);
    await serving.close();
  }
  if (isTerminal) out.talk('Mandate has ended. Stops and approvals stand; the next start goes on from here.');
  async function open(of: Cli, as: Config): Promise<Serving> {
    try {
      const answer = await host.serve(as, { pretty: isTerminal });
      if (answer.kind === 'serving') return answer.serving;
      throw charterRefused(as, answer.problems, of.self);
    } catch (error) {
      throw listenFailure(error, as, of.self) ?? error;
    }
  }
}

interface Started {
  readonly serving: Serving;
  readonly startedMs: number;
  readonly json: boolean;
}

async function greet(cli: Cli, config: Config, { serving, startedMs, json }: Started): Promise<void> {
  const { out, clock, host } = cli;
  const here = localUrl(serving.url, config);
  const first = await writeNote(config.dataDir, { url: here, pid: process.pid });
  const { adminKey, charter } = serving;
  const tookMs = clock.monotonicMs() - startedMs;
  const stopped = await isStopped(config);
  out.talk(
    greeting(
      {
        config,
        serving,
        version: host.version,
        self: cli.self,
        tookMs,
        isStopped: stopped,
      },
      out.tintTalk,
    ),
  );
  if (first !== null)
    out.talk(
      out.tintTalk(
        `Another server works on this data directory, at ${first}. Commands go there; to speak to this one: MANDATE_URL=${here}`,
        'yellow',
      ),
    );
  if (json) {
    out.json({
      url: serving.url,
      pid: process.pid,
      dataDir: config.dataDir,
      database: serving.database,
      charter: { file: config.charter, version: charter?.version ?? '', inForce: charter?.kind ?? null },
      version: host.version,
      stopped,
      adminKey: { kind: adminKey.kind, path: adminKey.path },
    });
  }
}

/** The address on this machine, also where the public one goes through a proxy. */
function localUrl(url: string, config: Config): string {
  const host = config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host;
  return config.publicUrl === null ? url : urlOf(host, config.port);
}

async function isStopped(config: Config): Promise<boolean> {
  const [{ existsSync }, { SENTINEL_FILE }] = await Promise.all([
    import('node:fs'),
    import('../decide/restrictions/sentinel.ts'),
  ]);
  return existsSync(join(config.dataDir, SENTINEL_FILE));
}

/** For what runs in the foreground. Resolves on the first SIGINT, SIGTERM or SIGHUP; the second ends the process. */
export function listenForEnd(cli: Cli): { readonly asked: Promise<void>; readonly isAsked: () => boolean } {
  let isAsked = false;
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
    ['SIGHUP', 1],
  ] as const) {
    process.on(signal, () => {
      if (isAsked) {
        cli.out.talk('Ended at once. Acts that were running are recorded as unknown at the next start.');
        process.exit(128 + number);
      }
      isAsked = true;
      resolve();
    });
  }
  return { asked: promise, isAsked: () => isAsked };
}

export function charterRefused(config: Config, problems: readonly string[], self: string): CommandFailed {
  const file = config.charter === null ? '' : relative(process.cwd(), config.charter);
  const many = problems.length === 1 ? 'one mistake' : `${problems.length} mistakes`;
  return new CommandFailed(
    `The charter ${file} has ${many}, so nothing was started:\n${problems.join('\n')}`,
    {
      exitCode: EXIT.failure,
      code: 'charter_refused',
      steps: [
        `Correct the file and start again; ${self} policy check ${file === '' ? '<file>' : file} looks at it without a server.`,
      ],
      document: { problems },
    },
  );
}

/** Looked at first: a taken port should not cost the start of a database. */
async function refuseTakenPort(config: Config, self: string): Promise<void> {
  if (config.port === 0) return;
  const error = await new Promise<Error | null>((resolve) => {
    const probe = createServer();
    probe.once('error', resolve);
    probe.listen({ port: config.port, host: config.host, exclusive: true }, () =>
      probe.close(() => resolve(null)),
    );
  });
  const failure = error === null ? null : listenFailure(error, config, self);
  if (failure !== null) throw failure;
  if (await isBarred(config.port))
    throw new CommandFailed(
      `Port ${config.port} is one that browsers and fetch refuse to open (https://fetch.spec.whatwg.org/#port-blocking), so nobody would reach a server there.`,
      {
        exitCode: EXIT.usage,
        code: 'cannot_listen',
        steps: [`Take another port: ${self} start --port 4007 (or PORT)`],
        document: { reason: 'bad port', host: config.host, port: config.port },
      },
    );
}

/** Asked of fetch itself, which refuses before it connects; nobody listens there yet. */
async function isBarred(port: number): Promise<boolean> {
  try {
    await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(1_000) });
    return false;
  } catch (error) {
    return error instanceof Error && error.cause instanceof Error && error.cause.message === 'bad port';
  }
}

function listenFailure(error: unknown, { host, port }: Config, self: string): CommandFailed | null {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const fail = (message: string, ...steps: readonly string[]): CommandFailed =>
    new CommandFailed(message, {
      exitCode: EXIT.failure,
      code: 'cannot_listen',
      steps,
      document: { reason: code, host, port },
    });
  switch (code) {
    case 'EADDRINUSE':
      return fail(
        `Port ${port} on ${host} is in use.`,
        `If that is Mandate already: ${self} status`,
        `Otherwise take another port: ${self} start --port ${port === 4007 ? 4008 : 4007} (or PORT)`,
        `To see who has it: lsof -i :${port}`,
      );
    case 'EACCES':
      return fail(
        `This account may not listen on port ${port}.`,
        `Take a port above 1023: ${self} start --port 4007`,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return fail(
        `${host} is no address of this machine.`,
        'Set HOST (or --host) to 127.0.0.1 for this machine alone, or to 0.0.0.0 for all its addresses.',
      );
    default:
      return null;
  }
}
