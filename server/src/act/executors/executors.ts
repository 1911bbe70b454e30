// The door to everything Mandate executes itself. Whatever an executor does (hang, throw, print without end, answer
// nonsense, die) comes back as one of four outcomes: nothing is ever thrown at the pipeline, which has already journalled
// the start of the act and must be able to journal its end.
import type { ExecutorSetting } from '@mandate/kernel';
import { resolveBySystem } from './address.ts';
import type { Resolve } from './address.ts';
import { runCommand } from './command.ts';
import { failed, unknown } from './execution.ts';
import type { After, Execution, ExecutionOutcome, ExecutorLog } from './execution.ts';
import { runFunction } from './functions.ts';
import type { ExecutorFunction } from './functions.ts';
import { runHttp } from './http.ts';
import { loadMcp } from './load-mcp.ts';
import type { McpSetting, McpUpstream, ToolListing } from './mcp.ts';
import { errorText, shapeOutcome } from './result.ts';
import type { Transport } from '@modelcontextprotocol/client';

export type Settings = Readonly<Record<string, ExecutorSetting>>;

export interface ExecutorNeeds {
  /** The charter's executors by name. */
  readonly settings: Settings;
  /** The charter's directory: every `cwd` must lie inside it, or inside one of `allowedDirs`. */
  readonly baseDir: string;
  readonly allowedDirs?: readonly string[];
  /** Plaintext of a secret by name, null when there is none. Asked at each use, so rotation needs no restart. */
  readonly secrets: (name: string) => string | null;
  /** The server's environment, of which commands see PATH, HOME and LANG. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: ExecutorLog;
  readonly after: After;
  /** Between SIGTERM and SIGKILL; 2,000 unless given. */
  readonly killGraceMs?: number;
  /** The system's resolver unless given. */
  readonly resolve?: Resolve;
  /** Told of every process group that starts and ends, for a watchdog that outlives a hanging event loop. */
  readonly onGroup?: (groupId: number, state: 'started' | 'ended') => void;
}

export interface Executors {
  /** Whether `name` is an executor of the charter or a registered pattern. */
  has(name: string): boolean;
  /** The executor that takes an action by its name alone: a registered pattern, or `<mcp executor>.<tool>`. */
  find(action: string): string | null;
  /** Runs one act. Never rejects. */
  execute(name: string, run: Execution): Promise<ExecutionOutcome>;
  /**
   * Registers a function for an exact action name, a literal prefix with one trailing `*`, or `*`. Throws on any other
   * pattern and on one that is taken: both are mistakes of the program, not of an agent.
   */
  registerExecutor(pattern: string, fn: ExecutorFunction): void;
  /** Takes over a new charter. MCP servers whose setting changed finish their calls and are closed. */
  configure(settings: Settings): void;
  listTools(name: string): Promise<ToolListing>;
  /** A transport of its own to an MCP executor, not started; for the gateway. Rejects for any other executor. */
  connect(name: string): Promise<Transport>;
  /** Closes MCP servers; what comes later is cancelled. Acts still running should have been aborted by their signals. */
  close(): Promise<void>;
}

export function createExecutors(given: ExecutorNeeds): Executors {
  const needs = {
    ...given,
    allowedDirs: given.allowedDirs ?? [],
    killGraceMs: given.killGraceMs ?? 2_000,
    resolve: given.resolve ?? resolveBySystem,
  };
  const functions = new Map<string, ExecutorFunction>();
  const upstreams = new Map<string, { readonly key: string; readonly upstream: McpUpstream }>();
  let settings = given.settings;
  let isClosed = false;

  function settingOf(name: string): ExecutorSetting | null {
    return Object.hasOwn(settings, name) ? (settings[name] ?? null) : null;
  }

  async function upstreamOf(name: string, setting: McpSetting): Promise<McpUpstream> {
    const { createMcpUpstream } = await loadMcp();
    // No waiting from here on, or two first calls would start two servers.
    const key = JSON.stringify(setting);
    const known = upstreams.get(name);
    if (known?.key === key) return known.upstream;
    known?.upstream.retire();
    const upstream = createMcpUpstream(name, setting, needs);
    upstreams.set(name, { key, upstream });
    return upstream;
  }

  async function dispatch(name: string, run: Execution): Promise<ExecutionOutcome> {
    const setting = settingOf(name);
    if (setting === null) {
      const fn = functions.get(name);
      if (fn !== undefined) return runFunction(name, fn, run, needs);
      return failed(
        'unknown_executor',
        `There is no executor "${name}". Add it to the charter's executors or register it.`,
      );
    }
    switch (setting.kind) {
      case 'command':
        return runCommand(name, setting, run, needs);
      case 'http':
        return runHttp(name, setting, run, needs);
      case 'mcp':
      case 'mcpHttp':
        return (await upstreamOf(name, setting)).run(run);
    }
  }

  return {
    has: (name) => settingOf(name) !== null || functions.has(name),
    find: (action) => findExecutor(action, settings, functions),
    async execute(name, run) {
      if (run.signal.aborted || isClosed) return { kind: 'cancelled' };
      try {
        return shapeOutcome(await dispatch(name, run));
      } catch (error) {
        // A defect of ours: how far the act came cannot be told from here.
        needs.log.warn({ executor: name, actId: run.actId, error: errorText(error) }, 'executor broke');
        return shapeOutcome(unknown(`Executor "${name}" broke in a way it should not: ${errorText(error)}`));
      }
    },
    registerExecutor(pattern, fn) {
      if (!patternShape.test(pattern)) {
        throw new Error(
          `registerExecutor("${pattern}"): a pattern is an action name, or a prefix with one "*" at its end`,
        );
      }
      if (functions.has(pattern) || settingOf(pattern) !== null) {
        throw new Error(`registerExecutor("${pattern}"): this name is already taken by another executor`);
      }
      functions.set(pattern, fn);
    },
    configure(next) {
      settings = next;
      for (const [name, { key, upstream }] of upstreams) {
        if (JSON.stringify(settingOf(name)) === key) continue;
        upstreams.delete(name);
        upstream.retire();
      }
    },
    async listTools(name) {
      const setting = settingOf(name);
      if (setting?.kind === 'mcp' || setting?.kind === 'mcpHttp')
        return (await upstreamOf(name, setting)).listTools();
      return { kind: 'unavailable', code: 'unknown_executor', error: `Executor "${name}" is no MCP server.` };
    },
    async connect(name) {
      const setting = settingOf(name);
      if (setting?.kind === 'mcp' || setting?.kind === 'mcpHttp')
        return (await upstreamOf(name, setting)).connect();
      throw new Error(`Executor "${name}" is no MCP server. Name one of kind mcp in the charter.`);
    },
    async close() {
      isClosed = true;
      // Nothing is found any more, so nothing can start a server again.
      settings = {};
      const open = [...upstreams.values()];
      upstreams.clear();
      await Promise.allSettled(open.map(({ upstream }) => upstream.close()));
    },
  };
}

// `*`, or a dotted name with at most one star, at its end.
const patternShape = /^(?:\*|[^\s*]+\*?)$/;

/** The most specific match: an exact name, then the longest literal prefix; between equals the charter's executor. */
function findExecutor(
  action: string,
  settings: Settings,
  functions: ReadonlyMap<string, ExecutorFunction>,
): string | null {
  if (functions.has(action)) return action;
  let best: { readonly name: string; readonly length: number } | null = null;
  for (const [name, setting] of Object.entries(settings)) {
    const isMcp = setting.kind === 'mcp' || setting.kind === 'mcpHttp';
    const length = name.length + 1;
    if (!isMcp || !action.startsWith(`${name}.`) || action.length === length) continue;
    if (best === null || length > best.length) best = { name, length };
  }
  for (const name of functions.keys()) {
    const length = name.length - 1;
    if (!name.endsWith('*') || !action.startsWith(name.slice(0, -1))) continue;
    if (best === null || length > best.length) best = { name, length };
  }
  return best?.name ?? null;
}
