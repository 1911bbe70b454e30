// From a decision that is not to be executed to the problem that its caller sees.
import type { Decision } from '@mandate/kernel';
import { PROBLEMS } from '../../platform/http/problems.ts';
import type { ProblemCode, Refusal } from '../../platform/http/problems.ts';

const CONCURRENCY_RETRY_MS = 2_000;

export function refusalOf(decision: Decision, nowMs: number): Refusal {
  const detail = decision.reasons.join(' ');
  const code: ProblemCode = isProblemCode(decision.code) ? decision.code : 'denied';
  return decision.effect === 'throttle'
    ? { code, detail, retryAfterMs: retryAfterMs(decision, null, nowMs) }
    : { code, detail };
}

/** act_start() found a limit full that the snapshot had still seen open. */
export function limitRefusal(decision: Decision, key: string, nowMs: number): Refusal {
  const limit = decision.reservations.find((reservation) => reservation.key === key);
  if (limit === undefined || limit.kind === 'cost') {
    const raise =
      limit === undefined ? '' : ` Ceiling ${limit.ceiling / 1_000_000} USD; raised by ${limit.raise}.`;
    return { code: 'limit_exceeded', detail: `Limit ${key} is used up for its window.${raise}` };
  }
  const what =
    limit.kind === 'rate'
      ? `Rate limit ${key} (${limit.ceiling} in ${limit.windowMs / 1_000} s) is reached.`
      : `All ${limit.ceiling} concurrent agents are busy.`;
  return {
    code: 'throttled',
    detail: `${what} Raised by ${limit.raise}.`,
    retryAfterMs: retryAfterMs(decision, key, nowMs),
  };
}

/** Undone once is undone: a second refund would be a payment. */
export function compensatedRefusal(compensates: string | null): Refusal {
  const detail = `Act ${compensates ?? ''} has been rolled back already, or its rollback is under way or waits for approval.`;
  return { code: 'conflict', detail };
}

function retryAfterMs(decision: Decision, key: string | null, nowMs: number): number {
  const waits = decision.reservations
    .filter((limit) => limit.kind === 'rate' && (key === null || limit.key === key))
    .map((limit) => limit.windowStartMs + limit.windowMs - nowMs);
  return waits.length === 0 ? CONCURRENCY_RETRY_MS : Math.max(1_000, ...waits);
}

function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}
