// The examinations of `mandate doctor`, in the order in which one thing depends on another. None of them changes
// anything; the embedded Postgres is started for a moment where no server runs.
import { existsSync } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Config } from '../platform/config/config.ts';
import { fail, ok, skip, warn } from './check.ts';
import type { Check } from './check.ts';
import { createClient } from './client.ts';
import type { Cli, CommonOptions } from './command.ts';
import { CommandFailed } from './exit.ts';
import { locate, readConfig, readKey } from './location.ts';
import type { Location } from './location.ts';
import { examineDatabase } from './examine-database.ts';
import { holdersOfKeys } from './processes.ts';
import { sentinelOf, whyNoInstallation } from './offline.ts';
import { listAt, textAt, valueAt } from './read.ts';

const NODE_MAJOR = 24;
const SKEW_MS = 2_000;

export async function examine(cli: Cli, options: CommonOptions): Promise<readonly Check[]> {
  const node = examineNode();
  let config: Config;
  try {
    config = await readConfig(cli.env, options);
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    return [
      node,
      ...(Array.isArray(error.document['problems']) ? error.document['problems'] : [error.message]).map(
        (problem) =>
          fail(
            'settings',
            String(problem),
            'Correct the environment variable; .env.example lists all of them.',
          ),
      ),
    ];
  }
  const location = await locate(config);
  const missing = whyNoInstallation(config);
  const server = await examineServer(cli, location);
  const isUp = server.some(({ name, state }) => name === 'server' && state === 'ok');
  return [
    node,
    ok('settings', 'every variable is known and sound'),
    ...(await examineDirectory(config)),
    ...server,
    ...(isUp ? [await examineKey(cli, location)] : []),
    ...(isUp ? [] : [await examinePort(config)]),
    ...(isUp ? [] : missing === null ? await examineDatabase(cli, config) : [skip('postgres', missing)]),
    await examineCharter(config, cli.self),
    examineSentinel(config, cli.self),
    await examineNeighbours(config),
  ];
}

function examineNode(): Check {
  const version = process.versions.node;
  return Number(version.split('.')[0]) >= NODE_MAJOR
    ? ok('node', version)
    : fail(
        'node',
        `${version}, and Mandate needs ${NODE_MAJOR}`,
        'Install Node 24 or newer (https://nodejs.org).',
      );
}

async function examineDirectory({ dataDir, masterKey, apiKey }: Config): Promise<readonly Check[]> {
  const found = await stat(dataDir).catch(() => null);
  if (found === null)
    return [
      warn(
        'data directory',
        `${dataDir} does not exist`,
        'The first start makes it. If there should be one already: set MANDATE_DATA_DIR.',
      ),
    ];
  const mode = found.mode & 0o777;
  const isMine = process.getuid === undefined || found.uid === process.getuid();
  const isOpen = process.platform !== 'win32' && (mode & 0o066) !== 0;
  const canWrite = await access(dataDir, constants.W_OK).then(
    () => true,
    () => false,
  );
  const shown = `${dataDir} (mode ${mode.toString(8)})`;
  const directory = isOpen
    ? fail('data directory', `${shown}: other accounts may read or write it`, `chmod go-rw '${dataDir}'`)
    : canWrite
      ? ok('data directory', shown)
      : warn(
          'data directory',
          `${shown} belongs to another account (uid ${found.uid})`,
          'Run this as the account that runs the server.',
        );
  return [
    directory,
    ...(isMine
      ? await Promise.all([
          examineKeyFile(join(dataDir, 'master.key'), masterKey !== null),
          examineKeyFile(join(dataDir, 'admin.key'), apiKey !== null),
        ])
      : []),
  ];
}

async function examineKeyFile(path: string, isInEnvironment: boolean): Promise<Check> {
  const name = path.endsWith('master.key') ? 'master key' : 'admin key';
  const found = await stat(path).catch(() => null);
  if (found === null)
    return isInEnvironment
      ? ok(name, 'from the environment')
      : skip(name, `${path} is not there; the first start makes it`);
  const mode = found.mode & 0o777;
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    return fail(
      name,
      `${path} can be read by other accounts (mode ${mode.toString(8)})`,
      `If nobody has read it: chmod 600 '${path}'. Otherwise replace the key.`,
    );
  return ok(name, `${path} (mode ${mode.toString(8)})`);
}

async function examineServer(cli: Cli, location: Location): Promise<readonly Check[]> {
  const { url } = location;
  const client = createClient({ url, key: null, self: cli.self });
  const health = await client.send({ method: 'GET', path: '/health', timeoutMs: 3_000 });
  if (health.kind !== 'ok') {
    const why = health.kind === 'unreachable' ? health.why : `it answered ${health.status}`;
    return [
      warn(
        'server',
        `nothing answers at ${url}: ${why}`,
        `${cli.self} start, or set MANDATE_URL if it is elsewhere.`,
      ),
    ];
  }
  const ready = await client.send({ method: 'GET', path: '/ready', timeoutMs: 5_000 });
  const checks = ready.kind === 'ok' ? listAt(ready.body, 'checks') : [];
  const remedy = 'Look at the log of the server; it says what it waits for.';
  return [
    ok('server', `${url}, version ${textAt(health.body, 'version')}`),
    ...(ready.kind === 'ok' ? [] : [fail('ready', 'the server does not say whether it is ready', remedy)]),
    ...checks.map((check) => {
      const name = `server: ${textAt(check, 'name')}`;
      return valueAt(check, 'ok') === true
        ? ok(name, textAt(check, 'detail'))
        : fail(name, textAt(check, 'detail'), remedy);
    }),
    examineClock(cli, health.date),
  ];
}

/** A key file may be there and open nothing: revoked, expired, or of another database. */
async function examineKey(cli: Cli, location: Location): Promise<Check> {
  const name = 'key';
  const key = await readKey(location).catch(() => null);
  if (key === null)
    return warn(name, 'there is none for this server', 'Set MANDATE_API_KEY, or run this as its account.');
  const client = createClient({ url: location.url, key, self: cli.self });
  const answer = await client.send({ method: 'GET', path: '/api/v1/stop', timeoutMs: 5_000 });
  if (answer.kind === 'ok') return ok(name, 'the server takes it');
  const why = answer.kind === 'problem' ? textAt(answer.problem, 'detail') : answer.why;
  // Of a role that may not look at this, but known.
  if (answer.kind === 'problem' && answer.status === 403) return ok(name, 'the server knows it');
  return fail(
    name,
    `the server refuses it: ${why}`,
    `Put a key that stands into ${join(location.config.dataDir, 'admin.key')} or MANDATE_API_KEY; whoever has an admin key makes one: ${cli.self} key create --role admin`,
  );
}

/** The Date header has whole seconds, so a small difference means nothing. */
function examineClock(cli: Cli, date: string | null): Check {
  if (date === null || Number.isNaN(Date.parse(date)))
    return skip('clock', 'the server did not tell its time');
  const skewMs = Math.abs(cli.clock.nowMs() - Date.parse(date));
  return skewMs <= SKEW_MS
    ? ok('clock', 'agrees with the server')
    : warn(
        'clock',
        `${Math.round(skewMs / 1_000)} s apart from the server`,
        'Synchronise both clocks (NTP): expiry and windows are measured in wall time.',
      );
}

async function examinePort({ host, port }: Config): Promise<Check> {
  if (port === 0) return ok('port', 'any free one is taken');
  const code = await new Promise<string | null>((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(null)));
  });
  return code === null
    ? ok('port', `${port} on ${host} is free`)
    : fail(
        'port',
        `${port} on ${host} cannot be listened on (${code})`,
        `Find who has it (lsof -i :${port}), or start with another --port.`,
      );
}

async function examineCharter({ charter }: Config, self: string): Promise<Check> {
  if (charter === null) return ok('charter file', 'none given; the charter in force lies in the database');
  const [{ loadCharter }, { readCharterFile, shippedCharters }, { renderError }] = await Promise.all([
    import('../decide/charter/load.ts'),
    import('../decide/charter/disk.ts'),
    import('../decide/charter/error.ts'),
  ]);
  const loaded = await loadCharter({
    path: charter,
    readFile: readCharterFile,
    readShipped: shippedCharters,
  });
  if (loaded.kind === 'loaded')
    return ok('charter file', `${charter}, version ${loaded.version.slice(0, 12)}`);
  const [first] = loaded.problems;
  return fail(
    'charter file',
    `${loaded.problems.length} mistake(s): ${first === undefined ? '' : renderError(first)}`,
    `${self} policy check ${charter}`,
  );
}

function examineSentinel(config: Config, self: string): Check {
  const file = existsSync(config.dataDir) ? sentinelOf(config) : null;
  return file === null
    ? ok('sentinel', 'no file STOP')
    : warn('sentinel', `${file} stops every process on this data directory`, `${self} resume --reason "…"`);
}

/** Whoever runs as the server's account can read its keys, and then no rule holds. */
async function examineNeighbours({ dataDir }: Config): Promise<Check> {
  const found = await stat(dataDir).catch(() => null);
  if (found === null) return skip('agents', 'there is no data directory to protect');
  if (process.platform !== 'linux')
    return skip(
      'agents',
      'on this system it cannot be seen which accounts agents run under; give them another one than the server',
    );
  const holders = await holdersOfKeys(found.uid);
  if (holders.length === 0) return ok('agents', `no process of uid ${found.uid} carries an agent's key`);
  return warn(
    'agents',
    `${holders.map(({ pid, command }) => `${command} (pid ${pid})`).join(', ')} run(s) under the server's account (uid ${found.uid}) and could read its keys`,
    'Run agents under an account of their own: whoever can read admin.key and master.key is above every rule.',
  );
}
