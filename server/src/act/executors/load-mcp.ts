// The MCP SDK takes an eighth of a second to load, so it is loaded by the first executor that needs it. This is also
// where its dependency `eventsource` is kept loadable in development: that package exports its TypeScript under the same
// condition `source` by which this repository runs its own, and Node strips no types below node_modules.
import { registerHooks } from 'node:module';
import type * as Mcp from './mcp.ts';

export async function loadMcp(): Promise<typeof Mcp> {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      if (context.parentURL?.includes('/node_modules/') !== true) return next(specifier, context);
      return next(specifier, {
        ...context,
        conditions: context.conditions.filter((condition) => condition !== 'source'),
      });
    },
  });
  try {
    return await import('./mcp.ts');
  } finally {
    hooks.deregister();
  }
}
