// The paths that need no key: whether the process is alive and ready, its metrics for scrapers on this machine, and
// the reference page, which asks nobody outside for anything.
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Permission } from '../../platform/identity/roles.ts';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

export interface OpenPathsNeeds {
  readonly fastify: FastifyInstance;
  readonly prove: (request: FastifyRequest, reply: FastifyReply, permission: Permission, traceId: string) => Promise<Principal | null>;
  readonly version: string;
  readonly checks: () => Promise<readonly Check[]>;
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
}

export function mountOpenPaths({ fastify, prove, version, checks, metrics }: OpenPathsNeeds): void {
  fastify.get('/health', (_request, reply) => reply.send({ status: 'healthy', version }));

  fastify.get('/ready', async (_request, reply) => {
    const found = await checks();
    const ready = found.every((check) => check.ok);
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', checks: found });
  });

  fastify.get('/metrics', async (request, reply) => {
    if (!isLoopback(request.ip) && (await prove(request, reply, 'metrics.read', '')) === null) return reply;
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metrics());
  });

  const bundle = createRequire(import.meta.url).resolve('@scalar/api-reference');
  const script = readFile(bundle.replace(/dist[/\\].*$/, 'dist/browser/standalone.js'), 'utf8');
  script.catch(() => undefined);
  fastify.get('/reference/scalar.js', async (_request, reply) => reply.type('text/javascript; charset=utf-8').header('cache-control', 'public, max-age=86400').send(await script));
  for (const path of ['/reference', '/docs']) {
    fastify.get(path, (_request, reply) => reply.type('text/html; charset=utf-8').header('content-security-policy', CSP).send(PAGE));
  }
  fastify.get('/', (_request, reply) => reply.redirect('/reference'));
}

/** Nothing may be loaded from elsewhere, whatever the bundle would like. */
const CSP = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

const PAGE = `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Mandate API</title></head>
  <body>
    <div id="reference"></div>
    <script src="/reference/scalar.js"></script>
    <script>
      Scalar.createApiReference('#reference', {
        url: '/openapi.json', withDefaultFonts: false, telemetry: false, hideClientButton: true,
        agent: { disabled: true }, mcp: { disabled: true }, showDeveloperTools: 'never', proxyUrl: '',
      });
    </script>
  </body>
</html>
`;

function isLoopback(address: string): boolean {
  return address === '127.0.0.1' || address === '::1' || address === '::ffff:127.0.0.1';
}
