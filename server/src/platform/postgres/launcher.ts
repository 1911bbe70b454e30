// Starts the Postgres that comes with Mandate, or adopts the one that is already running on the data directory. The
// server outlives a Mandate that is killed: durable work must not depend on our own process ending politely. It is
// shut down by the last process that stops using it.
import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { open, readFile, rename, rm, stat, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { chooseAccount } from './account.ts';
import type { Account } from './account.ts';
import { findPackage, prepareBinaries } from './binaries.ts';
import type { Binaries } from './binaries.ts';
import { adminUser, ensureCluster, serverEnvironment } from './cluster.ts';
import { formatAddress } from './connection.ts';
import type { Address } from './connection.ts';
import { takeLock, tryLock } from './lock.ts';
import { forgetSocketDir, preparePlaces, prepareSocketDir } from './places.ts';
import type { Places } from './places.ts';
import { serverSettings } from './server-settings.ts';
import { ask, isAlive, isPostmaster, readPidFile } from './postmaster.ts';

/** The part of the process's logger that is used here: fields first, as in pino. */
export interface LauncherLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface LauncherNeeds {
  /** The cluster goes to `<dataDir>/postgres`. Created where it is missing. */
  readonly dataDir: string;
  readonly log: LauncherLog;
  /** As root: the account to run Postgres under, instead of `postgres` or `nobody`. */
  readonly account?: string;
  /** As root: where the cluster goes when only root may enter the data directory (default `/var/lib/mandate`). */
  readonly refuge?: string;
  /** False gives up durability for speed. For test clusters only. */
  readonly isDurable?: boolean;
  /** How long to wait for the server to answer, in ms (default 30,000). Crash recovery counts. */
  readonly timeoutMs?: number;
}

export interface EmbeddedPostgres {
  /** The migrator's URL (superuser of the cluster), database `postgres`. See `ensureDatabase`. */
  readonly adminUrl: string;
  readonly socketDir: string;
  /** The server's process id. */
  readonly pid: number;
  /** Whether the server was already running. */
  readonly adopted: boolean;
  /** Whether the cluster was made by this call. */
  readonly isNew: boolean;
  /** Lets go of the server; the last process that does so shuts it down and waits for that. Close the pools first. */
  stop(): Promise<void>;
}

interface Running {
  readonly pid: number;
  readonly socketDir: string;
  readonly adopted: boolean;
}

interface Launch {
  readonly places: Places;
  readonly account: Account | null;
  readonly binaries: Binaries;
  readonly password: string;
  readonly log: LauncherLog;
  readonly isDurable: boolean;
  readonly timeoutMs: number;
}

/** Starts or adopts the server of a data directory. Any number of processes may call this at once. */
export async function startEmbedded(needs: LauncherNeeds): Promise<EmbeddedPostgres> {
  const { dataDir, log, isDurable = true, timeoutMs = 30_000 } = needs;
  const account = await chooseAccount(needs.account);
  const source = await findPackage();
  const places = await preparePlaces({
    dataDir,
    account,
    ...(needs.refuge === undefined ? {} : { refuge: needs.refuge }),
  });
  const starting = await takeLock(join(places.control, 'start.lock'), 'exclusive', timeoutMs + 30_000);
  try {
    const binaries = await prepareBinaries(source, places.home, account);
    const { password, isNew } = await ensureCluster({ places, binaries, account, isDurable });
    const launch: Launch = { places, account, binaries, password, log, isDurable, timeoutMs };
    const running = await findOrSpawn(launch);
    const using = await takeLock(join(places.control, 'users.lock'), 'shared', 1000);
    const { pid, socketDir, adopted } = running;
    log.info(
      { pid, socketDir, adopted, isNew, cluster: places.cluster },
      adopted ? 'adopted the running Postgres' : 'started Postgres',
    );
    let stopping: Promise<void> | null = null;
    const stop = (): Promise<void> => {
      stopping ??= letGo({ places, log, pid, release: () => using.release() });
      return stopping;
    };
    return { adminUrl: formatAddress(addressOf(running, password)), socketDir, pid, adopted, isNew, stop };
  } finally {
    starting.release();
  }
}

async function findOrSpawn(launch: Launch): Promise<Running> {
  const { places, log, timeoutMs } = launch;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await findRunning(launch, deadline);
    if (found !== null) return found;
    await refuseForeignUsers(places);
    const outcome = await spawnServer(launch, deadline);
    if (outcome.kind === 'running') return { ...outcome.running, adopted: false };
    // After a kill -9 of the server its last sessions hold the shared memory for a moment; and a pid file that we
    // could not judge makes it refuse. Both pass. Anything else will not get better by trying again.
    const passes = /pre-existing shared memory block|lock file ".*" already exists|could not lock/.test(
      outcome.log,
    );
    if (!passes || performance.now() > deadline)
      throw new Error(
        `Postgres did not start on ${places.cluster}: ${outcome.log || `it ended with ${outcome.status} and said nothing`}. The whole log is in ${logFile(places)}.`,
      );
    log.info(
      { cluster: places.cluster },
      'the last Postgres on this data directory is still going away; trying again',
    );
    await wait(100);
  }
}

/** Waits while a server exists and does not answer yet; null when there is none. */
async function findRunning({ places, password, log }: Launch, deadline: number): Promise<Running | null> {
  for (;;) {
    const file = await readPidFile(places.cluster);
    if (file === null) return null;
    if (!(await isPostmaster(file.pid, places.cluster))) {
      // The server is dead. If its pid is free, Postgres clears the file itself; if another program of the same
      // user has it by now, Postgres would refuse for ever.
      if (isAlive(file.pid)) {
        log.info({ pid: file.pid }, 'removing a postmaster.pid whose pid belongs to another program');
        await unlink(join(places.cluster, 'postmaster.pid'));
      }
      return null;
    }
    const running = { pid: file.pid, socketDir: file.socketDir, adopted: true };
    if (file.socketDir !== '') {
      const answer = await ask(addressOf(running, password), places.cluster);
      if (answer.kind === 'ready') return running;
      if (answer.kind === 'stranger')
        throw new Error(
          `A Postgres (pid ${file.pid}) runs on ${places.cluster} and is not Mandate's: ${answer.why}. Stop it (kill -INT ${file.pid}) or choose another data directory.`,
        );
    }
    if (performance.now() > deadline)
      throw new Error(
        `A Postgres (pid ${file.pid}) holds ${places.cluster} and does not answer. End it (kill -INT ${file.pid}, then kill -QUIT) and start again.`,
      );
    await wait(20);
  }
}

// Two containers on one volume do not see each other's processes, so a running server would look dead and a second
// one would ruin the cluster. Locks on the files are seen across containers.
async function refuseForeignUsers(places: Places): Promise<void> {
  const probe = tryLock(join(places.control, 'users.lock'), 'exclusive');
  probe?.release();
  if (probe !== null) return;
  const host = await readFile(join(places.control, 'host'), 'utf8').catch(() => '');
  if (host !== hostname())
    throw new Error(
      `A Mandate on ${host || 'another machine'} is using ${places.control}. One data directory belongs to one machine or container: stop that one first, or share a database with DATABASE_URL.`,
    );
}

type SpawnOutcome =
  | { readonly kind: 'running'; readonly running: Omit<Running, 'adopted'> }
  | { readonly kind: 'ended'; readonly status: string; readonly log: string };

async function spawnServer(launch: Launch, deadline: number): Promise<SpawnOutcome> {
  const { places, account, binaries, password, isDurable } = launch;
  const socketDir = await prepareSocketDir(places, account);
  await rotateLog(places);
  await writeHost(places);
  const log = await open(
    logFile(places),
    constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW,
    0o600,
  );
  const logStart = (await log.stat()).size;
  const child = spawn(
    binaries.postgres,
    ['-D', places.cluster, '-k', socketDir, ...serverSettings(isDurable)],
    {
      cwd: places.home,
      env: serverEnvironment,
      stdio: ['ignore', log.fd, log.fd],
      // In a session of its own: neither Ctrl-C in the terminal nor our own end reaches it.
      detached: true,
      ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
    },
  );
  const ends: string[] = [];
  child.once('error', (error) => ends.push(error.message));
  child.once('exit', (code, signal) => ends.push(String(code ?? signal)));
  await log.close();
  while (ends.length === 0) {
    const file = await readPidFile(places.cluster);
    const running = { pid: child.pid ?? 0, socketDir };
    if (
      file?.pid === child.pid &&
      file?.isReady === true &&
      (await ask(addressOf(running, password), places.cluster)).kind === 'ready'
    ) {
      child.unref();
      return { kind: 'running', running };
    }
    if (performance.now() > deadline) {
      child.kill('SIGINT');
      throw new Error(
        `Postgres did not answer in time on ${places.cluster}. See ${logFile(places)}; a long crash recovery needs a longer timeout.`,
      );
    }
    await wait(8);
  }
  return { kind: 'ended', status: ends.join(), log: await readFrom(logFile(places), logStart) };
}

async function letGo(needs: {
  readonly places: Places;
  readonly log: LauncherLog;
  readonly pid: number;
  readonly release: () => void;
}): Promise<void> {
  const { places, log, pid, release } = needs;
  const stopping = await takeLock(join(places.control, 'start.lock'), 'exclusive', 60_000);
  try {
    release();
    const last = tryLock(join(places.control, 'users.lock'), 'exclusive');
    if (last === null) {
      log.info({ pid }, 'another Mandate still uses Postgres; leaving it running');
      return;
    }
    try {
      await shutDown(places, pid, log);
      await forgetSocketDir(places);
    } finally {
      last.release();
    }
  } finally {
    stopping.release();
  }
}

/** Fast shutdown: sessions are ended, a checkpoint is written. After 30 s immediate, which recovery makes good. */
async function shutDown(places: Places, startedPid: number, log: LauncherLog): Promise<void> {
  // Somebody may have restarted the server meanwhile: whoever holds the cluster now is the one to stop.
  const pid = (await readPidFile(places.cluster))?.pid ?? startedPid;
  const started = performance.now();
  let sent: NodeJS.Signals | null = null;
  while (await isPostmaster(pid, places.cluster)) {
    const elapsedMs = performance.now() - started;
    if (sent === null || (sent === 'SIGINT' && elapsedMs > 30_000)) {
      sent = sent === null ? 'SIGINT' : 'SIGQUIT';
      if (sent === 'SIGQUIT')
        log.warn({ pid }, 'Postgres did not shut down within 30 s; stopping it at once');
      process.kill(pid, sent);
    }
    if (elapsedMs > 40_000)
      throw new Error(`Postgres (pid ${pid}) does not stop. End it by hand: kill -QUIT ${pid}.`);
    await wait(10);
  }
  log.info({ pid, elapsedMs: Math.round(performance.now() - started) }, 'stopped Postgres');
}

function addressOf({ socketDir }: Pick<Running, 'socketDir'>, password: string): Address {
  return { host: socketDir, port: 5432, database: 'postgres', user: adminUser, password, settings: {} };
}

function logFile(places: Places): string {
  return join(places.control, 'server.log');
}

async function rotateLog(places: Places): Promise<void> {
  const size = await stat(logFile(places)).then(
    (found) => found.size,
    () => 0,
  );
  if (size > 5_000_000) await rename(logFile(places), `${logFile(places)}.1`);
}

async function writeHost(places: Places): Promise<void> {
  await rm(join(places.control, 'host'), { force: true });
  const file = await open(join(places.control, 'host'), 'wx', 0o600);
  try {
    await file.writeFile(hostname());
  } finally {
    await file.close();
  }
}

async function readFrom(path: string, offset: number): Promise<string> {
  const text = (await readFile(path)).subarray(offset).toString('utf8');
  return text
    .split('\n')
    .filter((line) => /FATAL|PANIC|HINT|ERROR/.test(line))
    .slice(-3)
    .join(' | ');
}
