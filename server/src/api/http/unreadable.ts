// Requests that never become a call: too large, too slow, in a form that nobody should guess at. Where two readers
// could understand one request differently (a proxy and we), it is refused and the connection ends with it.
import { STATUS_CODES } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Refusal } from '../../platform/http/problems.ts';
import { Unavailable } from '../../platform/http/unavailable.ts';
import { problemOf } from './problem.ts';
import type { ProblemContext } from './problem.ts';

/** Said twice, one of the two would count and the other would be what somebody else has checked. */
const ONCE: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'x-api-key',
  'x-api-key-id',
  'x-mandate-delegation',
  'content-type',
  'content-encoding',
  'idempotency-key',
  'mandate-attempt',
  'webhook-id',
  'webhook-timestamp',
  'webhook-signature',
  'last-event-id',
]);

/** A header that came twice and must not, or a Host that is missing; null where all is well. */
export function headerRefusal(raw: IncomingMessage): Refusal | null {
  const seen = new Set<string>();
  for (let i = 0; i < raw.rawHeaders.length; i += 2) {
    const name = (raw.rawHeaders[i] ?? '').toLowerCase();
    if (!ONCE.has(name)) continue;
    if (seen.has(name))
      return { code: 'malformed', detail: `The header ${name} came more than once; send it once.` };
    seen.add(name);
  }
  return seen.has('host') || raw.httpVersion === '1.0'
    ? null
    : { code: 'malformed', detail: 'The header Host is missing (RFC 9112).' };
}

const SHOWN_MAX = 200;

/** Fastify's own complaints are the sender's; everything else is ours and is handed to `ours`. */
export function refusalOfError(error: unknown, bodyMax: number, ours: (error: unknown) => void): Refusal {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const detail =
    error instanceof Error ? `${error.message.slice(0, SHOWN_MAX)}.` : 'The request cannot be read.';
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return { code: 'too_large', detail: `The body is larger than ${bodyMax} bytes.` };
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return { code: 'unsupported_media_type', detail: 'The body must be application/json.' };
  // What is so long cannot be the name of anything here.
  if (code === 'FST_ERR_MAX_PARAM_LENGTH')
    return { code: 'not_found', detail: 'A part of the path is longer than any name.' };
  if (code === 'FST_ERR_BAD_URL')
    return { code: 'malformed', detail: 'The path is not valid percent-encoded UTF-8.' };
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (code.startsWith('FST_ERR_CTP') || (status >= 400 && status < 500)) return { code: 'malformed', detail };
  // The door lets no NUL through; should one come by another way, it is still the text's fault and not a wonder.
  if (code === '22021' || code === '22P05')
    return { code: 'invalid', detail: 'A text has a character that cannot be stored (U+0000).' };
  ours(error);
  if (error instanceof Unavailable)
    return { code: 'unavailable', detail: error.message, retryAfterMs: 1_000 };
  return isBusy(code)
    ? {
        code: 'overloaded',
        detail:
          'The database does not answer in time, so nothing more begins. Asked again with the same Idempotency-Key, nothing is done twice.',
        retryAfterMs: 1_000,
      }
    : { code: 'internal', detail: 'Mandate made a mistake; nothing began after it.' };
}

const BUSY: ReadonlySet<string> = new Set(['53300', '55P03', '57014', 'CONNECT_TIMEOUT', 'ECONNREFUSED']);

function isBusy(code: string): boolean {
  return BUSY.has(code) || code.startsWith('CONNECTION_') || code.startsWith('57P');
}

/** What Node's parser refuses: nothing after such bytes can be trusted to be a request of its own. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, headers, body } = problemOf(refusalOfClientError(error.code), { traceId: null });
  const text = JSON.stringify(body);
  const head = {
    ...headers,
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(text)),
    connection: 'close',
  };
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${text}`);
}

function refusalOfClientError(code: string | undefined): Refusal {
  if (code === 'HPE_HEADER_OVERFLOW')
    return { code: 'header_too_large', detail: 'The headers are larger than 16 KB.' };
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { code: 'request_timeout', detail: 'The request did not arrive in time.' };
  return {
    code: 'malformed',
    detail: 'These bytes are no HTTP/1.1 request that can be read in one way only.',
  };
}

/** `Expect` with anything but 100-continue. */
export function answerExpectation(response: ServerResponse): void {
  const refusal: Refusal = { code: 'expectation_failed', detail: 'This Expect header cannot be met.' };
  answerRaw(response, refusal, { traceId: null });
}

function answerRaw(response: ServerResponse, refusal: Refusal, context: ProblemContext): void {
  const { status, headers, body } = problemOf(refusal, context);
  response.writeHead(status, { ...headers, 'content-type': 'application/problem+json', connection: 'close' });
  response.end(JSON.stringify(body));
}
