import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { ExecutionOutcome } from './execution.ts';
import { nextStep, runHttp } from './http.ts';
import type { HttpNeeds, HttpSetting } from './http.ts';
import { createManualTime, DEADLINE_MS, runOf, SECRET, serveHttp } from './kit.test.ts';
import type { ManualTime } from './kit.test.ts';

const loopback = async () => [{ address: '127.0.0.1', family: 4 }] as const;

function settingOf(port: number, part: Partial<HttpSetting> = {}): HttpSetting {
  // The name exists nowhere: only the resolver that is handed in knows it.
  const url = `http://ci.invalid:${port}/run`;
  return { kind: 'http', url, method: 'POST', secret: null, timeoutMs: 600_000, allowPrivate: true, ...part };
}

function needsOf(part: Partial<HttpNeeds> & { readonly time?: ManualTime } = {}): HttpNeeds {
  const { time = createManualTime(), ...rest } = part;
  return {
    after: time.after,
    resolve: loopback,
    secrets: (name) => (name === 'ci-token' ? SECRET : null),
    ...rest,
  };
}

function codeOf(outcome: ExecutionOutcome): string {
  return outcome.kind === 'failed' ? outcome.code : outcome.kind;
}

function errorOf(outcome: ExecutionOutcome): string {
  return outcome.kind === 'failed' || outcome.kind === 'unknown' ? outcome.error : '';
}

function answer(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}

test('the service gets id, agent, action and parameters once, with idempotency key, trace and secret', async (t) => {
  let seen: unknown = null;
  const { port } = await serveHttp(t, async (request, response) => {
    seen = {
      method: request.method,
      url: request.url,
      headers: request.headers,
      body: JSON.parse(await text(request)),
    };
    answer(response, 200, '{"deployed":true}');
  });
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const run = runOf({ action: 'deploy.staging', parameters: { ref: 'ü' }, traceparent });
  const outcome = await runHttp('ci', settingOf(port, { secret: 'ci-token' }), run, needsOf());
  assert.deepEqual(outcome, { kind: 'success', result: { deployed: true }, costMicroUsd: null });
  const { headers, ...rest } = seen as { headers: Record<string, string> };
  assert.deepEqual(rest, {
    method: 'POST',
    url: '/run',
    body: { id: 'act-1', agent: 'builder-1', action: 'deploy.staging', parameters: { ref: 'ü' } },
  });
  const { authorization, host, 'idempotency-key': key, traceparent: trace } = headers;
  assert.deepEqual(
    { authorization, host, key, trace },
    { authorization: `Bearer ${SECRET}`, host: `ci.invalid:${port}`, key: 'act-1', trace: traceparent },
  );
});

test('a service that says what the act cost is believed to the micro-dollar', async (t) => {
  const { port } = await serveHttp(t, (_request, response) =>
    answer(response, 200, '{"result":[1],"costUsd":0.25}'),
  );
  const outcome = await runHttp('ci', settingOf(port), runOf(), needsOf());
  assert.deepEqual(outcome, { kind: 'success', result: [1], costMicroUsd: 250_000 });
});

test('a private address is refused without a connection unless the charter allows it', async (t) => {
  const service = await serveHttp(t, (_request, response) => answer(response, 200, '{}'));
  const byName = await runHttp('ci', settingOf(service.port, { allowPrivate: false }), runOf(), needsOf());
  const url = `http://127.0.0.1:${service.port}/`;
  const byNumber = await runHttp(
    'ci',
    settingOf(service.port, { allowPrivate: false, url }),
    runOf(),
    needsOf(),
  );
  assert.deepEqual([codeOf(byName), codeOf(byNumber)], ['address_refused', 'address_refused']);
  assert.match(errorOf(byName), /allowPrivate/);
  assert.equal(service.connections(), 0);
});

test('a name that changes its answer after the check gains nothing: it is asked once and that answer is used', async (t) => {
  const service = await serveHttp(t, (_request, response) => answer(response, 200, '{}'));
  let asked = 0;
  const resolve = async () => {
    asked += 1;
    return asked === 1 ? await loopback() : ([{ address: '8.8.8.8', family: 4 }] as const);
  };
  const outcome = await runHttp('ci', settingOf(service.port), runOf(), needsOf({ resolve }));
  assert.equal(outcome.kind, 'success');
  assert.equal(asked, 1);
});

test('a redirect that resolves to a private address on its second hop is refused', async (t) => {
  const service = await serveHttp(t, (_request, response) =>
    answer(response, 307, '', { location: '/again' }),
  );
  const needs = needsOf({ resolve: () => Promise.resolve([{ address: '169.254.169.254', family: 4 }]) });
  const outcome = await runHttp('ci', settingOf(service.port, { allowPrivate: false }), runOf(), needs);
  assert.equal(codeOf(outcome), 'address_refused');
  assert.equal(service.connections(), 0);
});

test('a redirect to another host or port is refused, and the secret reaches nobody else', async (t) => {
  const thief = await serveHttp(t, (_request, response) => answer(response, 200, '{}'));
  const targets = [
    `http://evil.invalid:${thief.port}/`,
    `http://ci.invalid:${thief.port}/`,
    '//evil.invalid/',
    'http://u:p@ci.invalid/',
    '',
  ];
  const codes = [];
  for (const location of targets) {
    const { port } = await serveHttp(t, (_request, response) => answer(response, 307, '', { location }));
    codes.push(codeOf(await runHttp('ci', settingOf(port, { secret: 'ci-token' }), runOf(), needsOf())));
  }
  assert.deepEqual(
    codes.slice(0, 4),
    Array.from({ length: 4 }, () => 'redirect_refused'),
  );
  assert.equal(thief.connections(), 0);
});

test('a redirect within the host is followed: 307 repeats the request, 303 fetches the answer', async (t) => {
  const seen: string[] = [];
  const { port } = await serveHttp(t, async (request, response) => {
    const body = await text(request);
    seen.push(
      `${request.method} ${request.url} ${body.length > 0} ${String(request.headers['idempotency-key'])}`,
    );
    if (request.url === '/run') answer(response, 307, '', { location: '/moved' });
    else if (request.url === '/moved') answer(response, 303, '', { location: 'answer?id=1' });
    else answer(response, 200, '"here"');
  });
  const outcome = await runHttp('ci', settingOf(port), runOf(), needsOf());
  assert.deepEqual(outcome, { kind: 'success', result: 'here', costMicroUsd: null });
  assert.deepEqual(seen, ['POST /run true act-1', 'POST /moved true act-1', 'GET /answer?id=1 false act-1']);
});

test('a redirect loop ends after three hops', async (t) => {
  let requests = 0;
  const { port } = await serveHttp(t, (_request, response) => {
    requests += 1;
    answer(response, 307, '', { location: '/run' });
  });
  assert.equal(codeOf(await runHttp('ci', settingOf(port), runOf(), needsOf())), 'redirect_refused');
  assert.equal(requests, 4);
});

test('a redirect never leads from https to http', () => {
  const origin = new URL('https://ci.example/run');
  const step = { url: origin, method: 'POST', withBody: true, isFirst: true };
  const next = (location: string) => nextStep(origin, step, { kind: 'redirect', status: 307, location });
  assert.equal(next('http://ci.example/run'), 'from https to an unprotected scheme');
  assert.equal(next('file:///etc/passwd'), 'to another host ()');
  assert.equal(typeof next('/elsewhere'), 'object');
  const plain = new URL('http://ci.example/run');
  const upgraded = nextStep(
    plain,
    { ...step, url: plain },
    { kind: 'redirect', status: 308, location: 'https://ci.example/run' },
  );
  assert.equal(typeof upgraded, 'object');
});

const answers = [
  { status: 200, body: '', expected: 'success' },
  { status: 200, body: '<html>login</html>', expected: 'bad_result' },
  { status: 200, body: '{"a":1', expected: 'bad_result' },
  { status: 200, body: '1e999', expected: 'bad_result' },
  { status: 200, body: `${'['.repeat(100_000)}${']'.repeat(100_000)}`, expected: 'bad_result' },
  { status: 200, body: '{"result":1,"costUsd":-1}', expected: 'bad_result' },
  { status: 404, body: '{"error":"no such job"}', expected: 'http_status' },
  { status: 503, body: 'busy', expected: 'http_status' },
  { status: 304, body: '', expected: 'http_status' },
  { status: 200, body: JSON.stringify('x'.repeat(1_048_576)), expected: 'result_too_large' },
] as const;

test('every kind of answer has its outcome', async (t) => {
  const { port } = await serveHttp(t, (request, response) => {
    const wanted = answers[Number(new URL(request.url ?? '/', 'http://x').searchParams.get('case'))];
    answer(response, wanted?.status ?? 500, wanted?.body ?? '');
  });
  const got = await Promise.all(
    answers.map(async (_, index) => {
      const url = `http://ci.invalid:${port}/?case=${index}`;
      return codeOf(await runHttp('ci', settingOf(port, { url }), runOf(), needsOf()));
    }),
  );
  assert.deepEqual(
    got,
    answers.map(({ expected }) => expected),
  );
});

test('an answer without end is cut off at 1 MiB', async (t) => {
  const { promise: closedEarly, resolve } = Promise.withResolvers<void>();
  const { port } = await serveHttp(t, (_request, response) => {
    response.on('close', resolve);
    const pour = (): void => {
      while (response.writable && response.write(Buffer.alloc(65_536, 0x20)));
    };
    response.on('drain', pour);
    pour();
  });
  assert.equal(codeOf(await runHttp('ci', settingOf(port), runOf(), needsOf())), 'result_too_large');
  await closedEarly;
});

test('a service that echoes the secret does not get it into result or error', async (t) => {
  const { port } = await serveHttp(t, (request, response) => {
    const body = JSON.stringify({ youSent: request.headers.authorization, padding: 'p'.repeat(400) });
    answer(
      response,
      request.url === '/fail' ? 400 : 200,
      request.url === '/fail' ? `${'q'.repeat(240)}${SECRET}${'q'.repeat(900)}` : body,
    );
  });
  const good = await runHttp('ci', settingOf(port, { secret: 'ci-token' }), runOf(), needsOf());
  const url = `http://ci.invalid:${port}/fail`;
  const bad = await runHttp('ci', settingOf(port, { secret: 'ci-token', url }), runOf(), needsOf());
  assert.equal(good.kind, 'success');
  assert.equal(codeOf(bad), 'http_status');
  assert.ok(!JSON.stringify([good, bad]).includes(SECRET.slice(0, 10)));
});

test('a setting that cannot be used safely is refused before a connection', async (t) => {
  const service = await serveHttp(t, (_request, response) => answer(response, 200, '{}'));
  const cases: readonly Partial<HttpSetting>[] = [
    { url: 'ftp://ci.invalid/' },
    { url: 'nonsense' },
    { url: `http://user:pass@ci.invalid:${service.port}/` },
    { method: 'GET' },
    { secret: 'unknown-name' },
    { secret: 'ci-token', allowPrivate: false },
  ];
  const codes = await Promise.all(
    cases.map(async (part) => codeOf(await runHttp('ci', settingOf(service.port, part), runOf(), needsOf()))),
  );
  assert.deepEqual(codes, [
    'bad_executor',
    'bad_executor',
    'bad_executor',
    'bad_executor',
    'secret_missing',
    'bad_executor',
  ]);
  assert.equal(service.connections(), 0);
});

test('nothing listening, no such name: failed, because nothing was sent', async (t) => {
  const { port } = await serveHttp(t, () => {});
  const url = 'http://ci.invalid:1/';
  const refused = await runHttp('ci', settingOf(port, { url }), runOf(), needsOf());
  const nameless = await runHttp(
    'ci',
    settingOf(port),
    runOf(),
    needsOf({ resolve: () => Promise.reject(new Error('ENOTFOUND')) }),
  );
  assert.deepEqual([codeOf(refused), codeOf(nameless)], ['executor_unavailable', 'executor_unavailable']);
  assert.match(errorOf(refused), /ECONNREFUSED.*Nothing was sent/);
});

test('a connection that breaks after the request arrived leaves the act unknown', async (t) => {
  const { port } = await serveHttp(t, async (request, response) => {
    await text(request);
    response.socket?.resetAndDestroy();
  });
  assert.equal((await runHttp('ci', settingOf(port), runOf(), needsOf())).kind, 'unknown');
});

test('a body that breaks off in the middle leaves the act unknown', async (t) => {
  const { port } = await serveHttp(t, (_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"half":', () => response.socket?.destroy());
  });
  assert.equal((await runHttp('ci', settingOf(port), runOf(), needsOf())).kind, 'unknown');
});

test('silence until the deadline leaves the act unknown, and so does a stop after the request was sent', async (t) => {
  const arrivals: ((request: IncomingMessage) => void)[] = [];
  const { port } = await serveHttp(t, (request) => arrivals.shift()?.(request));
  const arrival = () => new Promise<IncomingMessage>((resolve) => arrivals.push(resolve));

  const time = createManualTime();
  const late = arrival();
  const timedOut = runHttp('ci', settingOf(port, { timeoutMs: 1_000 }), runOf(), needsOf({ time }));
  await late;
  time.fire(1_000);
  assert.match(errorOf(await timedOut), /no answer within 1 s/);

  const stop = new AbortController();
  const cut = arrival();
  const stopped = runHttp('ci', settingOf(port), runOf({ signal: stop.signal }), needsOf());
  await cut;
  stop.abort();
  assert.equal((await stopped).kind, 'unknown');
});

test('a body that never ends is cut off at the deadline and leaves the act unknown', async (t) => {
  const begun = Promise.withResolvers<void>();
  const { port } = await serveHttp(t, (_request, response) => {
    response.writeHead(200).write('{"half":', () => begun.resolve());
  });
  const time = createManualTime();
  const running = runHttp('ci', settingOf(port), runOf(), needsOf({ time }));
  await begun.promise;
  time.fire(DEADLINE_MS);
  assert.equal((await running).kind, 'unknown');
});

test('a stop before the connection stands cancels, and a resolver that hangs fails at the deadline', async (t) => {
  const service = await serveHttp(t, (_request, response) => answer(response, 200, '{}'));
  const asked = Promise.withResolvers<void>();
  const resolve = () => {
    asked.resolve();
    return new Promise<never>(() => {});
  };
  const stop = new AbortController();
  const stopped = runHttp(
    'ci',
    settingOf(service.port),
    runOf({ signal: stop.signal }),
    needsOf({ resolve }),
  );
  await asked.promise;
  stop.abort();
  assert.deepEqual(await stopped, { kind: 'cancelled' });

  const time = createManualTime();
  const hanging = runHttp('ci', settingOf(service.port), runOf(), needsOf({ resolve, time }));
  await time.armed(DEADLINE_MS);
  time.fire(DEADLINE_MS);
  assert.equal(codeOf(await hanging), 'executor_unavailable');
  assert.equal(service.connections(), 0);
});
