// A tools/call on its way along the road. Allowed, it runs over the connection of the client that made it, and the client
// gets what the tool answered, word for word; in every other case it gets a result that says why not and what to do.
import { canonicalProblem } from '@mandate/kernel';
import type { JsonObject } from '@mandate/kernel';
import type { Answer as RoadAnswer, Pipeline } from '../../pipeline.ts';
import { PROBLEMS } from '../../platform/http/problems.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import { approvalLink, hasDeclined, withoutOurMarks } from './approval-link.ts';
import type { Link } from './link.ts';
import {
  errorMessage,
  errorTextOf,
  INVALID_PARAMS,
  isModern,
  isObject,
  metaOf,
  resultMessage,
} from './message.ts';
import type { Id, Message } from './message.ts';
import { howToApprove, notRunResult, oddName, recordedResult } from './tool-result.ts';
import type { NotRun, ResultForm } from './tool-result.ts';

type View = Extract<RoadAnswer, { readonly kind: 'act' }>['view'];

/** How the executor of the act reaches the tool: over the connection of the client that asked. */
export interface Carrier {
  readonly executor: string;
  call(call: {
    readonly actId: string;
    readonly tool: string;
    readonly meta: Readonly<Record<string, string>>;
    readonly signal: AbortSignal;
  }): Promise<
    | { readonly kind: 'result'; readonly result: Readonly<Record<string, unknown>> }
    | { readonly kind: 'error'; readonly code: number; readonly message: string }
    | { readonly kind: 'cancelled' }
    | { readonly kind: 'unsent'; readonly error: string }
  >;
}

export interface CallNeeds {
  readonly request: Pipeline['request'];
  /** Begins an approved act. Safe for any number of callers; one of them runs it. */
  readonly proceed: (tenant: string, actId: string) => Promise<RoadAnswer | null>;
  /** The act as it stands, its result opened. */
  readonly look: (tenant: string, actId: string) => Promise<View | null>;
  readonly isApproved: (tenant: string, approvalId: string) => Promise<boolean>;
  /** Resolves when the act is over or the time is. */
  readonly waitFor: (tenant: string, actId: string, waitMs: number) => Promise<void>;
  readonly cancel: (asker: Asker, actId: string, reason: string) => Promise<unknown>;
  readonly carry: <T>(carrier: Carrier, run: () => Promise<T>) => Promise<T>;
  /** The executor that takes an action by its name. */
  readonly executorOf: (tenant: string, action: string) => string | null;
  readonly monotonicMs: () => number;
  /** How long a held call waits for its approval before it is answered. Clients give up after 60 s. */
  readonly holdMs: number;
}

export interface ToolCall {
  readonly asker: Asker;
  readonly agent: string;
  readonly upstream: string;
  /** The session, as the run that its acts belong to; null without one. */
  readonly run: string | null;
  readonly message: Extract<Message, { readonly kind: 'request' }>;
  readonly link: Link;
  readonly onEvent: (message: JsonObject) => void;
  /** The client no longer wants it. */
  readonly signal: AbortSignal;
}

const LOOK_MS = 400;

/** Answers the call with one JSON-RPC message. Never rejects for what a client or a server did. */
export async function governedCall(needs: CallNeeds, call: ToolCall): Promise<JsonObject> {
  const { message, link, upstream, asker } = call;
  const { id, params } = message;
  const { name, arguments: parameters = {} } = params;
  const form = {
    isModern: isModern(params),
    hasOutputSchema: typeof name === 'string' && link.hasOutputSchema(name),
  };
  const refuse = (code: string, why: string, next: string): JsonObject =>
    resultMessage(id, notRunResult({ code, reasons: [why], next, actionId: null }, form));
  if (typeof name !== 'string' || !isObject(parameters))
    return errorMessage(id, INVALID_PARAMS, 'tools/call takes a name and arguments as an object.');
  const action = `${upstream}.${name}`;
  const odd = oddName(name, action);
  if (odd !== null) return resultMessage(id, notRunResult(odd, form));
  const executor = needs.executorOf(asker.tenant, action);
  if (executor !== upstream) {
    return refuse(
      'invalid',
      `The action ${action} belongs to ${executor === null ? 'no executor' : `the executor ${executor}`}, not to ${upstream}.`,
      'Rename one of the two executors in the charter.',
    );
  }
  if (params['task'] !== undefined)
    return refuse('invalid', 'Calls as tasks are not governed yet.', 'Send the call without task.');
  const unclear = canonicalProblem({ parameters });
  if (unclear !== null) return errorMessage(id, INVALID_PARAMS, `${unclear.pointer}: ${unclear.message}`);
  return travel(needs, call, { tool: name, action, parameters, form });
}

interface Asked {
  readonly tool: string;
  readonly action: string;
  readonly parameters: JsonObject;
  readonly form: ResultForm;
}

async function travel(needs: CallNeeds, call: ToolCall, asked: Asked): Promise<JsonObject> {
  const { asker, agent, upstream, message, signal } = call;
  const { tool, action, parameters, form } = asked;
  const state: { captured: JsonObject | null; actId: string | null } = { captured: null, actId: null };
  const carrier: Carrier = {
    executor: upstream,
    async call(run) {
      state.actId = run.actId;
      if (signal.aborted || run.tool !== tool || state.captured !== null) return { kind: 'cancelled' };
      if (!call.link.isOpen()) return { kind: 'unsent', error: 'its connection has ended' };
      const answer = await call.link.request({
        id: message.id,
        method: message.method,
        whole: outgoing(message.whole, message.params, run.meta),
        onEvent: call.onEvent,
        signal: run.signal,
      });
      state.captured = answer;
      return carriedAnswer(answer);
    },
  };
  const cancelled = (): void => {
    if (state.actId !== null) void needs.cancel(asker, state.actId, 'Cancelled by the MCP client.');
  };
  signal.addEventListener('abort', cancelled, { once: true });
  try {
    let answer = await needs.carry(carrier, () =>
      needs.request(asker, {
        agent,
        action,
        parameters,
        context: {},
        resource: null,
        user: null,
        onBehalfOf: null,
        estimatedCostMicroUsd: null,
        idempotency: null,
        attach: true,
        compensates: null,
        run: call.run,
      }),
    );
    if (answer.kind === 'act' && answer.view.status === 'waiting_for_approval') {
      state.actId = answer.view.id;
      const link = approvalLink(message.params, answer.view);
      if (link !== null) return resultMessage(message.id, link);
      if (!hasDeclined(message.params))
        answer = await held(needs, {
          asker,
          view: answer.view,
          signal,
          begin: (actId) => needs.carry(carrier, () => needs.proceed(asker.tenant, actId)),
        });
    }
    return reply(message.id, answer, state.captured, form);
  } finally {
    signal.removeEventListener('abort', cancelled);
  }
}

interface Held {
  readonly asker: Asker;
  readonly view: View;
  readonly signal: AbortSignal;
  readonly begin: (actId: string) => Promise<RoadAnswer | null>;
}

/** Waits a while for the approval. Of several callers of the identical call one runs it, and all see how it ended. */
async function held(
  { look, isApproved, waitFor, monotonicMs, holdMs }: CallNeeds,
  { asker, view, signal, begin }: Held,
): Promise<RoadAnswer> {
  const { tenant } = asker;
  const untilMs = monotonicMs() + holdMs;
  let current = view;
  while (!signal.aborted) {
    if (
      current.status === 'waiting_for_approval' &&
      current.approval !== undefined &&
      (await isApproved(tenant, current.approval.id))
    ) {
      const begun = await begin(view.id);
      if (begun === null || begun.kind === 'refused') return begun ?? { kind: 'act', view: current };
      current = begun.view;
    }
    const leftMs = untilMs - monotonicMs();
    // Once it runs (here or for another caller), its end is worth waiting for; the executor's deadline bounds it.
    const isOpen = current.status === 'waiting_for_approval' ? leftMs > 0 : current.status === 'executing';
    if (!isOpen) break;
    await waitFor(tenant, view.id, Math.min(LOOK_MS, Math.max(leftMs, LOOK_MS)));
    current = (await look(tenant, view.id)) ?? current;
  }
  return { kind: 'act', view: current };
}

function reply(id: Id, answer: RoadAnswer, captured: JsonObject | null, form: ResultForm): JsonObject {
  if (answer.kind === 'refused') {
    const { refusal, decision, actId } = answer;
    const reasons = decision === null || decision.reasons.length === 0 ? [refusal.detail] : decision.reasons;
    return notRun(
      id,
      { code: refusal.code, reasons, next: PROBLEMS[refusal.code].next, actionId: actId },
      form,
    );
  }
  const { view } = answer;
  const { status } = view;
  // What the tool said goes to the client as it was said, its own errors included.
  if (captured !== null && (status === 'success' || status === 'failed')) return captured;
  if (status === 'success') return resultMessage(id, recordedResult(view.result, form));
  return notRun(id, notRunOf(view), form);
}

function notRunOf(view: View): NotRun {
  const { status, decision, error, approval } = view;
  const about = { actionId: view.id, reasons: error === undefined ? decision.reasons : [error] };
  switch (status) {
    case 'waiting_for_approval':
      return { ...about, code: 'waiting_for_approval', next: howToApprove(approval), approval };
    case 'unknown':
      return { ...about, code: 'unknown', next: 'It may have taken effect: look before sending it again.' };
    case 'executing':
    case 'permitted':
      return {
        ...about,
        code: 'in_flight',
        next: 'The same call is already running; wait for its outcome and do not send it again.',
      };
    case 'recorded':
      return {
        ...about,
        code: 'recorded',
        next: 'The mode is DRY_RUN: this was decided and recorded, not done.',
      };
    case 'denied':
      return { ...about, code: 'denied', next: PROBLEMS.denied.next };
    case 'cancelled':
      return {
        ...about,
        code: 'cancelled',
        next: 'It was cancelled or stopped; see mandate status before sending it again.',
      };
    case 'expired':
      return { ...about, code: 'expired', next: 'Send the call again to ask for a new approval.' };
    case 'failed':
    case 'success':
      return { ...about, code: status, next: 'Read the reason before sending it again.' };
  }
}

function notRun(id: Id, why: NotRun, form: ResultForm): JsonObject {
  return resultMessage(id, notRunResult(why, form));
}

/** The call as the server gets it: our retry marks are taken off, the idempotency key and the trace are put in. */
function outgoing(whole: JsonObject, params: JsonObject, meta: Readonly<Record<string, string>>): JsonObject {
  return { ...whole, params: { ...withoutOurMarks(params), _meta: { ...metaOf(params), ...meta } } };
}

function carriedAnswer(answer: JsonObject): Awaited<ReturnType<Carrier['call']>> {
  if (isObject(answer['result'])) return { kind: 'result', result: answer['result'] };
  const error = isObject(answer['error']) ? answer['error'] : {};
  return {
    kind: 'error',
    code: Number(error['code'] ?? 0),
    message: errorTextOf(error),
  };
}
