// The log is for whoever runs the server: one JSON line per event, with the trace it belongs to, and never a secret.
// Lines are scrubbed at the one place where they leave, so nothing that a caller, a child logger or a library adds
// can slip past.
import { type DestinationStream, type Logger, pino } from 'pino';
import type { Clock } from '../clock/clock.ts';
import type { LogLevel } from '../config/setting.ts';
import type { Scrubber } from './scrub.ts';

/** error wakes someone, warn is looked at today, info tells the story, debug is for us. Fields, not prose. */
export type Log = Logger;

export interface LogNeeds {
  readonly level: LogLevel;
  readonly scrubber: Scrubber;
  readonly clock: Clock;
  /** The trace that is going on, or null. */
  readonly traceId: () => string | null;
  /** Lines for people instead of JSON, on a terminal. */
  readonly pretty?: boolean;
  /** Where lines go; standard error by default, because standard output is data. */
  readonly destination?: DestinationStream;
}

export function createLog({ level, scrubber, clock, traceId, pretty = false, destination }: LogNeeds): Log {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date(clock.nowMs()).toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }), log: withPlainErrors },
    // In place of pino's own, which copies every property of an error; child loggers pass through here alone.
    serializers: { err: (value: unknown) => withoutErrors(value, 0) },
    mixin: () => {
      const id = traceId();
      return id === null ? {} : { traceId: id };
    },
    hooks: { streamWrite: (line: string) => finish(line, scrubber, pretty) },
  };
  return pino(options, destination ?? pino.destination({ fd: 2, sync: true }));
}

function finish(line: string, scrubber: Scrubber, pretty: boolean): string {
  const entry = parseLine(line);
  const scrubbed = entry === null ? { level: 'error', msg: scrubber.text(line) } : scrubber.value(entry);
  return `${pretty ? formatForPeople(scrubbed) : JSON.stringify(scrubbed)}\n`;
}

/** pino writes valid JSON; should it ever not, the line is still scrubbed, as text. */
function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/**
 * Errors as what a reader needs, also within fields. Not their other properties: those of database drivers hold
 * the statement and its parameters, and JSON would show just these.
 */
function withPlainErrors(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, withoutErrors(value, 0)]));
}

const NESTING_MAX = 4;

function withoutErrors(value: unknown, depth: number): unknown {
  if (value instanceof Error) return describeError(value, 0);
  if (typeof value !== 'object' || value === null || depth >= NESTING_MAX) return value;
  if (Array.isArray(value)) return value.map((item) => withoutErrors(item, depth + 1));
  // Dates, maps, anything with a form of its own is pino's affair.
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, withoutErrors(item, depth + 1)]),
  );
}

const CAUSES_MAX = 4;

function describeError(error: Error, depth: number): Record<string, unknown> {
  const code =
    'code' in error && (typeof error.code === 'string' || typeof error.code === 'number')
      ? { code: error.code }
      : {};
  const cause =
    error.cause instanceof Error && depth < CAUSES_MAX
      ? { cause: describeError(error.cause, depth + 1) }
      : {};
  const parts =
    error instanceof AggregateError && depth < CAUSES_MAX
      ? { errors: describeAll(error.errors, depth + 1) }
      : {};
  return { type: error.name, message: error.message, ...code, stack: error.stack ?? '', ...cause, ...parts };
}

function describeAll(errors: readonly unknown[], depth: number): readonly unknown[] {
  return errors
    .slice(0, 10)
    .map((error) => (error instanceof Error ? describeError(error, depth) : String(error)));
}

function formatForPeople(entry: unknown): string {
  if (typeof entry !== 'object' || entry === null) return String(entry);
  const { time, level, msg, err, ...fields } = Object.fromEntries(Object.entries(entry));
  const rest = Object.entries(fields).map(
    ([key, value]) =>
      `${key}=${typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)}`,
  );
  const stack =
    typeof err === 'object' && err !== null && 'stack' in err ? `\n${printable(String(err.stack))}` : '';
  const head = `${String(time).slice(11, 23)} ${String(level).toUpperCase().padEnd(5)} ${printable(String(msg ?? ''))}`;
  return [head, ...rest.map(printable)].join(' ') + stack;
}

/** A terminal obeys control characters, and whoever gets text into a log could send it commands. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (letter) =>
    letter === '\n' ? '\n' : `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
