import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createExecutors } from './executors.ts';
import type { ExecutorNeeds, Executors } from './executors.ts';
import {
  createManualTime,
  DEADLINE_MS,
  GRACE_MS,
  runOf,
  serveHttp,
  silentLog,
  temporaryDirectory,
} from './kit.test.ts';

const node = process.execPath;
const fixture = path.join(import.meta.dirname, 'fixtures', 'mcp-server.mjs');
const files = { kind: 'mcp', mcp: [node, fixture], cwd: '.', timeoutMs: 30_000 } as const;
const echo = {
  kind: 'command',
  command: [node, '-e', 'console.log(1)'],
  cwd: '.',
  timeoutMs: 30_000,
  env: {},
} as const;

async function executorsFor(t: TestContext, part: Partial<ExecutorNeeds> = {}): Promise<Executors> {
  const executors = createExecutors({
    settings: {},
    baseDir: await temporaryDirectory(t),
    secrets: () => null,
    environment: { PATH: process.env['PATH'] },
    log: silentLog,
    after: createManualTime().after,
    ...part,
  });
  t.after(() => executors.close());
  return executors;
}

test('an action finds the most specific executor that takes it by name', async (t) => {
  const executors = await executorsFor(t, { settings: { files, 'files.deep': files, tests: echo } });
  for (const pattern of ['*', 'git.*', 'git.read*', 'git.merge', 'files.deep.down.*'])
    executors.registerExecutor(pattern, () => null);
  const found = [
    'git.merge',
    'git.read_log',
    'git.push',
    'files.write_file',
    'files.deep.x',
    'files.deep.down.x',
    'files.',
    'tests',
    'other',
  ];
  assert.deepEqual(
    found.map((action) => executors.find(action)),
    ['git.merge', 'git.read*', 'git.*', 'files', 'files.deep', 'files.deep.down.*', '*', '*', '*'],
  );
  assert.equal((await executorsFor(t, { settings: { tests: echo } })).find('tests.run'), null);
});

test('a pattern that is none, or is taken, is refused at registration', async (t) => {
  const executors = await executorsFor(t, { settings: { tests: echo } });
  executors.registerExecutor('git.*', () => null);
  for (const pattern of ['', '**', 'a*b', '*.read', 'two words', 'git.*', 'tests']) {
    assert.throws(() => executors.registerExecutor(pattern, () => null), /registerExecutor/);
  }
  assert.equal(executors.has('git.*'), true);
  assert.equal(executors.has('tests'), true);
  assert.equal(executors.has('toString'), false);
});

test('a function gets the action and its result, cost included, comes back', async (t) => {
  const executors = await executorsFor(t);
  executors.registerExecutor('llm.*', async ({ action, parameters, idempotencyKey }) => ({
    result: { action, parameters, idempotencyKey },
    costUsd: 0.03,
  }));
  const outcome = await executors.execute('llm.*', runOf({ action: 'llm.ask', parameters: { q: 1 } }));
  const result = { action: 'llm.ask', parameters: { q: 1 }, idempotencyKey: 'act-1' };
  assert.deepEqual(outcome, { kind: 'success', result, costMicroUsd: 30_000 });
});

test('whatever a function does, execute answers with an outcome', async (t) => {
  const executors = await executorsFor(t);
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  const misbehaving: Record<string, () => unknown> = {
    'x.throws': () => {
      throw new Error('\u001b[31mno');
    },
    'x.rejects': () => Promise.reject(new Error('later')),
    'x.throwsNothing': () => {
      // oxlint-disable-next-line no-throw-literal -- strangers throw anything
      throw null;
    },
    'x.throwsHostile': () => {
      // oxlint-disable-next-line no-throw-literal -- strangers throw anything
      throw { toString: () => assert.fail('again') };
    },
    'x.cycle': () => cyclic,
    'x.bigint': () => 1n,
    'x.function': () => () => 1,
    'x.large': () => 'x'.repeat(2_000_000),
    'x.nothing': () => undefined,
  };
  const outcomes: Record<string, string> = {};
  for (const [name, fn] of Object.entries(misbehaving)) {
    executors.registerExecutor(name, fn);
    const outcome = await executors.execute(name, runOf({ action: name }));
    outcomes[name] = outcome.kind === 'failed' ? outcome.code : outcome.kind;
    assert.ok(!JSON.stringify(outcome).includes('\\u001b'));
  }
  assert.deepEqual(outcomes, {
    'x.throws': 'executor_error',
    'x.rejects': 'executor_error',
    'x.throwsNothing': 'executor_error',
    'x.throwsHostile': 'executor_error',
    'x.cycle': 'bad_result',
    'x.bigint': 'bad_result',
    'x.function': 'bad_result',
    'x.large': 'result_too_large',
    'x.nothing': 'success',
  });
});

test('a function that obeys the stop is cancelled, one that finishes has succeeded, one that hangs is unknown', async (t) => {
  const time = createManualTime();
  const executors = await executorsFor(t, { after: time.after, killGraceMs: GRACE_MS });
  const aborted = (signal: AbortSignal) =>
    new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  executors.registerExecutor('x.obeys', async ({ signal }) => {
    await aborted(signal);
    throw new Error('stopped');
  });
  executors.registerExecutor('x.finishes', async ({ signal }) => {
    await aborted(signal);
    return 'done all the same';
  });
  executors.registerExecutor('x.hangs', () => new Promise(() => {}));
  const stop = new AbortController();
  const running = ['x.obeys', 'x.finishes', 'x.hangs'].map((name) =>
    executors.execute(name, runOf({ signal: stop.signal })),
  );
  await time.armed(DEADLINE_MS);
  stop.abort();
  await time.armed(GRACE_MS);
  await Promise.all(running.slice(0, 2));
  time.fire(GRACE_MS);
  assert.deepEqual(
    (await Promise.all(running)).map((outcome) => outcome.kind),
    ['cancelled', 'success', 'unknown'],
  );
});

test('a function over the deadline is given its grace and then unknown', async (t) => {
  const time = createManualTime();
  const executors = await executorsFor(t, { after: time.after, killGraceMs: GRACE_MS });
  executors.registerExecutor('x.hangs', () => new Promise(() => {}));
  const running = executors.execute('x.hangs', runOf());
  time.fire(DEADLINE_MS);
  await time.armed(GRACE_MS);
  time.fire(GRACE_MS);
  const outcome = await running;
  assert.equal(outcome.kind, 'unknown');
});

test('an act that was stopped before its executor began is cancelled, and an unknown executor fails', async (t) => {
  const executors = await executorsFor(t);
  let ran = false;
  executors.registerExecutor('x', () => (ran = true));
  assert.deepEqual(await executors.execute('x', runOf({ signal: AbortSignal.abort() })), {
    kind: 'cancelled',
  });
  assert.equal(ran, false);
  const outcome = await executors.execute('constructor', runOf());
  assert.equal(outcome.kind === 'failed' && outcome.code, 'unknown_executor');
});

test('each kind of setting reaches its executor', async (t) => {
  const { port } = await serveHttp(t, (_request, response) => response.end('"over http"'));
  const ci = {
    kind: 'http',
    url: `http://127.0.0.1:${port}`,
    method: 'POST',
    secret: null,
    timeoutMs: 5_000,
    allowPrivate: true,
  } as const;
  const executors = await executorsFor(t, { settings: { tests: echo, ci, files } });
  const outcomes = await Promise.all([
    executors.execute('tests', runOf()),
    executors.execute('ci', runOf()),
    executors.execute('files', runOf({ action: 'files.echo', parameters: { text: 'over mcp' } })),
  ]);
  assert.deepEqual(
    outcomes.map((outcome) => outcome.kind),
    ['success', 'success', 'success'],
  );
  assert.equal((await executors.listTools('files')).kind, 'tools');
  assert.equal((await executors.listTools('ci')).kind, 'unavailable');
  await assert.rejects(executors.connect('ci'), /no MCP server/);
});

test('after closing nothing starts', async (t) => {
  const executors = await executorsFor(t, { settings: { files, tests: echo } });
  await executors.close();
  assert.deepEqual(await executors.execute('tests', runOf()), { kind: 'cancelled' });
  assert.equal((await executors.listTools('files')).kind, 'unavailable');
  await assert.rejects(executors.connect('files'));
});

test('a new charter takes effect at once: gone executors are gone, unchanged MCP servers stay, changed ones are replaced', async (t) => {
  const executors = await executorsFor(t, { settings: { files, tests: echo } });
  const pid = async () => JSON.stringify(await executors.execute('files', runOf({ action: 'files.pid' })));
  const first = await pid();
  executors.configure({ files });
  assert.equal(executors.has('tests'), false);
  assert.equal(await pid(), first);
  executors.configure({ files: { ...files, timeoutMs: 20_000 } });
  assert.notEqual(await pid(), first);
});
