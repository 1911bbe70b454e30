// What can go wrong between an agent and Mandate, as four errors that a program can tell apart. All of them mean the
// same for the action that was asked for: it was not run here.
import type { ApprovalRef, DecisionView } from './decision-view.ts';

/** A refusal in the form of RFC 9457, as the server sent it. */
export interface Problem {
  /** Stable, for programs: `denied`, `stopped`, `frozen`, `scope_missing`, `limit_exceeded`, `unauthenticated`, … */
  readonly code: string;
  /** HTTP status. */
  readonly status: number;
  readonly title: string;
  /** What is wrong and what to do next, for people. */
  readonly detail: string;
  /** Finds the request in the server's journal, log and traces. */
  readonly traceId: string | null;
  /** Fields of the request that do not fit, as JSON pointers. */
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[];
  /** When to ask again, in milliseconds from now; null where asking again would not help by itself. */
  readonly retryAfterMs: number | null;
  /** There when the refusal is a decision about the action. */
  readonly decision: DecisionView | null;
  /** The act that the refusal is recorded under, or that the same request began earlier. */
  readonly actionId: string | null;
}

/** Why there is no answer that could be trusted. */
export type UnavailableReason = 'unreachable' | 'timeout' | 'server_error' | 'nonsense' | 'permit_lost';

/**
 * Mandate could not be asked, or did not answer with a decision. Nothing was run by this program: the SDK fails closed.
 * When the charter has Mandate execute the action itself, `idempotencyKey` finds out what became of it: ask again with it.
 */
export class MandateUnavailable extends Error {
  override readonly name = 'MandateUnavailable';
  readonly reason: UnavailableReason;
  readonly idempotencyKey: string | null;
  constructor(
    reason: UnavailableReason,
    message: string,
    {
      cause,
      idempotencyKey = null,
    }: { readonly cause?: unknown; readonly idempotencyKey?: string | null } = {},
  ) {
    super(message, cause === undefined ? {} : { cause });
    this.reason = reason;
    this.idempotencyKey = idempotencyKey;
  }
}

/** The request itself was refused (no valid key, a field that does not fit, not found): nothing was decided about it. */
export class MandateProblem extends Error {
  override readonly name = 'MandateProblem';
  readonly problem: Problem;
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  readonly traceId: string | null;
  constructor(problem: Problem) {
    super(`${problem.code}: ${problem.detail}`);
    this.problem = problem;
    this.code = problem.code;
    this.status = problem.status;
    this.detail = problem.detail;
    this.traceId = problem.traceId;
  }
}

/** A governed function was called and may not run. `detail` ends with what to do next. */
export class MandateDenied extends Error {
  override readonly name = 'MandateDenied';
  readonly code: string;
  readonly reasons: readonly string[];
  readonly detail: string;
  readonly traceId: string | null;
  readonly id: string | null;
  constructor(
    action: string,
    refusal: {
      readonly code: string;
      readonly reasons: readonly string[];
      readonly detail: string;
      readonly traceId: string | null;
      readonly id: string | null;
    },
  ) {
    super(`${action} was not run (${refusal.code}): ${refusal.detail}`);
    this.code = refusal.code;
    this.reasons = refusal.reasons;
    this.detail = refusal.detail;
    this.traceId = refusal.traceId;
    this.id = refusal.id;
  }
}

/** A governed function was called and waits for a person. After the approval `proceed(id, fn)` runs it. */
export class MandateHeld extends Error {
  override readonly name = 'MandateHeld';
  readonly id: string;
  readonly approval: ApprovalRef;
  /** `next`: what to do once it is approved, where that is not `proceed`. */
  constructor(
    action: string,
    id: string,
    approval: ApprovalRef,
    next = `Then run it with proceed('${id}', …).`,
  ) {
    super(
      `${action} waits for approval by ${approval.requiredRoles.join(', ') || 'an approver'} until ${approval.expiresAt}: ${approval.url}. ${next}`,
    );
    this.id = id;
    this.approval = approval;
  }
}
