// The journal as it grows, over Server-Sent Events and WebSocket. Both carry CloudEvents with the position as id, so
// a client that lost its connection goes on where it stopped and misses nothing.
import websocket from '@fastify/websocket';
import type { WebSocket } from '@fastify/websocket';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Doorway } from '../http/doorway.ts';
import type { HttpDoor } from '../http/server.ts';
import { readPosition } from './position.ts';
import type { EndReason, FeedEvent, Reader } from './reader.ts';
import { serveSocket } from './socket.ts';
import { serveStream } from './stream.ts';

export interface FeedsNeeds extends Doorway, Pick<HttpDoor, 'stillMay'> {
  readonly refuse: (reply: FastifyReply, refusal: Refusal, traceId: string) => FastifyReply;
  /** CloudEvents after a position (null: from now on) until the signal aborts. */
  readonly follow: (
    tenant: string,
    from: number | null,
    signal: AbortSignal,
  ) => AsyncIterable<readonly FeedEvent[]>;
  /** The newest position. */
  readonly head: (tenant: string) => Promise<number>;
  /** What of the events is about one workflow run; null where there is no such run. */
  readonly ofRun: (
    tenant: string,
    run: string,
  ) => Promise<((events: readonly FeedEvent[]) => readonly FeedEvent[]) | null>;
  /** Runs `fn` once after `delayMs`; the answer cancels it. */
  readonly after: (delayMs: number, fn: () => void) => () => void;
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
}

/** How long a key that was revoked goes on reading at most. */
const RECHECK_MS = 2_000;
const FRAME_MAX = 4_096;
const PERMISSION = 'journal.read';

export async function mountFeeds(needs: FeedsNeeds): Promise<void> {
  const { fastify, traced, after } = needs;
  await fastify.register(websocket, { options: { maxPayload: FRAME_MAX } });

  fastify.get('/api/v1/events', (request, reply) =>
    traced('GET /api/v1/events', request.headers, async (traceId) => {
      const asked = await admit(needs, { request, reply, traceId });
      if (asked === null) return reply;
      const { reader, end } = openReader(needs, { ...asked, request, traceId });
      request.raw.on('close', () => end('gone'));
      reply.hijack();
      await serveStream(reply.raw, reader, { traceId, after });
      end('gone');
      return reply;
    }),
  );

  fastify.get<{ Params: { id: string } }>('/api/v1/workflows/:id/events', (request, reply) =>
    traced('GET /api/v1/workflows/:id/events', request.headers, async (traceId) => {
      const asked = await admit(needs, { request, reply, traceId });
      if (asked === null) return reply;
      const { id } = request.params;
      const choose = await needs.ofRun(asked.principal.tenant, id);
      if (choose === null)
        return needs.refuse(reply, { code: 'not_found', detail: `There is no workflow run ${id}.` }, traceId);
      const follow: FeedsNeeds['follow'] = async function* (tenant, from, signal) {
        for await (const events of needs.follow(tenant, from, signal)) yield choose(events);
      };
      const { reader, end } = openReader({ ...needs, follow }, { ...asked, request, traceId });
      request.raw.on('close', () => end('gone'));
      reply.hijack();
      await serveStream(reply.raw, reader, { traceId, after });
      end('gone');
      return reply;
    }),
  );

  const admitted = new WeakMap<FastifyRequest, Asked & { readonly traceId: string }>();
  fastify.route({
    method: 'GET',
    url: '/api/v1/live',
    // Refused as plain HTTP, before the upgrade: a client sees the status and the reason, not a closed socket.
    preValidation: (request, reply) =>
      traced('GET /api/v1/live', request.headers, async (traceId) => {
        const asked = await admit(needs, { request, reply, traceId });
        if (asked !== null) admitted.set(request, { ...asked, traceId });
      }),
    handler: (_request, reply) => {
      reply.header('upgrade', 'websocket');
      return needs.refuse(
        reply,
        { code: 'upgrade_required', detail: 'This address speaks WebSocket only.' },
        '',
      );
    },
    wsHandler: (socket: WebSocket, request: FastifyRequest) => {
      const asked = admitted.get(request);
      if (asked === undefined) return socket.close(1008, 'not authenticated');
      const { reader, end } = openReader(needs, { ...asked, request });
      socket.on('close', () => end('gone'));
      socket.on('error', () => end('gone'));
      void serveSocket(socket, reader, after).then(() => end('gone'));
    },
  });
}

interface Asked {
  readonly principal: Principal;
  readonly from: number | null;
}

interface Asking {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly traceId: string;
}

/** Null when the request has been answered with a refusal. */
async function admit(
  { prove, head, refuse }: FeedsNeeds,
  { request, reply, traceId }: Asking,
): Promise<Asked | null> {
  const principal = await prove(request, reply, PERMISSION, traceId);
  if (principal === null) return null;
  const position = readPosition(request.headers, request.query);
  if (position.kind === 'refused') {
    await refuse(reply, { code: 'invalid', detail: position.detail }, traceId);
    return null;
  }
  const newest = position.from === null ? 0 : await head(principal.tenant);
  if (position.from === null || position.from <= newest) return { principal, from: position.from };
  const detail = `The journal ends at ${newest}, so ${position.from} was never an event of it (a restored backup, or another server). Read on from ${newest}.`;
  await refuse(reply, { code: 'invalid', detail }, traceId);
  return null;
}

interface Opening extends Asked {
  readonly request: FastifyRequest;
  readonly traceId: string;
}

function openReader(
  { follow, stillMay, after, failed, closing }: FeedsNeeds,
  { principal, from, request, traceId }: Opening,
): { readonly reader: Reader; readonly end: (reason: EndReason) => void } {
  const ended = new AbortController();
  let reason: EndReason = 'going_away';
  let cancel = (): void => undefined;
  const end = (why: EndReason): void => {
    cancel();
    closing.removeEventListener('abort', close);
    if (ended.signal.aborted) return;
    reason = why;
    ended.abort();
  };
  const close = (): void => end('going_away');
  closing.addEventListener('abort', close, { once: true });
  if (closing.aborted) close();
  const recheck = async (): Promise<void> => {
    if (!(await stillMay(request, principal, PERMISSION))) return end('no_longer_allowed');
    if (!ended.signal.aborted) cancel = after(RECHECK_MS, () => void recheck());
  };
  cancel = after(RECHECK_MS, () => void recheck());
  const reader: Reader = {
    events: follow(principal.tenant, from, ended.signal),
    signal: ended.signal,
    reason: () => reason,
    failed(error) {
      failed(error, traceId, request.url);
      end('failed');
    },
  };
  return { reader, end };
}
