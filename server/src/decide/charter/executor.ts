// An executor is one of four kinds, told apart by the key that names what is run. A key that belongs to another
// kind is refused: whoever writes `secret` beside `command` believes that something uses it.
import type { ExecutorSetting } from '@mandate/kernel';
import type { WrittenExecutor } from './executor-schema.ts';
import { durationMs } from './units.ts';

export interface ExecutorProblem {
  /** The offending key; null for the executor as a whole. */
  readonly key: string | null;
  readonly message: string;
}

/** How long each kind may take where the charter says nothing. */
const TIMEOUT_MS = { command: 600_000, http: 30_000, mcp: 60_000 };

const KEYS = {
  command: ['command', 'cwd', 'env', 'timeout', 'evals'],
  http: ['http', 'method', 'secret', 'allowPrivate', 'timeout', 'evals'],
  mcp: ['mcp', 'cwd', 'timeout', 'evals'],
  mcpHttp: ['mcp', 'secret', 'timeout', 'evals'],
} satisfies Record<ExecutorSetting['kind'], readonly string[]>;

/** What the keys of an executor say together: exactly one names what is run, and every other belongs to it. */
export function executorProblems(written: WrittenExecutor): readonly ExecutorProblem[] {
  const named = (['command', 'http', 'mcp'] as const).filter((key) => written[key] !== undefined);
  if (named.length !== 1) {
    const found = named.length === 0 ? 'does not say what to run' : `has ${named.join(' and ')}`;
    return [{ key: null, message: `The executor ${found}. Write exactly one of command, http and mcp.` }];
  }
  const allowed: readonly string[] = KEYS[readExecutor(written).kind];
  return Object.entries(written)
    .filter(([key, value]) => value !== undefined && !allowed.includes(key))
    .map(([key]) => ({
      key,
      message: `${key} has no effect beside ${named.join()}. Remove it; known here are ${allowed.join(', ')}.`,
    }));
}

/** An executor without problems, with its defaults. */
export function readExecutor(written: WrittenExecutor): ExecutorSetting {
  const setting = readKind(written);
  return written.evals === true ? { ...setting, evals: true } : setting;
}

function readKind(written: WrittenExecutor): ExecutorSetting {
  const timeoutMs = (kind: keyof typeof TIMEOUT_MS): number =>
    written.timeout === undefined ? TIMEOUT_MS[kind] : durationMs(written.timeout);
  const cwd = written.cwd ?? '.';
  const secret = written.secret ?? null;
  if (written.command !== undefined) {
    return {
      kind: 'command',
      command: written.command,
      cwd,
      timeoutMs: timeoutMs('command'),
      env: written.env ?? {},
    };
  }
  if (written.http !== undefined) {
    const method = written.method ?? 'POST';
    return {
      kind: 'http',
      url: written.http,
      method,
      secret,
      timeoutMs: timeoutMs('http'),
      allowPrivate: written.allowPrivate ?? false,
    };
  }
  const mcp = written.mcp ?? [];
  if (typeof mcp === 'string') return { kind: 'mcpHttp', url: mcp, secret, timeoutMs: timeoutMs('mcp') };
  return { kind: 'mcp', mcp, cwd, timeoutMs: timeoutMs('mcp') };
}
