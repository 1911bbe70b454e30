// How an answer leaves over Streamable HTTP: as plain JSON where nothing precedes it, else as a stream of events. A call
// that takes long (people are asked, a tool works) becomes a stream as well, because clients give up on silence.
import type { ServerResponse } from 'node:http';
import type { JsonObject } from '@mandate/kernel';

export interface Answer {
  /** Something before the answer. Without a client that takes events it is dropped, as it may be. */
  event(message: JsonObject): void;
  end(message: JsonObject, status?: number): void;
  /** Ends without an answer: the client has cancelled and expects none. */
  endEmpty(): void;
  isOpen(): boolean;
}

export interface AnswerNeeds {
  readonly response: ServerResponse;
  readonly headers: Readonly<Record<string, string>>;
  readonly takesEvents: boolean;
  /** For the long-lived stream of a session, on which the server speaks unasked: the headers leave at once. */
  readonly isStream?: boolean;
  readonly after: (waitMs: number, run: () => void) => () => void;
}

/** Proxies and fetch implementations close a connection that says nothing for a minute or more. */
const SILENCE_MS = 15_000;

export function createAnswer({
  response,
  headers,
  takesEvents,
  isStream = false,
  after,
}: AnswerNeeds): Answer {
  let isStreaming = false;
  let isDone = false;
  let cancelTimer = takesEvents ? after(SILENCE_MS, breathe) : () => {};

  function breathe(): void {
    stream();
    response.write(': still here\n\n');
    cancelTimer = after(SILENCE_MS, breathe);
  }

  function stream(): void {
    if (isStreaming) return;
    isStreaming = true;
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.flushHeaders();
  }

  function finish(text: string): void {
    isDone = true;
    cancelTimer();
    response.end(text);
  }

  if (isStream) stream();
  response.once('close', () => {
    isDone = true;
    cancelTimer();
  });

  return {
    event(message) {
      if (isDone || !takesEvents) return;
      stream();
      response.write(eventOf(message));
    },
    end(message, status = 200) {
      if (isDone) return;
      if (isStreaming) {
        finish(eventOf(message));
        return;
      }
      response.writeHead(status, { ...headers, 'content-type': 'application/json' });
      finish(JSON.stringify(message));
    },
    endEmpty() {
      if (isDone) return;
      if (!isStreaming) response.writeHead(202, headers);
      finish('');
    },
    isOpen: () => !isDone,
  };
}

function eventOf(message: JsonObject): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}
