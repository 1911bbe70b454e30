// One living connection to an MCP server: dialled in the protocol era the server speaks, closed when it has been
// replaced and its last call is over.
import { Client, ProtocolError, SdkHttpError } from '@modelcontextprotocol/client';
import type {
  ClientOptions,
  JsonSchemaValidator,
  jsonSchemaValidator,
  Transport,
} from '@modelcontextprotocol/client';
import type { After } from './execution.ts';

/** `legacy`: revisions up to 2025-11-25 (initialize). `modern`: 2026-07-28 (server/discover, stateless). */
export type Era = 'legacy' | 'modern';

export interface Connection {
  readonly client: Client;
  readonly era: Era;
  isOpen(): boolean;
  /** Runs one call on the connection and keeps it open meanwhile. */
  use<T>(call: (client: Client) => Promise<T>): Promise<T>;
  /** No further calls: closes as soon as the last one is over. */
  retire(): void;
  close(): Promise<void>;
}

export interface DialNeeds {
  readonly openTransport: () => Promise<Transport>;
  readonly timeoutMs: number;
  readonly after: After;
  readonly onClosed: () => void;
}

/** The SDK arms a timer for each request (60 s unless told otherwise); ours is the cut, so its own is the longest there is. */
export const SDK_TIMEOUT_MS = 2_147_483_647;

/**
 * Connects the 2025 way first, since nearly every server answers it, and the 2026-07-28 way when the server answered with
 * a refusal. No probe is sent to servers that might die of an unknown request.
 */
export async function dial(needs: DialNeeds, preferred: Era): Promise<Connection> {
  if (preferred === 'modern') return dialAs('modern', needs);
  try {
    return await dialAs('legacy', needs);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return dialAs('modern', needs).catch(() => {
      // The first answer tells more than the second attempt.
      throw error;
    });
  }
}

async function dialAs(era: Era, needs: DialNeeds): Promise<Connection> {
  const client = new Client({ name: 'mandate', version: '0.1.0' }, optionsFor(era));
  const transport = await needs.openTransport();
  const controller = new AbortController();
  const cancelTimer = needs.after(needs.timeoutMs, () =>
    controller.abort(`no answer within ${needs.timeoutMs / 1000} s`),
  );
  try {
    await client.connect(transport, { signal: controller.signal, timeout: SDK_TIMEOUT_MS });
  } catch (error) {
    await transport.close().catch(() => {});
    throw error;
  } finally {
    cancelTimer();
  }
  return createConnection(client, era, needs.onClosed);
}

function createConnection(client: Client, era: Era, onClosed: () => void): Connection {
  let isOpen = true;
  let isRetired = false;
  let calls = 0;
  // The SDK's clients are no event targets; these properties are their interface.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener
  client.onclose = () => {
    isOpen = false;
    onClosed();
  };
  const closeWhenIdle = (): void => {
    // A transport that cannot be closed is already gone.
    if (isRetired && calls === 0) client.close().catch(() => {});
  };
  return {
    client,
    era,
    isOpen: () => isOpen && !isRetired,
    async use(call) {
      calls += 1;
      try {
        return await call(client);
      } finally {
        calls -= 1;
        closeWhenIdle();
      }
    },
    retire() {
      isRetired = true;
      closeWhenIdle();
    },
    close: () => client.close(),
  };
}

function optionsFor(era: Era): ClientOptions {
  return {
    capabilities: {},
    // A server that wants to ask a person or a model in the middle of a call gets a typed error instead.
    inputRequired: { autoFulfill: false },
    // Output schemas are written by strangers; compiling one can cost unbounded time, and results are only stored.
    jsonSchemaValidator: acceptEverything,
    versionNegotiation: { mode: era === 'legacy' ? 'legacy' : { pin: '2026-07-28' } },
  };
}

const acceptEverything: jsonSchemaValidator = {
  getValidator:
    <T>(): JsonSchemaValidator<T> =>
    (input) => ({
      valid: true,
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only passed through: toJson checks what is kept
      data: input as T,
      errorMessage: undefined,
    }),
};

/** The server is alive and answered, but not to this handshake. */
function isRefusal(error: unknown): boolean {
  return error instanceof ProtocolError || (error instanceof SdkHttpError && error.status === 400);
}
