// An MCP server behind a URL. Connections go through the same address guard as http executors, answers are bounded, and a
// stream that ends without its answer fails that request at once: the SDK alone would wait for the timeout.
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type {
  FetchLike,
  JSONRPCMessage,
  Transport,
  TransportSendOptions,
} from '@modelcontextprotocol/client';
import { Agent, fetch as guardedFetch } from 'undici';
import { createGuardedConnector } from './address.ts';
import type { Resolve } from './address.ts';
import { MAX_MESSAGE_BYTES } from './mcp-stdio.ts';
import { withoutSecret } from './result.ts';

/** The JSON-RPC error code under which a request ends whose stream broke; inside the server-error range of JSON-RPC 2.0. */
export const STREAM_ENDED = -32_098;

export interface HttpTransportNeeds {
  readonly url: URL;
  readonly secret: string | null;
  readonly allowPrivate: boolean;
  readonly resolve: Resolve;
}

export function createHttpTransport({ url, secret, allowPrivate, resolve }: HttpTransportNeeds): Transport {
  const agent = new Agent({
    connect: createGuardedConnector({ allowPrivate, resolve }),
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const inner = new StreamableHTTPClientTransport(url, {
    fetch: boundedFetch(agent),
    // One attempt: a call whose stream broke is unknown, and resuming streams is no business of an executor.
    reconnectionOptions: {
      initialReconnectionDelay: 1_000,
      maxReconnectionDelay: 1_000,
      reconnectionDelayGrowFactor: 1,
      maxRetries: 0,
    },
    ...(secret === null ? {} : { requestInit: { headers: { authorization: `Bearer ${secret}` } } }),
  });
  const pending = new Set<string | number>();
  let isClosed = false;

  const transport: Transport = {
    hasPerRequestStream: true,
    get sessionId() {
      return inner.sessionId;
    },
    setProtocolVersion: (version) => inner.setProtocolVersion(version),
    start: () => inner.start(),
    async send(message, options) {
      const id = requestId(message);
      if (id === null) return inner.send(message, present(options));
      pending.add(id);
      const onRequestStreamEnd = (): void => {
        options?.onRequestStreamEnd?.();
        if (!pending.delete(id)) return;
        const error = { code: STREAM_ENDED, message: 'the connection ended before the answer' };
        transport.onmessage?.({ jsonrpc: '2.0', id, error });
      };
      return inner.send(message, { ...present(options), onRequestStreamEnd });
    },
    async close() {
      isClosed = true;
      await inner.close();
      await agent.destroy();
    },
  };
  // The SDK's transports are no event targets; these properties are their interface.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener
  inner.onmessage = (message) => {
    if ('id' in message && !('method' in message) && message.id !== undefined) pending.delete(message.id);
    transport.onmessage?.(secret === null ? message : withoutSecretIn(message, secret));
  };
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- as above
  inner.onerror = (error) => transport.onerror?.(error);
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- as above
  inner.onclose = () => {
    transport.onclose?.();
    // The SDK closes the inner transport by itself when a handshake fails.
    if (!isClosed) void agent.destroy();
  };
  return transport;
}

/** Whoever listens at this end never sees the secret with which it is reached. */
function withoutSecretIn(message: JSONRPCMessage, secret: string): JSONRPCMessage {
  const text = JSON.stringify(message);
  const escaped = JSON.stringify(secret).slice(1, -1);
  // Replacing text inside the strings of a message keeps its shape.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return text.includes(escaped) ? (JSON.parse(withoutSecret(text, escaped)) as JSONRPCMessage) : message;
}

function requestId(message: JSONRPCMessage): string | number | null {
  return 'id' in message && 'method' in message && message.id !== undefined ? message.id : null;
}

/** Drops absent options: the two SDK interfaces disagree on whether a key may be present and undefined. */
function present(options: TransportSendOptions | undefined): SendOptions {
  const { resumptionToken, onresumptiontoken, requestSignal, headers, onRequestStreamEnd } = options ?? {};
  return {
    ...(resumptionToken === undefined ? {} : { resumptionToken }),
    ...(onresumptiontoken === undefined ? {} : { onresumptiontoken }),
    ...(requestSignal === undefined ? {} : { requestSignal }),
    ...(headers === undefined ? {} : { headers }),
    ...(onRequestStreamEnd === undefined ? {} : { onRequestStreamEnd }),
  };
}

type SendOptions = NonNullable<Parameters<StreamableHTTPClientTransport['send']>[1]>;

/** undici's own fetch: the one built into Node may be another version and does not take this agent. */
function boundedFetch(agent: Agent): FetchLike {
  return async (url, init) => {
    const { method = 'GET', body, signal } = init ?? {};
    if (body !== undefined && body !== null && typeof body !== 'string')
      throw new TypeError('only text is sent to MCP servers');
    const headers = [...new Headers(init?.headers)];
    // Redirects come back to the SDK, which follows them within the origin only.
    const answer = await guardedFetch(url, {
      dispatcher: agent,
      redirect: 'manual',
      method,
      headers,
      body: body ?? null,
      signal: signal ?? null,
    });
    const { status, statusText } = answer;
    const isAnswer = method === 'POST' && answer.ok;
    const stream = isAnswer && answer.body !== null ? answer.body.pipeThrough(createCounter()) : answer.body;
    return new Response(stream, { status, statusText, headers: [...answer.headers] });
  };
}

function createCounter(): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes > MAX_MESSAGE_BYTES) controller.error(new Error('the answer is larger than 8 MiB'));
      else controller.enqueue(chunk);
    },
  });
}
