// Asks about a tool call within the time that an agent framework gives a tool, and follows a hold as long as that time
// allows. Whatever it cannot get a clear answer to in time has not been permitted.
import type { Asking } from './ask.ts';
import { MandateUnavailable } from './errors.ts';
import type { MappedCall } from './gate-call.ts';
import { reasonOf, sleep } from './machine.ts';
import type { Machine } from './machine.ts';
import type { Held, Outcome } from './outcome.ts';

export interface Judge {
  /** Asks for it, so that it may begin here when it is `permitted`; a hold is followed for `holdMs`. */
  ask(call: MappedCall, limits: JudgeLimits): Promise<Outcome>;
  /** Whether `ask` would be permitted now. People are asked where they have to be, yet nothing begins. */
  review(call: MappedCall, limits: JudgeLimits): Promise<Outcome | 'may_run'>;
}

export interface JudgeLimits {
  readonly holdMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Frameworks and MCP clients give up after 60 s; an answer that comes later is an answer to nobody. */
export const ANSWER_MS = 54_000;
/** How long one look at a hold is held by the server: people's decisions are seen at most so much later. */
const ROUND_MS = 2_000;
/** Between two rounds that ended early without news. */
const PAUSE_MS = 1_000;

export function createJudge({ asking, machine }: { asking: Asking; machine: Machine }): Judge {
  interface Bounds {
    readonly signal: AbortSignal;
    readonly leftMs: () => number;
    /** What is known when the time runs out. */
    held: Held | null;
  }

  async function ask(call: MappedCall, limits: JudgeLimits): Promise<Outcome> {
    return within(limits, async (bounds) => {
      const first = await request(call, call.idempotencyKey, bounds);
      return first.status === 'waiting_for_approval' ? follow(call, first, bounds) : first;
    });
  }

  /**
   * Begins exactly the act that people were asked about. Asking for the action anew would be another act wherever it
   * may run without them meanwhile, and everybody who follows this hold would have one of their own.
   */
  async function follow(call: MappedCall, held: Held, bounds: Bounds): Promise<Outcome> {
    for (;;) {
      bounds.held = held;
      const begun = (await mayRun(call, bounds)) ? await asking.begin(held.id, held.agent, bounds) : held;
      if (begun.status !== 'waiting_for_approval') return begun;
      if (bounds.leftMs() <= 0) return begun;
      const ended = await rest(held, bounds.leftMs(), bounds);
      if (ended !== null) return ended;
    }
  }

  async function review(call: MappedCall, limits: JudgeLimits): Promise<Outcome | 'may_run'> {
    return within(limits, async (bounds) => {
      for (;;) {
        if (await mayRun(call, bounds)) return 'may_run';
        const outcome: Outcome = bounds.held ?? (await request(call, call.idempotencyKey, bounds));
        if (outcome.status === 'permitted') return 'may_run';
        if (outcome.status !== 'waiting_for_approval') return outcome;
        bounds.held = outcome;
        if (bounds.leftMs() <= 0) return outcome;
        const ended = await rest(outcome, bounds.leftMs(), bounds);
        if (ended !== null) return ended;
      }
    });
  }

  /** Cheap and without consequences. `none` is DRY_RUN, which records instead of running: the call itself will be told. */
  async function mayRun({ asked }: MappedCall, { signal }: Bounds): Promise<boolean> {
    const { effect } = await asking.decide(asked, { signal });
    return effect === 'execute' || effect === 'none';
  }

  function request(
    { asked }: MappedCall,
    idempotencyKey: string | undefined,
    { signal }: Bounds,
  ): Promise<Outcome> {
    return asking.request({ ...asked, idempotencyKey }, { signal });
  }

  /** Waits at most `ms` for news of a hold. null: it still waits, or it is approved and its call may be asked for again. */
  async function rest(held: Held, ms: number, { signal }: Bounds): Promise<Outcome | null> {
    const startedMs = machine.nowMs();
    const seen = await asking.glance(held.id, { agent: held.agent, signal }, Math.min(ROUND_MS, ms));
    if (seen.status !== 'waiting_for_approval') return seen;
    const tookMs = machine.nowMs() - startedMs;
    if (ms > 0 && tookMs < PAUSE_MS)
      await sleep(machine, Math.min(PAUSE_MS - tookMs, Math.max(0, ms - tookMs)), signal);
    return null;
  }

  /** When the time is up a known hold is the answer, and otherwise that there is none. */
  async function within<T>(
    { holdMs, signal }: JudgeLimits,
    judge: (bounds: Bounds) => Promise<T>,
  ): Promise<T | Held> {
    if (signal?.aborted === true) throw reasonOf(signal);
    const controller = new AbortController();
    let isLate = false;
    const abort = (): void => controller.abort(reasonOf(signal));
    signal?.addEventListener('abort', abort, { once: true });
    const cancel = machine.after(ANSWER_MS, () => {
      isLate = true;
      controller.abort(new Error(`no clear answer within ${ANSWER_MS} ms`));
    });
    const startedMs = machine.nowMs();
    const leftMs = (): number => holdMs - (machine.nowMs() - startedMs);
    const bounds: Bounds = { signal: controller.signal, leftMs, held: null };
    try {
      return await judge(bounds);
    } catch (error) {
      if (!isLate) throw error;
      if (bounds.held !== null) return bounds.held;
      throw new MandateUnavailable(
        'timeout',
        `Mandate gave no clear answer within ${ANSWER_MS} ms. Nothing was run.`,
        { cause: error },
      );
    } finally {
      cancel();
      signal?.removeEventListener('abort', abort);
    }
  }

  return { ask, review };
}
