// A reader of the live feed (Server-Sent Events), for tests: what arrives, in the order of its arrival.
import type { Closing } from './closing.ts';
import type { TestServer } from './server.ts';

export interface FeedEvent {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly subject?: string };
}

export interface OpenFeed {
  readonly events: readonly FeedEvent[];
  close(): void;
}

export interface FeedOptions {
  readonly from?: number;
  readonly lastEventId?: string;
  readonly key?: string;
}

/** Follows the feed until it is closed or the server goes away. Resolves once the server has begun to answer. */
export async function openFeed(
  t: Closing,
  server: Pick<TestServer, 'url' | 'adminKey'>,
  { from, lastEventId, key }: FeedOptions,
): Promise<OpenFeed> {
  const ending = new AbortController();
  const response = await fetch(`${server.url}/api/v1/events${from === undefined ? '' : `?from=${from}`}`, {
    headers: {
      'x-api-key': key ?? server.adminKey,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
    signal: ending.signal,
  });
  if (response.status !== 200 || response.body === null)
    throw new Error(`no feed: ${response.status} ${await response.text()}`);
  const events: FeedEvent[] = [];
  const reading = read(response.body, events).catch(() => undefined);
  t.after(async () => {
    ending.abort();
    await reading;
  });
  return { events, close: () => ending.abort() };
}

async function read(body: ReadableStream<Uint8Array>, into: FeedEvent[]): Promise<void> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string): string | null =>
        new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null;
      const [id, type, data] = [field('id'), field('event'), field('data')];
      if (id !== null && type !== null && data !== null)
        into.push({ id, type, data: JSON.parse(data) as FeedEvent['data'] });
    }
  }
}
