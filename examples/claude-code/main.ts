// The real Claude Code under Mandate by its hooks: reading is green, writing waits for a person, commands never run, and
// when the server is stopped or gone nothing runs. Only the model is a script.
//
//   MANDATE_CHARTER=examples/claude-code/charter.yaml npm start
//   (cd examples/claude-code && npm ci --ignore-scripts)
//   MANDATE_API_KEY=<a key of the agent clerk-1> PERSON_KEY=<a key of an admin> \
//     node --conditions=mandate-source examples/claude-code/main.ts
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { approveWhatWaits, outcomes, resumeAll, stopAll, untilServerIsGone } from '../shop/stage.ts';
import { openScriptedModel } from './scripted-model.ts';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'mandate-claude-code-'));
const order = join(folder, 'order-7.txt');
const refund = join(folder, 'refund-7.txt');
await writeFile(order, 'Order 7: 40 USD, arrived broken\n');

const write = { tool: 'Write', input: { file_path: refund, content: 'Refund 40 USD for order 7\n' } };
const read = { tool: 'Read', input: { file_path: order } };
let known: readonly string[] = [];
const model = await openScriptedModel([
  read,
  write,
  // The person agrees meanwhile, and the model makes the very same call again.
  { ...write, meanwhile: approveWhatWaits },
  { tool: 'Bash', input: { command: `rm ${order}`, description: 'Tidy up' } },
  { ...read, meanwhile: stopAll },
  {
    ...read,
    async meanwhile() {
      await resumeAll();
      // The hooks after the calls have told how they ended.
      known = await outcomes();
      await untilServerIsGone();
    },
  },
]);

try {
  const settings = join(folder, 'settings.json');
  await writeFile(settings, await settingsHere());
  const code = await claude(['-p', 'Order 7 came broken. Refund it.', '--settings', settings], {
    ANTHROPIC_BASE_URL: model.url,
    ANTHROPIC_API_KEY: 'the scripted model takes any',
  });
  assert.equal(code, 0);
  const [looked = '', held = '', written = '', ran = '', stopped = '', alone = ''] = model.told();
  assert.match(looked, /arrived broken/);
  assert.match(held, /claude\.Write waits for approval/);
  assert.doesNotMatch(written, /"is_error":true/);
  assert.equal(await readFile(refund, 'utf8'), 'Refund 40 USD for order 7\n');
  assert.match(ran, /claude\.Bash was not run \(denied\)/);
  assert.ok(existsSync(order));
  assert.match(stopped, /claude\.Read was not run \(stopped\)/);
  assert.match(alone, /cannot be reached/);
  assert.deepEqual(known, [
    'claude.Read success',
    'claude.Write success',
    'claude.Bash denied',
    'claude.Read denied',
  ]);
  console.log(
    'looked up, refunded once after approval, never erased, nothing while stopped, nothing without a server',
  );
} finally {
  model.close();
  await rm(folder, { recursive: true, force: true });
}

/** settings.json as it stands beside this file, but for the command: `mandate` is not installed in a clone. */
async function settingsHere(): Promise<string> {
  const command = [process.execPath, '--conditions=mandate-source', path('../../server/src/main.ts')].join(
    ' ',
  );
  const text = await readFile(path('settings.json'), 'utf8');
  return text.replaceAll('mandate hook claude-code', `${command} hook claude-code --wait 0`);
}

/** Claude Code itself, at home in an empty folder and without a word to anybody but the scripted model. */
async function claude(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number | null> {
  const wrapper = path('node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs');
  const child = spawn(process.execPath, [wrapper, ...args], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      ...env,
      HOME: folder,
      CLAUDE_CONFIG_DIR: join(folder, '.claude'),
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
      DISABLE_TELEMETRY: '1',
    },
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}
