import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { manualClock } from '../clock/manual-clock.ts';
import { createTelemetry, type Telemetry, type TelemetryNeeds } from './telemetry.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = `00-${TRACE}-b7ad6b7169203331-01`;

function open(t: TestContext, changes: Partial<TelemetryNeeds> = {}): Telemetry {
  const telemetry = createTelemetry({
    exporter: { kind: 'memory' },
    clock: manualClock(),
    scrub: (text) => text,
    ...changes,
  });
  t.after(() => telemetry.close());
  return telemetry;
}

test('spans nest across awaits, and the trace id is the same on the way', async (t) => {
  const telemetry = open(t);
  assert.equal(telemetry.traceId(), null);
  const ids = await telemetry.span('outer', { 'mandate.agent': 'builder-1' }, async () => {
    await setImmediate();
    const outer = telemetry.traceId();
    const inner = await telemetry.span('inner', {}, () => telemetry.traceId());
    return [outer, inner];
  });
  assert.match(ids[0] ?? '', /^[0-9a-f]{32}$/);
  assert.equal(ids[0], ids[1]);
  const [inner, outer] = telemetry.spans();
  assert.equal(inner?.parentSpanContext?.spanId, outer?.spanContext().spanId);
  assert.equal(telemetry.traceId(), null);
});

test('two requests at the same time keep their traces apart', async (t) => {
  const telemetry = open(t);
  const run = () =>
    telemetry.span('request', {}, async () => {
      const before = telemetry.traceId();
      await setImmediate();
      assert.equal(telemetry.traceId(), before);
      return before;
    });
  const ids = await Promise.all([run(), run(), run()]);
  assert.equal(new Set(ids).size, 3);
});

test('an incoming traceparent is continued, and one goes out', async (t) => {
  const telemetry = open(t);
  const out = await telemetry.within(PARENT, () =>
    telemetry.span('request', {}, () => telemetry.traceparent()),
  );
  assert.match(out ?? '', new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
  assert.notEqual(out, PARENT);
  assert.equal(telemetry.spans()[0]?.parentSpanContext?.spanId, 'b7ad6b7169203331');
});

test('an incoming request gets a span of its own and hands its trace id to the answer', async (t) => {
  const telemetry = open(t);
  const id = await telemetry.traced('GET /health', { traceparent: PARENT }, (traceId) =>
    Promise.resolve(traceId),
  );
  assert.equal(id, TRACE);
  assert.equal(telemetry.spans()[0]?.kind, 1);
  const twice = await telemetry.traced('GET /health', { traceparent: [PARENT, PARENT] }, (traceId) =>
    Promise.resolve(traceId),
  );
  assert.notEqual(twice, TRACE);
});

test('a malformed traceparent begins a new trace', async (t) => {
  const telemetry = open(t);
  const zeros = '0'.repeat(32);
  const odd = [
    undefined,
    '',
    'x',
    PARENT.toUpperCase(),
    PARENT.replace('00-', 'ff-'),
    `${PARENT}-more`,
    PARENT.replace(TRACE, zeros),
    `00-${TRACE}-${'0'.repeat(16)}-01`,
  ];
  for (const header of odd) {
    const id = await telemetry.within(header, () => telemetry.span('request', {}, () => telemetry.traceId()));
    assert.match(id ?? '', /^[0-9a-f]{32}$/);
    assert.notEqual(id, TRACE, header);
  }
  const later = await telemetry.within(`cc-${PARENT.slice(3)}-more`, () =>
    telemetry.span('request', {}, () => telemetry.traceId()),
  );
  assert.equal(later, TRACE);
});

test('without an exporter, or while it is switched off, there are ids but no spans', async (t) => {
  let isOn = false;
  for (const telemetry of [open(t, { exporter: { kind: 'none' } }), open(t, { isEnabled: () => isOn })]) {
    const id = await telemetry.within(PARENT, () => telemetry.span('request', {}, () => telemetry.traceId()));
    assert.equal(id, TRACE);
    assert.match((await telemetry.span('request', {}, () => telemetry.traceId())) ?? '', /^[0-9a-f]{32}$/);
    assert.equal(telemetry.spans().length, 0);
  }
  isOn = true;
  const on = open(t, { isEnabled: () => isOn });
  await on.span('request', {}, () => undefined);
  assert.equal(on.spans().length, 1);
});

test('an error marks its span and goes on to the caller', async (t) => {
  const telemetry = open(t);
  await assert.rejects(
    telemetry.span('request', {}, () => Promise.reject(new Error('below'))),
    /below/,
  );
  const [span] = telemetry.spans();
  assert.deepEqual(span?.status, { code: 2, message: 'below' });
  assert.equal(span?.events[0]?.name, 'exception');
});

test('a duration does not follow a wall clock that jumps', async (t) => {
  const clock = manualClock();
  const telemetry = open(t, { clock });
  await telemetry.span('request', {}, () => {
    clock.advance(250);
    clock.jumpTo(0);
  });
  assert.deepEqual(telemetry.spans()[0]?.duration, [0, 250_000_000]);
});

test('libraries that take a tracer join the trace', async (t) => {
  const telemetry = open(t);
  await telemetry.span('outer', {}, async () => {
    const id = telemetry.traceId();
    const result = await telemetry.tracer.startActiveSpan(
      'library',
      { attributes: { a: 1 } },
      async (span) => {
        await setImmediate();
        assert.equal(telemetry.traceId(), id);
        span.end();
        return 'value';
      },
    );
    assert.equal(result, 'value');
    telemetry.tracer.startActiveSpan('short', (span) => span.end());
  });
  const [library, short, outer] = telemetry.spans();
  for (const span of [library, short])
    assert.equal(span?.parentSpanContext?.spanId, outer?.spanContext().spanId);
  assert.deepEqual(library?.attributes, { a: 1 });
});

interface Collector {
  readonly url: string;
  readonly requests: {
    readonly path: string;
    readonly headers: IncomingHttpHeaders;
    readonly body: string;
  }[];
  answer: { status: number; body: string };
}

async function collect(t: TestContext): Promise<Collector> {
  const collector: Collector = { url: '', requests: [], answer: { status: 200, body: '{}' } };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      collector.requests.push({
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      });
      response.writeHead(collector.answer.status).end(collector.answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the collector has no port');
  return Object.assign(collector, { url: `http://127.0.0.1:${address.port}` });
}

test('spans reach a collector as OTLP in JSON, without secrets', async (t) => {
  const collector = await collect(t);
  const scrub = (text: string) => text.replaceAll('hunter2', '[redacted]');
  const url = collector.url.replace('//', '//user:p%40ss@');
  const telemetry = open(t, { exporter: { kind: 'otlp', url }, scrub, serviceName: 'mandate-test' });
  const attributes = { text: 'hunter2', whole: 7, half: 0.5, yes: true, list: ['a', 'hunter2'] };
  await assert.rejects(telemetry.span('act hunter2', attributes, () => Promise.reject(new Error('hunter2'))));
  await telemetry.flush();
  const [request] = collector.requests;
  assert.equal(request?.path, '/v1/traces');
  assert.equal(request?.headers['content-type'], 'application/json');
  assert.equal(request?.headers.authorization, `Basic ${Buffer.from('user:p@ss').toString('base64')}`);
  assert.doesNotMatch(request?.body ?? '', /hunter2/);
  const body = JSON.parse(request?.body ?? '') as {
    resourceSpans: { resource: unknown; scopeSpans: { spans: Record<string, unknown>[] }[] }[];
  };
  assert.deepEqual(body.resourceSpans[0]?.resource, {
    attributes: [{ key: 'service.name', value: { stringValue: 'mandate-test' } }],
  });
  const span = body.resourceSpans[0]?.scopeSpans[0]?.spans[0];
  assert.equal(span?.['kind'], 1);
  assert.equal(span?.['startTimeUnixNano'], '1767225600000000000');
  assert.deepEqual(span?.['status'], { code: 2, message: '[redacted]' });
  assert.deepEqual(span?.['attributes'], [
    { key: 'text', value: { stringValue: '[redacted]' } },
    { key: 'whole', value: { intValue: '7' } },
    { key: 'half', value: { doubleValue: 0.5 } },
    { key: 'yes', value: { boolValue: true } },
    { key: 'list', value: { arrayValue: { values: [{ stringValue: 'a' }, { stringValue: '[redacted]' }] } } },
  ]);
  assert.deepEqual(telemetry.counts(), { sent: 1, dropped: 0 });
});

test('while the collector is away spans wait, up to a bound, and what is lost is counted', async (t) => {
  const collector = await collect(t);
  collector.answer = { status: 503, body: '' };
  const clock = manualClock();
  const telemetry = open(t, { exporter: { kind: 'otlp', url: collector.url }, clock });
  const make = async (count: number) => {
    for (let n = 0; n < count; n += 1) await telemetry.span('request', {}, () => undefined);
  };
  await make(1);
  await telemetry.flush();
  assert.equal(collector.requests.length, 1);
  await make(2050);
  assert.deepEqual(telemetry.counts(), { sent: 0, dropped: 3 });
  collector.answer = { status: 200, body: '{"partialSuccess":{"rejectedSpans":"2"}}' };
  await telemetry.flush();
  // Four full batches, of each of which the collector refused two.
  assert.deepEqual(telemetry.counts(), { sent: 2040, dropped: 11 });
  assert.equal(collector.requests.length, 5);
});

test('what the collector will never take is dropped at once, and closing does not wait for one that is gone', async (t) => {
  const collector = await collect(t);
  collector.answer = { status: 400, body: '' };
  const telemetry = open(t, { exporter: { kind: 'otlp', url: collector.url } });
  await telemetry.span('request', {}, () => undefined);
  await telemetry.flush();
  assert.deepEqual(telemetry.counts(), { sent: 0, dropped: 1 });
  const gone = createTelemetry({
    exporter: { kind: 'otlp', url: 'http://127.0.0.1:9' },
    clock: manualClock(),
    scrub: (text) => text,
  });
  await gone.span('request', {}, () => undefined);
  await gone.close();
  assert.deepEqual(gone.counts(), { sent: 0, dropped: 1 });
});

test('spans are sent by themselves after a while', async (t) => {
  const clock = manualClock();
  const bodies: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const fetch: typeof globalThis.fetch = (_url, init) => {
    bodies.push(typeof init?.body === 'string' ? init.body : '');
    resolve();
    return Promise.resolve(new Response('{}'));
  };
  const telemetry = open(t, { exporter: { kind: 'otlp', url: 'http://collector' }, clock, fetch });
  await telemetry.span('request', {}, () => undefined);
  clock.advance(4999);
  assert.equal(bodies.length, 0);
  clock.advance(1);
  await promise;
  assert.equal(bodies.length, 1);
  assert.match(bodies[0] ?? '', /"name":"request"/);
});
