// The shop as an MCP server over stdio, which knows nothing of Mandate. It keeps its ledger in the file it is given.
import { appendFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

const ledger = process.argv[2] ?? '/dev/null';

function done(effect) {
  appendFileSync(ledger, `${effect}\n`);
  return { content: [{ type: 'text', text: effect }] };
}

function createShopServer() {
  const server = new McpServer({ name: 'shop', version: '1.0.0' });
  const order = z.object({ order: z.number() });
  server.registerTool(
    'look_up_order',
    { description: 'Look up an order', inputSchema: order },
    ({ order: id }) => done(`looked up ${id}`),
  );
  server.registerTool(
    'refund_order',
    { description: 'Refund an order', inputSchema: order },
    ({ order: id }) => done(`refunded ${id}`),
  );
  server.registerTool(
    'erase_customer',
    { description: 'Erase a customer and all orders', inputSchema: z.object({ customer: z.string() }) },
    ({ customer }) => done(`erased ${customer}`),
  );
  return server;
}

serveStdio(createShopServer);
