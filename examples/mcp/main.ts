// MCP under Mandate, both ways. A client that speaks to the gateway instead of the server; and a server that is wrapped
// where it runs, so that its client need not change at all. The official client, the official server, no SDK of ours.
//
//   MANDATE_CHARTER=examples/mcp/charter.yaml npm start
//   MANDATE_API_KEY=<a key of the agent clerk-1> PERSON_KEY=<a key of an admin> \
//     node --conditions=mandate-source examples/mcp/main.ts
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { Transport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { approveWhatWaits, untilServerIsGone, whileStopped } from '../shop/stage.ts';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const {
  MANDATE_URL: url = 'http://127.0.0.1:4007',
  MANDATE_API_KEY: key = '',
  PATH = '',
  HOME = '',
} = process.env;
const folder = await mkdtemp(join(tmpdir(), 'mandate-mcp-example-'));
const ledger = join(folder, 'ledger');

/** Behind the gateway: another address and a key, nothing else. */
const gateway = new StreamableHTTPClientTransport(new URL(`${url}/mcp/shop`), {
  requestInit: { headers: { authorization: `Bearer ${key}` } },
});
/** Wrapped: `mandate mcp wrap --` stands before the command that starts the server. */
const mandate = [process.execPath, '--conditions=mandate-source', path('../../server/src/main.ts')];
const server = [process.execPath, path('shop-server.mjs'), ledger];
const [command = '', ...args] = [
  ...mandate,
  'mcp',
  'wrap',
  '--agent',
  'clerk-1',
  '--name',
  'till',
  '--',
  ...server,
];
const wrapped = new StdioClientTransport({
  command,
  args,
  env: { PATH, HOME, MANDATE_URL: url, MANDATE_API_KEY: key },
  stderr: 'ignore',
});

async function connect(transport: unknown): Promise<Client> {
  const client = new Client({ name: 'clerk', version: '1' });
  // The official transports disagree with their own interface under exactOptionalPropertyTypes.
  await client.connect(transport as Transport);
  return client;
}

async function call(client: Client, name: string, input: Record<string, unknown>): Promise<string> {
  const { isError = false, content } = await client.callTool({ name, arguments: input });
  return `${isError ? 'refused' : 'answered'}: ${JSON.stringify(content)}`;
}

const clients = [await connect(gateway), await connect(wrapped)] as const;
try {
  for (const client of clients) {
    assert.match(await call(client, 'look_up_order', { order: 7 }), /answered: .*looked up 7/);
    // The call waits while the person decides, and then is answered like any other.
    const [refunded] = await Promise.all([call(client, 'refund_order', { order: 7 }), approveWhatWaits()]);
    assert.match(refunded, /answered: .*refunded 7/);
    assert.match(await call(client, 'erase_customer', { customer: 'ann' }), /refused: .*Mandate: denied/);
    await whileStopped(async () => {
      assert.match(await call(client, 'look_up_order', { order: 9 }), /refused: .*Mandate: stopped/);
    });
  }
  await untilServerIsGone();
  const [behind, before] = clients;
  await assert.rejects(call(behind, 'look_up_order', { order: 9 }));
  assert.match(await call(before, 'look_up_order', { order: 9 }), /refused: .*Mandate: unreachable/);
  assert.equal(await readFile(ledger, 'utf8'), 'looked up 7\nrefunded 7\n');
} finally {
  await Promise.allSettled(clients.map((client) => client.close()));
  await rm(folder, { recursive: true, force: true });
}

console.log(
  'looked up, refunded once after approval, never erased, nothing while stopped, nothing without a server',
);
