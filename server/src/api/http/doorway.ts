// What a door that is no table of routes (MCP, standards, pages, feeds) needs of the HTTP server that it stands in: who
// asks is proven, every request has a span, and our own mistakes are told.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Permission } from '../../platform/identity/roles.ts';

export interface Doorway {
  readonly fastify: FastifyInstance;
  /** Proves who asks; answers the request itself, with null, when they may not. */
  readonly prove: (
    request: FastifyRequest,
    reply: FastifyReply,
    permission: Permission,
    traceId: string,
  ) => Promise<Principal | null>;
  /** Runs one request inside a span and hands over its trace id. */
  readonly traced: <T>(
    name: string,
    headers: FastifyRequest['headers'],
    run: (traceId: string) => Promise<T>,
  ) => Promise<T>;
  readonly failed: (error: unknown, traceId: string, path: string) => void;
}
