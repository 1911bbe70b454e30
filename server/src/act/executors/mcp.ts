// Runs tools of MCP servers. A server is started when the first act needs it, shared by later ones, and started again
// after it died; an act whose server died under it is unknown, because nobody can say how far the tool had come.
import { ProtocolError, TRACEPARENT_META_KEY } from '@modelcontextprotocol/client';
import type { Tool, Transport } from '@modelcontextprotocol/client';
import type { ExecutorSetting } from '@mandate/kernel';
import { isIP } from 'node:net';
import { AddressRefused } from './address.ts';
import type { Resolve } from './address.ts';
import { carrierOf } from './carrier.ts';
import type { McpCarrier } from './carrier.ts';
import { cleanEnvironment, resolveCwd } from './command.ts';
import type { CommandNeeds } from './command.ts';
import { createCut } from './cut.ts';
import type { Cut } from './cut.ts';
import { failed, unknown } from './execution.ts';
import type { Execution, ExecutionOutcome, ExecutorLog, FailureCode } from './execution.ts';
import { dial, SDK_TIMEOUT_MS } from './mcp-connection.ts';
import type { Connection, Era } from './mcp-connection.ts';
import { createHttpTransport } from './mcp-http.ts';
import { brokenCall, carriedOutcome, deepestText, findCause, toolOutcome } from './mcp-outcome.ts';
import { createStdioTransport } from './mcp-stdio.ts';
import { cleanText, parseJson, shortenMiddle, withoutSecret } from './result.ts';

export type McpSetting = Extract<ExecutorSetting, { readonly kind: 'mcp' | 'mcpHttp' }>;

export interface McpNeeds extends CommandNeeds {
  readonly resolve: Resolve;
  readonly secrets: (name: string) => string | null;
  readonly log: ExecutorLog;
}

export type ToolListing =
  | { readonly kind: 'tools'; readonly tools: readonly Tool[] }
  | { readonly kind: 'unavailable'; readonly code: FailureCode; readonly error: string };

export interface McpUpstream {
  /** The tool is what follows `<executor>.` in the action's name. */
  run(run: Execution): Promise<ExecutionOutcome>;
  /** Every page of tools/list, asked anew each time: what the server tells about itself, to be judged, not believed. */
  listTools(): Promise<ToolListing>;
  /**
   * A transport of its own to the same server, not yet started: for a gateway that speaks JSON-RPC itself. Rejects when
   * the setting cannot be used. Whoever takes it closes it.
   */
  connect(): Promise<Transport>;
  /** No further calls; what runs may end. */
  retire(): void;
  close(): Promise<void>;
}

/** A setting that cannot be used as it is. */
class SettingRefused extends Error {
  readonly code: FailureCode;
  constructor(code: FailureCode, message: string) {
    super(message);
    this.code = code;
  }
}

const silence = (): string => '';

export function createMcpUpstream(name: string, setting: McpSetting, needs: McpNeeds): McpUpstream {
  const who = `The MCP server of executor "${name}"`;
  let current: Promise<Connection> | null = null;
  let open: Connection | null = null;
  let era: Era = 'legacy';
  let lastWords = silence;

  async function openTransport(): Promise<Transport> {
    if (setting.kind === 'mcpHttp') return openHttp(setting, needs);
    const transport = await openStdio(setting, needs);
    lastWords = transport.lastWords;
    return transport;
  }

  /** The shared connection. Concurrent first calls share one attempt; a failed attempt is forgotten. */
  function connection(): Promise<Connection> {
    if (open !== null && !open.isOpen()) current = null;
    current ??= establish();
    return current;
  }

  async function establish(): Promise<Connection> {
    try {
      const { timeoutMs } = setting;
      const onClosed = (): void => {
        needs.log.warn({ executor: name, lastWords: cleanText(lastWords(), 500) }, 'mcp connection ended');
      };
      open = await dial({ openTransport, timeoutMs, after: needs.after, onClosed }, era);
      ({ era } = open);
      needs.log.info({ executor: name, era, server: serverName(open) }, 'mcp connection established');
      return open;
    } catch (error) {
      current = null;
      throw error;
    }
  }

  function connectionFailure(error: unknown): { readonly code: FailureCode; readonly error: string } {
    if (error instanceof SettingRefused)
      return { code: error.code, error: `executors.${name}: ${error.message}` };
    const refused = findCause(error, (cause) => cause instanceof AddressRefused);
    if (refused !== null) return { code: 'address_refused', error: `executors.${name}: ${refused.message}` };
    const words = lastWords();
    const printed = words === '' ? '' : ` It printed: ${shortenMiddle(words, 500)}`;
    return {
      code: 'executor_unavailable',
      error: `${who} could not be reached: ${deepestText(error)}.${printed} Nothing was sent.`,
    };
  }

  async function callTool(tool: string, run: Execution, cut: Cut): Promise<ExecutionOutcome> {
    let reached;
    try {
      reached = await cut.race(connection());
    } catch (error) {
      const failure = connectionFailure(error);
      return failed(failure.code, failure.error);
    }
    if (reached.kind === 'cut') {
      if (cut.cause() === 'cancelled') return { kind: 'cancelled' };
      const waited = `did not get ready within ${cut.waitMs / 1000} s`;
      return failed('executor_unavailable', `${who} ${waited}. Nothing was sent.`);
    }
    const shared = reached.value;
    const params = { name: tool, arguments: { ...run.parameters }, _meta: metaOf(run) };
    try {
      const result = await shared.use((client) =>
        client.callTool(params, { signal: cut.signal, timeout: SDK_TIMEOUT_MS }),
      );
      return toolOutcome(`${who}, tool "${tool}",`, result);
    } catch (error) {
      // A server that let one call hang is not trusted with the next.
      if (cut.cause() === 'timeout') shared.retire();
      return brokenCall(who, error, cut);
    }
  }

  return {
    async run(run) {
      const prefix = `${name}.`;
      if (!run.action.startsWith(prefix) || run.action.length === prefix.length) {
        return failed(
          'bad_executor',
          `executors.${name} runs the tools of an MCP server, so only actions named "${prefix}<tool>" can use it, not "${run.action}"`,
        );
      }
      const cut = createCut(run, setting.timeoutMs, needs.after);
      try {
        if (cut.cause() !== null) return { kind: 'cancelled' };
        const tool = run.action.slice(prefix.length);
        const carrier = carrierOf(name);
        const outcome = await (carrier === null
          ? callTool(tool, run, cut)
          : carryTool(carrier, { who, tool, run, cut }));
        return withoutSecretIn(outcome, secretOf(setting, needs));
      } finally {
        cut.end();
      }
    },
    async listTools() {
      try {
        const shared = await connection();
        const { signal, end } = deadline(needs, setting.timeoutMs);
        const list = shared.use((client) =>
          client.listTools(undefined, { signal, timeout: SDK_TIMEOUT_MS, cacheMode: 'bypass' }),
        );
        const { tools } = await list.finally(end);
        return { kind: 'tools', tools };
      } catch (error) {
        return { kind: 'unavailable', ...connectionFailure(error) };
      }
    },
    connect: openTransport,
    retire() {
      current?.then((shared) => shared.retire()).catch(() => {});
    },
    async close() {
      const shared = await current?.catch(() => null);
      await shared?.close();
    },
  };
}

interface CarriedTool {
  readonly who: string;
  readonly tool: string;
  readonly run: Execution;
  readonly cut: Cut;
}

/** Over the wire of the client that asked. The client gets the answer as it came; here it only ends the act. */
async function carryTool(
  carrier: McpCarrier,
  { who, tool, run, cut }: CarriedTool,
): Promise<ExecutionOutcome> {
  try {
    const answer = await carrier.call({ actId: run.actId, tool, meta: metaOf(run), signal: cut.signal });
    switch (answer.kind) {
      case 'cancelled':
        return { kind: 'cancelled' };
      case 'unsent':
        return failed(
          'executor_unavailable',
          `${who} could not be reached: ${answer.error}. Nothing was sent.`,
        );
      case 'error':
        return brokenCall(who, new ProtocolError(answer.code, answer.message), cut);
      case 'result':
        return carriedOutcome(`${who}, tool "${tool}",`, answer.result);
    }
  } catch (error) {
    return brokenCall(who, error, cut);
  }
}

async function openStdio(setting: Extract<McpSetting, { kind: 'mcp' }>, needs: McpNeeds) {
  const [file, ...args] = setting.mcp;
  if (file === undefined) throw new SettingRefused('bad_executor', 'the command of the MCP server is empty');
  const cwd = await resolveCwd(setting.cwd, needs);
  if (cwd.kind === 'refused') throw new SettingRefused('bad_executor', cwd.reason);
  return createStdioTransport({ file, args, cwd: cwd.dir, env: cleanEnvironment(needs.environment) }, needs);
}

function openHttp(setting: Extract<McpSetting, { kind: 'mcpHttp' }>, needs: McpNeeds): Transport {
  const url = URL.parse(setting.url);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new SettingRefused('bad_executor', 'the URL must start with https:// or http://');
  }
  const allowPrivate = namesPrivateHost(url);
  if (setting.secret !== null && url.protocol === 'http:' && !allowPrivate) {
    throw new SettingRefused('bad_executor', 'a secret is only sent over https');
  }
  const secret = secretOf(setting, needs);
  if (setting.secret !== null && secret === null) {
    throw new SettingRefused(
      'secret_missing',
      `the secret "${setting.secret}" does not exist; add it to the vault`,
    );
  }
  return createHttpTransport({ url, secret, allowPrivate, resolve: needs.resolve });
}

/**
 * A charter that writes `localhost` or an address by its number means it; a name that merely resolves to a private
 * address does not. (Settings of this kind have no `allowPrivate`.)
 */
function namesPrivateHost(url: URL): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || isIP(host) !== 0;
}

function secretOf(setting: McpSetting, needs: McpNeeds): string | null {
  return setting.kind === 'mcpHttp' && setting.secret !== null ? needs.secrets(setting.secret) : null;
}

function metaOf({ idempotencyKey, traceparent }: Execution): Record<string, string> {
  const meta: Record<string, string> = { 'mandate/idempotency-key': idempotencyKey };
  if (traceparent !== null) meta[TRACEPARENT_META_KEY] = traceparent;
  return meta;
}

function withoutSecretIn(outcome: ExecutionOutcome, secret: string | null): ExecutionOutcome {
  if (secret === null) return outcome;
  const parsed = parseJson(withoutSecret(JSON.stringify(outcome), secret));
  // An outcome is plain JSON; replacing text inside its strings keeps its shape.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return parsed === null ? unknown('the answer could not be shown') : (parsed.value as ExecutionOutcome);
}

function deadline(
  { after }: McpNeeds,
  waitMs: number,
): { readonly signal: AbortSignal; readonly end: () => void } {
  const controller = new AbortController();
  const end = after(waitMs, () => controller.abort(`no answer within ${waitMs / 1000} s`));
  return { signal: controller.signal, end };
}

function serverName({ client }: Connection): string {
  const version = client.getServerVersion();
  return version === undefined ? 'unnamed' : cleanText(`${version.name} ${version.version}`, 100);
}
