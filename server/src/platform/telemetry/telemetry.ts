// One trace from the agent's request to the last statement it caused. The trace id stands in every answer and log
// line, so spans are made even when nobody collects them; they only cost something when somebody does.
import {
  type Attributes,
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import type { Clock } from '../clock/clock.ts';
import { createOtlpExporter, type ExportCounts } from './otlp.ts';

export type Exporter =
  | { readonly kind: 'none' }
  /** Keeps finished spans for `spans()`: for tests. */
  | { readonly kind: 'memory' }
  | { readonly kind: 'otlp'; readonly url: string };

export interface TelemetryNeeds {
  readonly exporter: Exporter;
  readonly clock: Clock;
  readonly scrub: (text: string) => string;
  readonly serviceName?: string;
  /** Asked for each new trace (the flag obs.otelEnabled); spans of a trace that began are kept together. */
  readonly isEnabled?: () => boolean;
  readonly fetch?: typeof fetch;
}

export interface Telemetry {
  /** Runs `fn` within a span; an error that leaves it marks the span and is thrown on. */
  span<T>(name: string, attributes: Attributes, fn: (span: Span) => T | Promise<T>): Promise<T>;
  /** Runs `fn` as part of the caller's trace (W3C `traceparent`); a missing or malformed one begins a new trace. */
  within<T>(traceparent: string | undefined, fn: () => T): T;
  /** `within` and `span` for one incoming request; `run` is handed the trace id that its answer will carry. */
  traced<T>(
    name: string,
    headers: Readonly<Record<string, string | readonly string[] | undefined>>,
    run: (traceId: string) => Promise<T>,
  ): Promise<T>;
  /** 32 hex digits, or null outside any span. */
  traceId(): string | null;
  /** What to send along with requests to others; null outside any span. */
  traceparent(): string | null;
  /** For libraries that take a tracer. Its spans join the current trace. */
  readonly tracer: Tracer;
  counts(): ExportCounts;
  /** Finished spans, oldest first; empty unless the exporter is `memory`. */
  spans(): readonly ReadableSpan[];
  flush(): Promise<void>;
  close(): Promise<void>;
}

interface Opening {
  readonly kind: SpanKind;
  readonly name: string;
  readonly attributes: Attributes;
}

export function createTelemetry(needs: TelemetryNeeds): Telemetry {
  const {
    exporter,
    clock,
    scrub,
    serviceName = 'mandate',
    isEnabled = () => true,
    fetch = globalThis.fetch,
  } = needs;
  const memory = exporter.kind === 'memory' ? new InMemorySpanExporter() : null;
  const otlp =
    exporter.kind === 'otlp'
      ? createOtlpExporter({ url: exporter.url, serviceName, clock, scrub, fetch })
      : null;
  const spanProcessors = [
    ...(memory === null ? [] : [new SimpleSpanProcessor(memory)]),
    ...(otlp === null ? [] : [otlp]),
  ];
  const provider = new BasicTracerProvider({ sampler: createSampler(exporter, isEnabled), spanProcessors });
  // Its own context manager and no global registration: two servers in one process (tests, embedding) stay apart.
  const contexts = new AsyncLocalStorageContextManager().enable();
  const plain = provider.getTracer('mandate');
  const tracer = inContext(plain, contexts);
  const current = () => trace.getSpanContext(contexts.active()) ?? null;

  const within: Telemetry['within'] = (traceparent, fn) => contexts.with(readTraceparent(traceparent), fn);

  async function record<T>(
    { kind, name, attributes }: Opening,
    fn: (span: Span) => T | Promise<T>,
  ): Promise<T> {
    const startMs = clock.nowMs();
    const startedMs = clock.monotonicMs();
    const parent = contexts.active();
    const span = plain.startSpan(name, { attributes, kind, startTime: startMs }, parent);
    try {
      return await contexts.with(trace.setSpan(parent, span), () => fn(span));
    } catch (error) {
      span.recordException(error instanceof Error ? error : String(error));
      span.setStatus({
        code: SpanStatusCode.ERROR,
        message: error instanceof Error ? error.message : String(error),
      });
      throw error;
    } finally {
      // Wall time may jump while the span runs; a duration must not.
      span.end(startMs + clock.monotonicMs() - startedMs);
    }
  }

  return {
    tracer,
    within,
    span: (name, attributes, fn) => record({ kind: SpanKind.INTERNAL, name, attributes }, fn),
    traced(name, headers, run) {
      const { traceparent } = headers;
      return within(typeof traceparent === 'string' ? traceparent : undefined, () =>
        record({ kind: SpanKind.SERVER, name, attributes: {} }, (span) => run(span.spanContext().traceId)),
      );
    },
    traceId: () => current()?.traceId ?? null,
    traceparent() {
      const context = current();
      return context === null
        ? null
        : `00-${context.traceId}-${context.spanId}-${context.traceFlags.toString(16).padStart(2, '0')}`;
    },
    counts: () => otlp?.counts() ?? { sent: 0, dropped: 0 },
    spans: () => memory?.getFinishedSpans() ?? [],
    flush: () => provider.forceFlush(),
    async close() {
      await provider.shutdown();
      contexts.disable();
    },
  };
}

/** Whole traces or nothing: what the parent decided holds, and a new trace asks whether anybody collects. */
function createSampler(exporter: Exporter, isEnabled: () => boolean): Sampler {
  return {
    shouldSample(context) {
      const parent = trace.getSpanContext(context);
      const isWanted =
        parent === undefined
          ? isEnabled()
          : (parent.traceFlags & TraceFlags.SAMPLED) !== 0 && (parent.isRemote !== true || isEnabled());
      const isKept = exporter.kind !== 'none' && isWanted;
      return { decision: isKept ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD };
    },
    toString: () => 'mandate',
  };
}

/** A tracer whose default context is ours; the API would ask the global one, which is not registered. */
function inContext(tracer: Tracer, contexts: AsyncLocalStorageContextManager): Tracer {
  const startSpan: Tracer['startSpan'] = (name, options, context = contexts.active()) =>
    tracer.startSpan(name, options, context);
  return {
    startSpan,
    startActiveSpan<F extends (span: Span) => unknown>(
      name: string,
      ...rest: readonly unknown[]
    ): ReturnType<F> {
      const [options, context] = rest.length > 1 ? rest : [];
      const parent = isContext(context) ? context : contexts.active();
      const span = startSpan(name, typeof options === 'object' && options !== null ? options : {}, parent);
      // The overloads of the API end with the function, whatever comes before it; only they are callable from outside.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
      const fn = rest.at(-1) as (span: Span) => ReturnType<F>;
      return contexts.with(trace.setSpan(parent, span), () => fn(span));
    },
  };
}

function isContext(value: unknown): value is Context {
  return typeof value === 'object' && value !== null && 'getValue' in value && 'setValue' in value;
}

/** W3C Trace Context level 1: version 00 has exactly these parts, a later one may have more; ff is no version. */
function readTraceparent(header: string | undefined): Context {
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.{0,200})?$/.exec(header ?? '');
  const [, version, traceId, spanId, flags, more] = match ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined || version === 'ff')
    return ROOT_CONTEXT;
  if (version === '00' && more !== undefined) return ROOT_CONTEXT;
  const context = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
  };
  return isSpanContextValid(context) ? trace.setSpanContext(ROOT_CONTEXT, context) : ROOT_CONTEXT;
}
