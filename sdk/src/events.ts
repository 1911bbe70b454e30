// The journal as it grows, as an async iterator over Server-Sent Events. A lost connection is taken up again after the
// last event that was handed over, so that nothing is missed and nothing comes twice.
import type { Json } from '@mandate/kernel';
import { MandateUnavailable } from './errors.ts';
import { fieldsOf, idOf, nonsense, numberOf, optional, parsedJson, textOf } from './guard.ts';
import type { FetchResponse, Machine } from './machine.ts';
import { sleep } from './machine.ts';
import type { Transport } from './transport.ts';

/** A CloudEvent (1.0) of the journal. */
export interface MandateEvent {
  /** Its position in the journal; `events({ after: id })` goes on behind it. */
  readonly id: string;
  /** `mandate.action.started`, `mandate.approval.voted`, `mandate.stop.confirmed`, … */
  readonly type: string;
  readonly source: string;
  /** `actions/<id>` or `agents/<id>`; null where it is about neither. */
  readonly subject: string | null;
  /** ISO 8601. */
  readonly time: string;
  readonly data: Json;
}

export interface EventsOptions {
  /** Begin behind this event, e.g. the last one that was handled; without it with whatever happens from now on. */
  readonly after?: string | undefined;
  /** Ends the iteration quietly. */
  readonly signal?: AbortSignal | undefined;
}

/** The server sends a comment every 15 s; a line silent for three times as long is dead. */
const SILENCE_MS = 45_000;
const RECONNECT_MS = 250;
const RECONNECT_MAX_MS = 10_000;
/** Failed attempts in a row before the iteration gives up: about a minute. */
const ATTEMPTS = 10;
const EVENT_MAX_CHARS = 4_194_304;

export function createEvents({
  transport,
  machine,
}: {
  readonly transport: Transport;
  readonly machine: Machine;
}): (options?: EventsOptions) => AsyncGenerator<MandateEvent, void, void> {
  return async function* events({ after, signal }: EventsOptions = {}) {
    // From the first step on a position is known, or what happens while a connection is down would be missed.
    let position = after ?? (await readHead(transport, signal));
    let failures = 0;
    for (;;) {
      if (isAborted(signal)) return;
      const ended = new AbortController();
      const stop = (): void => ended.abort();
      signal?.addEventListener('abort', stop, { once: true });
      try {
        const response = await transport.open({
          method: 'GET',
          path: `/api/v1/events?from=${encodeURIComponent(position)}`,
          agent: null,
          isRepeatable: true,
          signal: ended.signal,
        });
        for await (const event of readEvents(response, machine)) {
          failures = 0;
          position = event.id;
          yield event;
        }
      } catch (error) {
        if (isAborted(signal)) return;
        if (!(error instanceof MandateUnavailable) || error.reason === 'nonsense') throw error;
        failures += 1;
        if (failures >= ATTEMPTS) throw error;
      } finally {
        signal?.removeEventListener('abort', stop);
        // Also when the consumer breaks out of its loop: the connection must not stay behind.
        ended.abort();
      }
      const pauseMs = Math.min(RECONNECT_MAX_MS, RECONNECT_MS * 2 ** failures) * (0.5 + machine.random());
      await sleep(machine, pauseMs, signal).catch(() => undefined);
    }
  };
}

/** A call, because the compiler would take an earlier look at the signal for a lasting truth. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

async function readHead(transport: Transport, signal: AbortSignal | undefined): Promise<string> {
  const answer = await transport.read({
    method: 'GET',
    path: '/api/v1/audit/entries?limit=1',
    agent: null,
    isRepeatable: true,
    signal,
  });
  return String(numberOf(fieldsOf(answer, 'the answer')['head'], 'head'));
}

/** Ends when the server ends the stream; throws MandateUnavailable when it breaks or falls silent. */
async function* readEvents(
  response: FetchResponse,
  machine: Machine,
): AsyncGenerator<MandateEvent, void, void> {
  if (!/^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '') || response.body === null)
    return nonsense('the stream of events', 'text/event-stream');
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let buffer = '';
  try {
    for (;;) {
      const { done, value } = await readOrSilence(reader, machine);
      if (done || value === undefined) return;
      buffer += decoder.decode(value, { stream: true });
      const blocks = buffer.split(/\r?\n\r?\n/);
      buffer = blocks.pop() ?? '';
      if (buffer.length > EVENT_MAX_CHARS)
        return nonsense('an event', `shorter than ${EVENT_MAX_CHARS} characters`);
      for (const block of blocks) {
        const event = eventOf(block);
        if (event !== null) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

interface Reader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
}

function readOrSilence(reader: Reader, machine: Machine): ReturnType<Reader['read']> {
  return new Promise((resolve, reject) => {
    const cancel = machine.after(SILENCE_MS, () =>
      reject(new MandateUnavailable('timeout', `The stream of events was silent for ${SILENCE_MS} ms.`)),
    );
    reader
      .read()
      .then(resolve, (error: unknown) =>
        reject(new MandateUnavailable('unreachable', 'The stream of events broke off.', { cause: error })),
      )
      .finally(cancel);
  });
}

/** null for comments and keepalives. */
function eventOf(block: string): MandateEvent | null {
  const data = block
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).replace(/^ /, ''))
    .join('\n');
  if (data === '') return null;
  const event = fieldsOf(parse(data), 'an event');
  return {
    id: idOf(event['id'], 'id of an event'),
    type: textOf(event['type'], 'type of an event'),
    source: textOf(event['source'], 'source of an event'),
    subject: optional(event['subject'], textOf, 'subject of an event'),
    time: textOf(event['time'], 'time of an event'),
    data: parsedJson(event['data']),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return nonsense('an event', 'JSON');
  }
}
