// Sends finished spans to a collector as OTLP over HTTP in its JSON form (opentelemetry.io/docs/specs/otlp): one
// request at a time, a queue with an end, and a count of what was lost, so that a slow or absent collector costs
// the server a bounded piece of memory and never a request.
import type { Attributes, AttributeValue, HrTime } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Clock } from '../clock/clock.ts';

export interface OtlpNeeds {
  /** Base URL of the collector (`/v1/traces` is added unless it is there); user and password in it become a header. */
  readonly url: string;
  readonly serviceName: string;
  readonly clock: Clock;
  /** Masks secrets in every text that leaves. */
  readonly scrub: (text: string) => string;
  readonly fetch: typeof fetch;
}

export interface ExportCounts {
  readonly sent: number;
  /** Lost because the queue was full, the collector refused them, or it was away for good. */
  readonly dropped: number;
}

export interface OtlpExporter extends SpanProcessor {
  counts(): ExportCounts;
}

const QUEUE_MAX = 2048;
const BATCH_MAX = 512;
const DELAY_MS = 5000;
const TIMEOUT_MS = 10_000;
const RETRY_FIRST_MS = 1000;
const RETRY_MAX_MS = 30_000;

export function createOtlpExporter({ url, serviceName, clock, scrub, fetch }: OtlpNeeds): OtlpExporter {
  const target = readTarget(url);
  const queue: ReadableSpan[] = [];
  let sent = 0;
  let dropped = 0;
  let retryMs = 0;
  let running: Promise<boolean> | null = null;
  let cancelTimer: (() => void) | null = null;
  let isClosed = false;

  function wake(delayMs: number): void {
    if (isClosed || cancelTimer !== null) return;
    cancelTimer = clock.after(delayMs, () => {
      cancelTimer = null;
      void flush();
    });
  }

  /** Sends what is queued; false when the collector did not take it and it waits for the next attempt. */
  function flush(): Promise<boolean> {
    running ??= sendAll().finally(() => {
      running = null;
      if (queue.length > 0) wake(retryMs > 0 ? retryMs : DELAY_MS);
    });
    return running;
  }

  async function sendAll(): Promise<boolean> {
    while (queue.length > 0) {
      const batch = queue.slice(0, BATCH_MAX);
      const outcome = await send(batch);
      if (outcome.kind === 'later') {
        retryMs = Math.min(RETRY_MAX_MS, Math.max(RETRY_FIRST_MS, retryMs * 2));
        return false;
      }
      queue.splice(0, batch.length);
      retryMs = 0;
      sent += batch.length - outcome.rejected;
      dropped += outcome.rejected;
    }
    return true;
  }

  async function send(
    batch: readonly ReadableSpan[],
  ): Promise<{ readonly kind: 'done'; readonly rejected: number } | { readonly kind: 'later' }> {
    const abort = new AbortController();
    const cancel = clock.after(TIMEOUT_MS, () => abort.abort());
    try {
      const body = JSON.stringify(encodeSpans(batch, serviceName, scrub));
      const response = await fetch(target.url, {
        method: 'POST',
        headers: target.headers,
        body,
        redirect: 'error',
        signal: abort.signal,
      });
      const text = await response.text();
      if (response.ok) return { kind: 'done', rejected: Math.min(batch.length, readRejected(text)) };
      // The specification lists these as worth another attempt; anything else would be refused again.
      return [429, 502, 503, 504].includes(response.status)
        ? { kind: 'later' }
        : { kind: 'done', rejected: batch.length };
    } catch {
      return { kind: 'later' };
    } finally {
      cancel();
    }
  }

  return {
    counts: () => ({ sent, dropped }),
    onStart: () => undefined,
    onEnd(span) {
      if (isClosed || queue.length >= QUEUE_MAX) {
        dropped += 1;
        return;
      }
      queue.push(span);
      if (queue.length >= BATCH_MAX && retryMs === 0) void flush();
      else wake(DELAY_MS);
    },
    async forceFlush() {
      await flush();
    },
    async shutdown() {
      isClosed = true;
      cancelTimer?.();
      // A flush that is under way may have begun before the last spans came: once more for those.
      if (await flush()) await flush();
      dropped += queue.length;
      queue.length = 0;
    },
  };
}

function readTarget(text: string): { readonly url: string; readonly headers: Record<string, string> } {
  const url = new URL(text);
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (url.username !== '' || url.password !== '') {
    const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers['authorization'] = `Basic ${Buffer.from(login).toString('base64')}`;
    // fetch refuses URLs with a login in them.
    url.username = '';
    url.password = '';
  }
  if (!url.pathname.endsWith('/v1/traces')) url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/traces`;
  return { url: url.href, headers };
}

/** `partialSuccess.rejectedSpans` of an answer; an int64, which proto3 JSON may write as text. */
function readRejected(text: string): number {
  const found = /"rejectedSpans"\s{0,9}:\s{0,9}"?(\d{1,9})/.exec(text)?.[1];
  return found === undefined ? 0 : Number(found);
}

/** `ExportTraceServiceRequest` in JSON: ids in hex, times as text in nanoseconds, enums as numbers. */
function encodeSpans(
  spans: readonly ReadableSpan[],
  serviceName: string,
  scrub: (text: string) => string,
): unknown {
  const resource = { attributes: encodeAttributes({ 'service.name': serviceName }, scrub) };
  const encoded = spans.map((span) => ({
    traceId: span.spanContext().traceId,
    spanId: span.spanContext().spanId,
    ...(span.parentSpanContext === undefined ? {} : { parentSpanId: span.parentSpanContext.spanId }),
    name: scrub(span.name),
    // The API counts kinds from internal = 0, the protocol from unspecified = 0.
    kind: span.kind + 1,
    startTimeUnixNano: nanos(span.startTime),
    endTimeUnixNano: nanos(span.endTime),
    attributes: encodeAttributes(span.attributes, scrub),
    events: span.events.map((event) => ({
      name: scrub(event.name),
      timeUnixNano: nanos(event.time),
      attributes: encodeAttributes(event.attributes ?? {}, scrub),
    })),
    links: span.links.map((link) => ({
      traceId: link.context.traceId,
      spanId: link.context.spanId,
      attributes: encodeAttributes(link.attributes ?? {}, scrub),
    })),
    status: {
      code: span.status.code,
      ...(span.status.message === undefined ? {} : { message: scrub(span.status.message) }),
    },
  }));
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'mandate' }, spans: encoded }] }] };
}

function nanos([seconds, rest]: HrTime): string {
  return (BigInt(seconds) * 1_000_000_000n + BigInt(Math.trunc(rest))).toString();
}

function encodeAttributes(attributes: Attributes, scrub: (text: string) => string): readonly unknown[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: encodeValue(value, scrub) }],
  );
}

function encodeValue(value: AttributeValue | null | undefined, scrub: (text: string) => string): unknown {
  if (Array.isArray(value)) return { arrayValue: { values: value.map((item) => encodeValue(item, scrub)) } };
  if (typeof value === 'string') return { stringValue: scrub(value) };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return {};
}
