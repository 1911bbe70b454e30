// One call to the server: bounded in time, attempts and bytes, and either an answer or an error that says that nothing
// was run. Only calls that may safely arrive twice are repeated, always under the same Idempotency-Key.
import type { JsonObject } from '@mandate/kernel';
import { readAttempt } from './answer.ts';
import type { Answer, Attempt } from './answer.ts';
import { MandateProblem, MandateUnavailable } from './errors.ts';
import type { FetchInit, FetchResponse, Machine } from './machine.ts';
import { reasonOf, sleep } from './machine.ts';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With query, from `/api/…` on. */
  readonly path: string;
  readonly body?: JsonObject;
  /** Whose key is used; null for the operator's calls. */
  readonly agent: string | null;
  /** Made here for every POST without one. */
  readonly idempotencyKey?: string;
  /** True where arriving twice does no harm. */
  readonly isRepeatable: boolean;
  /** How long the server may hold its answer (`Prefer: wait`); it comes on top of the timeout. */
  readonly waitMs?: number;
  readonly attempts?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Transport {
  /** Throws MandateUnavailable, or the reason of an aborted signal. */
  call(call: Call): Promise<Answer>;
  /** The body of a good answer; throws MandateProblem for any refusal. */
  read(call: Call): Promise<unknown>;
  /** Opens a stream and hands over its response; the timeout holds for its head only. */
  open(call: Call): Promise<FetchResponse>;
}

export interface TransportNeeds {
  readonly url: string;
  /** Presented as bearer token; asked at every call, so that a rotated key is used at once. */
  readonly keyOf: (agent: string | null) => string | Promise<string>;
  readonly timeoutMs: number;
  readonly machine: Machine;
}

/** The first attempt and two more. */
const ATTEMPTS = 3;
const BACKOFF_MS = 150;
/** Whoever is told to come back later than this is told so instead of kept waiting. */
const PATIENCE_MS = 5_000;
/** The server accepts bodies of 1 MiB; its answers add a decision and its trace. */
const ANSWER_MAX_BYTES = 8 * 1_048_576;

export function createTransport({ url, keyOf, timeoutMs, machine }: TransportNeeds): Transport {
  async function call(asked: Call): Promise<Answer> {
    // Made once: every attempt is the same request.
    const idempotencyKey = asked.method === 'POST' ? (asked.idempotencyKey ?? machine.uuid()) : null;
    const attempts = asked.isRepeatable ? (asked.attempts ?? ATTEMPTS) : 1;
    const body = bodyOf(asked);
    const init = {
      method: asked.method,
      headers: await headersOf(asked, idempotencyKey),
      ...body,
      redirect: 'error',
    } as const;
    for (let attempt = 1; ; attempt += 1) {
      const tried = await tryOnce(asked, init, attempt);
      if (tried.kind === 'answer') return tried.answer;
      const waitMs = tried.retryAfterMs ?? BACKOFF_MS * 2 ** (attempt - 1) * (0.5 + machine.random());
      if (attempt >= attempts || tried.reason === 'nonsense' || waitMs > PATIENCE_MS) {
        throw new MandateUnavailable(tried.reason, `${tried.why} Nothing was run.`, {
          cause: tried.cause,
          idempotencyKey,
        });
      }
      await sleep(machine, waitMs, asked.signal);
    }
  }

  async function tryOnce(asked: Call, init: Omit<FetchInit, 'signal'>, attempt: number): Promise<Attempt> {
    const limit = limitOf(asked, timeoutMs + (asked.waitMs ?? 0));
    try {
      const sentMs = machine.nowMs();
      const response = await raced(
        machine.fetch(`${url}${asked.path}`, { ...init, signal: limit.signal }),
        limit.signal,
      );
      const text = await readText(response, limit.signal);
      return readAttempt(response, text, { sentMs, attempt });
    } catch (error) {
      return failureOf(error, asked, limit.isTimedOut());
    } finally {
      limit.end();
    }
  }

  async function headersOf(
    asked: Call,
    idempotencyKey: string | null,
  ): Promise<Readonly<Record<string, string>>> {
    const { body, waitMs = 0 } = asked;
    return {
      accept: 'application/json',
      authorization: `Bearer ${await keyOf(asked.agent)}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      // Only repeats of this very call may read its permit again; another call with its key may not.
      ...(idempotencyKey === null
        ? {}
        : { 'idempotency-key': idempotencyKey, 'mandate-attempt': machine.uuid() }),
      ...(waitMs > 0 ? { prefer: `wait=${Math.ceil(waitMs / 1_000)}` } : {}),
    };
  }

  /** The caller's signal and the timeout as one signal, and which of them it was. */
  function limitOf(asked: Call, ms: number) {
    const controller = new AbortController();
    let timedOut = false;
    const abort = (): void => controller.abort(reasonOf(asked.signal));
    if (asked.signal?.aborted === true) abort();
    asked.signal?.addEventListener('abort', abort, { once: true });
    const cancel = machine.after(ms, () => {
      timedOut = true;
      controller.abort(new Error(`no answer within ${ms} ms`));
    });
    return {
      signal: controller.signal,
      isTimedOut: () => timedOut,
      end: () => {
        cancel();
        asked.signal?.removeEventListener('abort', abort);
      },
    };
  }

  function failureOf(error: unknown, asked: Call, isTimedOut: boolean): Attempt {
    if (asked.signal?.aborted === true) throw reasonOf(asked.signal);
    if (error instanceof MandateUnavailable)
      return {
        kind: 'failure',
        reason: error.reason,
        why: error.message,
        cause: error.cause,
        retryAfterMs: null,
      };
    const reason = isTimedOut ? 'timeout' : 'unreachable';
    const why = isTimedOut
      ? `Mandate at ${url} did not answer in ${timeoutMs + (asked.waitMs ?? 0)} ms.`
      : `Mandate at ${url} cannot be reached (${textOfError(error)}); start it, or correct MANDATE_URL.`;
    return { kind: 'failure', reason, why, cause: error, retryAfterMs: null };
  }

  return {
    call,
    async read(asked) {
      const answer = await call(asked);
      if (answer.kind === 'problem') throw new MandateProblem(answer.problem);
      return answer.body;
    },
    async open(asked) {
      const key = await keyOf(asked.agent);
      const limit = limitOf(asked, timeoutMs);
      try {
        // The stream lives on after its head has come: it is ended by the caller's signal, not by the timeout.
        const whole = new AbortController();
        limit.signal.addEventListener('abort', () => whole.abort(limit.signal.reason), { once: true });
        asked.signal?.addEventListener('abort', () => whole.abort(reasonOf(asked.signal)), { once: true });
        const headers = { accept: 'text/event-stream', authorization: `Bearer ${key}` };
        const response = await raced(
          machine.fetch(`${url}${asked.path}`, {
            method: asked.method,
            headers,
            signal: whole.signal,
            redirect: 'error',
          }),
          limit.signal,
        );
        if (response.status === 200) return response;
        const read = readAttempt(response, await readText(response, limit.signal), { sentMs: 0, attempt: 1 });
        if (read.kind === 'answer' && read.answer.kind === 'problem')
          throw new MandateProblem(read.answer.problem);
        throw new MandateUnavailable(
          'server_error',
          read.kind === 'failure'
            ? read.why
            : `Mandate answered ${response.status} where it should have opened a stream.`,
        );
      } catch (error) {
        if (error instanceof MandateProblem) throw error;
        const failure = failureOf(error, asked, limit.isTimedOut());
        throw failure.kind === 'failure'
          ? new MandateUnavailable(failure.reason, failure.why, { cause: failure.cause })
          : error;
      } finally {
        limit.end();
      }
    },
  };
}

/** Written before anything is sent: what cannot be JSON is a mistake of the caller, thrown as it is. */
function bodyOf({ body }: Call): { readonly body?: string } {
  return body === undefined ? {} : { body: JSON.stringify(body) };
}

/** A body without end would fill the memory of the agent, so it is counted while it comes. */
async function readText(response: FetchResponse, signal: AbortSignal): Promise<string> {
  if (response.body === null) return '';
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await raced(reader.read(), signal);
    if (done || value === undefined) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > ANSWER_MAX_BYTES) {
      await reader.cancel().catch(() => undefined);
      throw new MandateUnavailable(
        'nonsense',
        `The answer is larger than ${ANSWER_MAX_BYTES} bytes, which none of Mandate's is.`,
      );
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** Not every fetch obeys its signal in every state; the timeout holds all the same. */
function raced<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(reasonOf(signal));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function textOfError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
