// The feed as Server-Sent Events. What the reader does not take is not read from the journal either: one batch waits
// in memory, whoever reads however slowly.
import type { ServerResponse } from 'node:http';
import { FAREWELL_MS, KEEPALIVE_MS } from './reader.ts';
import type { Reader } from './reader.ts';

export interface StreamNeeds {
  readonly traceId: string;
  readonly after: (delayMs: number, fn: () => void) => () => void;
}

/** Resolves when the stream has ended, for whatever reason. */
export async function serveStream(
  response: ServerResponse,
  reader: Reader,
  { traceId, after }: StreamNeeds,
): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-accel-buffering': 'no',
    'x-trace-id': traceId,
  });
  response.write(': mandate journal\n\n');
  let cancel = (): void => undefined;
  const keepAlive = (): void => {
    // To a reader that does not keep up, nothing is added.
    if (!response.writableNeedDrain) response.write(': keepalive\n\n');
    cancel = after(KEEPALIVE_MS, keepAlive);
  };
  cancel = after(KEEPALIVE_MS, keepAlive);
  try {
    for await (const events of reader.events) {
      const text = events
        .map((event) => `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
        .join('');
      if (!response.write(text)) await drained(response, reader.signal);
      if (reader.signal.aborted) break;
    }
  } catch (error) {
    reader.failed(error);
  } finally {
    cancel();
    const reason = reader.reason();
    // A reader that is told why does not come back with the same key for ever.
    if (reason === 'no_longer_allowed' && !response.writableNeedDrain)
      response.write('event: mandate.feed.ended\ndata: {"reason":"no_longer_allowed"}\n\n');
    response.end();
    // What a stalled reader never takes must not keep its connection.
    response.once(
      'close',
      after(FAREWELL_MS, () => response.destroy()),
    );
  }
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    if (signal.aborted) return done();
    response.on('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}
