// What the road answers with, and the two answers that tell of an act that is on record already.
import type { Decision, Json } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Act } from './act.ts';
import type { ActView } from './view.ts';

export type Answer =
  | { readonly kind: 'act'; readonly view: ActView }
  | {
      readonly kind: 'refused';
      readonly refusal: Refusal;
      readonly decision: Decision | null;
      readonly actId: string | null;
    };

export function refused(
  refusal: Refusal,
  decision: Decision | null = null,
  actId: string | null = null,
): Answer {
  return { kind: 'refused', refusal, decision, actId };
}

export type Show = (
  act: Act,
  known: { readonly permit?: string; readonly result?: Json },
) => Promise<ActView>;

export interface Answers {
  /** An act as it stands now. */
  shown(tenant: string, id: string): Promise<Answer>;
  /** The same request again: its act as it stands now, unless the key was used for something else. */
  repeated(
    tenant: string,
    known: { readonly actId: string; readonly digest: string },
    digest: string | null,
  ): Promise<Answer>;
}

export interface AnswersNeeds {
  readonly clock: Clock;
  readonly find: (tenant: string, id: string) => Promise<Act | null>;
  readonly show: Show;
  readonly issuePermit: (act: Act) => string;
}

export function createAnswers({ clock, find, show, issuePermit }: AnswersNeeds): Answers {
  async function shown(tenant: string, id: string): Promise<Answer> {
    const act = await find(tenant, id);
    if (act === null) return refused({ code: 'not_found', detail: `There is no act ${id}.` });
    return { kind: 'act', view: await show(act, {}) };
  }

  return {
    shown,
    async repeated(tenant, known, digest) {
      if (known.digest !== digest) {
        const detail = 'This Idempotency-Key was used for another request in the last 7 days.';
        return refused({ code: 'idempotency_mismatch', detail });
      }
      const act = await find(tenant, known.actId);
      if (act?.status === 'executing') {
        const detail = `Act ${act.id} of the same request is still running.`;
        return refused({ code: 'in_flight', detail, retryAfterMs: 1_000 }, act.decision, act.id);
      }
      // The answer that carried the permit may have been lost; the same permit again starts nothing twice.
      if (act?.status === 'permitted' && (act.startByMs ?? 0) > clock.nowMs()) {
        return { kind: 'act', view: await show(act, { permit: issuePermit(act) }) };
      }
      return shown(tenant, known.actId);
    },
  };
}
