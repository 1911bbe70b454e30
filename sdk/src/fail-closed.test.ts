import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import fc from 'fast-check';
import { actAnswer, openPeer, sendJson } from '../../test/peer.ts';
import { until } from '../../test/until.ts';
import { createMandate, MandateProblem, MandateUnavailable } from './index.ts';
import type { FetchResponse, Machine } from './index.ts';

const action = { agent: 'a-1', action: 'docs.write' };
/** Backoff without waiting: whatever is short is now, and what is long (a timeout) is real. */
const hurried: Partial<Machine> = {
  random: () => 0,
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs < 2_000 && delayMs !== 400 ? 0 : delayMs);
    return () => clearTimeout(timer);
  },
};

const rubbish: Readonly<Record<string, (response: ServerResponse) => void>> = {
  'a page of a proxy': (response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome</h1>'),
  'JSON that says it is text': (response) =>
    response.writeHead(200, { 'content-type': 'text/plain' }).end(JSON.stringify(actAnswer())),
  'an empty answer': (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(),
  'half an answer': (response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"x","status":"permitted"'),
  null: (response) => sendJson(response, 200, null),
  'an answer without a decision': (response) =>
    sendJson(response, 200, { ...actAnswer(), decision: undefined }),
  'a permit that the decision denies': (response) =>
    sendJson(
      response,
      200,
      actAnswer({ decision: { ...(actAnswer()['decision'] as object), effect: 'deny' } }),
    ),
  'a permit without a time': (response) =>
    sendJson(response, 200, { ...actAnswer(), startWithinMs: undefined }),
  'an act of somebody else': (response) => sendJson(response, 200, actAnswer({ agent: 'b-2' })),
  'another action': (response) => sendJson(response, 200, actAnswer({ action: 'docs.delete' })),
  'a status nobody knows': (response) => sendJson(response, 200, actAnswer({ status: 'sure' })),
  'a 403 without a problem': (response) => sendJson(response, 403, { message: 'Forbidden' }),
  'a redirect': (response) => response.writeHead(307, { location: '/elsewhere' }).end(),
  'a 500': (response) => sendJson(response, 500, { code: 'internal', detail: 'Oh.' }),
  'a 503': (response) => response.writeHead(503).end(),
  'a connection that breaks': (response) => response.destroy(),
  'an answer that breaks off': (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '10000' });
    response.write('{"id":', () => response.destroy());
  },
};

test('nothing runs on an answer that is no decision', async (t) => {
  const answers = Object.entries(rubbish);
  const peer = await openPeer(t, ({ path }, response) => answers[Number(path.split('/')[1])]?.[1](response));
  for (const [i, [what]] of answers.entries()) {
    const mandate = createMandate({ url: `${peer.url}/${i}`, apiKey: 'k', machine: hurried });
    await assert.rejects(
      mandate.run(action, () => assert.fail(`it ran on ${what}`)),
      (error) => error instanceof MandateUnavailable && /Nothing was run/.test(error.message),
      what,
    );
  }
});

test('nothing runs when nobody answers in time, or nobody is there', async (t) => {
  const silent = await openPeer(t, () => undefined);
  const mandate = createMandate({ url: silent.url, apiKey: 'k', timeoutMs: 400, machine: hurried });
  await assert.rejects(
    mandate.run(action, () => assert.fail('it ran')),
    { name: 'MandateUnavailable', reason: 'timeout' },
  );
  const nobody = createMandate({ url: 'http://127.0.0.1:9', apiKey: 'k', machine: hurried });
  await assert.rejects(
    nobody.run(action, () => assert.fail('it ran')),
    { name: 'MandateUnavailable', reason: 'unreachable' },
  );
});

test('an answer that never ends is cut off by the timeout, also after its head', async (t) => {
  const dripping = await openPeer(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write(' ');
  });
  const mandate = createMandate({ url: dripping.url, apiKey: 'k', timeoutMs: 400, machine: hurried });
  await assert.rejects(
    mandate.run(action, () => assert.fail('it ran')),
    { reason: 'timeout' },
  );
});

test('an answer without end is cut off by its size', async (t) => {
  const flood = await openPeer(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const chunk = ' '.repeat(1_048_576);
    const more = (): void => void (response.destroyed || response.write(chunk, more));
    more();
  });
  const mandate = createMandate({ url: flood.url, apiKey: 'k', machine: hurried });
  await assert.rejects(
    mandate.run(action, () => assert.fail('it ran')),
    { reason: 'nonsense' },
  );
});

test('whatever JSON stands in a field that a decision needs, the function runs only when it is the right kind', async () => {
  const needed = [
    'id',
    'agent',
    'action',
    'status',
    'permit',
    'startWithinMs',
    'decision',
    'decision/tier',
    'decision/effect',
    'decision/code',
    'decision/reasons',
    'decision/trust',
    'decision/charterVersion',
    'decision/revision',
  ];
  const good = actAnswer();
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...needed), fc.jsonValue(), async (path, value) => {
      const [first = '', second] = path.split('/');
      const before =
        (second === undefined ? good[first] : (good[first] as Record<string, unknown>)[second]) ?? null;
      fc.pre(kindOf(before) !== kindOf(value));
      const bent =
        second === undefined
          ? { ...good, [first]: value }
          : { ...good, [first]: { ...(good[first] as object), [second]: value } };
      let runs = 0;
      const mandate = createMandate({
        url: 'http://peer.test',
        apiKey: 'k',
        fetch: () => Promise.resolve(answerOf(bent)),
        machine: hurried,
      });
      const outcome = await mandate.run(action, () => (runs += 1)).catch((error: unknown) => error);
      assert.equal(runs, 0);
      assert.ok(outcome instanceof MandateUnavailable, JSON.stringify(outcome));
    }),
    { numRuns: 400 },
  );
});

test('a request is repeated under the same Idempotency-Key, and the function runs once', async (t) => {
  const peer = await openPeer(t, (request, response) => {
    if (request.path.endsWith('/outcome'))
      return sendJson(response, 200, actAnswer({ status: 'success', permit: undefined }));
    return peer.requests.length < 3 ? void response.destroy() : sendJson(response, 200, actAnswer());
  });
  let runs = 0;
  const outcome = await createMandate({ url: peer.url, apiKey: 'k', machine: hurried }).run(
    action,
    () => (runs += 1),
  );
  assert.equal(outcome.status, 'success');
  assert.equal(runs, 1);
  const keys = peer.requests
    .filter(({ path }) => path === '/api/v1/actions')
    .map(({ headers }) => headers['idempotency-key']);
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
  assert.match(String(keys[0]), /^[0-9a-f-]{36}$/);
  const attempts = new Set(peer.requests.slice(0, 3).map(({ headers }) => headers['mandate-attempt']));
  assert.equal(attempts.size, 1, 'each repeat was another question');
  assert.match(String([...attempts][0]), /^[0-9a-f-]{36}$/);
});

test('a permit that was lost on its way is given up and not used', async (t) => {
  const peer = await openPeer(t, (request, response) => {
    if (request.path.endsWith('/cancel'))
      return sendJson(response, 200, actAnswer({ status: 'cancelled', permit: undefined }));
    return peer.requests.length < 2
      ? void response.destroy()
      : sendJson(response, 200, actAnswer({ permit: undefined, startWithinMs: 4_000 }));
  });
  await assert.rejects(
    createMandate({ url: peer.url, apiKey: 'k', machine: hurried }).run(action, () => assert.fail('it ran')),
    { reason: 'permit_lost' },
  );
  await until('it is given up', async () =>
    peer.requests.some(({ path }) => path === `/api/v1/actions/${String(actAnswer()['id'])}/cancel`),
  );
});

test('a permit of somebody who used the same key first is left alone', async (t) => {
  const peer = await openPeer(t, (_request, response) =>
    sendJson(response, 200, actAnswer({ permit: undefined, startWithinMs: 4_000 })),
  );
  const outcome = await createMandate({ url: peer.url, apiKey: 'k', machine: hurried }).run(
    { ...action, idempotencyKey: 'mine' },
    () => assert.fail('it ran'),
  );
  assert.equal(outcome.status, 'permitted');
  assert.equal(peer.requests.length, 1);
});

test('a permit that ran out on its way begins nothing', async () => {
  // The machine's clock jumps on while the answer is under way; the server says that nothing is left.
  let nowMs = 0;
  const asked: string[] = [];
  const mandate = createMandate({
    url: 'http://peer.test',
    apiKey: 'k',
    fetch(url, { method }) {
      asked.push(`${method} ${new URL(url).pathname.split('/').at(-1) ?? ''}`);
      nowMs += 5_000;
      return Promise.resolve(
        answerOf(method === 'GET' ? actAnswer({ permit: undefined, startWithinMs: 4_999 }) : actAnswer()),
      );
    },
    machine: { nowMs: () => nowMs },
  });
  const outcome = await mandate.run(action, () => assert.fail('it ran'));
  assert.equal(outcome.status, 'cancelled');
  assert.match(outcome.error ?? '', /ran out/);
  await until('it is given up', async () => asked.length === 3);
  assert.deepEqual(asked, ['POST actions', `GET ${String(actAnswer()['id'])}`, 'POST cancel']);
});

test('a slow answer is asked again how long there is still, and then the work begins', async () => {
  let nowMs = 0;
  const mandate = createMandate({
    url: 'http://peer.test',
    apiKey: 'k',
    fetch(url, { method }) {
      nowMs += method === 'POST' && url.endsWith('/actions') ? 60_000 : 10;
      if (url.endsWith('/outcome'))
        return Promise.resolve(answerOf(actAnswer({ status: 'success', permit: undefined })));
      return Promise.resolve(
        answerOf(method === 'GET' ? actAnswer({ permit: undefined, startWithinMs: 4_000 }) : actAnswer()),
      );
    },
    machine: { nowMs: () => nowMs },
  });
  const outcome = await mandate.run(action, () => 'done');
  assert.equal(outcome.status, 'success');
});

test('one permit begins one run', async () => {
  const mandate = createMandate({
    url: 'http://peer.test',
    apiKey: 'k',
    fetch: (url) =>
      Promise.resolve(
        answerOf(
          url.endsWith('/outcome') ? actAnswer({ status: 'success', permit: undefined }) : actAnswer(),
        ),
      ),
  });
  const outcome = await mandate.request(action);
  assert.equal((await mandate.proceed(outcome, () => 1)).status, 'success');
  await assert.rejects(
    mandate.proceed(outcome, () => assert.fail('it ran twice')),
    /has been used/,
  );
});

test('an abort before the work begins gives the permit back', async () => {
  const controller = new AbortController();
  const asked: string[] = [];
  const mandate = createMandate({
    url: 'http://peer.test',
    apiKey: 'k',
    fetch(url) {
      asked.push(url.split('/').at(-1) ?? '');
      return Promise.resolve(answerOf(actAnswer()));
    },
  });
  const outcome = await mandate.request(action);
  controller.abort(new Error('changed my mind'));
  await assert.rejects(
    mandate.proceed(outcome, () => assert.fail('it ran'), { signal: controller.signal }),
    /changed my mind/,
  );
  await until('it is given up', async () => asked.length === 2);
  assert.deepEqual(asked, ['actions', 'cancel']);
});

test('an outcome that cannot be reported does not cost its result', async (t) => {
  const peer = await openPeer(t, (request, response) =>
    request.path.endsWith('/outcome') ? void response.destroy() : sendJson(response, 200, actAnswer()),
  );
  const outcome = await createMandate({ url: peer.url, apiKey: 'k', machine: hurried }).run(
    action,
    () => 'the only copy',
  );
  assert.ok(outcome.status === 'success' && outcome.executedBy === 'agent');
  assert.equal(outcome.result, 'the only copy');
  assert.equal(outcome.reported, false);
  assert.ok(outcome.reportError instanceof MandateUnavailable);
  assert.equal(peer.requests.length, 7);
});

test('a report whose answer was lost is recognised as done', async (t) => {
  let reports = 0;
  const peer = await openPeer(t, (request, response) => {
    if (request.method === 'GET')
      return sendJson(response, 200, actAnswer({ status: 'success', permit: undefined }));
    if (!request.path.endsWith('/outcome')) return sendJson(response, 200, actAnswer());
    reports += 1;
    return reports === 1
      ? void response.destroy()
      : sendJson(response, 409, { code: 'conflict', detail: 'It takes no outcome any more.' });
  });
  const outcome = await createMandate({ url: peer.url, apiKey: 'k', machine: hurried }).run(action, () => 1);
  assert.ok(outcome.status === 'success' && outcome.executedBy === 'agent' && outcome.reported);
});

test('a wrong question is an error with its code, its fields and its trace', async (t) => {
  const peer = await openPeer(t, (_request, response) =>
    sendJson(response, 422, {
      code: 'invalid',
      detail: '/action: a dotted name.',
      traceId: 'abc',
      errors: [{ pointer: '/action', detail: 'a dotted name' }],
    }),
  );
  await assert.rejects(
    createMandate({ url: peer.url, apiKey: 'k' }).run(action, () => assert.fail('it ran')),
    (error) => {
      assert.ok(error instanceof MandateProblem);
      assert.deepEqual(
        [error.code, error.status, error.traceId, error.problem.errors[0]?.pointer],
        ['invalid', 422, 'abc', '/action'],
      );
      return true;
    },
  );
  assert.equal(peer.requests.length, 1);
});

test('the key goes to the address that was given and nowhere else', async (t) => {
  const thief = await openPeer(t, (_request, response) => sendJson(response, 200, actAnswer()));
  const peer = await openPeer(
    t,
    (_request, response) => void response.writeHead(307, { location: `${thief.url}/api/v1/actions` }).end(),
  );
  await assert.rejects(
    createMandate({ url: peer.url, apiKey: 'k', machine: hurried }).request(action),
    MandateUnavailable,
  );
  assert.equal(thief.requests.length, 0);
});

test('a client without a key, an address or an agent says so before it asks', async () => {
  assert.throws(() => createMandate({ url: 'http://127.0.0.1:1' }), /MANDATE_API_KEY/);
  assert.throws(() => createMandate({ url: 'file:///etc/passwd', apiKey: 'k' }), /no address/);
  assert.throws(() => createMandate({ url: 'http://user:secret@127.0.0.1', apiKey: 'k' }), /apiKey/);
  await assert.rejects(createMandate({ apiKey: 'k' }).request({ action: 'docs.write' }), /Who asks/);
});

function answerOf(body: unknown): FetchResponse {
  return new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' } });
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value;
}
