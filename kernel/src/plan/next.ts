// What comes next in a run: (plan, facts) → what to begin, what is settled without beginning, when to look again, and
// whether it is over. Pure, and written so that any process can ask it at any time, after any crash: all that it
// knows is what is on record.
import type { Json } from '../action.ts';
import { attemptOf, isList, isObject, readCall } from './call.ts';
import type { Plan, PlanStep } from './compile.ts';
import type { Next, RunEnd, Settled, StepCall } from './outcome.ts';
import { countLive, itemKey, unclearOf, undoKey } from './state.ts';
import type { RunFacts, StepState } from './state.ts';
import { MAX_INSTANCES, MAX_ITEMS } from './template.ts';
import { builtOnSand, toUndo, undoCall } from './undo.ts';
import type { Instance } from './undo.ts';
import { createValues, OPEN } from './values.ts';
import type { Standing } from './values.ts';

/** Says what comes next. Deterministic: the same plan and facts give the same answer anywhere. */
export function nextSteps(plan: Plan, facts: RunFacts): Next {
  return createLook(plan, facts).next();
}

/** Expressions of one look. One over a long list takes a millisecond or two, and others wait for the thread meanwhile. */
const MAX_EVALUATED = 32;

function createLook(plan: Plan, facts: RunFacts) {
  const { nowMs, mode } = facts;
  const standings = new Map<string, Standing>();
  const { bindings, listOf } = createValues(plan, facts, standings);
  const ready: StepCall[] = [];
  const settle: Settled[] = [];
  const giveUp: Next['giveUp'][number][] = [];
  const waits = new Set<Next['waitsFor'][number]>();
  const held: string[] = [];
  const live = countLive(facts);
  const room = mode === 'running' ? Math.max(0, plan.template.parallel - live.all) : 0;
  /** Until which length of `ready` the elements of the list at hand may be added to it. */
  let roomOfList = Number.POSITIVE_INFINITY;
  let wakeAtMs: number | null = null;
  let instances = 0;
  let evaluated = 0;
  let isCut = false;

  /** Whether there is time for one more expression. */
  const mayEvaluate = (): boolean => {
    evaluated += 1;
    if (facts.memo === undefined || evaluated <= MAX_EVALUATED) return true;
    isCut = true;
    return false;
  };

  const wake = (atMs: number): void => {
    wakeAtMs = wakeAtMs === null ? atMs : Math.min(wakeAtMs, atMs);
  };

  function next(): Next {
    for (const step of plan.steps) standings.set(step.setting.id, stand(step));
    if (mode === 'paused') {
      if (live.all === 0) waits.add('resume');
      return quiet();
    }
    let failed: readonly { readonly id: string; readonly error: string }[] = plan.steps.flatMap(
      ({ setting: { id } }) => {
        const standing = standings.get(id);
        return standing?.kind === 'failed' ? [{ id, error: standing.error }] : [];
      },
    );
    if (mode === 'running' && failed.length === 0) failed = builtOnSand(facts.states);
    const isOver = mode === 'cancelling' || failed.length > 0;
    // What people have not decided yet is not to begin in a run that has ended.
    if (isOver)
      for (const instance of held)
        if (!giveUp.some((one) => one.instance === instance))
          giveUp.push({ instance, why: 'The run it belonged to has ended.', isTimeout: false });
    if (isOver) return live.all === 0 ? undoOrEnd(failed) : quiet();
    const isUnderWay = ready.length > 0 || live.all > 0 || waits.size > 0 || wakeAtMs !== null || isCut;
    return isUnderWay ? { ...quiet(), begin: ready, more: isCut } : { ...quiet(), end: finish() };
  }

  function quiet(): Next {
    const waitsFor = ready.length > 0 && mode === 'running' ? [] : ORDER.filter((why) => waits.has(why));
    return { begin: [], settle, giveUp, wakeAtMs, waitsFor, end: null, more: false };
  }

  function stand(step: PlanStep): Standing {
    const { id, forEach } = step.setting;
    const own = facts.states.get(id);
    const decided = decidedBefore(step, own);
    if (decided !== null) return decided;
    return forEach === null ? standOne(step, { instance: id, item: null }) : standAll(step);
  }

  /** Needs and condition. Null: it may be at work, or begin. */
  function decidedBefore(step: PlanStep, own: StepState | undefined): Standing | null {
    const { id, needs } = step.setting;
    if (own?.kind === 'skipped') return { kind: 'skipped' };
    if (own !== undefined && own.kind !== 'reset') return null;
    const before = needs.map((need) => standings.get(need) ?? OPEN);
    if (before.some(({ kind }) => kind === 'open' || kind === 'failed')) return OPEN;
    const attempt = attemptOf(own);
    if (step.when === null) {
      if (!before.some(({ kind }) => kind === 'skipped')) return null;
      settle.push({ instance: id, attempt, kind: 'skipped' });
      return { kind: 'skipped' };
    }
    if (facts.memo?.get(`when ${id}`) === true) return null;
    if (!mayEvaluate()) return OPEN;
    const met = step.when.evaluate(bindings(step));
    if (met.kind === 'error')
      return fail(id, attempt, `Its condition could not be evaluated: ${met.message}`);
    if (met.value === true) {
      facts.memo?.set(`when ${id}`, true);
      return null;
    }
    if (met.value !== false) return fail(id, attempt, 'Its condition is neither true nor false.');
    settle.push({ instance: id, attempt, kind: 'skipped' });
    return { kind: 'skipped' };
  }

  function standAll(step: PlanStep): Standing {
    const { id, forEach } = step.setting;
    const own = facts.states.get(id);
    // A list that could not be made fails the step as a whole.
    if (own?.kind === 'failed') return { kind: 'failed', error: own.error };
    if (facts.memo?.has(`in ${id}`) !== true && !mayEvaluate()) return OPEN;
    const made = listOf(step);
    if (made?.kind !== 'value')
      return fail(id, attemptOf(own), `Its list could not be made: ${made?.message ?? ''}`);
    const items = made.value;
    if (!isList(items)) return fail(id, attemptOf(own), 'forEach.in gave something that is no list.');
    if (items.length > MAX_ITEMS)
      return fail(id, attemptOf(own), `forEach.in gave ${items.length} elements; ${MAX_ITEMS} is the most.`);
    instances += items.length;
    if (instances > MAX_INSTANCES && !facts.states.has(itemKey(id, 0)))
      return fail(
        id,
        attemptOf(own),
        `The lists of this run have ${instances} elements together; ${MAX_INSTANCES} is the most. Split it into several runs.`,
      );
    const readyBefore = ready.length;
    roomOfList = readyBefore + Math.max(0, (forEach?.max ?? MAX_ITEMS) - (live.of.get(id) ?? 0));
    const each = items.map((item, index) =>
      standOne(step, { instance: itemKey(id, index), item: { item, index } }),
    );
    roomOfList = Number.POSITIVE_INFINITY;
    const failed = each.find((one) => one.kind === 'failed');
    if (failed !== undefined) {
      ready.splice(readyBefore);
      return failed;
    }
    const results = each.flatMap((one) => (one.kind === 'succeeded' ? [one.result] : []));
    return results.length === items.length ? { kind: 'succeeded', result: results } : OPEN;
  }

  function standOne(step: PlanStep, { instance, item }: Instance): Standing {
    const state = facts.states.get(instance);
    if (state === undefined || state.kind === 'reset')
      return begin(step, { instance, item }, attemptOf(state));
    switch (state.kind) {
      case 'succeeded':
        return { kind: 'succeeded', result: state.result };
      case 'skipped':
        return { kind: 'skipped' };
      case 'begun':
        return awaitEnd(step, instance, state);
      case 'put_off':
        return putOff(step, { instance, item }, state);
      case 'failed':
        return retry(step, { instance, item }, state);
    }
  }

  function begin(step: PlanStep, { instance, item }: Instance, attempt: number): Standing {
    const { does } = step.setting;
    if (does.kind === 'wait') {
      const untilMs = nowMs + does.waitMs;
      settle.push({ instance, attempt, kind: 'timer', untilMs });
      wake(untilMs);
      waits.add('timer');
      return OPEN;
    }
    // What does not begin now is not worked out now: a long list would be worked out anew at every look.
    if (ready.length >= Math.min(room, roomOfList) || !mayEvaluate()) return OPEN;
    const made = step.call?.evaluate({ ...bindings(step), ...item });
    if (made?.kind !== 'value')
      return fail(instance, attempt, `It could not be asked for: ${made?.message ?? ''}`);
    const call = readCall(made.value);
    if (call === null)
      return fail(
        instance,
        attempt,
        'agent, role, resource.type and resource.id must be texts, parameters and context objects.',
      );
    ready.push({
      ...call,
      instance,
      attempt,
      action: does.action,
      costMicroUsd: does.costMicroUsd,
      undoes: null,
    });
    return OPEN;
  }

  function awaitEnd(
    step: PlanStep,
    instance: string,
    state: Extract<StepState, { kind: 'begun' }>,
  ): Standing {
    if (state.awaiting === 'approval' || (mode === 'cancelling' && state.awaiting !== 'person'))
      held.push(instance);
    if (state.awaiting !== 'run') waits.add(state.awaiting);
    const { timeoutMs } = step.setting;
    // Whether what is unknown has ended no time-out can tell.
    if (timeoutMs !== null && state.awaiting !== 'person') {
      const dueMs = state.sinceMs + timeoutMs;
      if (dueMs <= nowMs) giveUp.push({ instance, why: 'It took longer than its timeout.', isTimeout: true });
      else wake(dueMs);
    }
    return OPEN;
  }

  function putOff(
    step: PlanStep,
    of: Instance,
    { attempt, untilMs, why }: Extract<StepState, { kind: 'put_off' }>,
  ): Standing {
    if (untilMs > nowMs) {
      wake(untilMs);
      waits.add(why);
      return OPEN;
    }
    if (why === 'blocked') return begin(step, of, attempt);
    settle.push({ instance: of.instance, attempt, kind: 'succeeded', result: null });
    return { kind: 'succeeded', result: null };
  }

  function retry(step: PlanStep, of: Instance, state: Extract<StepState, { kind: 'failed' }>): Standing {
    const { max, backoffMs } = step.setting.retries;
    if (state.isFinal || state.tries > max) return { kind: 'failed', error: state.error };
    const dueMs = state.endedMs + backoffMs * 2 ** Math.min(state.tries - 1, 20);
    if (dueMs <= nowMs) return begin(step, of, state.attempt + 1);
    wake(dueMs);
    waits.add('retry');
    return OPEN;
  }

  function fail(instance: string, attempt: number, error: string): Standing {
    settle.push({ instance, attempt, kind: 'failed', error });
    return { kind: 'failed', error };
  }

  function finish(): RunEnd {
    const made = plan.outputs.evaluate(bindings({ reads: plan.outputs.steps }));
    if (made.kind === 'error')
      return { kind: 'failed', error: `The outputs could not be made: ${made.message}` };
    return { kind: 'succeeded', output: isObject(made.value) ? made.value : {} };
  }

  /** One after the other, the last done first; what cannot be undone does not keep the rest from it. */
  function undoOrEnd(failed: readonly { readonly id: string; readonly error: string }[]): Next {
    const wanted = mode === 'cancelling' || plan.template.onFailure === 'compensate';
    const notUndone: string[] = [];
    for (const { step, instance, item, result } of wanted ? toUndo(plan, facts.states, itemsOf) : []) {
      const key = undoKey(instance);
      const state = facts.states.get(key);
      if (state?.kind === 'succeeded' || state?.kind === 'skipped') continue;
      if (state?.kind === 'begun') {
        if (state.awaiting !== 'run') waits.add(state.awaiting);
        return quiet();
      }
      if (state?.kind === 'failed') {
        const { max, backoffMs } = step.setting.retries;
        const dueMs = state.endedMs + backoffMs * 2 ** Math.min(state.tries - 1, 20);
        if (state.isFinal || state.tries > max) {
          notUndone.push(`${instance} (${state.error})`);
          continue;
        }
        if (dueMs > nowMs) {
          wake(dueMs);
          waits.add('retry');
          return quiet();
        }
      }
      if (state?.kind === 'put_off' && state.untilMs > nowMs) {
        wake(state.untilMs);
        waits.add(state.why);
        return quiet();
      }
      const attempt = state?.kind === 'failed' ? state.attempt + 1 : attemptOf(state);
      const call = undoCall(step, { instance, attempt, scope: { ...bindings(step), ...item, result } });
      if (call === null) {
        settle.push({ instance: key, attempt, kind: 'failed', error: 'Its parameters could not be made.' });
        notUndone.push(instance);
        continue;
      }
      return { ...quiet(), begin: [call], waitsFor: [] };
    }
    const left = notUndone.length === 0 ? '' : ` Not undone: ${notUndone.join(', ')}.`;
    const unclear = unclearOf(facts.states);
    const unknown =
      unclear.length === 0
        ? ''
        : ` Nobody knows how this ended: ${unclear.join(', ')}. Find out before it is done again.`;
    const why = failed.map(({ id, error }) => `${id}: ${error}`).join(' ');
    const end: RunEnd =
      mode === 'cancelling'
        ? { kind: 'cancelled', error: `Cancelled.${left}${unknown}` }
        : { kind: 'failed', error: `${why}${left}${unknown}` };
    return { ...quiet(), wakeAtMs: null, waitsFor: [], end };
  }

  function itemsOf(step: PlanStep): readonly Json[] {
    const made = listOf(step);
    return made?.kind === 'value' && isList(made.value) ? made.value : [];
  }

  return { next };
}

const ORDER: Next['waitsFor'] = ['person', 'approval', 'agent', 'blocked', 'retry', 'timer', 'run', 'resume'];
