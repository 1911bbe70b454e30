// What came of an action, as a governed function answers it: its result, or an error that says why there is none.
import { MandateDenied, MandateHeld, MandateUnavailable } from './errors.ts';
import type { RunOutcome } from './outcome.ts';

/** Throws MandateDenied, MandateHeld, MandateUnavailable, or what the function threw. `next` ends the text of a hold. */
export function resultOf(action: string, outcome: RunOutcome<unknown>, next?: string): unknown {
  switch (outcome.status) {
    case 'success':
      return outcome.result;
    case 'failed':
      // The function's own error, as if nobody had stood in between.
      throw outcome.executedBy === 'agent'
        ? outcome.error
        : new MandateDenied(action, { ...refusalOf(outcome.error, outcome), code: 'failed' });
    case 'denied': {
      const { problem, decision, id } = outcome;
      throw new MandateDenied(action, {
        code: problem.code,
        reasons: decision?.reasons ?? [problem.detail],
        detail: problem.detail,
        traceId: problem.traceId,
        id,
      });
    }
    case 'waiting_for_approval':
      throw new MandateHeld(action, outcome.id, outcome.approval, next);
    case 'permitted':
      throw new MandateUnavailable(
        'permit_lost',
        `${action} is permitted to somebody else who asked with the same Idempotency-Key. Nothing was run here.`,
      );
    case 'recorded':
      throw new MandateDenied(action, {
        ...refusalOf(
          'Mandate only records decisions (mode DRY_RUN), so nothing runs. An admin sets autonomy.mode to FULL.',
          outcome,
        ),
        code: 'recorded',
      });
    case 'executing':
    case 'cancelled':
    case 'expired':
    case 'unknown':
      throw new MandateDenied(action, {
        ...refusalOf(
          outcome.error ?? `The act ${outcome.id} is ${outcome.status}; look at it before asking again.`,
          outcome,
        ),
        code: outcome.status,
      });
  }
}

function refusalOf(
  detail: string,
  {
    id,
    decision,
    traceId,
  }: {
    readonly id: string;
    readonly decision: { readonly reasons: readonly string[] };
    readonly traceId: string | null;
  },
) {
  return { reasons: decision.reasons, detail, traceId, id };
}
