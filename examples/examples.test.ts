// The examples are programs that assert; here they run as a reader would run them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startServer } from '../test/server.ts';

const run = promisify(execFile);
const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

function example(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly stdout: string }> {
  const kept = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^(MANDATE_|NODE_TEST|DATABASE_URL)/.test(key)),
  );
  return run(process.execPath, ['--conditions=mandate-source', path(`${name}/main.ts`), ...args], {
    env: { ...kept, ...env },
    timeout: 60_000,
  });
}

test('one program holds the whole control plane, and again on the same directory', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'mandate-example-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  for (const _run of ['first', 'second']) {
    const { stdout } = await example('one-process', [dataDir], {});
    assert.match(stdout, /one sent after approval/);
  }
});

test('plain functions are governed by a charter that they do not know', async (t) => {
  const server = await startServer(t, {
    charter: await readFile(path('govern-plain-functions/charter.yaml'), 'utf8'),
  });
  const agentKey = await server.makeKey({ roles: ['agent'], agents: ['notes-1'] });
  const { stdout } = await example('govern-plain-functions', [], {
    MANDATE_URL: server.url,
    MANDATE_API_KEY: agentKey,
    PERSON_KEY: server.adminKey,
  });
  assert.match(stdout, /never wiped/);
});
