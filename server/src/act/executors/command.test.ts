import assert from 'node:assert/strict';
import { mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { fillArguments, runCommand } from './command.ts';
import type { CommandNeeds, CommandSetting } from './command.ts';
import type { ExecutionOutcome } from './execution.ts';
import {
  closed,
  createManualTime,
  createWire,
  DEADLINE_MS,
  GRACE_MS,
  runOf,
  temporaryDirectory,
} from './kit.test.ts';
import type { ManualTime } from './kit.test.ts';

const node = process.execPath;

function settingOf(command: readonly string[], part: Partial<CommandSetting> = {}): CommandSetting {
  return { kind: 'command', command, cwd: '.', timeoutMs: 600_000, env: {}, ...part };
}

async function needsFor(t: TestContext, time: ManualTime = createManualTime()): Promise<CommandNeeds> {
  const baseDir = await temporaryDirectory(t);
  const environment = { PATH: process.env['PATH'], HOME: '/nowhere', DATABASE_URL: 'postgres://secret' };
  return { baseDir, allowedDirs: [], environment, after: time.after, killGraceMs: GRACE_MS };
}

function failureOf(outcome: ExecutionOutcome): { code: string; error: string } {
  assert.equal(outcome.kind, 'failed');
  return outcome.kind === 'failed' ? { code: outcome.code, error: outcome.error } : { code: '', error: '' };
}

// Whatever carries the id of an act is killed when the act is cut off, so acts that are cut off here have ids of their
// own, unlike those of other tests.

// Prints what it was given, as JSON.
const mirror = `
  let stdin = '';
  process.stdin.on('data', (chunk) => (stdin += chunk)).on('end', () =>
    console.log(JSON.stringify({ argv: process.argv.slice(1), stdin: JSON.parse(stdin), env: process.env, cwd: process.cwd() })));`;

test('a command gets its parameters as single arguments and as JSON on standard input, in a clean environment', async (t) => {
  const needs = await needsFor(t);
  const parameters = { branch: '$(touch x); rm -rf "$HOME" && `id` \n ü', depth: 3, nested: { deep: [1] } };
  const setting = settingOf([node, '-e', mirror, '--', '{branch}', '{depth}'], { env: { CI: '1' } });
  const outcome = await runCommand('tests', setting, runOf({ parameters }), needs);
  assert.deepEqual(outcome, {
    kind: 'success',
    costMicroUsd: null,
    result: {
      argv: [parameters.branch, '3'],
      stdin: parameters,
      env: { PATH: process.env['PATH'], HOME: '/nowhere', LANG: 'C.UTF-8', CI: '1', MANDATE_ACT_ID: 'act-1' },
      cwd: needs.baseDir,
    },
  });
});

const refusals = [
  {
    why: 'an option',
    command: ['git', 'checkout', '{branch}'],
    parameters: { branch: '--upload-pack=evil' },
    code: 'bad_parameter',
  },
  { why: 'a bare dash', command: ['cat', '{file}'], parameters: { file: '-' }, code: 'bad_parameter' },
  { why: 'a negative number', command: ['seq', '{n}'], parameters: { n: -1 }, code: 'bad_parameter' },
  {
    why: 'a missing parameter',
    command: ['git', 'checkout', '{branch}'],
    parameters: {},
    code: 'bad_parameter',
  },
  { why: 'an inherited property', command: ['echo', '{constructor}'], parameters: {}, code: 'bad_parameter' },
  { why: 'an object', command: ['echo', '{o}'], parameters: { o: {} }, code: 'bad_parameter' },
  { why: 'null', command: ['echo', '{o}'], parameters: { o: null }, code: 'bad_parameter' },
  { why: 'a NUL character', command: ['echo', '{o}'], parameters: { o: 'a\0b' }, code: 'bad_parameter' },
  {
    why: 'a placeholder inside an argument',
    command: ['git', '--branch={b}'],
    parameters: { b: 'x' },
    code: 'bad_executor',
  },
  { why: 'a program chosen by a parameter', command: ['{p}'], parameters: { p: 'sh' }, code: 'bad_executor' },
  { why: 'an empty command', command: [], parameters: {}, code: 'bad_executor' },
] as const;

test('what could become an option, another program or a guess is refused before anything starts', () => {
  assert.deepEqual(
    refusals.map(({ why, command, parameters }) => {
      const filled = fillArguments(command, parameters);
      return [why, filled.kind === 'refused' ? filled.code : filled.args];
    }),
    refusals.map(({ why, code }) => [why, code]),
  );
});

test('after a literal -- a value may start with a dash', () => {
  const filled = fillArguments(['git', 'checkout', '--', '{path}'], { path: '-weird' });
  assert.deepEqual(filled, { kind: 'filled', file: 'git', args: ['checkout', '--', '-weird'] });
});

test('whatever a parameter holds, it stays one argument and never starts an option', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }).map((s) => `-${s}`),
  );
  fc.assert(
    fc.property(texts, (value) => {
      const filled = fillArguments(['tool', 'fixed', '{value}', 'last'], { value });
      if (filled.kind === 'refused') return value.startsWith('-') || value.includes('\0');
      return filled.args.length === 3 && filled.args[1] === value && !value.startsWith('-');
    }),
  );
});

test('an exit code other than 0 is a failure that carries the last words of standard error', async (t) => {
  const script = `console.error('first'); console.error('\\u001b[31m3 tests failed\\u001b[0m'); process.exit(3)`;
  const outcome = await runCommand('tests', settingOf([node, '-e', script]), runOf(), await needsFor(t));
  const { code, error } = failureOf(outcome);
  assert.equal(code, 'exit_nonzero');
  assert.match(error, /exit code 3.*3 tests failed/s);
});

test('output that is no JSON comes back as text, and invalid UTF-8 does no harm', async (t) => {
  const script = `process.stdout.write(Buffer.from([0x6f, 0x6b, 0xff, 0xfe])); process.stderr.write('warned')`;
  const outcome = await runCommand('tests', settingOf([node, '-e', script]), runOf(), await needsFor(t));
  assert.deepEqual(outcome, {
    kind: 'success',
    costMicroUsd: null,
    result: { exitCode: 0, stdout: 'ok\ufffd\ufffd', stderr: 'warned' },
  });
});

test('JSON that nobody could keep safely comes back as text', async (t) => {
  const script = `process.stdout.write('['.repeat(5000) + ']'.repeat(5000))`;
  const outcome = await runCommand('tests', settingOf([node, '-e', script]), runOf(), await needsFor(t));
  assert.equal(outcome.kind, 'success');
  assert.match(JSON.stringify(outcome), /"stdout":"\[\[/);
});

test('a program that prints 100 MB neither hangs nor grows the server, and first and last part are kept', async (t) => {
  const needs = await needsFor(t);
  const script = `
    const fs = require('node:fs');
    fs.writeSync(1, 'the beginning');
    for (let i = 0; i < 1600; i++) { let b = Buffer.alloc(65536); while (b.length) b = b.subarray(fs.writeSync(1, b)); }
    fs.writeSync(1, 'the end');`;
  const before = process.memoryUsage().arrayBuffers;
  const outcome = await runCommand('tests', settingOf([node, '-e', script]), runOf(), needs);
  const text = JSON.stringify(outcome.kind === 'success' ? outcome.result : null);
  assert.ok(Buffer.byteLength(text) <= 1_048_576);
  assert.match(text, /the beginning.*characters left out.*the end/s);
  assert.ok(process.memoryUsage().arrayBuffers - before < 50_000_000);
});

test('a program that does not read its input ends like any other', async (t) => {
  const parameters = { big: 'x'.repeat(5_000_000) };
  const outcome = await runCommand(
    'tests',
    settingOf([node, '-e', '0']),
    runOf({ parameters }),
    await needsFor(t),
  );
  assert.equal(outcome.kind, 'success');
});

// A child and a grandchild that both ignore SIGTERM, hold the output pipe and report on the wire.
const stubborn = `
  process.on('SIGTERM', () => {});
  require('node:net').connect(Number(process.argv[1]), '127.0.0.1').on('error', () => {});
  if (process.argv[2] === 'leader')
    require('node:child_process').spawn(process.execPath, ['-e', process.env.SELF, process.argv[1]], { stdio: 'inherit', env: process.env });`;

test('a stop kills children and grandchildren that ignore SIGTERM', async (t) => {
  const time = createManualTime();
  const needs = await needsFor(t, time);
  const wire = await createWire(t);
  const stop = new AbortController();
  const groups: string[] = [];
  const setting = settingOf([node, '-e', stubborn, String(wire.port), 'leader'], { env: { SELF: stubborn } });
  const running = runCommand('tests', setting, runOf({ actId: 'act-stop', signal: stop.signal }), {
    ...needs,
    onGroup: (_id, state) => groups.push(state),
  });
  const [child, grandchild] = [await wire.next(), await wire.next()];
  stop.abort();
  await time.armed(GRACE_MS);
  time.fire(GRACE_MS);
  await Promise.all([closed(child), closed(grandchild)]);
  assert.deepEqual(await running, { kind: 'cancelled' });
  assert.deepEqual(groups, ['started', 'ended']);
});

test('a command over its time is killed and its act unknown, whichever of the two limits is shorter', async (t) => {
  const limits = [
    { timeoutMs: 1_000, deadlineMs: DEADLINE_MS, shorter: 1_000 },
    { timeoutMs: 600_000, deadlineMs: 5_000, shorter: 5_000 },
  ];
  const outcomes = limits.map(async ({ timeoutMs, deadlineMs, shorter }) => {
    const time = createManualTime();
    const wire = await createWire(t);
    const script = `require('node:net').connect(${wire.port}, '127.0.0.1')`;
    const running = runCommand(
      'tests',
      settingOf([node, '-e', script], { timeoutMs }),
      runOf({ actId: `act-late-${shorter}`, deadlineMs }),
      await needsFor(t, time),
    );
    await wire.next();
    time.fire(shorter);
    return running;
  });
  assert.deepEqual(
    (await Promise.all(outcomes)).map((outcome) => outcome.kind),
    ['unknown', 'unknown'],
  );
});

test('a background process does not outlive the act that started it', async (t) => {
  const wire = await createWire(t);
  const background = `require('node:net').connect(${wire.port}, '127.0.0.1').on('connect', () => process.stdout.write('up'))`;
  const leader = `
    const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(background)}], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.once('data', () => { console.log(JSON.stringify('done')); process.exit(0); });`;
  const running = runCommand('tests', settingOf([node, '-e', leader]), runOf(), await needsFor(t));
  const survivor = await wire.next();
  assert.deepEqual(await running, { kind: 'success', result: 'done', costMicroUsd: null });
  await closed(survivor);
});

test('a descendant that left the process group cannot keep the act open', async (t) => {
  const time = createManualTime();
  const needs = await needsFor(t, time);
  const wire = await createWire(t);
  const leader = `
    const script = 'require("node:net").connect(${wire.port}, "127.0.0.1").on("close", () => process.exit()).resume()';
    const child = require('node:child_process').spawn(process.execPath, ['-e', script], { stdio: 'inherit', detached: true });
    child.unref(); console.log('{"left":true}');`;
  const running = runCommand('tests', settingOf([node, '-e', leader]), runOf(), needs);
  const escaped = await wire.next();
  await time.armed(GRACE_MS);
  time.fire(GRACE_MS);
  time.fire(GRACE_MS);
  assert.deepEqual(await running, { kind: 'success', result: { left: true }, costMicroUsd: null });
  escaped.destroy();
});

test(
  'a stop also finds a descendant that left the process group',
  { skip: process.platform !== 'linux' },
  async (t) => {
    const wire = await createWire(t);
    const stop = new AbortController();
    const leader = `
    const script = 'require("node:net").connect(${wire.port}, "127.0.0.1").on("error", () => {})';
    require('node:child_process').spawn(process.execPath, ['-e', script], { stdio: 'ignore', detached: true }).unref();
    setInterval(() => {}, 1000);`;
    const run = runOf({ actId: 'act-escape', signal: stop.signal });
    const running = runCommand('tests', settingOf([node, '-e', leader]), run, await needsFor(t));
    const escaped = await wire.next();
    stop.abort();
    assert.deepEqual(await running, { kind: 'cancelled' });
    await closed(escaped);
  },
);

test('a working directory outside the charter directory is refused, also behind a symbolic link', async (t) => {
  const needs = await needsFor(t);
  const outside = await temporaryDirectory(t);
  await symlink(outside, path.join(needs.baseDir, 'link'));
  await mkdir(path.join(needs.baseDir, 'inside'));
  const run = (cwd: string, allowedDirs: readonly string[] = []) =>
    runCommand(
      'tests',
      settingOf([node, '-e', 'console.log(JSON.stringify(process.cwd()))'], { cwd }),
      runOf(),
      { ...needs, allowedDirs },
    );
  assert.equal(failureOf(await run('..')).code, 'bad_executor');
  assert.equal(failureOf(await run(outside)).code, 'bad_executor');
  assert.equal(failureOf(await run('./link')).code, 'bad_executor');
  assert.equal(failureOf(await run('./missing')).code, 'bad_executor');
  assert.deepEqual(await run('./inside'), {
    kind: 'success',
    result: path.join(needs.baseDir, 'inside'),
    costMicroUsd: null,
  });
  assert.deepEqual(await run('./link', [outside]), { kind: 'success', result: outside, costMicroUsd: null });
});

test('a program that cannot be started is a failure that says so', async (t) => {
  const needs = await needsFor(t);
  const missing = failureOf(await runCommand('tests', settingOf(['no-such-program-here']), runOf(), needs));
  assert.equal(missing.code, 'executor_unavailable');
  assert.match(missing.error, /ENOENT/);
  const parameters = { text: 'x'.repeat(3_000_000) };
  const long = await runCommand('tests', settingOf([node, '{text}']), runOf({ parameters }), needs);
  assert.match(failureOf(long).error, /E2BIG/);
});
