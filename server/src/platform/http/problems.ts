// Every code that a caller may see, with its HTTP status and a sentence that says what to do next. One table, so
// that no two doors can answer the same refusal differently.

export interface ProblemKind {
  readonly status: number;
  readonly title: string;
  readonly next: string;
}

export const PROBLEMS = {
  denied: {
    status: 403,
    title: 'Denied',
    next: 'The charter forbids this action; change the action, or have an admin change the charter.',
  },
  stopped: {
    status: 403,
    title: 'Stopped',
    next: 'A stop is in force; an operator lifts it with mandate resume.',
  },
  frozen: {
    status: 403,
    title: 'Agent frozen',
    next: 'An operator looks at the history and lifts the freeze with mandate agent unfreeze.',
  },
  anonymous: { status: 401, title: 'Not authenticated', next: 'Send a key as bearer token or X-API-Key.' },
  unauthenticated: {
    status: 401,
    title: 'Not authenticated',
    next: 'Send a valid key as bearer token or X-API-Key; mandate key create makes one.',
  },
  agent_unknown: {
    status: 403,
    title: 'Agent not registered',
    next: 'The charter says registration: closed; an admin adds the agent under agents.',
  },
  scope_missing: {
    status: 403,
    title: 'Scope missing',
    next: 'Give the user, or every delegator and the task grant, the scope that is named.',
  },
  consent_required: {
    status: 403,
    title: 'Consent required',
    next: 'Ask the person for a consent grant and send the request again.',
  },
  not_yours: {
    status: 403,
    title: 'Not yours',
    next: 'Use a key that is bound to this agent, user or tenant, or leave the field out.',
  },
  forbidden: { status: 403, title: 'Role missing', next: 'Use a key with the role that is named.' },
  not_approvable: {
    status: 409,
    title: 'Cannot be approved',
    next: 'An approval cannot lift this; follow the remedy that is named.',
  },
  limit_exceeded: {
    status: 409,
    title: 'Limit exceeded',
    next: 'Wait for the next window or have the ceiling raised; an approval cannot.',
  },
  throttled: { status: 429, title: 'Throttled', next: 'Send it again after Retry-After.' },
  too_many_attempts: {
    status: 429,
    title: 'Too many failed attempts',
    next: 'Wait until Retry-After before trying a key again.',
  },
  stale: {
    status: 503,
    title: 'Decisions are changing',
    next: 'What the decision depends on kept changing; send it again after Retry-After.',
  },
  overloaded: { status: 503, title: 'Overloaded', next: 'Send it again after Retry-After.' },
  unavailable: {
    status: 503,
    title: 'Cannot decide',
    next: 'Mandate is not ready to decide, so nothing runs; see /ready.',
  },
  malformed: { status: 400, title: 'Malformed request', next: 'Correct the request and send it again.' },
  invalid: { status: 422, title: 'Invalid request', next: 'Correct the request and send it again.' },
  idempotency_mismatch: {
    status: 422,
    title: 'Idempotency key reused',
    next: 'Use a new Idempotency-Key for a different request.',
  },
  in_flight: {
    status: 409,
    title: 'Still running',
    next: 'The same request is being executed; ask for it again after Retry-After.',
  },
  conflict: { status: 409, title: 'Conflict', next: 'Read the current state and decide again.' },
  digest_mismatch: {
    status: 409,
    title: 'Not what was shown',
    next: 'Read the approval again and send the digest that it shows.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    next: 'Check the id; things of other tenants are not visible.',
  },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    next: 'See /openapi.json for what this path takes.',
  },
  too_large: { status: 413, title: 'Too large', next: 'Send less than the limit that is named.' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type', next: 'Send application/json.' },
  header_too_large: { status: 431, title: 'Headers too large', next: 'Send fewer or shorter headers.' },
  request_timeout: {
    status: 408,
    title: 'Request too slow',
    next: 'Send the whole request without pausing.',
  },
  expectation_failed: {
    status: 417,
    title: 'Expectation failed',
    next: 'Leave the Expect header out, or send Expect: 100-continue.',
  },
  upgrade_required: {
    status: 426,
    title: 'Upgrade required',
    next: 'Open this address as a WebSocket, or read /api/v1/events instead.',
  },
  command_db_unreadable: {
    status: 503,
    title: 'Command database unreadable',
    next: 'Correct COMMAND_DB_PATH or the file that it names, or unset it to count the acts alone.',
  },
  permit_invalid: {
    status: 403,
    title: 'Permit not valid',
    next: 'Send the permit that came with this action, once, before its deadline.',
  },
  internal: {
    status: 500,
    title: 'Internal error',
    next: 'Nothing was started after this point; the trace id finds the log line.',
  },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

/** What to do next: `hasErrors` where the answer names fields, which is said only where it does. */
export function nextStepOf(code: ProblemCode, hasErrors: boolean): string {
  return code === 'invalid' && hasErrors ? 'Correct the fields that errors[] names.' : PROBLEMS[code].next;
}

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

/** A refusal is an answer, not an exception. */
export interface Refusal {
  readonly code: ProblemCode;
  /** What is wrong here, in one sentence. */
  readonly detail: string;
  readonly retryAfterMs?: number;
}
