// The thin way to the server: one request, one answer, and a sentence that helps when there is none.
import { CommandFailed, EXIT, exitOfProblem } from './exit.ts';
import { textAt } from './read.ts';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 30 s. */
  readonly timeoutMs?: number;
}

export type Answer =
  | { readonly kind: 'ok'; readonly status: number; readonly body: unknown; readonly date: string | null }
  | { readonly kind: 'problem'; readonly status: number; readonly problem: Readonly<Record<string, unknown>> }
  | Unreachable;

/** Nothing answered, or something that is not Mandate. */
interface Unreachable {
  readonly kind: 'unreachable';
  readonly why: string;
}

export interface Client {
  readonly url: string;
  send(call: Call): Promise<Answer>;
  /** A good answer with its status, where that tells more; anything else ends the command. */
  needAnswer(call: Call): Promise<Extract<Answer, { kind: 'ok' }>>;
  /** The body of a good answer; anything else ends the command. */
  need(call: Call): Promise<unknown>;
  /** A document that is no JSON, as it came; anything else ends the command. */
  text(call: Call): Promise<string>;
  /** Server-Sent Events of a path until the signal aborts or the server ends them. */
  events(
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly id: string; readonly data: string }>;
}

export interface ClientNeeds {
  readonly url: string;
  readonly key: string | null;
  /** For the commands in the sentences that help. */
  readonly self: string;
}

const TIMEOUT_MS = 30_000;

export function createClient({ url, key, self }: ClientNeeds): Client {
  const headersOf = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
    ...(key === null ? {} : { authorization: `Bearer ${key}` }),
    ...more,
  });

  async function fetched({
    method,
    path,
    body,
    query = {},
    headers,
    timeoutMs = TIMEOUT_MS,
  }: Call): Promise<{ readonly response: Response; readonly text: string } | Unreachable> {
    const target = new URL(`${url}${path}`);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) target.searchParams.set(name, value);
    const json: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    try {
      const response = await fetch(target, {
        method,
        headers: headersOf({ ...json, ...headers }),
        // A key is for this address alone.
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { response, text: await response.text() };
    } catch (error) {
      return { kind: 'unreachable', why: reasonOf(error, timeoutMs) };
    }
  }

  async function send(call: Call): Promise<Answer> {
    const answer = await fetched(call);
    return 'why' in answer ? answer : answerOf(answer);
  }

  function answerOf({ response, text }: { readonly response: Response; readonly text: string }): Answer {
    const type = response.headers.get('content-type') ?? '';
    const parsed = type.includes('json') ? parse(text) : undefined;
    if (typeof parsed !== 'object' || parsed === null) {
      return {
        kind: 'unreachable',
        why: `something answers there that is not Mandate (HTTP ${response.status}, ${type === '' ? 'no content type' : type})`,
      };
    }
    if (response.ok || !type.includes('problem+json'))
      return { kind: 'ok', status: response.status, body: parsed, date: response.headers.get('date') };
    const retryAfter = response.headers.get('retry-after');
    return {
      kind: 'problem',
      status: response.status,
      problem: { ...parsed, ...(retryAfter === null ? {} : { retryAfterSeconds: Number(retryAfter) }) },
    };
  }

  function failureOf(answer: Exclude<Answer, { kind: 'ok' }>): CommandFailed {
    return answer.kind === 'problem'
      ? problemFailed(answer.problem, { hasKey: key !== null, self })
      : unreachable(url, answer.why, self);
  }

  async function needAnswer(call: Call): Promise<Extract<Answer, { kind: 'ok' }>> {
    const answer = await send(call);
    if (answer.kind === 'ok') return answer;
    throw failureOf(answer);
  }

  return {
    url,
    send,
    needAnswer,
    need: async (call) => (await needAnswer(call)).body,
    async text(call) {
      const answer = await fetched(call);
      if ('why' in answer) throw failureOf(answer);
      const isJson = (answer.response.headers.get('content-type') ?? '').includes('json');
      if (answer.response.ok && !isJson) return answer.text;
      const read = answerOf(answer);
      throw read.kind === 'ok' ? unreachable(url, 'it answers in another form', self) : failureOf(read);
    },
    async *events(path, headers, signal) {
      let response: Response;
      try {
        response = await fetch(`${url}${path}`, {
          headers: headersOf({ accept: 'text/event-stream', ...headers }),
          signal,
          redirect: 'manual',
        });
      } catch (error) {
        if (signal.aborted) return;
        throw unreachable(url, reasonOf(error, TIMEOUT_MS), self);
      }
      if (!response.ok || response.body === null) {
        const problem: unknown = parse(await response.text());
        throw problemFailed(typeof problem === 'object' && problem !== null ? { ...problem } : {}, {
          hasKey: key !== null,
          self,
        });
      }
      yield* readEvents(response.body, signal);
    },
  };
}

/** The fields of each event (https://html.spec.whatwg.org/multipage/server-sent-events.html); comments are left out. */
async function* readEvents(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncIterable<{ readonly id: string; readonly data: string }> {
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of body) {
      const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const lines = block.split('\n');
        const field = (name: string): string =>
          lines
            .filter((line) => line.startsWith(`${name}: `))
            .map((line) => line.slice(name.length + 2))
            .join('\n');
        if (field('data') !== '') yield { id: field('id'), data: field('data') };
      }
    }
  } catch (error) {
    if (!signal.aborted && !(error instanceof TypeError)) throw error;
  }
}

export function unreachable(url: string, why: string, self: string): CommandFailed {
  return new CommandFailed(`No Mandate answers at ${url}: ${why}.`, {
    exitCode: EXIT.unreachable,
    code: 'unreachable',
    steps: [
      `If it is not running: ${self} start`,
      'If it is elsewhere: set MANDATE_URL (and MANDATE_API_KEY) or give --url.',
      `To find out what is wrong: ${self} doctor`,
    ],
    document: { url },
  });
}

function problemFailed(
  problem: Readonly<Record<string, unknown>>,
  { hasKey, self }: { readonly hasKey: boolean; readonly self: string },
): CommandFailed {
  const code = textAt(problem, 'code');
  const steps =
    code === 'unauthenticated'
      ? [
          hasKey
            ? 'The key that was sent is not valid there: look at MANDATE_API_KEY, or at admin.key in the data directory.'
            : 'No key was sent: set MANDATE_API_KEY, or run this as the account whose data directory it is (--data-dir).',
          `To see which directory is used: ${self} config show`,
        ]
      : [];
  return new CommandFailed(textAt(problem, 'detail'), {
    exitCode: exitOfProblem(code),
    code,
    steps,
    document: problem,
  });
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs / 1_000} s`;
  const cause = error.cause instanceof AggregateError ? error.cause.errors[0] : error.cause;
  const code: unknown = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : '';
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connection refused',
    ENOTFOUND: 'no such host',
    ECONNRESET: 'the connection was cut',
    EHOSTUNREACH: 'no route to the host',
  };
  return known[String(code)] ?? (cause instanceof Error ? cause.message : error.message);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
