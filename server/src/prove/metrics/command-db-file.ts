// The file of the command database as it is read by whichever thread: what it has to look like, and every row's moment and
// kind, from which any window can be counted without reading it again. Nothing here knows what is asked about.
import { existsSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** The file, its table or a column is not there, something else is, or it cannot be read at this moment. */
export class CommandDbUnreadable extends Error {
  override readonly name = 'CommandDbUnreadable';
  /** Nothing is wrong with it but that another program has it at this moment. */
  readonly isLocked: boolean;

  constructor(message: string, isLocked = false) {
    super(message);
    this.isLocked = isLocked;
  }
}

export type Ended = 'succeeded' | 'failed' | 'rolledBack' | 'other' | 'live' | 'none';
type Status = 'open' | 'approved' | 'rejected';

/** What all rows of one kind have in common. */
export interface RowKind {
  /** As the other program writes it. */
  readonly type: string;
  readonly status: Status;
  readonly ended: Ended;
  readonly violates: boolean;
  readonly gated: boolean;
}

/** Every row of the table at one moment. */
export interface CommandRows {
  /** `unknown`: a status that nobody can read. `ours`: they say which act of Mandate they are. */
  readonly kinds: readonly {
    readonly kind: RowKind | 'unknown' | 'ours';
    /** When each was created, ascending. */
    readonly times: Float64Array;
  }[];
  /** Rows whose time nobody can read. */
  readonly timeless: number;
}

export interface Reading {
  readonly version: number;
  readonly rows: CommandRows;
}

interface Columns {
  readonly table: string;
  readonly status: string;
  readonly executionStatus: string;
  readonly commandType: string;
  readonly createdAt: string;
  readonly rejectionReason: string;
  readonly mandateActionId: string | null;
}

const WANTED = {
  status: 'status',
  executionStatus: 'execution_status',
  commandType: 'command_type',
  createdAt: 'created_at',
  rejectionReason: 'rejection_reason',
  mandateActionId: 'mandate_action_id',
} as const;
const TABLE = 'command_proposals';
/** How long a lock of the other program is put up with. */
export const LOCKED_MS = 1_000;
/** Rows in a row, before whoever reads looks up: some milliseconds. */
const SLICE = 4_000;
/** What a Date can hold. */
const TIME_MAX = 8.64e15;

/** Names as different programs write them, in lower case and without what stands between words. */
const STATUS: ReadonlyMap<string, Status> = new Map([
  ...words('open', 'proposed pending pendingapproval waitingforapproval expired cancelled canceled'),
  ...words('approved', 'approved autoapproved executing executed completed failed rolledback'),
  ...words('rejected', 'rejected denied'),
]);
const EXECUTION: ReadonlyMap<string, Ended> = new Map([
  ['', 'none'],
  ...words('none', 'none pending queued notexecuted notstarted skipped'),
  ...words('live', 'executing running inprogress started'),
  ...words('succeeded', 'success succeeded executed completed done'),
  ...words('failed', 'failed failure error'),
  ...words('rolledBack', 'rolledback reverted'),
  ...words('other', 'aborted cancelled canceled timeout timedout unknown'),
]);

function words<T extends string>(meaning: T, written: string): readonly (readonly [string, T])[] {
  return written.split(' ').map((word) => [word, meaning] as const);
}

/** A connection that stays open: whether anything was committed since is asked of it (`data_version`). */
export interface OpenFile {
  readonly db: DatabaseSync;
  /** Another file under the same name is another one. */
  readonly identity: string;
}

/** Throws CommandDbUnreadable with what is wrong and what to do, as everything here does. Waits for a lock that long, and nobody else runs meanwhile. */
export function openFile(path: string, waitMs: number): OpenFile {
  const identity = identityOf(path);
  try {
    const db = new DatabaseSync(path, { readOnly: true, timeout: waitMs });
    try {
      columnsOf(path, db);
      return { db, identity };
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    throw told(path, error);
  }
}

export function identityOf(path: string): string {
  const found = existsSync(path) ? statSync(path, { bigint: true }) : null;
  if (found?.isFile() === true) return `${found.dev}:${found.ino}`;
  throw new CommandDbUnreadable(
    `COMMAND_DB_PATH is ${path}, and there is no such file. Correct the path, or unset it to count the acts alone.`,
  );
}

/**
 * Everything in it; what was there before, where nothing was committed since. `lookUp` is waited for again and again, so
 * that whoever reads a large file can answer somebody meanwhile.
 */
export async function readFile(
  path: string,
  { db }: OpenFile,
  { before, lookUp }: { readonly before: Reading | null; readonly lookUp: () => Promise<void> },
): Promise<Reading> {
  try {
    // One transaction, so that the version is that of the rows.
    db.exec('begin');
    try {
      const now = Number(db.prepare('pragma data_version').get()?.['data_version']);
      if (now === before?.version) return before;
      return { version: now, rows: await rowsOf(db, columnsOf(path, db), lookUp) };
    } finally {
      db.exec('rollback');
    }
  } catch (error) {
    throw told(path, error);
  }
}

function told(path: string, error: unknown): CommandDbUnreadable {
  if (error instanceof CommandDbUnreadable) return error;
  const why = error instanceof Error ? error.message : 'it cannot be read';
  const isLocked = /locked|busy/.test(why);
  return new CommandDbUnreadable(
    isLocked
      ? `COMMAND_DB_PATH is ${path}, which another program holds locked for more than a second (${why}). It is tried again whenever it is asked for; keep write transactions short.`
      : `COMMAND_DB_PATH is ${path}, which cannot be read as an SQLite database (${why}). Give the file of the command database, readable by this user.`,
    isLocked,
  );
}

function columnsOf(path: string, db: DatabaseSync): Columns {
  const tables = namesIn(db, `select name from sqlite_schema where type in ('table', 'view')`);
  const table = tables.find((name) => plain(name) === plain(TABLE));
  if (table === undefined)
    throw new CommandDbUnreadable(
      `COMMAND_DB_PATH is ${path}, which has no table ${TABLE} (or ${camel(TABLE)}). It has: ${tables.join(', ') || 'no table at all'}.`,
    );
  const columns = namesIn(db, `select name from pragma_table_info('${table.replaceAll("'", "''")}')`);
  const look = (wanted: string): string | null =>
    columns.find((name) => plain(name) === plain(wanted)) ?? null;
  const found = (wanted: string): string => {
    const column = look(wanted);
    if (column !== null) return column;
    throw new CommandDbUnreadable(
      `COMMAND_DB_PATH is ${path}, whose table ${table} has no column ${wanted}${wanted === camel(wanted) ? '' : ` (or ${camel(wanted)})`}. It has: ${columns.join(', ')}.`,
    );
  };
  return {
    table,
    status: found(WANTED.status),
    executionStatus: found(WANTED.executionStatus),
    commandType: found(WANTED.commandType),
    createdAt: found(WANTED.createdAt),
    rejectionReason: found(WANTED.rejectionReason),
    mandateActionId: look(WANTED.mandateActionId),
  };
}

function namesIn(db: DatabaseSync, sql: string): readonly string[] {
  return db
    .prepare(sql)
    .all()
    .map(({ name }) => String(name));
}

/** Seconds or milliseconds since 1970, or a date as SQLite reads it; null where it is neither. */
function momentSql(column: string): string {
  const number = `cast(${column} as real)`;
  return `case when typeof(${column}) in ('integer', 'real') or (typeof(${column}) = 'text' and ${column} <> '' and ${column} not glob '*[^0-9.]*')
      then round(case when abs(${number}) >= 1e11 then ${number} else ${number} * 1000 end)
    else round((julianday(${column}) - 2440587.5) * 86400000.0) end`;
}

function textSql(column: string): string {
  return `coalesce(cast(${quoted(column)} as text), '')`;
}

const BETWEEN = '\u001f';

/** One text says of which kind a row is, and no number is an integer of SQLite's: crossing over is what takes the time. */
async function rowsOf(db: DatabaseSync, columns: Columns, lookUp: () => Promise<void>): Promise<CommandRows> {
  const reason = quoted(columns.rejectionReason);
  const says = `replace(lower(cast(${reason} as text)), '_', ' ')`;
  const kind = [
    columns.mandateActionId === null ? `''` : `(${textSql(columns.mandateActionId)} <> '')`,
    `case when ${reason} is null then 0 else (${says} like '%constraint%') + 2 * (${says} like '%safety gate%') end`,
    textSql(columns.status),
    textSql(columns.executionStatus),
    textSql(columns.commandType),
  ].join(` || char(${BETWEEN.charCodeAt(0)}) || `);
  const statement = db.prepare(
    `select ${momentSql(quoted(columns.createdAt))}, ${kind} from ${quoted(columns.table)}`,
  );
  statement.setReturnArrays(true);
  const byKind = new Map<string, number[]>();
  let timeless = 0;
  let read = 0;
  for (const row of statement.iterate()) {
    read += 1;
    if (read % SLICE === 0) await lookUp();
    const [moment, written] = [row['0'], String(row['1'])];
    if (typeof moment !== 'number' || Math.abs(moment) > TIME_MAX) {
      timeless += 1;
      continue;
    }
    const times = byKind.get(written);
    if (times === undefined) byKind.set(written, [moment]);
    else times.push(moment);
  }
  const kinds = [...byKind].map(([written, times]) => ({
    kind: kindOf(written),
    times: Float64Array.from(times).toSorted(),
  }));
  return { kinds, timeless };
}

function kindOf(written: string): RowKind | 'unknown' | 'ours' {
  const [ours, reasons, wroteStatus = '', execution = '', ...type] = written.split(BETWEEN);
  if (ours === '1') return 'ours';
  const status = STATUS.get(plain(wroteStatus));
  const ended = EXECUTION.get(plain(execution));
  if (status === undefined || ended === undefined) return 'unknown';
  const isRejected = status === 'rejected';
  return {
    type: type.join(BETWEEN),
    status,
    ended,
    violates: isRejected && Number(reasons) % 2 === 1,
    gated: isRejected && Number(reasons) >= 2,
  };
}

/** How many of them lie in a window, both ends included. */
export function countIn(times: Float64Array, startMs: number, endMs: number): number {
  return Math.max(0, firstFrom(times, endMs + 1) - firstFrom(times, startMs));
}

function firstFrom(times: Float64Array, ms: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[_\s-]/g, '');
}

function camel(name: string): string {
  return name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
