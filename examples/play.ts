// Plays an example as a reader would, against its real package: approved, denied, stopped, and left without a server.
import { spawn, spawnSync } from 'node:child_process';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startServer } from '../test/server.ts';
import type { TestServer } from '../test/server.ts';

export const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
export const LAST_WORDS =
  /looked up, refunded once after approval, never erased, nothing while stopped, nothing without a server/;

/** Whoever tries Mandate out need not have everything; CI must, so there a test without its package fails. */
const isCi = !['', '0', 'false', undefined].includes(process.env['CI']);
const without = (isThere: boolean, what: string): string | false => !isThere && !isCi && what;
export const frameworks = without(
  existsSync(path('node_modules/ai')),
  'the frameworks are not installed: npm ci --ignore-scripts in examples/',
);
export const claudeCode = without(
  existsSync(path('claude-code/node_modules/@anthropic-ai/claude-code')),
  'Claude Code is installed in CI only: npm ci --ignore-scripts in examples/claude-code/ (400 MB)',
);
export const python = without(
  spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))']).status === 0,
  'there is no python3 of version 3.9 or newer: apt-get install python3',
);

interface Closing {
  after(fn: () => Promise<void>): void;
}

async function openShopServer(
  t: Closing,
  charter: string,
): Promise<{ readonly server: TestServer; readonly agentKey: string }> {
  // Paths in a charter are read from where it lies, and here it lies in the server's own folder.
  const text = (await readFile(path(charter), 'utf8'))
    .replace('[node,', `[${JSON.stringify(process.execPath)},`)
    .replace('shop-server.mjs', path('mcp/shop-server.mjs'));
  const server = await startServer(t, { charter: text });
  return { server, agentKey: await server.makeKey({ roles: ['agent'], agents: ['clerk-1'] }) };
}

/** Runs an example as a reader would, and ends the server when it asks for that. */
export async function play(t: Closing, name: string): Promise<string> {
  const own = `${name}/charter.yaml`;
  const { server, agentKey } = await openShopServer(t, existsSync(path(own)) ? own : 'shop/charter.yaml');
  const kept = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^(MANDATE_|NODE_TEST|DATABASE_URL)/.test(key)),
  );
  const [command, ...args] =
    name === 'python'
      ? ['python3', '-u', '-B', path('python/main.py')]
      : [process.execPath, '--conditions=mandate-source', path(`${name}/main.ts`)];
  const child = spawn(command ?? '', args, {
    env: { ...kept, MANDATE_URL: server.url, MANDATE_API_KEY: agentKey, PERSON_KEY: server.adminKey },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  let output = '';
  let isAsked = false;
  const read = (chunk: Buffer): void => {
    output += chunk.toString('utf8');
    if (isAsked || !output.includes('press Enter')) return;
    isAsked = true;
    void server.kill().then(() => child.stdin.write('\n'));
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0, output);
  return output;
}
