// I5
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { compileLaw, DEFAULT_GUARDRAILS } from '@mandate/kernel';
import type { Finding, GuardrailPlugin, GuardrailSettings, Law } from '@mandate/kernel';
import { postQuestion } from '../../act/executors/post.ts';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import { actionOf, charterOf } from '../../../../test/plain.ts';
import { createPlugins } from './plugins.ts';
import type { GuardrailFunction, Plugins } from './plugins.ts';

const ACTION = actionOf('mail.send', {
  parameters: { to: 'ann@example.org', apiKey: 'AKIAIOSFODNN7EXAMPLQ' },
});

function lawOf(more: Partial<GuardrailSettings> = {}): Law {
  const made = compileLaw(charterOf([], { guardrails: { ...DEFAULT_GUARDRAILS, ...more } }), 'v1');
  assert.equal(made.kind, 'law');
  return made.kind === 'law' ? made.law : lawOf();
}

function openPlugins(): { readonly plugins: Plugins; readonly clock: ReturnType<typeof manualClock> } {
  const clock = manualClock();
  const plugins = createPlugins({
    monotonicMs: () => clock.monotonicMs(),
    after: (waitMs, run) => clock.after(waitMs, run),
    ask: ({ plugin, body, signal }) =>
      postQuestion({ ...plugin, secret: plugin.secret === null ? null : 'a-token', body, signal }),
  });
  return { plugins, clock };
}

async function looked(plugins: Plugins, law = lawOf(), action = ACTION): Promise<readonly Finding[]> {
  return (await plugins.findingsOf('acme', action, law)) ?? [];
}

async function found(fn: GuardrailFunction): Promise<readonly Finding[]> {
  const { plugins } = openPlugins();
  plugins.register('mail.*', fn, { name: 'mine' });
  return looked(plugins);
}

test('a plug-in sees the whole action and answers with nothing, one finding or several', async () => {
  const seen: unknown[] = [];
  assert.deepEqual(await found(({ action, tenant }) => void seen.push([tenant, action])), []);
  assert.deepEqual(seen, [['acme', ACTION]]);
  assert.deepEqual(await found(() => []), []);
  const one = { severity: 'warning', message: 'Too many people.' } as const;
  assert.deepEqual(await found(() => one), [{ check: 'mine', ...one, pointer: null }]);
  const two = [one, { ...one, severity: 'error', pointer: '/parameters/to' }];
  assert.deepEqual(
    (await found(async () => Promise.resolve(two))).map(({ severity, pointer }) => [severity, pointer]),
    [
      ['warning', null],
      ['error', '/parameters/to'],
    ],
  );
});

test('what a plug-in changes, it changes in a copy', async () => {
  await found(({ action }) => void Reflect.set(action.parameters, 'to', 'eve@example.org'));
  assert.equal(ACTION.parameters['to'], 'ann@example.org');
});

test('a plug-in that throws, rejects or answers nonsense has failed, and a failure is an error', async () => {
  const broken: readonly GuardrailFunction[] = [
    () => {
      throw new Error('no network');
    },
    () => Promise.reject(new Error('no network')),
    // oxlint-disable-next-line prefer-promise-reject-errors -- a stranger may reject with anything
    () => Promise.reject('no network'),
    () => 'fine',
    () => true,
    () => ({ severity: 'terrible', message: 'x' }),
    () => [{ severity: 'warning' }],
    () => ({ severity: 'info', message: 'x', findings: [{ severity: 'critical', message: 'No.' }] }),
    () => [{ severity: 'info', message: 'x', sevrity: 'critical' }],
    () => Array.from({ length: 21 }, () => ({ severity: 'info', message: 'x' })),
  ];
  for (const fn of broken) {
    const [failure, ...others] = await found(fn);
    assert.deepEqual([failure?.check, failure?.severity, others.length], ['mine', 'error', 0], String(fn));
    assert.match(failure?.message ?? '', /^The guardrail mine has failed: it /);
  }
});

// I10
test('a plug-in that is late has failed, is told so, and what it says afterwards counts for nothing', async () => {
  const { plugins, clock } = openPlugins();
  const said = Promise.withResolvers<unknown>();
  const aborted: boolean[] = [];
  plugins.register(
    '*',
    ({ signal }) => {
      signal.addEventListener('abort', () => aborted.push(true));
      return said.promise;
    },
    { name: 'slow' },
  );
  plugins.register('*', () => ({ severity: 'info', message: 'quick' }), { name: 'quick' });
  const looking = looked(plugins);
  await setImmediate();
  clock.advance(249);
  assert.deepEqual(aborted, []);
  clock.advance(1);
  assert.deepEqual(
    (await looking).map(({ check, severity }) => [check, severity]),
    [
      ['slow', 'error'],
      ['quick', 'info'],
    ],
  );
  assert.deepEqual(aborted, [true]);
  said.resolve([]);
});

test('a plug-in that keeps the whole process busy beyond its time has failed, whatever it answers', async () => {
  const { plugins, clock } = openPlugins();
  // No timer fires while it runs.
  let busyMs = 250;
  const busy = { ...clock, after: () => () => undefined, monotonicMs: () => clock.monotonicMs() };
  const slow = createPlugins({ ...busy, ask: () => Promise.reject(new Error('nobody asks')) });
  slow.register('*', () => clock.advance(busyMs), { name: 'busy' });
  assert.deepEqual(await looked(slow), []);
  busyMs = 251;
  const [failure] = await looked(slow);
  assert.deepEqual([failure?.check, failure?.severity], ['busy', 'error']);
  assert.match(failure?.message ?? '', /gave no answer within 250 ms/);
  // A timer that was due while it ran comes too late to be the first.
  plugins.register('*', () => clock.advance(300), { name: 'busy' });
  assert.deepEqual(
    (await looked(plugins)).map(({ severity }) => severity),
    ['error'],
  );
});

test('a plug-in that the charter requires and nobody has registered has failed', async () => {
  const { plugins } = openPlugins();
  const law = lawOf({ required: ['pii'] });
  assert.deepEqual(
    (await looked(plugins, law)).map(({ check, severity }) => [check, severity]),
    [['pii', 'error']],
  );
  plugins.register('other.*', () => null, { name: 'pii' });
  assert.deepEqual(await looked(plugins, law), [], 'registered for other actions is registered');
});

test('nothing is asked where nobody looks', () => {
  const { plugins } = openPlugins();
  plugins.register('other.*', () => null, { name: 'other' });
  assert.equal(plugins.findingsOf('acme', ACTION, lawOf()), null);
});

test('a secret in the message of a plug-in goes no further', async () => {
  const [one] = await found(() => ({ severity: 'warning', message: 'holds AKIAIOSFODNN7EXAMPLQ' }));
  assert.doesNotMatch(one?.message ?? '', /AKIA/);
});

test('names and patterns that are none are mistakes of the program', () => {
  const { plugins } = openPlugins();
  const none = (): null => null;
  plugins.register('*', none, { name: 'taken' });
  for (const register of [
    () => plugins.register('mail.*.x', none, { name: 'a' }),
    () => plugins.register('*', none, { name: 'secret_leak' }),
    () => plugins.register('*', none, { name: 'Not A Name' }),
    () => plugins.register('*', () => null),
    () => plugins.register('*', none, { name: 'taken' }),
    () => plugins.register('*', none, { name: 'b', timeoutMs: 0 }),
  ])
    assert.throws(register, /registerGuardrail/);
});

interface Service {
  readonly url: string;
  readonly bodies: unknown[];
  readonly keys: (string | undefined)[];
}

async function startService(t: TestContext, status: number, answer: string | null): Promise<Service> {
  const bodies: unknown[] = [];
  const keys: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      keys.push(request.headers.authorization);
      response.statusCode = status;
      if (answer !== null) response.end(answer);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}/look`, bodies, keys };
}

function pluginAt(url: string, more: Partial<GuardrailPlugin> = {}): GuardrailPlugin {
  return {
    url,
    secret: 'guard-token',
    allowPrivate: true,
    actions: [],
    timeoutMs: 2_000,
    full: false,
    ...more,
  };
}

test('a plug-in in another process is sent the redacted action over HTTP and answers with findings', async (t) => {
  const service = await startService(t, 200, '{"findings":[{"severity":"critical","message":"No."}]}');
  const { plugins } = openPlugins();
  const law = lawOf({ plugins: { far: pluginAt(service.url) } });
  assert.deepEqual(await looked(plugins, law), [
    { check: 'far', severity: 'critical', message: 'No.', pointer: null },
  ]);
  assert.deepEqual(service.keys, ['Bearer a-token']);
  const sent = JSON.stringify(service.bodies);
  assert.match(sent, /"action":"mail.send"/);
  assert.doesNotMatch(sent, /AKIA/);
  await looked(plugins, lawOf({ plugins: { far: pluginAt(service.url, { full: true }) } }));
  assert.match(JSON.stringify(service.bodies[1]), /AKIA/);
});

test('a service that finds nothing says so with an empty list', async (t) => {
  for (const answer of ['[]', '{"findings":[]}']) {
    const { plugins } = openPlugins();
    const service = await startService(t, 200, answer);
    assert.deepEqual(await looked(plugins, lawOf({ plugins: { far: pluginAt(service.url) } })), []);
  }
});

test('a service that refuses, answers rubbish, answers nothing, cannot be reached or lies in a private network has failed', async (t) => {
  const cases: readonly (readonly [GuardrailPlugin, RegExp])[] = [
    [pluginAt((await startService(t, 500, '[]')).url), /answered 500/],
    [pluginAt((await startService(t, 302, '[]')).url), /answered 302/],
    [pluginAt((await startService(t, 200, '<html>')).url), /not with JSON/],
    [pluginAt((await startService(t, 200, '{"ok":true}')).url), /no finding/],
    [pluginAt((await startService(t, 200, '')).url), /whoever finds nothing says \[\]/],
    [pluginAt((await startService(t, 204, '')).url), /no finding/],
    [pluginAt((await startService(t, 200, 'null')).url), /no finding/],
    [pluginAt('http://127.0.0.1:1/'), /has failed/],
    [
      pluginAt((await startService(t, 200, '[]')).url, { allowPrivate: false, secret: null }),
      /not on the public internet/,
    ],
  ];
  for (const [plugin, why] of cases) {
    const { plugins } = openPlugins();
    const [failure] = await looked(plugins, lawOf({ plugins: { far: plugin } }));
    assert.deepEqual([failure?.check, failure?.severity], ['far', 'error']);
    assert.match(failure?.message ?? '', why);
  }
});
