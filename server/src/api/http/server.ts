// The HTTP door. It proves who asks, has what they send parsed, hands it to the module whose route it is, and turns
// every refusal and every mistake of ours into problem+json. It decides nothing.
import Fastify from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Reply, Route } from '../../platform/http/route.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Permission } from '../../platform/identity/roles.ts';
import type { Doorway } from './doorway.ts';
import { createOffers } from './offers.ts';
import type { Offers } from './offers.ts';
import { openApiDocument } from './openapi.ts';
import { sendProblem } from './problem.ts';
import { bodyOf, readCall } from './read-call.ts';
import { answerClientError, answerExpectation, headerRefusal, refusalOfError } from './unreadable.ts';

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface HttpNeeds {
  readonly routes: readonly Route[];
  readonly authenticate: (request: {
    method: string;
    path: string;
    headers: Headers;
    rawBody: Uint8Array;
    remoteAddress: string;
  }) => Promise<
    | { kind: 'principal'; principal: Principal }
    | { kind: 'refused'; code: string; detail: string; status: number; retryAfterS: number | null }
  >;
  readonly isPermitted: (principal: Principal, permission: Permission) => boolean;
  /** Whether the key and the grants behind a principal still stand, for connections that stay open. */
  readonly stands: (principal: Principal) => Promise<boolean>;
  readonly digestOf: (value: unknown) => string;
  /** Runs one request inside a span and hands over its trace id. */
  readonly traced: <T>(name: string, headers: Headers, run: (traceId: string) => Promise<T>) => Promise<T>;
  readonly failed: (error: unknown, traceId: string, path: string) => void;
  readonly version: string;
  readonly limits?: Partial<DoorLimits>;
}

export interface DoorLimits {
  /** Bytes of a body. */
  readonly bodyMax: number;
  /** How long the headers, and how long the whole request, may take to arrive, in ms; and how often that is looked at. */
  readonly headersMs: number;
  readonly requestMs: number;
  readonly checkMs: number;
}

const LIMITS: DoorLimits = { bodyMax: 1_048_576, headersMs: 10_000, requestMs: 30_000, checkMs: 2_000 };

export interface HttpDoor extends Pick<Doorway, 'fastify' | 'prove'> {
  /** Whether somebody who was proven when the connection opened still may; false also when that cannot be told. */
  readonly stillMay: (
    request: FastifyRequest,
    principal: Principal,
    permission: Permission,
  ) => Promise<boolean>;
}

export function createHttp(needs: HttpNeeds): HttpDoor {
  const limits = { ...LIMITS, ...needs.limits };
  const fastify = openFastify(needs, limits);
  const offers = createOffers();
  fastify.addHook('onRoute', ({ method, url }) => offers.add(method, url));
  guardAgainstUnreadable(fastify, { needs, limits, offers });
  const prove = createProof(needs);
  for (const route of needs.routes) mount(fastify, route, { needs, limits, prove });
  const document = openApiDocument(needs.routes, needs.version);
  fastify.get('/openapi.json', (_request, reply) => reply.send(document));
  return { fastify, prove, stillMay: createRecheck(needs) };
}

function openFastify(needs: HttpNeeds, limits: DoorLimits): FastifyInstance {
  const fastify: FastifyInstance = Fastify({
    logger: false,
    bodyLimit: limits.bodyMax,
    requestTimeout: limits.requestMs,
    http: {
      headersTimeout: limits.headersMs,
      connectionsCheckingInterval: limits.checkMs,
      // Asked for below, with an answer that says so.
      requireHostHeader: false,
    },
    forceCloseConnections: true,
    // HEAD would run the handler of GET, and one of them hands out a permit that nobody would then receive.
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 300 },
    frameworkErrors: (error, request, reply) => void answerError(needs, limits, { error, request, reply }),
    clientErrorHandler: answerClientError,
  });
  fastify.server.on('checkExpectation', (_request, response) => answerExpectation(response));
  return fastify;
}

interface Guard {
  readonly needs: HttpNeeds;
  readonly limits: DoorLimits;
  readonly offers: Offers;
}

function guardAgainstUnreadable(fastify: FastifyInstance, { needs, limits, offers }: Guard): void {
  // Bodies arrive as bytes: signatures are over exactly these, and the guard has to see the text before any parser.
  fastify.removeAllContentTypeParsers();
  const json = ['application/json', 'application/cloudevents+json'];
  fastify.addContentTypeParser(json, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  fastify.addHook('onRequest', async (request, reply) => {
    // Answers hold keys, permits and what agents do.
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    const refusal = headerRefusal(request.raw);
    if (refusal === null) return undefined;
    // What follows on this connection cannot be trusted to be what it seems either.
    reply.header('connection', 'close');
    return answer(needs, { request, reply, refusal });
  });
  fastify.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?');
    const methods = offers.methodsAt(path);
    if (methods.length === 0) {
      const detail = `There is nothing at ${request.method} ${path.slice(0, 200)}; /openapi.json lists what there is.`;
      return answer(needs, { request, reply, refusal: { code: 'not_found', detail } });
    }
    const detail = `${request.method} is not offered here, but ${methods.join(', ')}.`;
    reply.header('allow', methods.join(', '));
    return answer(needs, { request, reply, refusal: { code: 'method_not_allowed', detail } });
  });
  fastify.setErrorHandler((error: unknown, request, reply) =>
    answerError(needs, limits, { error, request, reply }),
  );
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** A refusal before any route is known still has a trace id, by which the log finds it. */
function answer(needs: HttpNeeds, { request, reply, refusal }: Exchange & { readonly refusal: Refusal }) {
  return needs.traced(`${request.method} unmatched`, request.headers, async (traceId) =>
    sendProblem(reply, refusal, { traceId }),
  );
}

function answerError(
  needs: HttpNeeds,
  limits: DoorLimits,
  { error, request, reply }: Exchange & { readonly error: unknown },
) {
  return needs.traced(`${request.method} unreadable`, request.headers, async (traceId) => {
    const ours = (mistake: unknown): void => needs.failed(mistake, traceId, request.url);
    return sendProblem(reply, refusalOfError(error, limits.bodyMax, ours), { traceId });
  });
}

function createProof({ authenticate, isPermitted }: HttpNeeds): HttpDoor['prove'] {
  return async (request, reply, permission, traceId) => {
    const answered = await authenticate(credentialsOf(request));
    if (answered.kind === 'refused') {
      const { status, code, detail, retryAfterS } = answered;
      const retry = retryAfterS === null ? {} : { retryAfterMs: retryAfterS * 1_000 };
      await sendProblem(
        reply,
        { code: REFUSED[status] ?? 'unauthenticated', detail, ...retry },
        { traceId, reason: code, status },
      );
      return null;
    }
    const { principal } = answered;
    if (isPermitted(principal, permission)) return principal;
    const detail = `${principal.id} (${principal.roles.join(', ') || 'no role'}) may not: ${permission}.`;
    await sendProblem(reply, { code: 'forbidden', detail }, { traceId });
    return null;
  };
}

const REFUSED: Readonly<Record<number, Refusal['code']>> = { 403: 'not_yours', 429: 'too_many_attempts' };

/** A signature counts once, so what it opened is asked for by its key's row; every other credential is proven anew. */
function createRecheck({ authenticate, isPermitted, stands }: HttpNeeds): HttpDoor['stillMay'] {
  return async (request, principal, permission) => {
    try {
      if (principal.kind === 'signature') return await stands(principal);
      const answered = await authenticate(credentialsOf(request));
      return answered.kind === 'principal' && isPermitted(answered.principal, permission);
    } catch {
      // The database does not answer: the feed could not be read either, and its reader comes again.
      return false;
    }
  };
}

function credentialsOf(request: FastifyRequest): Parameters<HttpNeeds['authenticate']>[0] {
  const { method, url, headers, ip } = request;
  return { method, path: url, headers, rawBody: bodyOf(request), remoteAddress: ip };
}

interface Mounting {
  readonly needs: HttpNeeds;
  readonly limits: DoorLimits;
  readonly prove: HttpDoor['prove'];
}

function mount(fastify: FastifyInstance, route: Route, { needs, limits, prove }: Mounting): void {
  fastify.route({
    method: route.method,
    url: route.path,
    handler: (request, reply) =>
      needs.traced(`${route.method} ${route.path}`, request.headers, async (traceId) => {
        try {
          const principal = await prove(request, reply, route.permission, traceId);
          if (principal === null) return reply;
          const read = readCall(route, request, needs.digestOf);
          if ('refusal' in read)
            return await sendProblem(reply, read.refusal, { traceId, errors: read.errors });
          if (read.waitMs > 0) reply.header('preference-applied', `wait=${read.waitMs / 1_000}`);
          const may = (permission: Permission): boolean => needs.isPermitted(principal, permission);
          return await sendReply(reply, await route.handle({ ...read, principal, traceId, may }), traceId);
        } catch (error) {
          const ours = (mistake: unknown): void => needs.failed(mistake, traceId, request.url);
          return await sendProblem(reply, refusalOfError(error, limits.bodyMax, ours), { traceId });
        }
      }),
  });
}

function sendReply(reply: FastifyReply, answered: Reply, traceId: string): FastifyReply {
  if (answered.kind === 'problem') {
    const { refusal, extra = {} } = answered;
    return sendProblem(reply, refusal, { traceId, extra });
  }
  if (answered.headers !== undefined) reply.headers(answered.headers);
  return reply.code(answered.status).header('x-trace-id', traceId).send(answered.body);
}
