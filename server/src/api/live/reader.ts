// One reader of a feed, over whichever protocol: what it reads, when that ends, and why.

export interface FeedEvent {
  readonly id: string;
  readonly type: string;
  /** `actions/ID`, `workflows/ID` or `agents/ID`. */
  readonly subject?: string;
  readonly data?: unknown;
}

export type EndReason = 'gone' | 'no_longer_allowed' | 'going_away' | 'failed';

/** One reader that is connected. */
export interface Reader {
  readonly events: AsyncIterable<readonly FeedEvent[]>;
  /** Aborts when the reader is gone, may no more, or the server closes. */
  readonly signal: AbortSignal;
  /** Why it ended, for the reader. */
  readonly reason: () => EndReason;
  readonly failed: (error: unknown) => void;
}

/** A comment line or ping this often keeps proxies from closing a silent connection. */
export const KEEPALIVE_MS = 15_000;
/** How long a reader may take to receive the end. */
export const FAREWELL_MS = 1_000;
