// Which directories the embedded server uses. They must be reachable by the account that runs it and short enough
// for a socket address; where the data directory is neither, they lie elsewhere and a note in it says where.
import { randomBytes } from 'node:crypto';
import {
  chmod,
  lchown,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBarrier } from './account.ts';
import type { Account } from './account.ts';

export interface Places {
  /** `<dataDir>/postgres`: locks, password, log and notes; belongs to us. */
  readonly control: string;
  /** Holds the cluster and, where needed, mirrored binaries; belongs to us, the account may pass. */
  readonly home: string;
  /** The cluster (PGDATA), real path. It exists only once initdb is through. */
  readonly cluster: string;
}

export interface PlaceNeeds {
  readonly dataDir: string;
  readonly account: Account | null;
  /** Where clusters of root go whose data directory nobody else may enter. */
  readonly refuge?: string;
}

/** Creates the directories for the server of one data directory. */
export async function preparePlaces({
  dataDir,
  account,
  refuge = '/var/lib/mandate',
}: PlaceNeeds): Promise<Places> {
  await mkdir(dataDir, { recursive: true });
  const root = await realpath(dataDir);
  const control = join(root, 'postgres');
  await mkdir(control, { recursive: true, mode: account === null ? 0o700 : 0o711 });
  const home = account === null ? control : await findHome({ root, control, account, refuge });
  return { control, home, cluster: join(home, 'data') };
}

async function findHome(needs: {
  readonly root: string;
  readonly control: string;
  readonly account: Account;
  readonly refuge: string;
}): Promise<string> {
  const { root, control, account, refuge } = needs;
  const note = join(control, 'location');
  const noted = await readNote(note);
  if (noted !== null) return noted;
  const barrier = await findBarrier(control, account);
  if (barrier === null) return control;
  if (barrier === root || barrier === control) {
    // Our own directories may let others pass (not look): the files in them keep their own modes.
    await passable(root);
    await passable(control);
    if ((await findBarrier(control, account)) === null) return control;
  }
  // Random, not derived from the path: a data directory that was deleted and made anew is a new one.
  const home = join(refuge, randomBytes(6).toString('hex'));
  await mkdir(home, { recursive: true, mode: 0o711 });
  if ((await findBarrier(home, account)) !== null)
    throw new Error(
      `${barrier} may be entered by root only, and so may ${refuge}: Postgres, which runs as ${account.name}, finds no place. Choose another data directory.`,
    );
  await writeFile(note, `${home}\n`, { mode: 0o600 });
  return home;
}

async function passable(directory: string): Promise<void> {
  const { mode, uid } = await stat(directory);
  if (uid === process.getuid?.()) await chmod(directory, (mode & 0o777) | 0o011);
}

// The kernel's sockaddr_un takes 108 bytes with the closing zero on Linux, 104 on macOS.
const longestSocketPath = process.platform === 'darwin' ? 103 : 107;

/** A directory of mode 0700 for the socket: inside `home` if its path is short enough, else a short temporary one. */
export async function prepareSocketDir(places: Places, account: Account | null): Promise<string> {
  const near = join(places.home, 'socket');
  if (Buffer.byteLength(join(near, '.s.PGSQL.5432')) <= longestSocketPath) {
    await mkdir(near, { recursive: true, mode: 0o700 });
    await give(near, account);
    return near;
  }
  const note = join(places.control, 'socket-location');
  const noted = await readNote(note);
  if (noted !== null && (await isPrivate(noted, account))) return noted;
  const directory = await mkdtemp(join(Buffer.byteLength(tmpdir()) > 60 ? '/tmp' : tmpdir(), 'mandate-'));
  await give(directory, account);
  await writeFile(note, `${directory}\n`, { mode: 0o600 });
  return directory;
}

/** Removes a temporary socket directory after the server has stopped. */
export async function forgetSocketDir(places: Places): Promise<void> {
  const note = join(places.control, 'socket-location');
  const noted = await readNote(note);
  if (noted === null) return;
  await rm(note, { force: true });
  await rmdir(noted).catch(() => {});
}

/** Hands a directory to the account. */
export async function give(path: string, account: Account | null): Promise<void> {
  if (account !== null) await lchown(path, account.uid, account.gid);
}

// Anybody may create names in a temporary directory: what the note names must still be the server's own.
async function isPrivate(directory: string, account: Account | null): Promise<boolean> {
  try {
    const found = await lstat(directory);
    return (
      found.isDirectory() && found.uid === (account?.uid ?? process.getuid?.()) && (found.mode & 0o077) === 0
    );
  } catch {
    return false;
  }
}

async function readNote(path: string): Promise<string | null> {
  try {
    const text = (await readFile(path, 'utf8')).trim();
    return text === '' ? null : text;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
