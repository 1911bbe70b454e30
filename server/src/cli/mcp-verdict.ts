// Asks Mandate about each tool call of a wrapped MCP server, and tells it how the call ended. Whatever is not a clear
// permission is a reason not to run it: no answer, a late one, or one that speaks of something else.
import type { JsonObject } from '@mandate/kernel';
import { howToApprove } from '../api/mcp/tool-result.ts';
import type { NotRun } from '../api/mcp/tool-result.ts';
import type { Clock } from '../platform/clock/clock.ts';
import { PROBLEMS } from '../platform/http/problems.ts';
import type { Answer, Client } from './client.ts';
import { textAt, textsAt, valueAt } from './read.ts';

export type Verdict =
  | { readonly kind: 'run'; readonly actId: string; readonly permit: string }
  | { readonly kind: 'held'; readonly why: NotRun; readonly actId: string }
  /** Mandate has an executor for this action and ran it itself: nothing is left to do here. */
  | { readonly kind: 'ran'; readonly result: unknown }
  | { readonly kind: 'not_run'; readonly why: NotRun };

export interface WantedCall {
  readonly action: string;
  readonly parameters: JsonObject;
}

export interface Outcome {
  readonly status: 'success' | 'failed';
  readonly result?: unknown;
  readonly error?: string;
}

export interface Judge {
  /** One decision. The same call again attaches to the approval that it waits for. */
  ask(wanted: WantedCall): Promise<Verdict>;
  /** Waits for the approval of a held call, at most `holdMs`, and answers with what became of it. */
  wait(
    wanted: WantedCall,
    held: Extract<Verdict, { readonly kind: 'held' }>,
    signal: AbortSignal,
  ): Promise<Verdict>;
  /** Whether Mandate took the outcome. */
  report(permitted: Extract<Verdict, { readonly kind: 'run' }>, outcome: Outcome): Promise<boolean>;
  cancel(actId: string, reason: string): Promise<void>;
}

export interface JudgeNeeds {
  readonly client: Client;
  readonly agent: string;
  readonly clock: Clock;
  readonly holdMs: number;
}

/** A permit is to be used within 5 s of its issue; an answer that took longer than this is not used at all. */
const PERMIT_MS = 4_000;
const ASK_MS = 15_000;
/** How long one look at the act is held by the server (`Prefer: wait`). */
const LOOK_S = 1;
const ID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;

export function createJudge({ client, agent, clock, holdMs }: JudgeNeeds): Judge {
  async function ask({ action, parameters }: WantedCall): Promise<Verdict> {
    const sentMs = clock.monotonicMs();
    const answer = await client.send({
      method: 'POST',
      path: '/api/v1/actions',
      body: { agent, action, parameters, attach: true },
      timeoutMs: ASK_MS,
    });
    if (answer.kind !== 'ok') return { kind: 'not_run', why: refusalOf(answer, client.url) };
    const verdict = read(answer.body, action);
    if (verdict.kind !== 'run' || clock.monotonicMs() - sentMs < PERMIT_MS) return verdict;
    await cancel(verdict.actId, 'The permit arrived too late to be used.');
    return notRun(
      'unavailable',
      'Mandate permitted it, but so late that the permit could no longer be used.',
      'Send the call again.',
      verdict.actId,
    );
  }

  function read(body: unknown, action: string): Verdict {
    const actId = textAt(body, 'id');
    if (!ID.test(actId) || textAt(body, 'action') !== action || textAt(body, 'agent') !== agent) {
      return notRun(
        'unavailable',
        `What answers at ${client.url} does not answer as Mandate would.`,
        'Check MANDATE_URL; nothing was run.',
        null,
      );
    }
    const status = textAt(body, 'status');
    const reasons = textsAt(body, 'decision', 'reasons');
    switch (status) {
      case 'permitted': {
        const permit = textAt(body, 'permit');
        if (permit !== '') return { kind: 'run', actId, permit };
        return notRun(
          'in_flight',
          'The same call has been permitted already.',
          'Wait for its outcome and do not send it again.',
          actId,
        );
      }
      case 'waiting_for_approval': {
        const approval = approvalOf(valueAt(body, 'approval'));
        return {
          kind: 'held',
          actId,
          why: { code: status, reasons, next: howToApprove(approval), actionId: actId, approval },
        };
      }
      case 'success':
        return { kind: 'ran', result: valueAt(body, 'result') };
      case 'recorded':
        return notRun(
          'recorded',
          reasons.join(' '),
          'The mode is DRY_RUN: this was decided and recorded, not done.',
          actId,
        );
      default:
        return notRun(
          status === '' ? 'unavailable' : status,
          textAt(body, 'error') || reasons.join(' ') || 'Mandate gave no reason.',
          'It was not run.',
          actId,
        );
    }
  }

  async function wait(
    wanted: WantedCall,
    held: Extract<Verdict, { kind: 'held' }>,
    signal: AbortSignal,
  ): Promise<Verdict> {
    const untilMs = clock.monotonicMs() + holdMs;
    while (!signal.aborted && clock.monotonicMs() < untilMs) {
      const seen = await client.send({
        method: 'GET',
        path: `/api/v1/actions/${held.actId}`,
        headers: { prefer: `wait=${LOOK_S}` },
      });
      if (seen.kind !== 'ok') return { kind: 'not_run', why: refusalOf(seen, client.url) };
      // Denied, expired or cancelled: asking again would only ask people again.
      if (textAt(seen.body, 'status') !== 'waiting_for_approval') return read(seen.body, wanted.action);
      if (signal.aborted) break;
      const again = await ask(wanted);
      if (again.kind === 'held' && again.actId !== held.actId)
        return superseded(wanted, held.actId, again.actId);
      if (again.kind !== 'held') return again;
    }
    return held;
  }

  /** Between two looks the act ended and asking again opened another one, which nobody wants. */
  async function superseded(wanted: WantedCall, actId: string, another: string): Promise<Verdict> {
    await cancel(another, 'Opened by a repeat of a call that had just ended.');
    const seen = await client.send({ method: 'GET', path: `/api/v1/actions/${actId}` });
    return seen.kind === 'ok'
      ? read(seen.body, wanted.action)
      : { kind: 'not_run', why: refusalOf(seen, client.url) };
  }

  async function cancel(actId: string, reason: string): Promise<void> {
    await client.send({ method: 'POST', path: `/api/v1/actions/${actId}/cancel`, body: { reason } });
  }

  return {
    ask,
    wait,
    cancel,
    async report({ actId, permit }, outcome) {
      const answer = await client.send({
        method: 'POST',
        path: `/api/v1/actions/${actId}/outcome`,
        body: { permit, ...outcome },
      });
      // A refusal is final; only silence is worth another attempt.
      return answer.kind !== 'unreachable';
    },
  };
}

/** Why nothing runs, from an answer that is no good one. */
export function refusalOf(answer: Exclude<Answer, { readonly kind: 'ok' }>, url: string): NotRun {
  if (answer.kind === 'unreachable') {
    return {
      code: 'unreachable',
      reasons: [`No Mandate answers at ${url}: ${answer.why}.`],
      next: 'Nothing was run. Start Mandate, or set MANDATE_URL and MANDATE_API_KEY.',
      actionId: null,
    };
  }
  const { problem } = answer;
  const code = textAt(problem, 'code');
  const reasons = textsAt(problem, 'decision', 'reasons');
  const actId = textAt(problem, 'actionId');
  const next = textAt(PROBLEMS, code, 'next') || 'Nothing was run.';
  return {
    code: code === '' ? 'unavailable' : code,
    reasons: reasons.length > 0 ? reasons : [textAt(problem, 'detail')],
    next,
    actionId: actId === '' ? null : actId,
  };
}

function approvalOf(value: unknown): NotRun['approval'] {
  const id = textAt(value, 'id');
  return id === ''
    ? undefined
    : {
        id,
        url: textAt(value, 'url'),
        expiresAt: textAt(value, 'expiresAt'),
        requiredRoles: textsAt(value, 'requiredRoles'),
      };
}

function notRun(code: string, why: string, next: string, actionId: string | null): Verdict {
  return { kind: 'not_run', why: { code, reasons: why === '' ? [] : [why], next, actionId } };
}
