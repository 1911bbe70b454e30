// The MCP door: Streamable HTTP in front of any MCP server of the charter. It looks into each message, sends tools/call
// down the one road, and hands on everything else. It speaks no MCP of its own, so it need not know its revisions.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Transport } from '@modelcontextprotocol/client';
import type { JsonObject } from '@mandate/kernel';
import { PROBLEMS } from '../../platform/http/problems.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Permission } from '../../platform/identity/roles.ts';
import { createAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import { governedCall } from './call.ts';
import type { CallNeeds } from './call.ts';
import type { Link } from './link.ts';
import { CANCELLED, errorMessage, idOf, INVALID_REQUEST, isModern, readMessage } from './message.ts';
import type { Id, Message } from './message.ts';
import { createSessions } from './sessions.ts';
import type { Owner, Session } from './sessions.ts';

export interface McpNeeds extends Omit<CallNeeds, 'holdMs'> {
  readonly fastify: FastifyInstance;
  readonly prove: (
    request: FastifyRequest,
    reply: FastifyReply,
    permission: Permission,
    traceId: string,
  ) => Promise<Principal | null>;
  readonly traced: <T>(
    name: string,
    headers: FastifyRequest['headers'],
    run: (traceId: string) => Promise<T>,
  ) => Promise<T>;
  readonly askerOf: (principal: Principal, traceId: string | null) => Asker;
  /** Adds the authority of a delegation token. */
  readonly delegate: (
    principal: Principal,
    token: string,
  ) => Promise<{ kind: 'principal'; principal: Principal } | { kind: 'refused'; detail: string }>;
  /** The executors of the active charter that are MCP servers, each with what tells its setting from another. */
  readonly upstreams: (tenant: string) => Promise<ReadonlyMap<string, string>>;
  /** A transport of its own to such an executor, not started. */
  readonly connect: (tenant: string, upstream: string) => Promise<Transport>;
  readonly uuid: () => string;
  readonly after: (waitMs: number, run: () => void) => () => void;
  readonly failed: (error: unknown, traceId: string, path: string) => void;
}

/** How long a held call waits unless the client says otherwise: clients of today give up after 60 s. */
const HOLD_S = 25;
/** Files travel in calls; the guard on JSON and the executors' own caps bound what follows. */
const BODY_MAX = 4 * 1_048_576;
const SESSION = 'mcp-session-id';
const SERVER_ERROR = -32_000;

/** One request of a client that has been proven, with all that is known before its body is read. */
interface Visit {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly owner: Owner;
  readonly asker: Asker;
  readonly sessionId: string | null;
  readonly traceId: string;
}

/** Mounts `/mcp/:upstream`. Sessions, and the servers behind them, end when Fastify closes. */
export function mountMcp(needs: McpNeeds): void {
  const { fastify, prove, traced, askerOf, delegate, upstreams, connect, uuid, after, monotonicMs, failed } =
    needs;
  const sessions = createSessions({ connect, uuid, after, monotonicMs });
  const running = new Map<string, AbortController>();

  fastify.addHook('preClose', async () => {
    for (const controller of running.values()) controller.abort();
    await sessions.close();
  });
  const handlers = { POST: post, GET: get, DELETE: end } as const;
  for (const method of ['POST', 'GET', 'DELETE'] as const) {
    fastify.route({
      method,
      url: '/mcp/:upstream',
      bodyLimit: BODY_MAX,
      handler: (request, reply) =>
        traced(`${method} /mcp/:upstream`, request.headers, async (traceId) => {
          try {
            const visit = await enter(request, reply, traceId);
            return visit === null ? reply : await handlers[method](visit);
          } catch (error) {
            failed(error, traceId, request.url);
            return refuse(
              reply,
              { code: 'internal', detail: 'Mandate made a mistake; nothing began after it.' },
              traceId,
            );
          }
        }),
    });
  }

  /** Who asks, for which agent, at which upstream. null: it has been answered. */
  async function enter(request: FastifyRequest, reply: FastifyReply, traceId: string): Promise<Visit | null> {
    const proven = await prove(request, reply, 'actions.request', traceId);
    if (proven === null) return null;
    const token = headerOf(request, 'x-mandate-delegation');
    const delegated =
      token === null ? ({ kind: 'principal', principal: proven } as const) : await delegate(proven, token);
    if (delegated.kind === 'refused')
      return gone(refuse(reply, { code: 'not_yours', detail: delegated.detail }, traceId));
    const { principal } = delegated;
    const upstream = upstreamIn(request.params);
    const known = await upstreams(principal.tenant);
    const setting = known.get(upstream);
    if (setting === undefined) {
      const list =
        known.size === 0
          ? 'The charter has none; mandate mcp add proposes one.'
          : `The charter has ${[...known.keys()].join(', ')}.`;
      return gone(
        refuse(
          reply,
          {
            code: 'not_found',
            detail: `There is no MCP server ${JSON.stringify(upstream.slice(0, 80))}. ${list}`,
          },
          traceId,
        ),
      );
    }
    const agent = agentOf(principal, headerOf(request, 'x-mandate-agent'));
    if (typeof agent !== 'string') return gone(refuse(reply, agent, traceId));
    const owner = { tenant: principal.tenant, principal: principal.id, agent, upstream, setting };
    return {
      request,
      reply,
      owner,
      asker: askerOf(principal, traceId),
      sessionId: headerOf(request, SESSION),
      traceId,
    };
  }

  async function post(visit: Visit): Promise<FastifyReply> {
    const { request, reply, owner, sessionId } = visit;
    const message = readMessage(textOf(request.body));
    if (message.kind === 'bad') return rpcError(reply, 400, message);
    if (sessionId !== null) {
      const session = sessions.find(sessionId, owner);
      return session === null
        ? rpcError(reply, 404, {
            id: idIn(message),
            code: SERVER_ERROR,
            why: 'This session has ended or is not yours; initialize again.',
          })
        : deliver(visit, message, session.link, session);
    }
    if (message.kind === 'request' && message.method === 'initialize' && !isModern(message.params))
      return initialize(visit, message);
    if (message.kind === 'response' || !isModern(message.params)) {
      return rpcError(reply, 400, {
        id: idIn(message),
        code: SERVER_ERROR,
        why: 'Initialize first and send Mcp-Session-Id, or speak revision 2026-07-28.',
      });
    }
    return reached(
      visit,
      message,
      () => sessions.shared(owner),
      (link) => deliver(visit, message, link, null),
    );
  }

  function initialize(visit: Visit, message: Request): Promise<FastifyReply> {
    return reached(
      visit,
      message,
      () => sessions.open(visit.owner),
      (session) => deliver(visit, message, session.link, session),
    );
  }

  /** An upstream that cannot be started is the charter's or the machine's fault: the client is told which. */
  async function reached<T>(
    { reply }: Visit,
    message: Message,
    open: () => Promise<T>,
    then: (open: T) => Promise<FastifyReply>,
  ): Promise<FastifyReply> {
    let opened: T;
    try {
      opened = await open();
    } catch (error) {
      return rpcError(reply, 502, {
        id: idIn(message),
        code: SERVER_ERROR,
        why: `The MCP server could not be started or reached: ${error instanceof Error ? error.message : 'unknown'}. See its executor in the charter.`,
      });
    }
    return then(opened);
  }

  async function deliver(
    visit: Visit,
    message: Exclude<Message, { kind: 'bad' }>,
    link: Link,
    session: Session | null,
  ): Promise<FastifyReply> {
    if (message.kind === 'request') return serve(visit, message, link, session);
    if (message.kind === 'notification' && message.method === 'notifications/cancelled') {
      if (session !== null) running.get(callKey(session, idOf(message.params['requestId'])))?.abort();
    } else {
      // A server that has just died cannot be told; its requests end by themselves.
      await link.send(message.whole).catch(() => {});
    }
    return visit.reply.code(202).send();
  }

  async function serve(
    visit: Visit,
    message: Request,
    link: Link,
    session: Session | null,
  ): Promise<FastifyReply> {
    const { request, reply, traceId } = visit;
    // Without a session there is no telling whose id this is: nothing refers to it later, the connection stands for it.
    const key = session === null ? uuid() : callKey(session, message.id);
    if (running.has(key))
      return rpcError(reply, 400, {
        id: message.id,
        code: INVALID_REQUEST,
        why: 'A request with this id is still running; use a new id.',
      });
    const controller = new AbortController();
    running.set(key, controller);
    reply.hijack();
    const headers = { 'x-trace-id': traceId, ...(session === null ? {} : { [SESSION]: session.id }) };
    const answer = createAnswer({ response: reply.raw, headers, takesEvents: takesEvents(request), after });
    // In 2026-07-28 closing the connection is how a request is cancelled; before, it may just be a bad line.
    if (session === null) reply.raw.once('close', () => controller.abort());
    const returnStream = session?.lend(answer) ?? (() => {});
    try {
      const given = await answerOf(visit, message, link, { answer, signal: controller.signal });
      if (controller.signal.aborted) answer.endEmpty();
      else answer.end(given);
    } catch (error) {
      failed(error, traceId, request.url);
      answer.end(
        errorMessage(message.id, -32_603, 'Mandate made a mistake; see its log under this trace id.'),
      );
    } finally {
      running.delete(key);
      returnStream();
    }
    return reply;
  }

  async function answerOf(
    visit: Visit,
    message: Request,
    link: Link,
    { answer, signal }: { readonly answer: Answer; readonly signal: AbortSignal },
  ): Promise<JsonObject> {
    const { owner, asker } = visit;
    const onEvent = (event: JsonObject): void => answer.event(event);
    if (message.method === 'tools/call') {
      const { agent, upstream } = owner;
      return governedCall(
        { ...needs, holdMs: holdMsOf(visit.request) },
        { asker, agent, upstream, message, link, onEvent, signal },
      );
    }
    try {
      return await link.request({
        id: message.id,
        method: message.method,
        whole: message.whole,
        onEvent,
        signal,
      });
    } catch (error) {
      if (signal.aborted) return errorMessage(message.id, CANCELLED, 'Cancelled by the client.');
      return errorMessage(
        message.id,
        SERVER_ERROR,
        `The MCP server gave no answer: ${error instanceof Error ? error.message : 'it went away'}.`,
      );
    }
  }

  function get({ request, reply, owner, sessionId, traceId }: Visit): FastifyReply {
    const session = sessionId === null ? null : sessions.find(sessionId, owner);
    if (sessionId !== null && session === null)
      return rpcError(reply, 404, {
        id: null,
        code: SERVER_ERROR,
        why: 'This session has ended or is not yours; initialize again.',
      });
    if (session === null || !takesEvents(request)) {
      return refuse(
        reply.header('allow', 'POST'),
        {
          code: 'method_not_allowed',
          detail:
            'GET opens the event stream of a session: send Mcp-Session-Id and Accept: text/event-stream.',
        },
        traceId,
      );
    }
    reply.hijack();
    session.listen(
      createAnswer({
        response: reply.raw,
        headers: { [SESSION]: session.id },
        takesEvents: true,
        isStream: true,
        after,
      }),
    );
    return reply;
  }

  async function end({ reply, owner, sessionId, traceId }: Visit): Promise<FastifyReply> {
    const ended = sessionId !== null && (await sessions.end(sessionId, owner));
    return ended
      ? reply.code(204).send()
      : refuse(reply, { code: 'not_found', detail: 'There is no such session.' }, traceId);
  }
}

type Request = Extract<Message, { readonly kind: 'request' }>;

/** The agent in whose name the call is made: the header, else the only one of the key. */
function agentOf(principal: Principal, named: string | null): string | Refusal {
  const { agents } = principal;
  if (named !== null) {
    if (!/^[A-Za-z0-9][A-Za-z0-9._@:-]{0,255}$/.test(named))
      return { code: 'invalid', detail: 'X-Mandate-Agent takes a name of letters, digits, . _ @ : -' };
    return agents === 'any' || agents.includes(named)
      ? named
      : { code: 'not_yours', detail: `This key does not speak for ${named}.` };
  }
  const [only] = agents === 'any' ? [] : agents;
  if (only !== undefined && agents.length === 1) return only;
  return {
    code: 'invalid',
    detail: 'This key may speak for several agents; name one in the header X-Mandate-Agent.',
  };
}

function callKey(session: Session, id: Id | null): string {
  return JSON.stringify([session.id, id]);
}

function upstreamIn(params: unknown): string {
  return typeof params === 'object' && params !== null && 'upstream' in params ? String(params.upstream) : '';
}

/** `Prefer: wait=5` (RFC 7240) shortens the wait of a held call. */
function holdMsOf(request: FastifyRequest): number {
  const match = /(?:^|[,;\s])wait=(\d{1,3})(?:$|[,;\s])/.exec(headerOf(request, 'prefer') ?? '');
  return Math.min(match === null ? HOLD_S : Number(match[1]), HOLD_S) * 1_000;
}

function takesEvents(request: FastifyRequest): boolean {
  return (headerOf(request, 'accept') ?? '').includes('text/event-stream');
}

function headerOf(request: FastifyRequest, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

function textOf(body: unknown): string {
  if (!(body instanceof Uint8Array)) return '';
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return '';
  }
}

function idIn(message: Message): Id | null {
  return message.kind === 'request' ? message.id : null;
}

interface RpcFailure {
  readonly id: Id | null;
  readonly code: number;
  readonly why: string;
}

function rpcError(reply: FastifyReply, status: number, { id, code, why }: RpcFailure): FastifyReply {
  return reply
    .code(status)
    .type('application/json')
    .send(errorMessage(id, code, why));
}

function refuse(reply: FastifyReply, { code, detail }: Refusal, traceId: string): FastifyReply {
  const { status, title, next } = PROBLEMS[code];
  return reply
    .code(status)
    .type('application/problem+json')
    .send({
      type: `https://mandate.dev/problems/${code}`,
      title,
      status,
      code,
      detail: `${detail} ${next}`,
      traceId,
    });
}

function gone(_answered: FastifyReply): null {
  return null;
}
