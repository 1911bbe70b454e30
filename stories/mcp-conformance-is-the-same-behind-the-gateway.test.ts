// The official conformance suite of the protocol, once against a server and once against the same server behind the
// gateway: every check has to end the same way, and none may fail.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { serveConformance } from '../test/conformance-server.ts';
import { openDoor } from '../test/door.ts';

const suite = join(
  createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json'),
  '../dist/index.js',
);

/** Runs every scenario; answers with `scenario/check: status`, one line each, sorted. */
async function conformance(t: TestContext, url: string): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'mandate-conformance-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await new Promise<void>((done) => {
    // It ends with 1 when a check fails; what failed is read from the results.
    execFile(
      process.execPath,
      [suite, 'server', '--url', url, '--suite', 'all', '--output-dir', folder],
      { timeout: 60_000, maxBuffer: 16_777_216 },
      () => done(),
    );
  });
  const lines: string[] = [];
  for (const run of await readdir(folder)) {
    const scenario = run.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, '');
    const checks: readonly {
      readonly id: string;
      readonly status: string;
      readonly errorMessage?: string;
    }[] = JSON.parse(await readFile(join(folder, run, 'checks.json'), 'utf8'));
    for (const { id, status, errorMessage } of checks)
      lines.push(`${scenario}/${id}: ${status}${status === 'FAILURE' ? ` ${errorMessage ?? ''}` : ''}`);
  }
  return lines.toSorted();
}

/** The suite has no way to send a key, so a door in front of the gateway adds one; host and origin stay as sent. */
async function withKey(t: TestContext, gateway: string, headers: Readonly<Record<string, string>>) {
  const { port, pathname } = new URL(gateway);
  const http = createServer((incoming, outgoing) => {
    const { method = 'GET', headers: sent } = incoming;
    const { host = '', ...rest } = sent;
    const local = host.replace(/:\d+$/, `:${port}`);
    const onward = ask(
      { host: '127.0.0.1', port, method, path: pathname, headers: { ...rest, host: local, ...headers } },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.on('error', () => outgoing.destroy()).pipe(outgoing);
        // A stream that says nothing yet has to be seen as open.
        outgoing.flushHeaders();
      },
    );
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
  http.keepAliveTimeout = 60_000;
  await once(http.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`;
}

test('the conformance suite is green, and says the same of a server and of the gateway before it', async (t) => {
  const upstream = await serveConformance(t);
  const door = await openDoor(t, {
    charter: `version: 1
executors:
  suite: { mcp: '${upstream}' }
tiers:
  green: { actions: ['suite.*'] }
`,
  });
  const agent = await door.makeKey({ roles: ['agent'], agents: ['suite-1'] });
  const gateway = await withKey(t, `${door.url}/mcp/suite`, { authorization: `Bearer ${agent.text}` });
  const without = await conformance(t, upstream);
  const behind = await conformance(t, gateway);
  assert.ok(without.length > 35, without.join('\n'));
  for (const lines of [without, behind])
    assert.deepEqual(
      lines.filter((line) => line.includes('FAILURE')),
      [],
    );
  // Where nothing is said before the answer, the gateway sends one JSON body and this server a stream of one event:
  // both are the protocol. What the suite then notes of streams, without judging it, is another thing.
  const judged = (lines: readonly string[]): readonly string[] =>
    lines.filter((line) => !/^server-sse-(polling|multiple-streams)\//.test(line));
  assert.deepEqual(judged(behind), judged(without));
  assert.deepEqual(scenarios(behind), scenarios(without));
});

function scenarios(lines: readonly string[]): readonly string[] {
  return [...new Set(lines.map((line) => line.split('/')[0] ?? ''))];
}
