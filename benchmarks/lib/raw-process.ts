// The least that a decision endpoint could be: node:http, ajv, the key looked up by its HMAC, a fixed answer. It stands
// for what Node itself costs on this machine.
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { createChance, systemClock } from '../../server/src/platform/clock/clock.ts';
import { loadMasterKeys } from '../../server/src/platform/crypto/master-key.ts';
import { createKeys } from '../../server/src/platform/identity/keys.ts';
import { deriveKey } from '../../server/src/platform/crypto/derive.ts';
import { hmacSha256 } from '../../server/src/platform/crypto/hash.ts';
import type { ApiKey } from '../../server/src/platform/identity/api-key.ts';
import { connect } from '../../server/src/platform/postgres/connection.ts';

const [, , dataDir = '', appUrl = '', lookup = 'postgres', answer = '{}'] = process.argv;

// Looked up here, as the peers of the other benchmarks are.
const peer = createRequire(new URL('../package.json', import.meta.url));
interface AjvModule {
  readonly Ajv: new () => { compile(schema: object): (value: unknown) => boolean };
}
const { Ajv } = peer('ajv') as AjvModule;
const nullable = (type: string): object => ({ type: [type, 'null'] });
const validate = new Ajv().compile({
  type: 'object',
  additionalProperties: false,
  required: ['agent', 'action'],
  properties: {
    agent: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._@:-]*$', maxLength: 256 },
    action: { type: 'string', pattern: '^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$', maxLength: 256 },
    parameters: { type: 'object' },
    context: { type: 'object' },
    resource: nullable('object'),
    user: nullable('object'),
    onBehalfOf: nullable('string'),
    estimatedCostUsd: { type: ['number', 'null'], minimum: 0, maximum: 1_000_000 },
    delegation: nullable('string'),
    idempotencyKey: nullable('string'),
    attach: { type: 'boolean' },
  },
});

const chance = createChance(systemClock);
const masterKeys = await loadMasterKeys({ fromEnvironment: null, dataDir, chance });
const app = connect(appUrl, { max: 10, applicationName: 'raw server' });
const keys = createKeys({ app, masterKeys, clock: systemClock, chance });
const known = new Map<string, ApiKey | null>();
const pepper = deriveKey(masterKeys.current, 'api-key-pepper');

async function find(text: string): Promise<ApiKey | null> {
  // One statement for one request, as a server without a batch of its own would do it.
  if (lookup === 'postgres') return keys.find(text, app);
  if (lookup === 'together') return keys.find(text);
  const mac = Buffer.from(hmacSha256(pepper, text)).toString('hex');
  const remembered = known.get(mac);
  if (remembered !== undefined) return remembered;
  const key = await keys.find(text);
  known.set(mac, key);
  return key;
}

async function respond(
  request: IncomingMessage,
): Promise<{ readonly status: number; readonly body: string }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = request.headers['x-api-key'];
  if (typeof text !== 'string' || (await find(text)) === null) return { status: 401, body: '{}' };
  const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  return validate(value) ? { status: 200, body: answer } : { status: 400, body: '{}' };
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, body } = await respond(request);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  response.writeHead(status, headers).end(body);
}

const server = createServer((request, response) => void serve(request, response));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ url: `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}` });
});

process.once('message', () => {
  server.closeAllConnections();
  server.close(() => void app.end({ timeout: 1 }).then(() => process.disconnect()));
});
