// What the SDK asks of the machine it runs on: the network, time, chance and the environment. It is the only file here
// that does, so that the rest is the same in Node, Deno, Bun and browsers, and so that tests can own the clock (I10).

/** What is sent; a part of the web's RequestInit. */
export interface FetchInit {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
  /** A redirect would carry the key to somebody else, so it counts as a failure. */
  readonly redirect: 'error';
}

/** What is read; a part of the web's Response. */
export interface FetchResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: FetchBody | null;
}

/** A part of the web's ReadableStream of bytes. */
export interface FetchBody {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
    cancel(reason?: unknown): Promise<void>;
  };
}

/** The web's `fetch`, or anything that answers like it. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchResponse>;

/** Where time, chance and the network come from. Only tests and embedders hand in their own. */
export interface Machine {
  readonly fetch: Fetch;
  /** Milliseconds that never go backwards, from an arbitrary origin. */
  readonly nowMs: () => number;
  /** From 0 up to 1; spreads retries. */
  readonly random: () => number;
  /** An id that nobody else makes; for Idempotency-Keys. */
  readonly uuid: () => string;
  /** Calls `run` once after `delayMs` unless the answer is called first. */
  readonly after: (delayMs: number, run: () => void) => () => void;
}

export const systemMachine: Machine = {
  fetch: (url, init) => fetch(url, init),
  nowMs: () => performance.now(),
  random: () => Math.random(),
  uuid: () => crypto.randomUUID(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** A variable of the environment; null in browsers, without permission to read it, and where it is empty. */
export function readEnvironment(name: string): string | null {
  const { process } = globalThis as {
    readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> };
  };
  try {
    const value = process?.env?.[name];
    return value === undefined || value === '' ? null : value;
  } catch {
    // Deno asks for permission to read a variable and throws where it is refused.
    return null;
  }
}

/** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
export function sleep(machine: Machine, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(reasonOf(signal));
      return;
    }
    const abort = (): void => {
      cancel();
      reject(reasonOf(signal));
    };
    const cancel = machine.after(ms, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** Why a signal was aborted, as something that can be thrown. */
export function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error('The caller aborted this call.', { cause: reason });
}
