// The gate that every adapter of an agent framework is made of: a tool call goes in, and either the tool runs once and
// its outcome is told, or an error comes out that says why not and what to do. It adds no permission of its own.
import type { Asking } from './ask.ts';
import type { ApprovalRef } from './decision-view.ts';
import { MandateDenied, MandateHeld, MandateProblem, MandateUnavailable } from './errors.ts';
import { mapCall } from './gate-call.ts';
import type { CallMapping, MappedCall, ToolCall } from './gate-call.ts';
import { ANSWER_MS, createJudge } from './gate-judge.ts';
import type { Machine } from './machine.ts';
import { createOnce } from './once.ts';
import type { Outcome, RunOutcome } from './outcome.ts';
import { resultOf } from './result-of.ts';
import type { Begun, Ended, Running, Runs } from './run.ts';

export interface GateOptions extends CallMapping {
  /**
   * Names the conversation that ids of calls belong to; random for each gate unless given. Give the conversation's own id
   * where it outlives this process: a call that is resumed elsewhere is then still the same act.
   */
  readonly session?: string | undefined;
  /** How long a call that needs people waits for them before it answers "held", in milliseconds (0; at most 50,000). */
  readonly holdMs?: number | undefined;
}

/** What a framework's own approval step is told. Nothing has begun. */
export type Review =
  /** `run` would begin now. */
  | { readonly kind: 'may_run' }
  /** People have been asked. */
  | {
      readonly kind: 'held';
      readonly id: string;
      readonly action: string;
      readonly approval: ApprovalRef;
      readonly text: string;
    }
  /** It may not run, or nobody could say. `text` says why and what to do next. */
  | { readonly kind: 'refused'; readonly code: string; readonly id: string | null; readonly text: string };

/** For tools that somebody else runs: between two hooks, or in another process. */
export type Opening =
  | { readonly kind: 'begun'; readonly begun: Begun }
  /** Mandate ran it, now or for the same call before: there is nothing left to run. */
  | { readonly kind: 'ran'; readonly id: string; readonly result: unknown }
  | Exclude<Review, { readonly kind: 'may_run' }>;

export interface Gate {
  /** For a framework's approval step. Never throws for what Mandate says or fails to say. */
  review(call: ToolCall): Promise<Review>;
  /** The same, waiting for people for up to `timeoutMs`. */
  settle(call: ToolCall, timeoutMs: number): Promise<Review>;
  /**
   * Asks, runs `fn` once with the call's input if it may, and tells the outcome. Throws what `fn` throws, MandateDenied,
   * MandateHeld (ask again with the same input once it is approved), MandateProblem or MandateUnavailable. An action
   * that Mandate executes itself gives the executor's result, and a repeat of a call the result that it had.
   */
  run<Result>(
    call: ToolCall,
    fn: (input: unknown, running: Running) => Result | Promise<Result>,
  ): Promise<Result>;
  /** Asks, and leaves the running and the telling to the caller. Begin at once. Never throws for what Mandate says. */
  begin(call: ToolCall): Promise<Opening>;
  /** How it ended. False: Mandate could not be told, and the act becomes `unknown` at its deadline. */
  end(begun: Begun, ended: Ended): Promise<boolean>;
  /** Gives up what was begun and, as the caller says, never run: the act ends as `unknown`, which moves no trust. */
  giveUp(begun: Begun, reason: string): Promise<void>;
}

const HOLD_MAX_MS = 50_000;
const AGAIN = 'Once it is approved, make the very same call again; do not look for a way around it.';

export interface GateNeeds {
  readonly asking: Asking;
  readonly runs: Runs;
  readonly machine: Machine;
}

export function createGates({ asking, runs, machine }: GateNeeds): (options?: GateOptions) => Gate {
  const judge = createJudge({ asking, machine });
  const isFirst = createOnce();

  return (options = {}) => {
    const { session = machine.uuid(), holdMs = 0 } = options;
    if (!(holdMs >= 0 && holdMs <= HOLD_MAX_MS))
      throw new TypeError(
        `holdMs is ${holdMs}; frameworks give up after a minute, so hold a call for 0 to ${HOLD_MAX_MS} ms.`,
      );
    const mapped = (call: ToolCall): MappedCall => mapCall(call, options, session);

    async function ask(call: ToolCall, asked: MappedCall): Promise<Outcome> {
      const outcome = await judge.ask(asked, { holdMs, signal: call.signal });
      // Permitted without its permit: that went to another caller of the same call, in this process or elsewhere.
      if (outcome.status !== 'permitted' || (outcome.permit !== null && isFirst(outcome.id))) return outcome;
      throw new MandateDenied(asked.asked.action, {
        code: 'in_flight',
        reasons: outcome.decision.reasons,
        detail: 'The very same call has been begun already. Wait for its outcome and do not send it again.',
        traceId: outcome.traceId,
        id: outcome.id,
      });
    }

    async function review(call: ToolCall, patienceMs: number): Promise<Review> {
      try {
        const asked = mapped(call);
        const seen = await judge.review(asked, { holdMs: patienceMs, signal: call.signal });
        const answer = seen === 'may_run' ? { kind: seen } : reviewOf(asked.asked.action, seen);
        // The very same call has been run: `run` will answer with what came of it.
        return answer.kind === 'ran' ? { kind: 'may_run' } : answer;
      } catch (error) {
        return refusalOf(error);
      }
    }

    return {
      review: (call) => review(call, 0),
      async settle(call, timeoutMs) {
        const untilMs = machine.nowMs() + timeoutMs;
        for (;;) {
          const leftMs = untilMs - machine.nowMs();
          const seen = await review(call, Math.max(0, Math.min(HOLD_MAX_MS, leftMs)));
          if (seen.kind !== 'held' || leftMs <= HOLD_MAX_MS) return seen;
        }
      },
      async run<Result>(
        call: ToolCall,
        fn: (input: unknown, running: Running) => Result | Promise<Result>,
      ): Promise<Result> {
        const asked = mapped(call);
        const { action, agent } = asked.asked;
        const untilMs = machine.nowMs() + ANSWER_MS;
        const outcome = await ask(call, asked);
        const ended: RunOutcome<Result> =
          outcome.status === 'permitted'
            ? await runs.proceed(outcome, (running) => fn(asked.input, running), {
                signal: call.signal,
                agent: outcome.agent ?? agent,
                untilMs,
              })
            : outcome;
        // An executor's result, and the recorded one of a repeat, is what the tool would have answered.
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
        return resultOf(action, ended, AGAIN) as Result;
      },
      async begin(call) {
        try {
          const asked = mapped(call);
          const outcome = await ask(call, asked);
          if (outcome.status !== 'permitted' || outcome.permit === null)
            return reviewOf(asked.asked.action, outcome);
          const begun = { id: outcome.id, agent: outcome.agent, permit: outcome.permit.token };
          if (machine.nowMs() < outcome.permit.startBeforeMs) return { kind: 'begun', begun };
          const why =
            'Its permit ran out before the work could begin; nothing was done. Make the call again.';
          void asking.giveBack(begun.id, begun.agent, why);
          return { kind: 'refused', code: 'cancelled', id: begun.id, text: why };
        } catch (error) {
          return refusalOf(error);
        }
      },
      end: (begun, ended) => runs.tell(begun, ended),
      giveUp: (begun, reason) => asking.giveBack(begun.id, begun.agent, reason),
    };
  };
}

function reviewOf(action: string, outcome: Outcome): Exclude<Opening, { readonly kind: 'begun' }> {
  if (outcome.status === 'success') return { kind: 'ran', id: outcome.id, result: outcome.result };
  try {
    resultOf(action, outcome, AGAIN);
  } catch (error) {
    if (error instanceof MandateHeld)
      return { kind: 'held', id: error.id, action, approval: error.approval, text: error.message };
    return refusalOf(error);
  }
  return { kind: 'refused', code: 'unavailable', id: null, text: `${action} was not run.` };
}

/** What was thrown, as an answer: a framework that loses an exception of its approval step might go on without one. */
function refusalOf(error: unknown): Extract<Review, { readonly kind: 'refused' }> {
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof MandateDenied) return { kind: 'refused', code: error.code, id: error.id, text };
  if (error instanceof MandateUnavailable) return { kind: 'refused', code: error.reason, id: null, text };
  if (error instanceof MandateProblem) return { kind: 'refused', code: error.code, id: null, text };
  return { kind: 'refused', code: 'not_asked', id: null, text: `It was not run: ${text}` };
}
