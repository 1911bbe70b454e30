// JSON-RPC as it may enter. A proxy that judges a message must be sure that whoever reads it behind the proxy reads the
// same: a key written twice (the JSON guard refuses it) or once more in capitals means one thing to one parser and another
// to the next, so such messages go no further.
import type { JsonObject } from '@mandate/kernel';
import { parseGuardedJson } from '../../platform/http/json-guard.ts';

export type Id = string | number;

export type Message =
  | {
      readonly kind: 'request';
      readonly id: Id;
      readonly method: string;
      readonly params: JsonObject;
      readonly whole: JsonObject;
    }
  | {
      readonly kind: 'notification';
      readonly method: string;
      readonly params: JsonObject;
      readonly whole: JsonObject;
    }
  | { readonly kind: 'response'; readonly id: Id; readonly whole: JsonObject }
  | { readonly kind: 'bad'; readonly id: Id | null; readonly code: number; readonly why: string };

export const PARSE_ERROR = -32_700;
export const INVALID_REQUEST = -32_600;
export const INVALID_PARAMS = -32_602;
/** The request was cancelled by the one who sent it (the code that language servers made customary). */
export const CANCELLED = -32_800;

const PROTOCOL_VERSION = 'io.modelcontextprotocol/protocolVersion';
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';

/** Keys that decide what a message means. */
const MEANING = ['jsonrpc', 'id', 'method', 'params', 'result', 'error'];
const CALL_MEANING = ['name', 'arguments', 'task', '_meta', 'requestState', 'inputResponses'];

/** One message from a client. A list (a batch of revision 2025-03-26) is refused: later revisions have none. */
export function readMessage(text: string): Message {
  const parsed = parseGuardedJson(text);
  if (parsed.kind === 'refused')
    return bad(null, PARSE_ERROR, `${parsed.detail} Send one JSON-RPC 2.0 message.`);
  const { value } = parsed;
  if (Array.isArray(value)) {
    return bad(
      null,
      INVALID_REQUEST,
      'Batches are not served; MCP dropped them with revision 2025-06-18. Send each message by itself.',
    );
  }
  if (!isObject(value) || value['jsonrpc'] !== '2.0') {
    return bad(
      null,
      INVALID_REQUEST,
      'This is no JSON-RPC 2.0 message: it takes an object with "jsonrpc": "2.0".',
    );
  }
  const id = idOf(value['id']);
  const twin = twinOf(value);
  if (twin !== null) {
    return bad(
      id,
      INVALID_REQUEST,
      `The key ${JSON.stringify(twin.slice(0, 80))} can be read in two ways; write keys as the protocol does.`,
    );
  }
  return classify(value, id);
}

function classify(value: JsonObject, id: Id | null): Message {
  const { method, params = {} } = value;
  if (method === undefined) {
    const isAnswer = id !== null && ('result' in value || 'error' in value);
    return isAnswer
      ? { kind: 'response', id, whole: value }
      : bad(id, INVALID_REQUEST, 'The message has no method and is no answer.');
  }
  if (typeof method !== 'string') return bad(id, INVALID_REQUEST, 'The method is no text.');
  if (!isObject(params)) return bad(id, INVALID_PARAMS, 'MCP takes params as an object.');
  if (value['id'] === undefined) return { kind: 'notification', method, params, whole: value };
  return id === null
    ? bad(null, INVALID_REQUEST, 'The id must be text or a number.')
    : { kind: 'request', id, method, params, whole: value };
}

/** A key that some parser, indifferent to case, would take for one that decides what the message means. */
function twinOf(message: JsonObject): string | null {
  const params = message['method'] === 'tools/call' && isObject(message['params']) ? message['params'] : {};
  return lookalike(message, MEANING) ?? lookalike(params, CALL_MEANING);
}

function lookalike(object: JsonObject, known: readonly string[]): string | null {
  return (
    Object.keys(object).find((key) =>
      known.some((name) => name !== key && name.toLowerCase() === key.toLowerCase()),
    ) ?? null
  );
}

/** Whether the message itself claims revision 2026-07-28 or later: those are stateless and say so in every request. */
export function isModern(params: JsonObject): boolean {
  return typeof metaOf(params)[PROTOCOL_VERSION] === 'string';
}

/** Whether a 2026 client can show its person a link. */
export function showsLinks(params: JsonObject): boolean {
  const capabilities = metaOf(params)[CAPABILITIES];
  const elicitation = isObject(capabilities) ? capabilities['elicitation'] : undefined;
  return isObject(elicitation) && isObject(elicitation['url']);
}

export function metaOf(params: JsonObject): JsonObject {
  const meta = params['_meta'];
  return isObject(meta) ? meta : {};
}

export function errorMessage(id: Id | null, code: number, message: string): JsonObject {
  return { jsonrpc: '2.0', id, error: { code, message } };
}

export function resultMessage(id: Id, result: JsonObject): JsonObject {
  return { jsonrpc: '2.0', id, result };
}

/** The text of a JSON-RPC error, whatever stands in its place. */
export function errorTextOf(error: unknown): string {
  const message = isObject(error) ? error['message'] : undefined;
  return typeof message === 'string' ? message : 'The answer was neither result nor error.';
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function idOf(value: unknown): Id | null {
  return typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value)) ? value : null;
}

function bad(id: Id | null, code: number, why: string): Message {
  return { kind: 'bad', id, code, why };
}
