// A database of commands that some other program keeps, read as a second source and never written to. What does not look
// as it should is said at once and by name: figures that are quietly too low would be worse than none. A thread of its own
// reads it, and is not waited for beyond a limit.
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { isActionName, patternCovers } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import { CommandDbUnreadable, openFile } from './command-db-file.ts';
import type { RowKind } from './command-db-file.ts';
import type { Answer, Ask, Counted } from './command-db-thread.ts';
import { NO_COMMANDS } from './counts.ts';
import type { Commands, Window } from './counts.ts';

export interface CommandDbType extends Commands {
  /** The full action name. */
  readonly commandType: string;
  readonly begun: number;
}

export interface CommandDbReading {
  readonly types: readonly CommandDbType[];
  readonly constraintViolations: number;
  readonly safetyGateTriggers: number;
  /** Rows of the window whose status or type, and of the whole table whose time nobody can read: nothing counts them. */
  readonly unreadable: number;
  /** Rows of the window that name the act of Mandate that they are, which counts already. */
  readonly ours: number;
}

export interface CommandDb {
  /**
   * Every row counts where it was created. Rejects with CommandDbUnreadable, also where the file is locked or is not read
   * through in time.
   */
  read(window: Window): Promise<CommandDbReading>;
  close(): Promise<void>;
}

/** Longer than this nobody waits; what is read meanwhile answers those who ask later. */
const LIMIT_MS = 5_000;

/** Looks at the file at once. Throws CommandDbUnreadable with what is wrong and what to do. */
export function openCommandDb(path: string, clock: Pick<Clock, 'after'>): CommandDb {
  openFile(path).db.close();
  let reader: Reader | null = null;
  return {
    async read(window) {
      reader ??= startReader(path, clock, () => void (reader = null));
      return readingOf(await reader.count(window), window.patterns);
    },
    async close() {
      await reader?.close();
    },
  };
}

interface Reader {
  count(window: Window): Promise<Counted>;
  close(): Promise<void>;
}

function startReader(path: string, clock: Pick<Clock, 'after'>, gone: () => void): Reader {
  const file = `./command-db-thread${extname(import.meta.filename)}`;
  const worker = new Worker(new URL(file, import.meta.url), { workerData: path });
  worker.unref();
  const waiting = new Map<number, (counted: Counted | CommandDbUnreadable) => void>();
  let asked = 0;
  let late = 0;

  worker.on('message', ({ id, counted, problem }: Answer) => {
    const settle = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    settle?.(
      counted ?? new CommandDbUnreadable(problem ?? `COMMAND_DB_PATH is ${path}, which says nothing.`),
    );
  });
  let isGone = false;
  const broken = (why: string): void => {
    if (isGone) return;
    isGone = true;
    gone();
    for (const settle of waiting.values())
      settle(new CommandDbUnreadable(`COMMAND_DB_PATH is ${path}, whose reader ended: ${why}.`));
    waiting.clear();
  };
  worker.on('error', (error) => broken(error instanceof Error ? error.message : String(error)));
  worker.on('exit', (code) => broken(`exit code ${code}`));

  return {
    count: ({ startMs, endMs }) =>
      new Promise((resolve, reject) => {
        // Whoever asks while somebody waits in vain would wait in vain as well.
        if (late > 0) return reject(tooSlow(path));
        asked += 1;
        const id = asked;
        let isLate = false;
        const cancel = clock.after(LIMIT_MS, () => {
          isLate = true;
          late += 1;
          reject(tooSlow(path));
        });
        waiting.set(id, (counted) => {
          cancel();
          if (isLate) late -= 1;
          if (counted instanceof CommandDbUnreadable) reject(counted);
          else resolve(counted);
        });
        worker.ref();
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
        worker.postMessage({ id, startMs, endMs } satisfies Ask);
      }),
    async close() {
      await worker.terminate();
    },
  };
}

function tooSlow(path: string): CommandDbUnreadable {
  return new CommandDbUnreadable(
    `COMMAND_DB_PATH is ${path}, which was not read through within ${LIMIT_MS / 1_000} s. It is counted again when it was; a smaller table or a quicker disk helps.`,
  );
}

function readingOf(counted: Counted, patterns: readonly string[]): CommandDbReading {
  const byType = new Map<string, CommandDbType>();
  let constraintViolations = 0;
  let safetyGateTriggers = 0;
  let { unreadable } = counted;
  for (const { kind, n } of counted.kinds) {
    const commandType = fullName(kind.type, patterns);
    // What is no name of an action can be neither paused nor stored: one such row must not spoil all the others.
    if (!isActionName(commandType ?? kind.type)) {
      unreadable += n;
      continue;
    }
    if (commandType === null) continue;
    if (kind.violates) constraintViolations += n;
    if (kind.gated) safetyGateTriggers += n;
    byType.set(
      commandType,
      added(byType.get(commandType) ?? { ...NO_COMMANDS, begun: 0, commandType }, kind, n),
    );
  }
  const types = [...byType.values()];
  return { types, constraintViolations, safetyGateTriggers, unreadable, ours: counted.ours };
}

function added(to: CommandDbType, { status, ended }: RowKind, n: number): CommandDbType {
  const isOver = ended !== 'none' && ended !== 'live';
  // What was undone had been done before.
  const hasSucceeded = ended === 'succeeded' || ended === 'rolledBack';
  return {
    commandType: to.commandType,
    total: to.total + (isOver ? n : 0),
    proposed: to.proposed + n,
    approved: to.approved + (status === 'approved' ? n : 0),
    rejected: to.rejected + (status === 'rejected' ? n : 0),
    succeeded: to.succeeded + (hasSucceeded ? n : 0),
    failed: to.failed + (ended === 'failed' ? n : 0),
    rolledBack: to.rolledBack + (ended === 'rolledBack' ? n : 0),
    begun: to.begun + (ended === 'none' ? 0 : n),
  };
}

/** `SET_POWER` is `roaster.SET_POWER` for whoever asks about `roaster.*`; null where it is none of what is asked about. */
function fullName(type: string, patterns: readonly string[]): string | null {
  if (patterns.some((pattern) => patternCovers(pattern, type))) return type;
  if (type === '' || type.includes('.')) return null;
  const exact = patterns.find((pattern) => pattern.endsWith(`.${type}`));
  if (exact !== undefined) return exact;
  const prefix = patterns.find((pattern) => pattern.endsWith('.*'));
  return prefix === undefined ? null : `${prefix.slice(0, -1)}${type}`;
}
