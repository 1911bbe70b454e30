// What the road answers with, and the two answers that tell of an act that is on record already.
import type { Decision, Json, JsonObject } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Act, Idempotency, KnownKey } from './act.ts';
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
  known: {
    readonly permit?: string;
    readonly result?: Json;
    /** What an approved permit is for, in plain text. */
    readonly run?: { readonly parameters: JsonObject };
  },
) => Promise<ActView>;

export interface Answers {
  /** An act as it stands now. */
  shown(tenant: string, id: string): Promise<Answer>;
  /** The same request again: its act as it stands now, unless the key was used for something else. */
  repeated(
    tenant: string,
    known: KnownKey,
    again: Pick<Idempotency, 'digest' | 'attempt'> | null,
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
    async repeated(tenant, known, again) {
      if (known.digest !== again?.digest) {
        const detail = 'This Idempotency-Key was used for another request in the last 7 days.';
        return refused({ code: 'idempotency_mismatch', detail });
      }
      const act = await find(tenant, known.actId);
      if (act?.status === 'executing') {
        const detail = `Act ${act.id} of the same request is still running.`;
        return refused({ code: 'in_flight', detail, retryAfterMs: 1_000 }, act.decision, act.id);
      }
      // The answer that carried the permit may have been lost. Whoever lost it may read it again; to anybody else who
      // sends the same key it would be a second permission.
      if (act?.status === 'permitted' && (act.startByMs ?? 0) > clock.nowMs() && isLost(act, known, again)) {
        return { kind: 'act', view: await show(act, { permit: issuePermit(act) }) };
      }
      return shown(tenant, known.actId);
    },
  };
}

/**
 * A question that names itself is asked by one caller, who reads one answer. Where people had to agree that answer held
 * no permit, which then went to whoever began the act. Clients that name nothing are told apart by their key alone.
 */
function isLost(act: Act, known: KnownKey, { attempt }: Pick<Idempotency, 'attempt'>): boolean {
  if (known.attempt === null) return (attempt ?? null) === null;
  return known.attempt === attempt && act.approvalId === null;
}
