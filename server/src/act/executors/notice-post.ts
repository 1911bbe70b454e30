// One POST to an address that people named: to nothing that was not checked, without following, and with a clear word
// about whether anything can have arrived. What Mandate itself tells people goes out through here.
import { Agent, request } from 'undici';
import { AddressRefused, createGuardedConnector, resolveBySystem } from './address.ts';
import type { Resolve } from './address.ts';
import { errorText } from './result.ts';

export interface PostRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly allowPrivate: boolean;
  readonly signal: AbortSignal;
}

/** - `unsent`: nothing can have arrived · `unknown`: it may have */
export type Posted =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      /** Its beginning. */
      readonly text: string;
    }
  | { readonly kind: 'unsent'; readonly error: string; readonly isForbidden: boolean }
  | { readonly kind: 'unknown'; readonly error: string };

/** More than this of an answer is nobody's business. */
const ANSWER_MAX = 65_536;

export function createPost(resolve: Resolve = resolveBySystem): (request: PostRequest) => Promise<Posted> {
  return async ({ url, headers, body, allowPrivate, signal }) => {
    const target = URL.parse(url);
    if (target === null || (target.protocol !== 'https:' && target.protocol !== 'http:'))
      return { kind: 'unsent', error: 'The URL must start with https:// or http://.', isForbidden: true };
    let connected = false;
    const agent = new Agent({
      connect: createGuardedConnector({
        allowPrivate,
        resolve,
        signal,
        onConnected: () => {
          connected = true;
        },
      }),
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    try {
      const sent = request(target, {
        dispatcher: agent,
        method: 'POST',
        headers: { ...headers, 'accept-encoding': 'identity' },
        body,
        signal,
      });
      // undici does not hear the signal while it waits for a connection.
      const response = await Promise.race([sent, aborted(signal)]);
      return {
        kind: 'answered',
        status: response.statusCode,
        headers: Object.fromEntries(
          Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
        ),
        text: await beginningOf(response.body),
      };
    } catch (error) {
      if (error instanceof AddressRefused) return { kind: 'unsent', error: error.message, isForbidden: true };
      const text = errorText(error instanceof Error && error.cause instanceof Error ? error.cause : error);
      return connected
        ? {
            kind: 'unknown',
            error: `${target.host} did not answer (${text}) after the request may have arrived.`,
          }
        : { kind: 'unsent', error: `${target.host} could not be reached: ${text}.`, isForbidden: false };
    } finally {
      await agent.destroy();
    }
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = (): void => reject(new Error('cut off'));
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}

async function beginningOf(body: AsyncIterable<unknown>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) break;
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > ANSWER_MAX) break;
  }
  return Buffer.concat(chunks).toString('utf8').slice(0, ANSWER_MAX);
}
