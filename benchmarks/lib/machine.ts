// What the numbers were measured on: without it they mean nothing.
import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg, totalmem } from 'node:os';

/** One line each: cores and model, memory, Node, load. `postgres` where one took part. */
export function describeMachine(postgres: string | null): readonly string[] {
  const memoryGib = (totalmem() / 2 ** 30).toFixed(1);
  return [
    `${availableParallelism()} cores (${cpuModel()}), ${memoryGib} GiB of memory, ${process.platform} ${process.arch}`,
    `Node ${process.versions.node}${postgres === null ? '' : `, Postgres ${postgres}`}`,
    `Load when it began (1, 5, 15 min): ${loadavg()
      .map((load) => load.toFixed(1))
      .join(', ')}`,
  ];
}

function cpuModel(): string {
  try {
    return /^model name\s*:\s*(.+)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown model';
  } catch {
    // Only Linux has the file.
    return 'unknown model';
  }
}
