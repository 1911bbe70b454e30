// What is published is what runs: the two packages are built, laid out as npm would install them, and used by a plain
// script and by a TypeScript program that knows nothing of this repository.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { actAnswer, openPeer, sendJson } from '../../test/peer.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const tsc = join(root, 'node_modules/typescript/bin/tsc');

const script = `
import { createMandate, MandateUnavailable } from '@mandate/sdk';
const adapters = await Promise.all(['ai', 'claude-code', 'langchain', 'mastra', 'openai-agents'].map((name) => import('@mandate/sdk/' + name)));
if (adapters.some((adapter) => !Object.values(adapter).every((one) => typeof one === 'function'))) throw new Error('an adapter is not there');
const outcome = await createMandate().run({ agent: 'a-1', action: 'docs.write' }, () => 42);
if (outcome.status !== 'success' || outcome.result !== 42 || !outcome.reported) throw new Error(JSON.stringify(outcome));
const nobody = createMandate({ url: 'http://127.0.0.1:9' });
const error = await nobody.run({ agent: 'a-1', action: 'docs.write' }, () => 42).catch((error) => error);
if (!(error instanceof MandateUnavailable)) throw error;
`;

const program = `
import { createMandate } from '@mandate/sdk';
import type { Outcome } from '@mandate/sdk';
import { createAiGate } from '@mandate/sdk/ai';
import { createLangChainGate } from '@mandate/sdk/langchain';
import { createMastraGate } from '@mandate/sdk/mastra';
import { createAgentsGate } from '@mandate/sdk/openai-agents';
import { claudeCodeHooks } from '@mandate/sdk/claude-code';
const mandate = createMandate({ url: 'http://127.0.0.1:4007', apiKey: 'k', agent: 'a-1', fetch: (url, init) => fetch(url, init) });
const tools = mandate.govern({ add: (a: number, b: number): number => a + b, get: async (id: string): Promise<{ id: string }> => ({ id }) });
export const kept: { add: { execute: (input: { a: number }) => number } } = createAiGate(mandate).tools({ add: { execute: ({ a }: { a: number }): number => a } });
export const gates = [createLangChainGate(mandate), createMastraGate(mandate), createAgentsGate(mandate), claudeCodeHooks(mandate)];
export const sum: Promise<number> = tools.add(1, 2);
export const got: Promise<{ id: string }> = tools.get('x');
// @ts-expect-error a governed function takes what it took before
void tools.add('1', 2);
export function say(outcome: Outcome): string {
  return outcome.status === 'waiting_for_approval' ? outcome.approval.url : outcome.status === 'denied' ? outcome.problem.detail : outcome.id;
}
`;

test('the built package runs in plain Node and types in a plain program', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'mandate-package-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const workshop = join(directory, 'workshop');
  const consumer = join(directory, 'consumer');
  await build(workshop);
  for (const name of ['kernel', 'sdk'])
    await install(join(workshop, name), join(consumer, 'node_modules/@mandate', name));
  await symlink(join(root, 'node_modules/@bufbuild'), join(consumer, 'node_modules/@bufbuild'));
  await writeFile(join(consumer, 'package.json'), '{"type":"module"}');
  await writeFile(join(consumer, 'script.js'), script);
  await writeFile(join(consumer, 'program.ts'), program);

  const peer = await openPeer(t, (request, response) =>
    sendJson(
      response,
      200,
      request.path.endsWith('/outcome') ? actAnswer({ status: 'success', permit: undefined }) : actAnswer(),
    ),
  );
  const env = { PATH: process.env['PATH'] ?? '', MANDATE_URL: peer.url, MANDATE_API_KEY: 'k' };
  await run(oldestNode(), ['script.js'], { cwd: consumer, env });
  // Without @types/node, as in a browser.
  await run(
    process.execPath,
    [
      tsc,
      '--noEmit',
      '--strict',
      '--target',
      'es2022',
      '--lib',
      'es2022,dom,dom.iterable',
      '--module',
      'nodenext',
      '--types',
      '',
      'program.ts',
    ],
    { cwd: consumer },
  );
});

/** A copy of the two packages is built, so that nobody else's build is disturbed. */
async function build(workshop: string): Promise<void> {
  for (const name of ['kernel', 'sdk']) {
    await cp(join(root, name), join(workshop, name), {
      recursive: true,
      filter: (path) => !/\/(dist|node_modules)$|\.test\.ts$|\.tsbuildinfo$/.test(path),
    });
  }
  await cp(join(root, 'tsconfig.base.json'), join(workshop, 'tsconfig.base.json'));
  await mkdir(join(workshop, 'node_modules/@mandate'), { recursive: true });
  await symlink('../../kernel', join(workshop, 'node_modules/@mandate/kernel'));
  for (const name of ['@bufbuild', '@types', 'undici-types'])
    await symlink(join(root, 'node_modules', name), join(workshop, 'node_modules', name));
  await run(process.execPath, [tsc, '-b', join(workshop, 'sdk/tsconfig.build.json')]);
}

/** Only what package.json says is shipped. */
async function install(from: string, to: string): Promise<void> {
  const manifest = JSON.parse(await readFile(join(from, 'package.json'), 'utf8')) as {
    readonly files: readonly string[];
  };
  await cp(join(from, 'package.json'), join(to, 'package.json'));
  for (const file of manifest.files) await cp(join(from, file), join(to, file), { recursive: true });
}

/** The system's Node is often older than the one that runs the tests, and the SDK promises to run from 20 on. */
function oldestNode(): string {
  return existsSync('/usr/bin/node') ? '/usr/bin/node' : process.execPath;
}
