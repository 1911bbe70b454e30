// Makes the cluster of an embedded server: whole or not at all, so that a crash in the middle leaves nothing that
// looks like a database. initdb syncs what it wrote (about 0.1 s on a local disk) before the rename makes it real.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Account } from './account.ts';
import type { Binaries } from './binaries.ts';
import { give } from './places.ts';
import type { Places } from './places.ts';

/** The superuser of embedded clusters: the migrator. It is used for migrations, roles and backups only. */
export const adminUser = 'mandate_admin';

/** Nothing of our own environment (keys, tokens) is handed to the server. */
export const serverEnvironment: Readonly<Record<string, string>> = {
  PATH: '/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
};

export interface ClusterNeeds {
  readonly places: Places;
  readonly binaries: Binaries;
  readonly account: Account | null;
  /** False for test clusters only. */
  readonly isDurable: boolean;
}

/** Creates the cluster unless it exists; answers with the superuser's password and whether the cluster is new. */
export async function ensureCluster(
  needs: ClusterNeeds,
): Promise<{ readonly password: string; readonly isNew: boolean }> {
  const { places, binaries } = needs;
  const passwordFile = join(places.control, 'password');
  const version = await readText(join(places.cluster, 'PG_VERSION'));
  if (version !== null) {
    const major = binaries.version.split('.')[0] ?? '';
    if (version !== major)
      throw new Error(
        `${places.cluster} was made by Postgres ${version}; this version of Mandate brings ${major}. Export it with the older Mandate (mandate backup) and restore it here.`,
      );
    const password = await readText(passwordFile);
    if (password === null)
      throw new Error(
        `${passwordFile} is missing, and without it nobody can log in to ${places.cluster}. Restore the file from a backup of the data directory.`,
      );
    return { password, isNew: false };
  }
  if (await exists(places.cluster))
    throw new Error(
      `${places.cluster} exists and is not a Postgres cluster. Move it away or choose another data directory.`,
    );
  const password = (await readText(passwordFile)) ?? randomBytes(24).toString('base64url');
  await writeFile(passwordFile, password, { mode: 0o600 });
  await initialise(needs, password);
  return { password, isNew: true };
}

async function initialise(
  { places, binaries, account, isDurable }: ClusterNeeds,
  password: string,
): Promise<void> {
  const unfinished = join(places.home, 'data.new');
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await give(unfinished, account);
  const handover = join(places.home, 'initial-password');
  await rm(handover, { force: true });
  await writeFile(handover, password, { mode: 0o600, flag: 'wx' });
  await give(handover, account);
  try {
    const options = [
      '-D',
      unfinished,
      '-U',
      adminUser,
      `--pwfile=${handover}`,
      '-A',
      'scram-sha-256',
      '-E',
      'UTF8',
    ];
    const locale = [
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-locale',
      '--data-checksums',
      '--no-instructions',
    ];
    // Given here, initdb need not find out by trial what the machine can bear.
    const settings = [
      '-c',
      'max_connections=100',
      '-c',
      'shared_buffers=128MB',
      '-c',
      'timezone=UTC',
      '-c',
      'log_timezone=UTC',
    ];
    await run(
      binaries.initdb,
      [...options, ...locale, ...settings, ...(isDurable ? [] : ['--no-sync'])],
      places.home,
      account,
    );
  } finally {
    await rm(handover, { force: true });
  }
  await rename(unfinished, places.cluster);
  if (isDurable) await syncDirectory(dirname(places.cluster));
}

async function run(
  program: string,
  args: readonly string[],
  cwd: string,
  account: Account | null,
): Promise<void> {
  const child = spawn(program, args, {
    cwd,
    env: serverEnvironment,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (bytes: Buffer) => output.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => output.push(bytes));
  const code = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve(status ?? signal));
  });
  if (code !== 0)
    throw new Error(
      `initdb ended with ${code}: ${Buffer.concat(output).toString('utf8').trim().split('\n').slice(-4).join(' | ')}`,
    );
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function readText(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
