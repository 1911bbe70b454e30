// The paths that need no key: whether the process is alive and ready, and its metrics for scrapers on this machine.
import type { FastifyRequest } from 'fastify';
import { isForwarded, isLoopbackAddress, isLoopbackName } from './own-name.ts';
import { sendProblem } from './problem.ts';
import { mountReference } from './reference.ts';
import type { Doorway } from './doorway.ts';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

export interface OpenPathsNeeds extends Omit<Doorway, 'failed'> {
  readonly version: string;
  /** Whose figures the metrics are. */
  readonly tenant: string;
  readonly checks: () => Promise<readonly Check[]>;
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
  /** Told of everybody who was given the metrics. Answers at once. */
  readonly noteScrape: (scrape: {
    /** The id of the principal, or `loopback`. */
    readonly by: string;
    /** A key with the role `scrape`; what presents itself as Prometheus; anybody else. */
    readonly how: 'key' | 'prometheus' | 'other';
  }) => void;
}

const OTHER_TENANT = {
  code: 'forbidden',
  detail:
    'The metrics of this server are those of another tenant than that of your key. Scrape a server whose MANDATE_TENANT is yours.',
} as const;
const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';

export function mountOpenPaths({
  fastify,
  prove,
  traced,
  version,
  tenant,
  checks,
  metrics,
  noteScrape,
}: OpenPathsNeeds): void {
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
      // A key that is offered is looked at, also from this machine: it says who scrapes.
      const isOpen = isFromThisMachine(request) && !offersKey(request);
      const proven = isOpen ? null : await prove(request, reply, 'metrics.read', traceId);
      if (!isOpen && proven === null) return reply;
      // I8: every other route answers whoever asks with what is their own; this one knows only what is the server's.
      if (proven !== null && proven.tenant !== tenant) return sendProblem(reply, OTHER_TENANT, { traceId });
      const text = await metrics();
      const hasScrapeKey = proven?.roles.includes('scrape') === true;
      noteScrape({
        by: proven?.id ?? 'loopback',
        how: hasScrapeKey ? 'key' : looksLikePrometheus(request) ? 'prometheus' : 'other',
      });
      return reply.header('x-trace-id', traceId).type(PROMETHEUS).send(text);
    }),
  );

  mountReference(fastify);
}

function offersKey({ headers }: FastifyRequest): boolean {
  return headers.authorization !== undefined || headers['x-api-key'] !== undefined;
}

/** Its own name, and the header with which it says how long it waits: browsers and scripts send neither. */
function looksLikePrometheus({ headers }: FastifyRequest): boolean {
  const isNamed = /^Prometheus\/\d/.test(headers['user-agent'] ?? '');
  return isNamed && headers['x-prometheus-scrape-timeout-seconds'] !== undefined;
}

/**
 * A proxy on this machine speaks from loopback for the whole world, and a web page can have its own name point here;
 * the one betrays itself by its forwarding headers, the other by the name that it asks for.
 */
function isFromThisMachine(request: FastifyRequest): boolean {
  return isLoopbackAddress(request.ip) && !isForwarded(request) && isLoopbackName(request.headers.host);
}
