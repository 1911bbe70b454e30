// Whoever embeds Mandate registers plain functions as executors. A function runs inside this process and cannot be
// killed, so one that ignores its signal is given up after a grace and its act becomes unknown.
import type { JsonObject } from '@mandate/kernel';
import { createCut } from './cut.ts';
import { failed, unknown } from './execution.ts';
import type { After, Execution, ExecutionOutcome } from './execution.ts';
import { costedSuccessOf, errorText } from './result.ts';

/** What a registered function is given. */
export interface FunctionCall {
  readonly id: string;
  readonly tenant: string;
  readonly agent: string;
  readonly action: string;
  readonly parameters: JsonObject;
  /** Stays the same when the act is ever sent again. */
  readonly idempotencyKey: string;
  /** Stop working and reject when it is aborted. */
  readonly signal: AbortSignal;
}

/**
 * Does the action and returns its result: plain JSON (undefined counts as null). To report the actual cost return an
 * object with exactly `{ result, costUsd }`. Throwing is a failure.
 */
export type ExecutorFunction = (call: FunctionCall) => unknown;

export interface FunctionNeeds {
  readonly after: After;
  /** How long a function may take to end after its signal was aborted. */
  readonly killGraceMs: number;
}

export async function runFunction(
  name: string,
  fn: ExecutorFunction,
  run: Execution,
  needs: FunctionNeeds,
): Promise<ExecutionOutcome> {
  const who = `The function registered for "${name}"`;
  const cut = createCut(run, Number.POSITIVE_INFINITY, needs.after);
  try {
    if (cut.cause() !== null) return { kind: 'cancelled' };
    const settled = settle(who, fn, { ...callOf(run), signal: cut.signal });
    const first = await cut.race(settled);
    if (first.kind === 'value') return first.value;
    const last = await withinGrace(settled, needs);
    const cause = cut.cause();
    if (last === null) {
      return unknown(
        `${who} was told to end (${cause}) and did not; it may still be running. Make it obey its signal.`,
      );
    }
    // It ended in time: a success is a success, and a rejection after a stop is the stop.
    if (last.kind === 'success') return last;
    if (cause === 'cancelled') return { kind: 'cancelled' };
    return unknown(`${who} was cut off after ${cut.waitMs / 1000} s and may have done part of its work.`);
  } finally {
    cut.end();
  }
}

function callOf({
  actId,
  tenant,
  agent,
  action,
  parameters,
  idempotencyKey,
}: Execution): Omit<FunctionCall, 'signal'> {
  return { id: actId, tenant, agent, action, parameters, idempotencyKey };
}

async function settle(who: string, fn: ExecutorFunction, call: FunctionCall): Promise<ExecutionOutcome> {
  let value: unknown;
  try {
    value = await fn(call);
  } catch (error) {
    return failed('executor_error', `${who} threw: ${errorText(error)}`);
  }
  return costedSuccessOf(who, value);
}

async function withinGrace(
  settled: Promise<ExecutionOutcome>,
  { after, killGraceMs }: FunctionNeeds,
): Promise<ExecutionOutcome | null> {
  const { promise: over, resolve } = Promise.withResolvers<null>();
  const cancel = after(killGraceMs, () => resolve(null));
  try {
    return await Promise.race([settled, over]);
  } finally {
    cancel();
  }
}
