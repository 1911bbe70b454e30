// The MCP door: Streamable HTTP in front of any MCP server of the charter. It looks into each message, sends tools/call
// down the one road, and hands on everything else. It speaks no MCP of its own, so it need not know its revisions.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Transport } from '@modelcontextprotocol/client';
import type { JsonObject } from '@mandate/kernel';
import { sendProblem } from '../http/problem.ts';
import type { Doorway } from '../http/doorway.ts';
import { createAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import { governedCall } from './call.ts';
import type { CallNeeds } from './call.ts';
import type { Link } from './link.ts';
import { CANCELLED, errorMessage, idOf, INVALID_REQUEST, isModern, readMessage } from './message.ts';
import type { Id, Message } from './message.ts';
import { createSessions } from './sessions.ts';
import type { Session } from './sessions.ts';
import { createEntrance, headerOf, SESSION, takesEvents } from './visit.ts';
import { createToolWatch } from './tool-watch.ts';
import type { ToolWatchNeeds } from './tool-watch.ts';
import type { EntranceNeeds, Visit } from './visit.ts';

export interface McpNeeds extends Doorway, Omit<CallNeeds, 'holdMs'>, EntranceNeeds, ToolWatchNeeds {
  /** A transport of its own to such an executor, not started. */
  readonly connect: (tenant: string, upstream: string) => Promise<Transport>;
  readonly uuid: () => string;
  readonly after: (waitMs: number, run: () => void) => () => void;
}

/** How long a held call waits unless the client says otherwise: clients of today give up after 60 s. */
const HOLD_S = 25;
/** Files travel in calls; the guard on JSON and the executors' own caps bound what follows. */
const BODY_MAX = 4 * 1_048_576;
const SERVER_ERROR = -32_000;

/** Mounts `/mcp/:upstream`. Sessions, and the servers behind them, end when Fastify closes. */
export function mountMcp(needs: McpNeeds): void {
  const { fastify, traced, connect, uuid, after, monotonicMs, failed } = needs;
  const enter = createEntrance(needs);
  const sessions = createSessions({ connect, uuid, after, monotonicMs });
  const watch = createToolWatch(needs);
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
            return sendProblem(
              reply,
              { code: 'internal', detail: 'Mandate made a mistake; nothing began after it.' },
              { traceId },
            );
          }
        }),
    });
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
    const { agent, upstream } = owner;
    const watched = { link, tenant: asker.tenant, upstream, by: asker.id, traceId: visit.traceId };
    if (message.method === 'tools/call') {
      const unseen = await watch.beforeCall(watched, message.params);
      if (unseen !== null) {
        const why = `What ${upstream} says of its tools has to be looked at before one is called, and ${unseen}.`;
        return errorMessage(message.id, SERVER_ERROR, why);
      }
      return governedCall(
        { ...needs, holdMs: holdMsOf(visit.request) },
        {
          asker,
          agent,
          upstream,
          run: visit.sessionId === null ? null : `mcp:${visit.sessionId}`,
          message,
          link,
          onEvent,
          signal,
        },
      );
    }
    let given: JsonObject;
    try {
      given = await link.request({
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
    // Before the client knows of them: what it then calls has been looked at.
    if (message.method === 'tools/list') await watch.passed(watched, given);
    return given;
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
      return sendProblem(
        reply.header('allow', 'POST'),
        {
          code: 'method_not_allowed',
          detail:
            'GET opens the event stream of a session: send Mcp-Session-Id and Accept: text/event-stream.',
        },
        { traceId },
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
      : sendProblem(reply, { code: 'not_found', detail: 'There is no such session.' }, { traceId });
  }
}

type Request = Extract<Message, { readonly kind: 'request' }>;

function callKey(session: Session, id: Id | null): string {
  return JSON.stringify([session.id, id]);
}

/** `Prefer: wait=5` (RFC 7240) shortens the wait of a held call. */
function holdMsOf(request: FastifyRequest): number {
  const match = /(?:^|[,;\s])wait=(\d{1,3})(?:$|[,;\s])/.exec(headerOf(request, 'prefer') ?? '');
  return Math.min(match === null ? HOLD_S : Number(match[1]), HOLD_S) * 1_000;
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
