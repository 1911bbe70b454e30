// What becomes of an action that was asked for, as one union by `status`: the agent's program handles each of them, and
// a refusal is an answer like any other.
import type { Json } from '@mandate/kernel';
import type { ActView } from './act-view.ts';
import type { ApprovalRef, DecisionView } from './decision-view.ts';
import type { Problem } from './errors.ts';

interface Known {
  /** Of the act; finds it again with `wait(id)` and in the journal. */
  readonly id: string;
  readonly agent: string;
  readonly action: string;
  readonly decision: DecisionView;
  /** Scores before and after; null while nothing moved it. */
  readonly trust: { readonly before: number; readonly after: number } | null;
  readonly traceId: string | null;
}

/** Signed, single use, good for a few seconds. */
export interface Permit {
  readonly token: string;
  /**
   * When it can no longer be started, on this machine's monotonic clock, in milliseconds. Counted from the moment the
   * question was sent, so that neither a slow answer nor a wrong clock can stretch it.
   */
  readonly startBeforeMs: number;
}

/** Mandate executed it. */
export interface Executed extends Known {
  readonly status: 'success';
  readonly executedBy: 'mandate';
  readonly result: Json;
}

/** It did not work; `error` says why. Nobody but Mandate executed it. */
export interface Failed extends Known {
  readonly status: 'failed';
  readonly executedBy: 'mandate';
  readonly error: string;
}

/** The agent may execute it now. `permit` is null when somebody else who asked with the same Idempotency-Key holds it. */
export interface Permitted extends Known {
  readonly status: 'permitted';
  readonly permit: Permit | null;
}

/** People are asked. `wait(id)` or `run(…, { wait: true })` goes on after their decision. */
export interface Held extends Known {
  readonly status: 'waiting_for_approval';
  readonly approval: ApprovalRef;
}

/** It may not run: `problem.detail` says why and what to do next. */
export interface Denied {
  readonly status: 'denied';
  /** null where the refusal is not recorded as an act (throttled, over a limit). */
  readonly id: string | null;
  readonly problem: Problem;
  readonly decision: DecisionView | null;
  readonly traceId: string | null;
}

/** Decided and recorded only (mode DRY_RUN); under way at Mandate; or ended without a known effect. */
export interface Other extends Known {
  readonly status: 'recorded' | 'executing' | 'cancelled' | 'expired' | 'unknown';
  readonly error: string | null;
}

export type Outcome = Executed | Failed | Permitted | Held | Denied | Other;

/** This program executed it. */
export interface Ran<Result> extends Known {
  readonly status: 'success';
  readonly executedBy: 'agent';
  readonly result: Result;
  /** Whether Mandate knows the outcome. False: `reportError` says why, and the act becomes `unknown` at its deadline. */
  readonly reported: boolean;
  readonly reportError: Error | null;
}

/** This program executed it, and its function threw `error`. */
export interface RanAndFailed extends Known {
  readonly status: 'failed';
  readonly executedBy: 'agent';
  readonly error: unknown;
  readonly reported: boolean;
  readonly reportError: Error | null;
}

/** What `run` and `proceed` answer: what came of it here, or the outcome with which nothing was run here. */
export type RunOutcome<Result> = Outcome | Ran<Result> | RanAndFailed;

/** Refusals that are decisions about the action; every other problem is a mistake in how it was asked. */
const DECIDED: ReadonlySet<string> = new Set([
  'denied',
  'stopped',
  'frozen',
  'agent_unknown',
  'scope_missing',
  'consent_required',
  'not_approvable',
  'limit_exceeded',
  'throttled',
]);

/** Of these, the ones that pass by themselves or by an operator's hand: an approved act waits them out. */
const PASSING: ReadonlySet<string> = new Set(['stopped', 'frozen', 'limit_exceeded', 'throttled']);

export function isDecided(problem: Problem): boolean {
  return DECIDED.has(problem.code);
}

export function isPassing(problem: Problem): boolean {
  return PASSING.has(problem.code);
}

export function deniedBy(problem: Problem): Denied {
  return {
    status: 'denied',
    id: problem.actionId,
    problem,
    decision: problem.decision,
    traceId: problem.traceId,
  };
}

/** `sentMs`: when the question was sent that this act answers. */
export function outcomeOf(act: ActView, sentMs: number): Outcome {
  const { id, agent, action, decision, trust, traceId, status } = act;
  const known = { id, agent, action, decision, trust, traceId };
  switch (status) {
    case 'success':
      return { status, executedBy: 'mandate', result: act.result, ...known };
    case 'failed':
      return { status, executedBy: 'mandate', error: act.error ?? 'It failed without a message.', ...known };
    case 'permitted':
      return {
        status,
        permit:
          act.permit === null || act.startWithinMs === null
            ? null
            : { token: act.permit, startBeforeMs: sentMs + act.startWithinMs },
        ...known,
      };
    case 'waiting_for_approval':
      // readAct() lets no waiting act through without its approval.
      return act.approval === null
        ? { status: 'unknown', error: 'It waits for an approval that is not there.', ...known }
        : { status, approval: act.approval, ...known };
    case 'denied':
      return deniedBy({
        code: 'denied',
        status: 403,
        title: 'Denied',
        detail: act.error ?? decision.reasons.join(' '),
        traceId,
        errors: [],
        retryAfterMs: null,
        decision,
        actionId: id,
      });
    case 'recorded':
    case 'executing':
    case 'cancelled':
    case 'expired':
    case 'unknown':
      return { status, error: act.error, ...known };
  }
}

/** Nothing more will happen to it by waiting. */
export function isSettled(outcome: Outcome): boolean {
  return outcome.status !== 'waiting_for_approval' && outcome.status !== 'executing';
}
