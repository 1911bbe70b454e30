// Postgres refuses to run as root, and containers usually are root. These functions find an account to step down
// to, and tell whether that account can reach a path at all: a 0700 directory anywhere above hides everything.
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** An unprivileged account of this machine. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The account to run Postgres under: null (ourselves) unless we are root. Root gets the wanted account, else
 * `postgres`, else `nobody`; it must exist in /etc/passwd, because Postgres looks its name up.
 */
export async function chooseAccount(wanted?: string): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  const accounts = parsePasswd(await readFile('/etc/passwd', 'utf8'));
  const names = wanted === undefined ? ['postgres', 'nobody'] : [wanted];
  const found = names.map((name) => accounts.get(name)).find((account) => account !== undefined);
  if (found === undefined || found.uid === 0)
    throw new Error(
      `Postgres does not run as root, and this machine has no account ${names.join(' or ')} in /etc/passwd. Create one (useradd --system postgres), start Mandate as an ordinary user, or set DATABASE_URL.`,
    );
  return found;
}

/** Accounts by name from the text of a passwd file. */
export function parsePasswd(text: string): ReadonlyMap<string, Account> {
  const accounts = new Map<string, Account>();
  for (const line of text.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name === undefined || uid === undefined || gid === undefined) continue;
    // macOS writes nobody's id as -2; the kernel means the unsigned number.
    accounts.set(name, { name, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 });
  }
  return accounts;
}

/** The topmost directory on the way to `path` (itself included) that the account may not enter; null when it may enter all. */
export async function findBarrier(path: string, account: Account): Promise<string | null> {
  const above = dirname(path);
  const barrier = above === path ? null : await findBarrier(above, account);
  if (barrier !== null) return barrier;
  return (await hasMode(path, account, 0o1)) ? null : path;
}

/** Whether the account holds the permission bits (4 read, 2 write, 1 enter) on this one file or directory. */
export async function hasMode(path: string, account: Account, bits: number): Promise<boolean> {
  const { uid, gid, mode } = await stat(path);
  if (uid === account.uid) return ((mode >> 6) & bits) === bits;
  return ((gid === account.gid ? mode >> 3 : mode) & bits) === bits;
}
