// The reference page: a reader of /openapi.json that comes with us and asks nobody outside for anything. What the
// bundle would like to load from elsewhere, the policy in its header forbids.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';

export function mountReference(fastify: FastifyInstance): void {
  const bundle = createRequire(import.meta.url).resolve('@scalar/api-reference');
  const script = readFile(bundle.replace(/dist[/\\].*$/, 'dist/browser/standalone.js'), 'utf8');
  // Whoever opens the page learns of it; the server starts without its documentation too.
  script.catch(() => undefined);
  fastify.get('/reference/scalar.js', async (_request, reply) =>
    reply
      .type('text/javascript; charset=utf-8')
      .header('cache-control', 'public, max-age=86400')
      .send(await script),
  );
  for (const path of ['/reference', '/docs']) {
    fastify.get(path, (_request, reply) =>
      reply.type('text/html; charset=utf-8').header('content-security-policy', POLICY).send(PAGE),
    );
  }
  fastify.get('/', (_request, reply) => reply.redirect('/reference'));
}

/**
 * The link of the first start carries the key behind the #, which a browser sends to nobody. It is taken out of the
 * address, and so out of the history, before anything else runs; it stays in this page's memory alone.
 */
const SETTINGS = `const given = /^#key=([A-Za-z0-9_.~-]+)$/.exec(location.hash);
if (given !== null) history.replaceState(null, '', location.pathname);
Scalar.createApiReference('#reference', {
  url: '/openapi.json', withDefaultFonts: false, telemetry: false, hideClientButton: true,
  agent: { disabled: true }, mcp: { disabled: true }, showDeveloperTools: 'never', proxyUrl: '', persistAuth: false,
  ...(given === null ? {} : { authentication: {
    preferredSecurityScheme: 'bearer', securitySchemes: { bearer: { token: given[1] } },
  } }),
});`;

const PAGE = `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Mandate API</title></head>
  <body>
    <div id="reference"></div>
    <script src="/reference/scalar.js"></script>
    <script>${SETTINGS}</script>
  </body>
</html>
`;

/** Only our two scripts run: the bundle by its place, the settings by their hash. */
const POLICY = [
  "default-src 'none'",
  `script-src 'self' 'sha256-${createHash('sha256').update(SETTINGS).digest('base64')}'`,
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
