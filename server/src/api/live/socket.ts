// The feed over WebSocket. One event is on its way at a time, so a reader that does not keep up is waited for; one
// that no longer answers a ping is gone.
import type { WebSocket } from '@fastify/websocket';
import { FAREWELL_MS, KEEPALIVE_MS } from './reader.ts';
import type { Reader } from './reader.ts';

/** RFC 6455, section 7.4.1. */
const CLOSE_CODES = { gone: 1000, going_away: 1001, no_longer_allowed: 1008, failed: 1011 } as const;

/** Resolves when the feed has ended, for whatever reason. */
export async function serveSocket(
  socket: WebSocket,
  reader: Reader,
  after: (delayMs: number, fn: () => void) => () => void,
): Promise<void> {
  let isAnswered = true;
  let cancel = (): void => undefined;
  socket.on('pong', () => {
    isAnswered = true;
  });
  const keepAlive = (): void => {
    if (!isAnswered) return socket.terminate();
    isAnswered = false;
    socket.ping();
    cancel = after(KEEPALIVE_MS, keepAlive);
  };
  cancel = after(KEEPALIVE_MS, keepAlive);
  try {
    for await (const events of reader.events) {
      for (const event of events) {
        if (reader.signal.aborted) return;
        await sent(socket, JSON.stringify(event), reader.signal);
      }
    }
  } catch (error) {
    reader.failed(error);
  } finally {
    cancel();
    const reason = reader.reason();
    socket.close(CLOSE_CODES[reason], reason);
    // Whoever does not answer the farewell has been gone for long.
    socket.once(
      'close',
      after(FAREWELL_MS, () => socket.terminate()),
    );
  }
}

function sent(socket: WebSocket, text: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done, { once: true });
    // An error means that the socket is closing, which the signal says too.
    socket.send(text, done);
  });
}
