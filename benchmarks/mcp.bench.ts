// What the gateway costs: one tool call of an official MCP client at an official MCP server, straight and through
// Mandate, which decides it, starts the act in Postgres, carries the call and writes how it ended. Calls take turns.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { median, quantile } from './lib/measure.ts';
import { startProcess } from './lib/processes.ts';
import type { Served } from './lib/processes.ts';
import { duration, publish, times } from './lib/results.ts';

const CALLS = 600;
const WARM_UP = 100;

const dataDir = mkdtempSync(join(tmpdir(), 'mandate-bench-'));
const upstream = await startProcess<{ readonly url: string }>('mcp-upstream-process.ts', []);
const mandate = await startProcess<Served>('mandate-process.ts', [dataDir, upstream.told.url]);
try {
  await measure(upstream.told.url, mandate.told);
} finally {
  await mandate.stop();
  await upstream.stop();
  rmSync(dataDir, { recursive: true, force: true });
}

async function connect(url: string, headers: Readonly<Record<string, string>>, era: 'legacy' | 'modern') {
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  const client = new Client(
    { name: 'bench', version: '1' },
    { versionNegotiation: { mode: era === 'legacy' ? 'legacy' : { pin: '2026-07-28' } } },
  );
  await client.connect(transport);
  return client;
}

async function measure(direct: string, { url, adminKey }: Served): Promise<void> {
  const made = await fetch(`${url}/api/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ label: 'bench', roles: ['agent'], agents: ['bench-1'] }),
  });
  const { text: key } = (await made.json()) as { readonly text: string };
  const headers = { authorization: `Bearer ${key}` };
  const rows: (readonly string[])[] = [];
  for (const era of ['legacy', 'modern'] as const) {
    const straight = await connect(direct, {}, era);
    const governed = await connect(`${url}/mcp/bench`, headers, era);
    const own: number[] = [];
    const through: number[] = [];
    for (let call = 0; call < WARM_UP + CALLS; call += 1) {
      const before = await timed(straight, call);
      const between = await timed(governed, call);
      if (call < WARM_UP) continue;
      own.push(before);
      through.push(between);
    }
    await straight.close();
    await governed.close();
    const ratios = through.map((ns, at) => ns / (own[at] ?? Number.NaN));
    rows.push([
      era === 'legacy' ? '2025-11-25' : '2026-07-28',
      duration(median(own)),
      duration(median(through)),
      duration(quantile(through, 0.99)),
      duration(median(through) - median(own)),
      times(median(ratios)),
    ]);
  }
  publish({
    name: 'mcp',
    command: 'npm run bench -- mcp',
    postgres: 'the embedded one, durable',
    tables: [
      {
        title: 'One tools/call, one client, calls one after the other',
        head: ['revision', 'straight p50', 'gateway p50', 'gateway p99', 'overhead p50', 'ratio p50'],
        rows,
        notes: [
          'Through the gateway each call is two durable commits (the act begins, the act ends) and one more hop; straight it is none.',
        ],
      },
    ],
  });
}

async function timed(client: Client, call: number): Promise<number> {
  const from = process.hrtime.bigint();
  const answer = await client.callTool({ name: 'echo', arguments: { text: `call ${call}` } });
  if (answer.isError === true) throw new Error(JSON.stringify(answer));
  return Number(process.hrtime.bigint() - from);
}
