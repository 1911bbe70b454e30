// What an executor is given and what it may answer. Every way of executing (command, http, mcp, function) shares these
// types, so that the pipeline never needs to know which one ran.
import type { Json, JsonObject } from '@mandate/kernel';

/** One allowed action, started and journalled, on its way to the world. */
export interface Execution {
  readonly actId: string;
  readonly tenant: string;
  readonly agent: string;
  readonly action: string;
  readonly parameters: JsonObject;
  /** The act's id: the same act sent twice must be recognisable on the other side. */
  readonly idempotencyKey: string;
  /** Aborted by a stop or a lost lease: nothing may leave the process afterwards. */
  readonly signal: AbortSignal;
  /** How long the act may take from now; an executor's own timeout can only shorten it. */
  readonly deadlineMs: number;
  /** W3C trace context, handed on as it is. */
  readonly traceparent: string | null;
}

/**
 * How an execution ended.
 * - `failed`: it did not happen, or the executor itself reported a failure.
 * - `cancelled`: it was cut off before it left Mandate, or everything that it had started here is dead.
 * - `unknown`: it may have happened, and nobody here can tell. Never retried blindly.
 */
export type ExecutionOutcome =
  | { readonly kind: 'success'; readonly result: Json; readonly costMicroUsd: number | null }
  | { readonly kind: 'failed'; readonly error: string; readonly code: FailureCode }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'unknown'; readonly error: string };

/** Why an execution failed, for programs. The error text says the same to people, with what to do next. */
export type FailureCode =
  | 'unknown_executor'
  | 'bad_executor'
  | 'bad_parameter'
  | 'executor_unavailable'
  | 'executor_error'
  | 'exit_nonzero'
  | 'address_refused'
  | 'redirect_refused'
  | 'secret_missing'
  | 'http_status'
  | 'tool_error'
  | 'protocol_error'
  | 'bad_result'
  | 'result_too_large';

/** Calls `run` once after `waitMs` unless the returned function is called first. Tests hand in a clock of their own. */
export type After = (waitMs: number, run: () => void) => () => void;

/** The two levels this module writes: fields first, as pino takes them. */
export interface ExecutorLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export function failed(code: FailureCode, error: string): ExecutionOutcome {
  return { kind: 'failed', code, error };
}

export function unknown(error: string): ExecutionOutcome {
  return { kind: 'unknown', error };
}
