// Something at the other end of the wire that is not Mandate: it answers rubbish, hangs, hangs up, or says the right
// thing at the wrong time. For tests of clients that must not act on any of it.
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { Closing } from './closing.ts';

export interface PeerRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Peer {
  readonly url: string;
  readonly requests: readonly PeerRequest[];
}

/** Listens until the test is over; `answer` may also leave the response alone. */
export async function openPeer(
  t: Closing,
  answer: (request: PeerRequest, response: ServerResponse) => void,
): Promise<Peer> {
  const requests: PeerRequest[] = [];
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const request = {
        method: incoming.method ?? '',
        path: incoming.url ?? '',
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      };
      requests.push(request);
      answer(request, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the peer got no port');
  return { url: `http://127.0.0.1:${address.port}`, requests };
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** An act as the server shows it, to be bent by tests. */
export function actAnswer(fields: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    id: '0193f2a0-0000-7000-8000-000000000001',
    agent: 'a-1',
    action: 'docs.write',
    status: 'permitted',
    parameters: {},
    resource: null,
    decision: {
      tier: 'green',
      effect: 'execute',
      code: 'allowed',
      reasons: ['docs.* is green.'],
      rule: 'docs.*',
      trust: { score: 50, level: 'standard' },
      findings: [],
      restrictions: [],
      phase: null,
      charterVersion: 'v',
      revision: 1,
      obligations: [],
      trace: [{ part: 'rule', tier: 'green', text: 'docs.* is green.' }],
    },
    permit: 'permit.v1.x.y',
    startWithinMs: 5_000,
    traceId: null,
    createdAt: '2026-11-20T00:00:00.000Z',
    ...fields,
  };
}
