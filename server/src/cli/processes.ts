// Who else runs under the server's account. On Linux the kernel tells it; a process that carries a key of Mandate in
// its environment is an agent, or something that acts for one.
import { readdir, readFile, stat } from 'node:fs/promises';

export interface Holder {
  readonly pid: number;
  readonly command: string;
}

const SHOWN = 5;

/** Processes of an account that carry MANDATE_API_KEY, ourselves and whoever started us aside. */
export async function holdersOfKeys(uid: number): Promise<readonly Holder[]> {
  const own = await ancestors();
  const pids = (await readdir('/proc'))
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => !own.has(pid));
  const holders: Holder[] = [];
  for (const pid of pids) {
    if (holders.length === SHOWN) break;
    // A process may end while it is looked at, and those of others are closed to us.
    const owner = await stat(`/proc/${pid}`).then(
      (found) => found.uid,
      () => -1,
    );
    if (owner !== uid) continue;
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (!environment.split('\0').some((entry) => entry.startsWith('MANDATE_API_KEY='))) continue;
    const command = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'a process');
    holders.push({ pid, command: command.trim() });
  }
  return holders;
}

async function ancestors(): Promise<ReadonlySet<number>> {
  const found = new Set<number>();
  let pid = process.pid;
  while (pid > 1 && !found.has(pid)) {
    found.add(pid);
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    pid = Number(/^PPid:\s*(\d+)/m.exec(status)?.[1] ?? 0);
  }
  return found;
}
