// Decide, run, report. The function begins only with a permit that can still be started, runs exactly once, and its
// outcome is told to Mandate; losing that message never loses the function's result.
import type { Json, JsonObject } from '@mandate/kernel';
import { readAct } from './act-view.ts';
import { parsedJson } from './guard.ts';
import type { ActView } from './act-view.ts';
import type { AskedAction, Asking, WaitOptions } from './ask.ts';
import { MandateProblem, MandateUnavailable } from './errors.ts';
import type { Machine } from './machine.ts';
import { reasonOf } from './machine.ts';
import { createOnce } from './once.ts';
import type { Outcome, Permit, Permitted, RunOutcome } from './outcome.ts';
import type { Transport } from './transport.ts';

/** What the function is given when it begins. */
export interface Running {
  /** Of the act: hand it on as idempotency key to whatever the function calls. */
  readonly id: string;
  /** The caller's signal; never aborted when the caller gave none. */
  readonly signal: AbortSignal;
}

export interface RunOptions<Result> {
  /** Wait for people, or for Mandate's own execution, instead of answering at once. */
  readonly wait?: boolean | { readonly timeoutMs: number } | undefined;
  /** Ends the waiting, keeps the function from beginning, and is handed to it. */
  readonly signal?: AbortSignal | undefined;
  /** What Mandate is told of a success: `result` (the function's own unless given) and the actual cost. */
  readonly report?: ((result: Result) => { readonly result?: Json; readonly costUsd?: number }) | undefined;
}

export interface Runs {
  readonly run: <Result>(
    action: AskedAction,
    fn: (running: Running) => Result | Promise<Result>,
    options?: RunOptions<Result>,
  ) => Promise<RunOutcome<Result>>;
  readonly proceed: <Result>(
    from: string | Outcome,
    fn: (running: Running) => Result | Promise<Result>,
    options?: RunOptions<Result> & {
      readonly agent?: string | undefined;
      /** Of the machine's clock: by then it has begun, or it does not begin. */
      readonly untilMs?: number | undefined;
    },
  ) => Promise<RunOutcome<Result>>;
  /** Tells of work that was begun with a permit by somebody else than `run`. Never throws; false: not taken. */
  readonly tell: (begun: Begun, end: Ended) => Promise<boolean>;
}

/** An act that was begun outside of `run`, so that somebody has to tell how it ended. */
export interface Begun {
  readonly id: string;
  readonly agent: string;
  /** The permit's token. */
  readonly permit: string;
}

export type Ended =
  | { readonly status: 'success'; readonly result: unknown }
  | { readonly status: 'failed'; readonly error: unknown };

/** How long a permit can be started. */
const PERMIT_MS = 5_000;
/** The report is what the journal knows of the effect, so it is tried for longer than a question. */
const REPORT_ATTEMPTS = 6;
/** The server takes bodies of 1 MiB; results are for the record, not for transport. */
const RESULT_MAX_CHARS = 500_000;
const ERROR_MAX_CHARS = 5_000;

export function createRuns({
  transport,
  machine,
  asking,
}: {
  readonly transport: Transport;
  readonly machine: Machine;
  readonly asking: Asking;
}): Runs {
  const isFirst = createOnce();

  interface Job<Result> {
    readonly fn: (running: Running) => Result | Promise<Result>;
    readonly options: RunOptions<Result>;
    readonly agent: string | null;
    readonly untilMs?: number | undefined;
  }

  async function carryOn<Result>(outcome: Outcome, job: Job<Result>): Promise<RunOutcome<Result>> {
    if (outcome.status === 'permitted')
      return outcome.permit === null ? outcome : start(outcome, outcome.permit, job);
    const { wait = false, signal } = job.options;
    if (wait === false || (outcome.status !== 'waiting_for_approval' && outcome.status !== 'executing'))
      return outcome;
    const followed = await asking.wait(
      outcome.id,
      waitOptions(job, wait === true ? undefined : wait.timeoutMs, signal),
    );
    return followed.status === 'permitted' ? carryOn(followed, job) : followed;
  }

  async function start<Result>(
    outcome: Permitted,
    permit: Permit,
    job: Job<Result>,
  ): Promise<RunOutcome<Result>> {
    const { id } = outcome;
    const { signal = new AbortController().signal } = job.options;
    if (!isFirst(permit.token))
      throw new TypeError(
        `The permit of ${id} has been used: a permit begins one run of one function. Ask again.`,
      );
    // The answer was held, or came slowly, and may be older than it is: ask how long there is still.
    const startBeforeMs =
      machine.nowMs() < permit.startBeforeMs ? permit.startBeforeMs : await askStartBefore(id, job);
    if (signal.aborted) {
      void asking.giveBack(id, job.agent, 'The caller gave up before it began; nothing was done.');
      throw reasonOf(signal);
    }
    if (machine.nowMs() >= startBeforeMs) {
      const error = 'Its permit ran out before the work could begin; nothing was done. Ask again.';
      void asking.giveBack(id, job.agent, error);
      return { ...outcomeParts(outcome), trust: null, status: 'cancelled', error };
    }
    let result: Result;
    try {
      result = await job.fn({ id, signal });
    } catch (error) {
      const reported = await report(id, job.agent, {
        permit: permit.token,
        status: 'failed',
        error: errorText(error),
      });
      return { ...outcomeParts(outcome), status: 'failed', executedBy: 'agent', error, ...reported };
    }
    const reported = await report(id, job.agent, {
      permit: permit.token,
      status: 'success',
      ...reportOf(result, job.options),
    });
    return { ...outcomeParts(outcome), status: 'success', executedBy: 'agent', result, ...reported };
  }

  /** No permit lives longer than the question about it may take, so that an answer after that is one about nothing. */
  async function askStartBefore(
    id: string,
    {
      agent,
      options,
      untilMs,
    }: Omit<Job<unknown>, 'fn' | 'options'> & {
      readonly options: { readonly signal?: AbortSignal | undefined };
    },
  ): Promise<number> {
    const never = Number.NEGATIVE_INFINITY;
    const leftMs = Math.min(PERMIT_MS, (untilMs ?? Number.POSITIVE_INFINITY) - machine.nowMs());
    if (leftMs <= 0) return never;
    const controller = new AbortController();
    const abort = (): void => controller.abort(reasonOf(options.signal));
    options.signal?.addEventListener('abort', abort, { once: true });
    const cancel = machine.after(leftMs, () => controller.abort(new Error(`no answer within ${leftMs} ms`)));
    try {
      const { signal } = controller;
      const found = await asking.look(id, { agent: agent ?? undefined, signal });
      if (!('act' in found) || found.act.status !== 'permitted' || found.act.startWithinMs === null)
        return never;
      return found.sentMs + found.act.startWithinMs;
    } catch {
      // Nothing has begun: whatever went wrong, it does not begin now.
      return never;
    } finally {
      cancel();
      options.signal?.removeEventListener('abort', abort);
    }
  }

  interface Reported {
    readonly reported: boolean;
    readonly reportError: Error | null;
    readonly trust: ActView['trust'];
  }

  /** Never throws: what the function did is done, whatever becomes of this message. */
  async function report(id: string, agent: string | null, body: JsonObject): Promise<Reported> {
    try {
      const answer = await transport.call({
        method: 'POST',
        path: `/api/v1/actions/${id}/outcome`,
        body,
        agent,
        isRepeatable: true,
        attempts: REPORT_ATTEMPTS,
      });
      if (answer.kind === 'json') return reportedAs(readAct(answer.body), body);
      const { problem } = answer;
      // An odd result must not cost the record its outcome.
      if (['invalid', 'malformed', 'too_large'].includes(problem.code) && !isOmission(body)) {
        return await report(id, agent, omitting(body, problem.detail));
      }
      if (problem.code === 'conflict' && answer.attempt > 1) {
        const found = await asking.look(id, agent === null ? {} : { agent });
        if ('act' in found) return reportedAs(found.act, body);
      }
      return { reported: false, reportError: new MandateProblem(problem), trust: null };
    } catch (error) {
      return {
        reported: false,
        reportError: error instanceof Error ? error : new Error(String(error)),
        trust: null,
      };
    }
  }

  return {
    async run(action, fn, options = {}) {
      const outcome = await asking.request(action, { signal: options.signal });
      return carryOn(outcome, { fn, options, agent: asking.agentOf(action.agent) });
    },
    async proceed(from, fn, options = {}) {
      const agent = asking.agentOf(options.agent);
      const { wait = false, signal } = options;
      if (typeof from !== 'string')
        return carryOn(from, {
          fn,
          options,
          agent: options.agent ?? ('agent' in from ? from.agent : agent),
          untilMs: options.untilMs,
        });
      const timeoutMs = wait === false ? 0 : wait === true ? undefined : wait.timeoutMs;
      const outcome = await asking.wait(from, waitOptions({ agent }, timeoutMs, signal));
      return outcome.status === 'permitted' ? carryOn(outcome, { fn, options, agent }) : outcome;
    },
    async tell({ id, agent, permit }, end) {
      const body =
        end.status === 'success'
          ? { permit, status: end.status, result: jsonOf(end.result) }
          : { permit, status: end.status, error: errorText(end.error) };
      return (await report(id, agent, body)).reported;
    },
  };
}

function waitOptions(
  { agent }: { readonly agent: string | null },
  timeoutMs: number | undefined,
  signal: AbortSignal | undefined,
): WaitOptions {
  return { timeoutMs, signal, ...(agent === null ? {} : { agent }) };
}

function outcomeParts({ id, agent, action, decision, traceId }: Permitted) {
  return { id, agent, action, decision, traceId };
}

function reportedAs(
  act: ActView,
  body: JsonObject,
): { readonly reported: boolean; readonly reportError: Error | null; readonly trust: ActView['trust'] } {
  if (act.status === body['status']) return { reported: true, reportError: null, trust: act.trust };
  return {
    reported: false,
    reportError: new MandateUnavailable(
      'nonsense',
      `The act ${act.id} is ${act.status} at Mandate although ${JSON.stringify(body['status'])} was reported.`,
    ),
    trust: null,
  };
}

function reportOf<Result>(result: Result, { report }: RunOptions<Result>): JsonObject {
  try {
    const told = report === undefined ? {} : report(result);
    const cost = told.costUsd === undefined ? {} : { costUsd: told.costUsd };
    return { result: jsonOf('result' in told ? told.result : result), ...cost };
  } catch (error) {
    // The work is done: a mistake in telling of it must not look like a failure of the work.
    return { result: { omitted: `The result could not be told: ${errorText(error)}` } };
  }
}

/** The value as JSON for the record, or why it is left out. */
function jsonOf(value: unknown): Json {
  if (value === undefined) return null;
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    return { omitted: `It is not JSON: ${errorText(error)}` };
  }
  if (text === undefined) return { omitted: `It is a ${typeof value}.` };
  return text.length > RESULT_MAX_CHARS
    ? { omitted: `Its JSON has ${text.length} characters.` }
    : parsedJson(JSON.parse(text));
}

function omitting(body: JsonObject, why: string): JsonObject {
  const { result: _result, costUsd: _cost, error: _error, ...kept } = body;
  return body['status'] === 'success'
    ? { ...kept, result: { omitted: why } }
    : { ...kept, error: 'The error text could not be taken.' };
}

function isOmission(body: JsonObject): boolean {
  const { result } = body;
  return (
    body['error'] === 'The error text could not be taken.' ||
    (typeof result === 'object' && result !== null && 'omitted' in result)
  );
}

function errorText(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.slice(0, ERROR_MAX_CHARS).toWellFormed() || 'It threw without saying why.';
}
