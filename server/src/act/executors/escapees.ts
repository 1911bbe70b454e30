// A process can leave its group (setsid, `detached`), and test runners do that to their servers. After an act was cut off,
// whatever still carries its mark in the environment is found and killed, so that "stopped" means stopped.
import { readdir, readFile } from 'node:fs/promises';

const MAX_ROUNDS = 5;

/**
 * Kills every process of this user whose environment carries `mark` (`NAME=value`); rounds are repeated until none is
 * left, because a process may fork while it is looked at. Works where /proc exists (Linux) and does nothing elsewhere. A
 * process that also cleared its environment is not found: containing hostile code is the sandbox's task.
 */
export async function killEscapees(mark: string): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const pids = await findMarked(Buffer.from(`${mark}\0`));
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself in the meantime.
      }
    }
  }
}

async function findMarked(mark: Buffer): Promise<readonly number[]> {
  const names = await readdir('/proc').catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const found: number[] = [];
  for (const pid of pids) {
    // Other users' processes cannot be read, and the dead have an empty environment.
    const environ = await readFile(`/proc/${pid}/environ`).catch(() => null);
    if (environ?.includes(mark) === true && pid !== process.pid) found.push(pid);
  }
  return found;
}
