// The doors of other people's standards (AuthZEN, OFREP) lie on the same server, but their wire formats say what an
// error looks like: 400 for whatever is wrong with the body, unknown fields passed over, `X-Request-ID` echoed. They
// get a scope of their own, so that the product's stricter door stays as it is.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseGuardedJson } from '../../platform/http/json-guard.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Permission } from '../../platform/identity/roles.ts';
import type { Doorway } from './doorway.ts';
import { sendProblem } from './problem.ts';
import { refusalOfError } from './unreadable.ts';

export interface StandardCall {
  readonly principal: Principal;
  /** Any JSON; null for a GET. */
  readonly body: unknown;
  readonly params: Readonly<Record<string, string>>;
  readonly headers: FastifyRequest['headers'];
  readonly traceId: string;
}

export type StandardReply =
  | {
      readonly kind: 'json';
      readonly status: number;
      /** null sends no body at all. */
      readonly body: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'problem';
      readonly refusal: Refusal;
      /** Where the standard asks for another status than the product's own table. */
      readonly status?: number;
      readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
    };

export interface StandardRoute {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly permission: Permission;
  /** What a body that cannot be read is answered with, where the standard has a shape of its own for it. */
  readonly unreadable?: (detail: string, call: Pick<StandardCall, 'params'>) => StandardReply;
  readonly handle: (call: StandardCall) => Promise<StandardReply>;
}

const BODY_MAX = 1_048_576;
const REQUEST_ID = /^[\x21-\x7e]{1,200}$/;

export function mountStandardDoor(needs: Doorway, routes: readonly StandardRoute[]): void {
  void needs.fastify.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    // Whatever it is called, it is read as bytes: what it should have been called is for the route to say.
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
    scope.addHook('onRequest', async (request, reply) => {
      const id = request.headers['x-request-id'];
      if (typeof id === 'string' && REQUEST_ID.test(id)) reply.header('x-request-id', id);
    });
    for (const route of routes) {
      scope.route({
        method: route.method,
        url: route.url,
        bodyLimit: BODY_MAX,
        handler: (request, reply) =>
          needs.traced(`${route.method} ${route.url}`, request.headers, (traceId) =>
            serve(needs, route, { request, reply, traceId }),
          ),
      });
    }
    done();
  });
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly traceId: string;
}

async function serve(
  needs: Doorway,
  route: StandardRoute,
  { request, reply, traceId }: Exchange,
): Promise<FastifyReply> {
  try {
    const principal = await needs.prove(request, reply, route.permission, traceId);
    if (principal === null) return reply;
    const params = Object.fromEntries(
      Object.entries(request.params ?? {}).map(([name, value]) => [name, String(value)]),
    );
    const read: Body = route.method === 'GET' ? { kind: 'body', value: null } : readBody(request);
    if (read.kind === 'unreadable') {
      const answer = route.unreadable?.(read.detail, { params }) ?? badRequest(read.detail);
      return await send(reply, answer, traceId);
    }
    const { headers } = request;
    return await send(
      reply,
      await route.handle({ principal, body: read.value, params, headers, traceId }),
      traceId,
    );
  } catch (error) {
    const refusal = refusalOfError(error, BODY_MAX, (mistake) => needs.failed(mistake, traceId, request.url));
    return sendProblem(reply, refusal, { traceId });
  }
}

/** 400, as these standards want it for whatever is wrong with a request. */
export function badRequest(detail: string, pointer?: string): StandardReply {
  return {
    kind: 'problem',
    refusal: { code: 'invalid', detail },
    status: 400,
    ...(pointer === undefined ? {} : { errors: [{ pointer, detail }] }),
  };
}

type Body =
  | { readonly kind: 'body'; readonly value: unknown }
  | { readonly kind: 'unreadable'; readonly detail: string };

function readBody(request: FastifyRequest): Body {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type))
    return unreadable('The body must be sent with Content-Type: application/json.');
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') return unreadable('The body must not be compressed.');
  const bytes = request.body instanceof Uint8Array ? request.body : new Uint8Array();
  if (bytes.length === 0) return unreadable('The body is empty; send a JSON object.');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return unreadable('The body is not UTF-8.');
  }
  const guarded = parseGuardedJson(text);
  if (guarded.kind === 'refused')
    return unreadable(
      `${guarded.pointer === '' ? '' : `${guarded.pointer.slice(0, 80)}: `}${guarded.detail}`,
    );
  return { kind: 'body', value: guarded.value };
}

function unreadable(detail: string): Body {
  return { kind: 'unreadable', detail };
}

function send(reply: FastifyReply, answer: StandardReply, traceId: string): FastifyReply {
  if (answer.kind === 'problem') {
    const { refusal, status, errors = [] } = answer;
    return sendProblem(reply, refusal, { traceId, errors, ...(status === undefined ? {} : { status }) });
  }
  reply.code(answer.status).header('x-trace-id', traceId);
  if (answer.body === null) return reply.headers(answer.headers ?? {}).send();
  return reply
    .type('application/json')
    .headers(answer.headers ?? {})
    .send(JSON.stringify(answer.body));
}
