// A database of commands that some other program keeps, read as a second source and never written to. What does not look
// as it should is said at once and by name: figures that are quietly too low would be worse than none. A thread of its own
// reads it, and is not waited for beyond a limit.
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { isActionName, NO_COMMANDS, patternCovers } from '@mandate/kernel';
import type { CommandCounts } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import { CommandDbUnreadable, LOCKED_MS, openFile } from './command-db-file.ts';
import type { RowKind } from './command-db-file.ts';
import type { Answer, Ask, Counted } from './command-db-thread.ts';
import type { Window } from './counts.ts';

export interface CommandDbType extends CommandCounts {
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

/** What could be had without waiting. */
export interface CommandDbNow {
  /** What was read last; null where nothing was yet, or where even that could not be had at once. */
  readonly reading: CommandDbReading | null;
  /** Why the file could not be read when that was last tried; null while nothing speaks against it. */
  readonly problem: CommandDbUnreadable | null;
}

export interface CommandDb {
  /**
   * Every row counts where it was created. Rejects with CommandDbUnreadable, also where the file is locked or is not read
   * through in time.
   */
  read(window: Window): Promise<CommandDbReading>;
  /** The same for whoever cannot wait: answers within about a tenth of a second, and at once while a reading takes longer. */
  readNow(window: Window): Promise<CommandDbNow>;
  close(): Promise<void>;
}

/** Longer than this nobody waits; what is read meanwhile answers those who ask later. */
const LIMIT_MS = 5_000;
/** The thread answers within 100 ms unless it hangs with the disk: then whoever cannot wait goes without. */
const NOW_MS = 250;

type DbClock = Pick<Clock, 'after' | 'monotonicMs'>;

/** Looks at the file at once. Throws CommandDbUnreadable with what is wrong and what to do; that it is locked is not. */
export function openCommandDb(path: string, clock: DbClock): CommandDb {
  try {
    openFile(path, LOCKED_MS).db.close();
  } catch (error) {
    if (!(error instanceof CommandDbUnreadable && error.isLocked)) throw error;
  }
  let reader: Reader | null = null;
  const readerNow = (): Reader => (reader ??= startReader(path, clock, () => void (reader = null)));
  return {
    read: async (window) => readingOf(await readerNow().count(window), window.patterns),
    async readNow(window) {
      const { counted, problem } = await readerNow().countNow(window);
      return { reading: counted === null ? null : readingOf(counted, window.patterns), problem };
    },
    async close() {
      await reader?.close();
    },
  };
}

interface CountedNow {
  readonly counted: Counted | null;
  readonly problem: CommandDbUnreadable | null;
}

interface Reader {
  count(window: Window): Promise<Counted>;
  countNow(window: Window): Promise<CountedNow>;
  close(): Promise<void>;
}

/** Who waits for an answer, and since when. */
interface Waiting {
  readonly settle: (answer: CountedNow) => void;
  readonly askedMs: number;
}

function startReader(path: string, clock: DbClock, gone: () => void): Reader {
  const file = `./command-db-thread${extname(import.meta.filename)}`;
  const worker = new Worker(new URL(file, import.meta.url), { workerData: path });
  worker.unref();
  const waiting = new Map<number, Waiting>();
  let asked = 0;
  /** Those among them that nobody waits for any longer: of the patient, and of the others. */
  const late = { patient: new Set<number>(), other: new Set<number>() };

  worker.on('message', ({ id, counted, problem }: Answer) => {
    const settle = waiting.get(id)?.settle;
    waiting.delete(id);
    late.patient.delete(id);
    late.other.delete(id);
    if (waiting.size === 0) worker.unref();
    settle?.({ counted, problem: problem === null ? null : new CommandDbUnreadable(problem) });
  });
  let isGone = false;
  const broken = (why: string): void => {
    if (isGone) return;
    isGone = true;
    gone();
    const problem = new CommandDbUnreadable(`COMMAND_DB_PATH is ${path}, whose reader ended: ${why}.`);
    for (const { settle } of waiting.values()) settle({ counted: null, problem });
    waiting.clear();
  };
  worker.on('error', (error) => broken(error instanceof Error ? error.message : String(error)));
  worker.on('exit', (code) => broken(`exit code ${code}`));

  /** Null where nothing was said within the limit. */
  function ask({ startMs, endMs }: Window, isPatient: boolean): Promise<CountedNow | null> {
    return new Promise((resolve) => {
      asked += 1;
      const id = asked;
      const cancel = clock.after(isPatient ? LIMIT_MS : NOW_MS, () => {
        late[isPatient ? 'patient' : 'other'].add(id);
        resolve(null);
      });
      const settle = (answer: CountedNow): void => {
        cancel();
        resolve(answer);
      };
      waiting.set(id, { settle, askedMs: clock.monotonicMs() });
      worker.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
      worker.postMessage({ id, startMs, endMs, isPatient } satisfies Ask);
    });
  }

  /** It has been silent for longer than anybody waits: that is more than a busy moment. */
  function silence(): CountedNow {
    const oldestMs = Math.min(...[...late.other].map((id) => waiting.get(id)?.askedMs ?? Infinity));
    const problem = clock.monotonicMs() - oldestMs >= LIMIT_MS ? tooSlow(path) : null;
    return { counted: null, problem };
  }

  return {
    async count(window) {
      // Whoever asks while somebody waits in vain would wait in vain as well.
      if (late.patient.size > 0) throw tooSlow(path);
      const answer = await ask(window, true);
      if (answer === null) throw tooSlow(path);
      if (answer.problem !== null) throw answer.problem;
      if (answer.counted === null)
        throw new CommandDbUnreadable(`COMMAND_DB_PATH is ${path}, which says nothing.`);
      return answer.counted;
    },
    countNow: async (window) => (late.other.size > 0 ? silence() : ((await ask(window, false)) ?? silence())),
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
