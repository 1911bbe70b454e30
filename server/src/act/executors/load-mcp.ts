// The MCP SDK takes an eighth of a second to load, so it is loaded by the first executor that needs it.
import type * as Mcp from './mcp.ts';

export function loadMcp(): Promise<typeof Mcp> {
  return import('./mcp.ts');
}
