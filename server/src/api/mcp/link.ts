// One connection to an upstream MCP server, and the bookkeeping that lets requests of several clients share it: ids and
// progress tokens are the client's on one side and ours on the other, everything else is handed on as it is.
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import type { JsonObject } from '@mandate/kernel';
import { idOf, isObject, metaOf } from './message.ts';
import type { Id } from './message.ts';

export interface LinkRequest {
  readonly id: Id;
  readonly method: string;
  readonly whole: JsonObject;
  /** Receives what the server says about this request before it answers it. */
  readonly onEvent: (message: JsonObject) => void;
  /** Cancels the request at the server; the promise rejects at once. */
  readonly signal: AbortSignal;
}

export interface Link {
  /** The whole answer, result or error, under the client's id. Rejects when the connection broke or was cancelled. */
  request(request: LinkRequest): Promise<JsonObject>;
  /** Hands on a notification, or the client's answer to a question of the server. */
  send(message: JsonObject): Promise<void>;
  /** Whether this server's list said that the tool promises structured output. */
  hasOutputSchema(tool: string): boolean;
  /** How often the server has said that its list of tools changed. */
  listChanges(): number;
  isOpen(): boolean;
  isBusy(): boolean;
  close(): Promise<void>;
}

export interface LinkNeeds {
  readonly transport: Transport;
  /** Stateless requests of 2026-07-28, possibly of several connections of one client. */
  readonly isModern: boolean;
  /** What the server says that belongs to no request. */
  readonly onServerMessage: (message: JsonObject) => void;
  readonly onClosed: () => void;
}

interface Pending {
  readonly request: LinkRequest;
  readonly token: Id | null;
  readonly settle: (answer: JsonObject | Error) => void;
}

const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';
const LIST_CHANGED = 'notifications/tools/list_changed';

/** Starts the transport. Rejects when the server cannot be started or reached. */
export async function openLink({ transport, isModern, onServerMessage, onClosed }: LinkNeeds): Promise<Link> {
  const pending = new Map<Id, Pending>();
  const structured = new Set<string>();
  let isOpen = true;
  let lastId = 0;
  let listChanges = 0;

  // The SDK's transports are no event targets; these properties are their interface.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener
  transport.onmessage = (message) => receive(fromWire(message));
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- as above
  transport.onclose = () => {
    if (!isOpen) return;
    isOpen = false;
    for (const { settle } of pending.values()) settle(new Error('the MCP server went away'));
    onClosed();
  };
  // A line that is no message: there is nobody to tell, and the next one is tried.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- as above
  transport.onerror = () => {};
  await transport.start();

  function receive(message: JsonObject): void {
    const id = idOf(message['id']);
    if (message['method'] === undefined) {
      const asked = id === null ? undefined : pending.get(id);
      if (asked === undefined) return;
      learn(asked.request, message);
      asked.settle({ ...message, id: asked.request.id });
      return;
    }
    if (id !== null) {
      // A question of the server. Revision 2026-07-28 has none.
      if (!isModern) onServerMessage(message);
      return;
    }
    if (message['method'] === LIST_CHANGED) listChanges += 1;
    const about = concerning(message);
    if (about !== null) about.pending.request.onEvent(about.message);
    else if (isModern) [...pending.values()][0]?.request.onEvent(message);
    else onServerMessage(message);
  }

  /** The request that a notification is about, and the notification in the client's own ids. */
  function concerning(
    message: JsonObject,
  ): { readonly pending: Pending; readonly message: JsonObject } | null {
    const params = isObject(message['params']) ? message['params'] : {};
    const byToken =
      message['method'] === 'notifications/progress'
        ? pending.get(idOf(params['progressToken']) ?? '')
        : undefined;
    if (byToken !== undefined)
      return {
        pending: byToken,
        message: { ...message, params: { ...params, progressToken: byToken.token } },
      };
    const meta = metaOf(params);
    const subscribed = pending.get(idOf(meta[SUBSCRIPTION]) ?? '');
    if (subscribed !== undefined)
      return {
        pending: subscribed,
        message: {
          ...message,
          params: { ...params, _meta: { ...meta, [SUBSCRIPTION]: subscribed.request.id } },
        },
      };
    const cancelled =
      message['method'] === 'notifications/cancelled'
        ? pending.get(idOf(params['requestId']) ?? '')
        : undefined;
    return cancelled === undefined
      ? null
      : {
          pending: cancelled,
          message: { ...message, params: { ...params, requestId: cancelled.request.id } },
        };
  }

  function learn({ method }: LinkRequest, { result }: JsonObject): void {
    if (!isObject(result)) return;
    if (method === 'initialize' && typeof result['protocolVersion'] === 'string')
      transport.setProtocolVersion?.(result['protocolVersion']);
    if (method !== 'tools/list' || !Array.isArray(result['tools'])) return;
    for (const tool of result['tools'] as readonly unknown[]) {
      if (isObject(tool) && typeof tool['name'] === 'string' && isObject(tool['outputSchema']))
        structured.add(tool['name']);
    }
  }

  function request(asked: LinkRequest): Promise<JsonObject> {
    lastId += 1;
    const id = lastId;
    const byStream = isModern && transport.hasPerRequestStream === true;
    const { message, token } = translated(asked.whole, id);
    const { promise, resolve, reject } = Promise.withResolvers<JsonObject>();
    const onAbort = (): void => {
      settle(new Error('the call was cancelled'));
      if (!byStream) transport.send(cancellation(id)).catch(() => {});
    };
    const settle = (answer: JsonObject | Error): void => {
      if (!pending.delete(id)) return;
      asked.signal.removeEventListener('abort', onAbort);
      if (answer instanceof Error) reject(answer);
      else resolve(answer);
    };
    pending.set(id, { request: asked, token, settle });
    asked.signal.addEventListener('abort', onAbort, { once: true });
    transport
      .send(message, byStream ? { requestSignal: asked.signal } : {})
      .catch((error: unknown) =>
        settle(error instanceof Error ? error : new Error('the message could not be sent')),
      );
    return promise;
  }

  return {
    request,
    send: (message) => transport.send(toWire(message)),
    hasOutputSchema: (tool) => structured.has(tool),
    listChanges: () => listChanges,
    isOpen: () => isOpen,
    isBusy: () => pending.size > 0,
    close: () => transport.close(),
  };
}

/** The request under our id; where the client wants progress, our id is the token too. */
function translated(
  whole: JsonObject,
  id: number,
): { readonly message: JSONRPCMessage; readonly token: Id | null } {
  const params = isObject(whole['params']) ? whole['params'] : null;
  const token = params === null ? null : idOf(metaOf(params)['progressToken']);
  const changed =
    token === null || params === null
      ? whole
      : { ...whole, params: { ...params, _meta: { ...metaOf(params), progressToken: id } } };
  return { message: toWire({ ...changed, id }), token };
}

function cancellation(id: number): JSONRPCMessage {
  return {
    jsonrpc: '2.0',
    method: 'notifications/cancelled',
    params: { requestId: id, reason: 'cancelled by the client or by Mandate' },
  };
}

// A message is JSON on both sides of this border; the SDK's type and ours only describe it differently.
function toWire(message: JsonObject): JSONRPCMessage {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- read by message.ts, or made of what it read
  return message as unknown as JSONRPCMessage;
}

function fromWire(message: JSONRPCMessage): JsonObject {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- parsed by the transport from JSON
  return message as unknown as JsonObject;
}
