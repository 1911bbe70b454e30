// A call that came through the MCP gateway runs on the connection of the client that made it: the server may keep state
// per connection, asks its questions there, and reports progress there. The executor still decides how the act ended; only
// the wire is the client's. The carrier travels beside the road, which knows nothing of wires.
import { AsyncLocalStorage } from 'node:async_hooks';

export interface CarriedCall {
  readonly actId: string;
  readonly tool: string;
  /** Idempotency key and trace context, to be added to the `_meta` of the call. */
  readonly meta: Readonly<Record<string, string>>;
  /** Aborted by a stop, a cancellation or the deadline. */
  readonly signal: AbortSignal;
}

export type CarriedAnswer =
  | { readonly kind: 'result'; readonly result: Readonly<Record<string, unknown>> }
  | { readonly kind: 'error'; readonly code: number; readonly message: string }
  /** Nothing was sent, and the caller no longer wants it. */
  | { readonly kind: 'cancelled' }
  /** Nothing was sent, because the server could not be reached. */
  | { readonly kind: 'unsent'; readonly error: string };

export interface McpCarrier {
  /** The executor whose server is at the other end. */
  readonly executor: string;
  /** Sends the call and waits for its answer. Rejects when the connection broke: the tool may have run by then. */
  call(call: CarriedCall): Promise<CarriedAnswer>;
}

const carriers = new AsyncLocalStorage<McpCarrier>();

/** Runs `run`; an act of this executor that begins within it is called over the carrier. */
export function carry<T>(carrier: McpCarrier, run: () => Promise<T>): Promise<T> {
  return carriers.run(carrier, run);
}

export function carrierOf(executor: string): McpCarrier | null {
  const carrier = carriers.getStore();
  return carrier?.executor === executor ? carrier : null;
}
