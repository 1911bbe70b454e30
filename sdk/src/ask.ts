// Asking for an action and following it: the question, the answer as an outcome, and waiting for people or for Mandate.
// Nothing here runs anything.
import type { JsonObject } from '@mandate/kernel';
import { readAct, readDecision } from './act-view.ts';
import type { Answer } from './answer.ts';
import type { ActView } from './act-view.ts';
import type { DecisionView } from './decision-view.ts';
import { MandateProblem, MandateUnavailable } from './errors.ts';
import { fieldsOf, nonsense } from './guard.ts';
import type { Machine } from './machine.ts';
import { reasonOf, sleep } from './machine.ts';
import { deniedBy, isDecided, isPassing, isSettled, outcomeOf } from './outcome.ts';
import type { Denied, Outcome } from './outcome.ts';
import type { Transport } from './transport.ts';

/** What an agent wants to do. Everything but `action` is optional; severity, executor and limits are the charter's. */
export interface AskedAction {
  /** Who acts; the client's `agent` where it is left out. */
  readonly agent?: string | undefined;
  /** A dotted name: `git.create_pull_request`. */
  readonly action: string;
  /** Plain JSON. Secrets in it are found, sealed and shown to nobody. */
  readonly parameters?: JsonObject | undefined;
  /** What the agent says about the circumstances. It can only make the decision stricter. */
  readonly context?: JsonObject | undefined;
  /** What is touched, e.g. `{ type: 'repository', id: 'shop' }`. */
  readonly resource?: { readonly type: string; readonly id: string } | undefined;
  /** The person on whose authority the agent acts. */
  readonly user?: { readonly id: string } | undefined;
  readonly onBehalfOf?: string | undefined;
  /** US dollars, at most six decimals. */
  readonly estimatedCostUsd?: number | undefined;
  /** A delegation token of `POST /api/v1/grants`. */
  readonly delegation?: string | undefined;
  /** Names this very wish: asked again with the same key within 7 days it is the same act. Made by the SDK if left out. */
  readonly idempotencyKey?: string | undefined;
  /** Names the piece of work it belongs to: what one act of a run has read is followed into the others, whoever does them. */
  readonly run?: string | undefined;
  /**
   * Joins the approval that an identical action of the same key waits for already, instead of asking people twice. Such
   * an action is begun by asking for it again once it is approved, never by `wait` or `proceed`.
   */
  readonly attach?: boolean | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface WaitOptions extends CallOptions {
  /** How long to wait at most; without it until the approval ends one way or the other. */
  readonly timeoutMs?: number | undefined;
  /** Whose key is used; the client's `agent` unless given. */
  readonly agent?: string | undefined;
}

export interface Asking {
  readonly request: (action: AskedAction, options?: CallOptions) => Promise<Outcome>;
  readonly decide: (action: AskedAction, options?: CallOptions) => Promise<DecisionView>;
  /** Answers as soon as it has ended, or may begin here; after `timeoutMs` with what is then known. */
  readonly wait: (id: string, options?: WaitOptions) => Promise<Outcome>;
  /** The act as it stands, without waiting. */
  look(
    id: string,
    options: WaitOptions,
  ): Promise<{ readonly act: ActView; readonly sentMs: number } | Denied>;
  /** Its outcome as it stands, or as it stands when something has happened within `waitMs` (at most 30,000). */
  readonly glance: (id: string, options: WaitOptions, waitMs: number) => Promise<Outcome>;
  /** Begins an act that waited, once it is approved; of all who try, one receives its permit. */
  readonly begin: (id: string, agent: string | null, options?: CallOptions) => Promise<Outcome>;
  /**
   * Gives up an act that was permitted and not begun. Never throws, and takes at most 5 s: unused, its permit runs out
   * anyway, so that nobody has to wait for this.
   */
  readonly giveBack: (id: string, agent: string | null, reason: string) => Promise<void>;
  readonly agentOf: (agent: string | undefined) => string | null;
}

/** One question is held by the server for at most 30 s. */
const ROUND_MS = 25_000;
/** Between two questions when the server does not hold its answer. */
const PAUSE_MS = 1_000;
/** Longer than the permit that is given back lives. */
const GIVE_BACK_MS = 5_000;
/** A server that restarts is waited for; one that stays away this many questions long is not. */
const UNAVAILABLE_MAX = 5;

export function createAsking({
  transport,
  machine,
  agent: defaultAgent,
}: {
  readonly transport: Transport;
  readonly machine: Machine;
  readonly agent: string | null;
}): Asking {
  function agentOf(agent: string | undefined): string | null {
    return agent ?? defaultAgent;
  }

  async function request(action: AskedAction, { signal }: CallOptions = {}): Promise<Outcome> {
    const body = bodyOf(action);
    const given = action.idempotencyKey;
    const answer = await transport.call({
      method: 'POST',
      path: '/api/v1/actions',
      body,
      agent: body.agent,
      isRepeatable: true,
      signal,
      ...(given === undefined ? {} : { idempotencyKey: given }),
    });
    const outcome = await readOutcome(answer, { agent: body.agent, action: action.action, signal });
    // An answer that was lost had the permit in it. Nobody else knows a key that was made here, so nobody began.
    if (outcome.status === 'permitted' && outcome.permit === null && given === undefined) {
      void giveBack(
        outcome.id,
        body.agent,
        'The answer with the permit was lost on its way; nothing was done.',
      );
      throw new MandateUnavailable(
        'permit_lost',
        `The answer that permitted ${action.action} was lost on its way. Nothing was run, and the act ${outcome.id} is given up; ask again.`,
      );
    }
    return outcome;
  }

  async function readOutcome(
    answer: Answer,
    asked: { readonly agent: string; readonly action: string; readonly signal: AbortSignal | undefined },
  ): Promise<Outcome> {
    if (answer.kind === 'json') {
      const act = readAct(answer.body);
      if (act.agent !== asked.agent || act.action !== asked.action)
        return nonsense('the answer', `about ${asked.action} by ${asked.agent}, which was asked for`);
      return outcomeOf(act, answer.sentMs);
    }
    const { problem } = answer;
    // The same request is being executed by Mandate already: its own earlier attempt, whose answer did not arrive.
    if (problem.code === 'in_flight' && problem.actionId !== null)
      return wait(problem.actionId, { agent: asked.agent, signal: asked.signal });
    if (isDecided(problem)) return deniedBy(problem);
    throw new MandateProblem(problem);
  }

  async function decide(action: AskedAction, { signal }: CallOptions = {}): Promise<DecisionView> {
    const { idempotencyKey: _unused, ...wanted } = action;
    const body = bodyOf(wanted);
    return readDecision(
      fieldsOf(
        await transport.read({
          method: 'POST',
          path: '/api/v1/decisions',
          body,
          agent: body.agent,
          isRepeatable: true,
          signal,
        }),
        'the answer',
      )['decision'],
      'decision',
    );
  }

  async function look(
    id: string,
    options: WaitOptions,
    waitMs = 0,
  ): Promise<{ readonly act: ActView; readonly sentMs: number } | Denied> {
    const answer = await transport.call({
      method: 'GET',
      path: `/api/v1/actions/${encodeURIComponent(id)}`,
      agent: agentOf(options.agent),
      isRepeatable: true,
      waitMs,
      signal: options.signal,
    });
    if (answer.kind === 'problem') {
      if (isDecided(answer.problem)) return deniedBy(answer.problem);
      throw new MandateProblem(answer.problem);
    }
    const act = readAct(answer.body);
    return act.id === id ? { act, sentMs: answer.sentMs } : nonsense('id', `${id}, which was asked for`);
  }

  async function wait(id: string, options: WaitOptions = {}): Promise<Outcome> {
    const { timeoutMs = Number.POSITIVE_INFINITY, signal } = options;
    const startedMs = machine.nowMs();
    const left = (): number => timeoutMs - (machine.nowMs() - startedMs);
    let unavailable = 0;
    for (;;) {
      if (signal?.aborted === true) throw reasonOf(signal);
      const askedMs = machine.nowMs();
      const outcome = await tryLook(id, options, Math.max(0, Math.min(ROUND_MS, left())));
      if (outcome instanceof MandateUnavailable) {
        unavailable += 1;
        if (unavailable >= UNAVAILABLE_MAX || left() <= 0) throw outcome;
      } else {
        unavailable = 0;
        if (isSettled(outcome) && !(outcome.status === 'denied' && isPassing(outcome.problem)))
          return outcome;
        if (left() <= 0) return outcome;
      }
      // A server that answers at once although nothing happened is not asked in a tight circle.
      if (machine.nowMs() - askedMs < PAUSE_MS)
        await sleep(machine, Math.min(PAUSE_MS * (0.5 + machine.random()), Math.max(0, left())), signal);
    }
  }

  async function glance(id: string, options: WaitOptions, waitMs: number): Promise<Outcome> {
    const found = await look(id, options, waitMs);
    return 'act' in found ? outcomeOf(found.act, found.sentMs) : found;
  }

  async function tryLook(
    id: string,
    options: WaitOptions,
    waitMs: number,
  ): Promise<Outcome | MandateUnavailable> {
    try {
      return await glance(id, options, waitMs);
    } catch (error) {
      if (error instanceof MandateUnavailable && error.reason !== 'nonsense') return error;
      throw error;
    }
  }

  async function begin(id: string, agent: string | null, { signal }: CallOptions = {}): Promise<Outcome> {
    const answer = await transport.call({
      method: 'POST',
      path: `/api/v1/actions/${encodeURIComponent(id)}/begin`,
      agent,
      isRepeatable: true,
      signal,
    });
    if (answer.kind === 'problem') {
      if (isDecided(answer.problem)) return deniedBy(answer.problem);
      throw new MandateProblem(answer.problem);
    }
    const act = readAct(answer.body);
    if (act.id !== id || act.agent !== agent)
      return nonsense('the answer', `about ${id}, which was asked for`);
    const outcome = outcomeOf(act, answer.sentMs);
    return outcome.status === 'executing' ? wait(id, { agent: act.agent, signal }) : outcome;
  }

  async function giveBack(id: string, agent: string | null, reason: string): Promise<void> {
    const controller = new AbortController();
    const cancel = machine.after(GIVE_BACK_MS, () => controller.abort(new Error('it took too long')));
    await transport
      .call({
        method: 'POST',
        path: `/api/v1/actions/${encodeURIComponent(id)}/cancel`,
        body: { reason },
        agent,
        isRepeatable: true,
        signal: controller.signal,
      })
      .catch(() => undefined)
      .finally(cancel);
  }

  function bodyOf(action: AskedAction): JsonObject & { readonly agent: string } {
    const agent = agentOf(action.agent);
    if (agent === null)
      throw new TypeError(
        `Who asks for ${action.action}? Name the agent in the action, or in createMandate({ agent }).`,
      );
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- AskedAction without what is left out is JSON
    return Object.fromEntries(
      Object.entries({ ...action, agent }).filter(([, value]) => value !== undefined),
    ) as JsonObject & { readonly agent: string };
  }

  return { request, decide, wait, look, glance, begin, giveBack, agentOf };
}
