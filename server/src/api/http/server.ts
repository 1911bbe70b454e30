// The HTTP door. It proves who asks, parses what they send, hands it to the module whose route it is, and turns every
// refusal and every mistake of ours into problem+json. It decides nothing.
import Fastify from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { parseGuardedJson } from '../../platform/http/json-guard.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Call, Reply, Route } from '../../platform/http/route.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Permission } from '../../platform/identity/roles.ts';
import { openApiDocument } from './openapi.ts';
import { sendProblem } from './problem.ts';
import type { ProblemContext } from './problem.ts';

export interface HttpNeeds {
  readonly routes: readonly Route[];
  readonly authenticate: (request: {
    method: string;
    path: string;
    headers: Readonly<Record<string, string | readonly string[] | undefined>>;
    rawBody: Uint8Array;
    remoteAddress: string;
  }) => Promise<{ kind: 'principal'; principal: Principal } | { kind: 'refused'; code: string; detail: string; status: number; retryAfterS: number | null }>;
  readonly isPermitted: (principal: Principal, permission: Permission) => boolean;
  readonly digestOf: (value: unknown) => string;
  /** Runs one request inside a span and hands over its trace id. */
  readonly traced: <T>(name: string, headers: Readonly<Record<string, string | readonly string[] | undefined>>, run: (traceId: string) => Promise<T>) => Promise<T>;
  readonly failed: (error: unknown, traceId: string, path: string) => void;
  readonly version: string;
}

const BODY_MAX = 1_048_576;
const WAIT_MAX_S = 30;

export interface HttpDoor {
  readonly fastify: FastifyInstance;
  /** Proves who asks, for doors that are no table of routes (feeds, MCP). Answers the request itself when refused. */
  readonly prove: (request: FastifyRequest, reply: FastifyReply, permission: Permission, traceId: string) => Promise<Principal | null>;
}

export function createHttp(needs: HttpNeeds): HttpDoor {
  const fastify = Fastify({ logger: false, bodyLimit: BODY_MAX, forceCloseConnections: true, routerOptions: { ignoreTrailingSlash: true, maxParamLength: 300 } });
  // Bodies arrive as bytes: signatures are over exactly these, and the guard has to see the text before any parser.
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(['application/json', 'application/cloudevents+json'], { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  fastify.setNotFoundHandler((request, reply) => {
    const known = needs.routes.some((route) => pathMatches(route.path, request.url.split('?')[0] ?? ''));
    const refusal: Refusal = known ? { code: 'method_not_allowed', detail: `${request.method} is not offered here.` } : { code: 'not_found', detail: `There is nothing at ${request.method} ${(request.url.split('?')[0] ?? '').slice(0, 200)}; /openapi.json lists what there is.` };
    return sendProblem(reply, refusal, { traceId: null });
  });
  fastify.setErrorHandler((error: unknown, request, reply) => sendProblem(reply, refusalOfError(error, (e) => needs.failed(e, '', request.url)), { traceId: null }));

  const prove: HttpDoor['prove'] = async (request, reply, permission, traceId) => {
    const answer = await needs.authenticate({ method: request.method, path: request.url, headers: request.headers, rawBody: bodyOf(request), remoteAddress: request.ip });
    if (answer.kind === 'refused') {
      const retry = answer.retryAfterS === null ? {} : { retryAfterMs: answer.retryAfterS * 1_000 };
      await sendProblem(reply, { code: answer.status === 429 ? 'too_many_attempts' : 'unauthenticated', detail: answer.detail, ...retry }, { traceId, reason: answer.code, status: answer.status });
      return null;
    }
    if (needs.isPermitted(answer.principal, permission)) return answer.principal;
    await sendProblem(reply, { code: 'forbidden', detail: `${answer.principal.id} (${answer.principal.roles.join(', ') || 'no role'}) may not: ${permission}.` }, { traceId });
    return null;
  };

  for (const route of needs.routes) {
    fastify.route({
      method: route.method,
      url: route.path,
      handler: (request, reply) =>
        needs.traced(`${route.method} ${route.path}`, request.headers, async (traceId) => {
          try {
            const principal = await prove(request, reply, route.permission, traceId);
            if (principal === null) return reply;
            const call = readCall(route, request, { principal, traceId }, needs);
            if ('refusal' in call) return await sendProblem(reply, call.refusal, { traceId, errors: call.errors ?? [] });
            return await sendReply(reply, await route.handle(call), traceId);
          } catch (error) {
            return await sendProblem(reply, refusalOfError(error, (e) => needs.failed(e, traceId, request.url)), { traceId });
          }
        }),
    });
  }
  const document = openApiDocument(needs.routes, needs.version);
  fastify.get('/openapi.json', (_request, reply) => reply.send(document));
  return { fastify, prove };
}

interface Asked {
  readonly principal: Principal;
  readonly traceId: string;
}

type BadCall = { readonly refusal: Refusal; readonly errors: ProblemContext['errors'] };

function readCall(route: Route, request: FastifyRequest, { principal, traceId }: Asked, needs: HttpNeeds): Call | BadCall {
  const params = request.params as Readonly<Record<string, string>>;
  // `:id` is always a UUID; anything else cannot exist.
  if ('id' in params && !/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(params['id'] ?? '')) {
    return bad({ code: 'not_found', detail: `${(params['id'] ?? '').slice(0, 80)} is no id; ids are UUIDs.` });
  }
  const query = route.query === null ? emptyQuery(request.query) : parse(route.query, request.query, 'query');
  if ('refusal' in query) return query;
  const body = readBody(route, request);
  if ('refusal' in body) return body;
  const key = headerOf(request, 'idempotency-key');
  if (key !== null && (key.length > 256 || key === '')) return bad({ code: 'invalid', detail: 'Idempotency-Key takes 1 to 256 characters.' });
  const bodyDigest = route.body === null ? '' : needs.digestOf(body.value);
  return {
    principal,
    params,
    query: query.value,
    body: body.value,
    bodyDigest,
    traceId,
    idempotency: key === null ? null : { key, digest: bodyDigest },
    waitMs: waitOf(headerOf(request, 'prefer')),
    may: (permission) => needs.isPermitted(principal, permission),
  };
}

function readBody(route: Route, request: FastifyRequest): { readonly value: unknown } | BadCall {
  if (route.body === null) return { value: null };
  const bytes = bodyOf(request);
  if (bytes.length === 0) return bad({ code: 'malformed', detail: 'The body is empty; send JSON with Content-Type: application/json.' });
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bad({ code: 'malformed', detail: 'The body is not UTF-8.' });
  }
  const guarded = parseGuardedJson(text);
  if (guarded.kind === 'refused') return bad({ code: 'malformed', detail: guarded.detail }, [{ pointer: guarded.pointer, detail: guarded.detail }]);
  return parse(route.body, guarded.value, 'body');
}

function parse(schema: z.ZodType, value: unknown, where: 'body' | 'query'): { readonly value: unknown } | BadCall {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { value: parsed.data };
  const errors = parsed.error.issues.map((issue) => ({
    pointer: (where === 'body' ? '' : '?') + issue.path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
    detail: issue.code === 'unrecognized_keys' ? `unknown field ${issue.keys.join(', ')}` : issue.message,
  }));
  const [first] = errors;
  return bad({ code: 'invalid', detail: first === undefined ? `The ${where} does not fit.` : `${first.pointer === '' ? `the ${where}` : first.pointer}: ${first.detail}.` }, errors);
}

function emptyQuery(query: unknown): { readonly value: null } | BadCall {
  const [name] = Object.keys(query as object);
  return name === undefined ? { value: null } : bad({ code: 'invalid', detail: `This path takes no query, but ?${name.slice(0, 80)} was given.` });
}

function bad(refusal: Refusal, errors: ProblemContext['errors'] = []): BadCall {
  return { refusal, errors };
}

function bodyOf(request: FastifyRequest): Uint8Array {
  return request.body instanceof Uint8Array ? request.body : new Uint8Array();
}

function headerOf(request: FastifyRequest, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' ? value : null;
}

/** `Prefer: wait=30` (RFC 7240). */
function waitOf(prefer: string | null): number {
  const match = /(?:^|[,;\s])wait=(\d{1,3})(?:$|[,;\s])/.exec(prefer ?? '');
  return match === null ? 0 : Math.min(Number(match[1]), WAIT_MAX_S) * 1_000;
}

function sendReply(reply: FastifyReply, answer: Reply, traceId: string): Promise<FastifyReply> | FastifyReply {
  if (answer.kind === 'problem') return sendProblem(reply, answer.refusal, { traceId, ...(answer.extra === undefined ? {} : { extra: answer.extra }) });
  if (answer.headers !== undefined) reply.headers(answer.headers);
  return reply.code(answer.status).header('x-trace-id', traceId).send(answer.body);
}

/** Fastify's own complaints are the sender's; everything else is ours. */
function refusalOfError(error: unknown, ours: (error: unknown) => void): Refusal {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return { code: 'too_large', detail: `The body is larger than ${BODY_MAX} bytes.` };
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return { code: 'unsupported_media_type', detail: 'The body must be application/json.' };
  if (code.startsWith('FST_ERR_CTP') || code === 'FST_ERR_BAD_URL') return { code: 'malformed', detail: error instanceof Error ? `${error.message}.` : 'The request cannot be read.' };
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status >= 400 && status < 500) return { code: 'malformed', detail: error instanceof Error ? `${error.message}.` : 'The request cannot be read.' };
  ours(error);
  const busy = code === '53300' || code === '55P03' || code === '57014' || code === 'CONNECT_TIMEOUT' || code === 'ECONNREFUSED' || code.startsWith('CONNECTION_') || code.startsWith('57P');
  return busy ? { code: 'overloaded', detail: 'The database does not answer in time, so nothing was decided.', retryAfterMs: 1_000 } : { code: 'internal', detail: 'Mandate made a mistake; nothing began after it.' };
}

function pathMatches(pattern: string, path: string): boolean {
  const want = pattern.split('/');
  const have = path.replace(/\/$/, '').split('/');
  return want.length === have.length && want.every((part, i) => part.startsWith(':') || part === have[i]);
}

