// The HTTP door without a socket, for a program that runs Mandate inside itself: the same routes, the same keys, the
// same refusals, so that what was tried out in one process behaves no differently behind a server.
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';

export interface InjectedInit {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** As much of the web's fetch as the SDK asks for. */
export type InjectedFetch = (url: string, init: InjectedInit) => Promise<Response>;

const NO_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** Rejects when the signal is aborted before the head of the answer is there; `closing` ends streams that go on. */
export function injectedFetch(fastify: FastifyInstance, closing: AbortSignal): InjectedFetch {
  return async (url, { method, headers, body, signal }) => {
    if (closing.aborted) throw new Error('This Mandate is closed; open another with openMandate().');
    const { pathname, search } = new URL(url);
    const answer = await fastify.inject({
      method,
      url: pathname + search,
      headers: { ...headers },
      ...(body === undefined ? {} : { payload: body }),
      payloadAsStream: true,
      remoteAddress: '127.0.0.1',
      signal: AbortSignal.any([signal, closing]),
    });
    const named = Object.entries(answer.headers).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : String(value)]],
    );
    return new Response(NO_BODY.has(answer.statusCode) ? null : Readable.toWeb(answer.stream()), {
      status: answer.statusCode,
      headers: named,
    });
  };
}
