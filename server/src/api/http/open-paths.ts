// The paths that need no key: whether the process is alive and ready, and its metrics for scrapers on this machine.
import type { FastifyRequest } from 'fastify';
import { isForwarded, isLoopbackAddress, isLoopbackName } from './own-name.ts';
import { mountReference } from './reference.ts';
import type { Doorway } from './doorway.ts';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

export interface OpenPathsNeeds extends Omit<Doorway, 'failed'> {
  readonly version: string;
  readonly checks: () => Promise<readonly Check[]>;
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
}

const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';

export function mountOpenPaths({ fastify, prove, traced, version, checks, metrics }: OpenPathsNeeds): void {
  // Load balancers ask with HEAD.
  const alsoHead = { exposeHeadRoute: true };
  fastify.get('/health', alsoHead, (_request, reply) => reply.send({ status: 'healthy', version }));

  fastify.get('/ready', alsoHead, async (_request, reply) => {
    const found = await checks();
    const ready = found.every((check) => check.ok);
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', checks: found });
  });

  fastify.get('/metrics', (request, reply) =>
    traced('GET /metrics', request.headers, async (traceId) => {
      const isOpen = isFromThisMachine(request);
      if (!isOpen && (await prove(request, reply, 'metrics.read', traceId)) === null) return reply;
      return reply.type(PROMETHEUS).send(await metrics());
    }),
  );

  mountReference(fastify);
}

/**
 * A proxy on this machine speaks from loopback for the whole world, and a web page can have its own name point here;
 * the one betrays itself by its forwarding headers, the other by the name that it asks for.
 */
function isFromThisMachine(request: FastifyRequest): boolean {
  return isLoopbackAddress(request.ip) && !isForwarded(request) && isLoopbackName(request.headers.host);
}
