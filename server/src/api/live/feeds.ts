// The journal as it grows, over Server-Sent Events and WebSocket. Both carry CloudEvents with the position as id, so
// a client that lost its connection goes on where it stopped and misses nothing.
import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Permission } from '../../platform/identity/roles.ts';

export interface FeedEvent {
  readonly id: string;
  readonly type: string;
}

export interface FeedsNeeds {
  readonly fastify: FastifyInstance;
  readonly prove: (request: FastifyRequest, reply: FastifyReply, permission: Permission, traceId: string) => Promise<Principal | null>;
  readonly traced: <T>(name: string, headers: FastifyRequest['headers'], run: (traceId: string) => Promise<T>) => Promise<T>;
  /** CloudEvents after a position (null: from now on) until the signal aborts. */
  readonly follow: (tenant: string, from: number | null, signal: AbortSignal) => AsyncIterable<readonly FeedEvent[]>;
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
}

/** A comment line this often keeps proxies from closing a silent stream. */
const KEEPALIVE_MS = 15_000;

export async function mountFeeds({ fastify, prove, traced, follow, closing }: FeedsNeeds): Promise<void> {
  await fastify.register(websocket, { options: { maxPayload: 4_096 } });

  fastify.get('/api/v1/events', (request, reply) =>
    traced('GET /api/v1/events', request.headers, async (traceId) => {
      const principal = await prove(request, reply, 'journal.read', traceId);
      if (principal === null) return reply;
      const ended = new AbortController();
      request.raw.on('close', () => ended.abort());
      const signal = AbortSignal.any([ended.signal, closing]);
      reply.hijack();
      reply.raw.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no', 'x-trace-id': traceId });
      reply.raw.write(': mandate journal\n\n');
      const keepalive = setInterval(() => reply.raw.write(': keepalive\n\n'), KEEPALIVE_MS).unref();
      try {
        for await (const events of follow(principal.tenant, positionOf(request), signal)) {
          const text = events.map((event) => `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
          // A reader that does not keep up is waited for, not buffered for.
          if (!reply.raw.write(text)) await drained(reply, signal);
        }
      } finally {
        clearInterval(keepalive);
        reply.raw.end();
      }
      return reply;
    }),
  );

  fastify.get(
    '/api/v1/live',
    {
      websocket: true,
      preValidation: async (request, reply) => {
        const principal = await prove(request, reply, 'journal.read', '');
        if (principal !== null) tenants.set(request, principal.tenant);
      },
    },
    (socket, request) => {
      const tenant = tenants.get(request);
      if (tenant === undefined) return socket.close(1008, 'not authenticated');
      const ended = new AbortController();
      socket.on('close', () => ended.abort());
      socket.on('error', () => ended.abort());
      const signal = AbortSignal.any([ended.signal, closing]);
      void (async () => {
        for await (const events of follow(tenant, positionOf(request), signal)) {
          for (const event of events) await new Promise<void>((sent) => socket.send(JSON.stringify(event), () => sent()));
        }
      })().finally(() => socket.close(1001, 'going away'));
    },
  );
  const tenants = new WeakMap<FastifyRequest, string>();
}

/** `Last-Event-ID`, or `?from=` where headers cannot be set. */
function positionOf(request: FastifyRequest): number | null {
  const query = request.query as Readonly<Record<string, unknown>>;
  const given = request.headers['last-event-id'] ?? query['from'];
  return typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : null;
}

function drained(reply: FastifyReply, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    reply.raw.once('drain', () => resolve());
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
