// Undoing what a run has done: which steps, in which order, and with what.
import type { Json } from '../action.ts';
import { isObject, readCall } from './call.ts';
import type { Plan, PlanStep } from './compile.ts';
import type { StepCall } from './outcome.ts';
import { itemKey, undoKey } from './state.ts';
import type { States } from './state.ts';

/** A step, or one element of its list. */
export interface Instance {
  readonly instance: string;
  readonly item: { readonly item: Json; readonly index: number } | null;
}

export interface Done extends Instance {
  readonly step: PlanStep;
  readonly result: Json;
  readonly endedMs: number;
}

/** What has been done and says how it is undone, the last first. */
export function toUndo(
  plan: Plan,
  states: States,
  itemsOf: (step: PlanStep) => readonly Json[],
): readonly Done[] {
  const done = plan.steps.flatMap((step): Done[] => {
    if (step.compensation === null) return [];
    const { id, forEach } = step.setting;
    const instances: Instance[] =
      forEach === null
        ? [{ instance: id, item: null }]
        : itemsOf(step).map((item, index) => ({ instance: itemKey(id, index), item: { item, index } }));
    return instances.flatMap((of) => {
      const state = states.get(of.instance);
      return state?.kind === 'succeeded'
        ? [{ ...of, step, result: state.result, endedMs: state.endedMs }]
        : [];
    });
  });
  // Of one millisecond, the later in the plan first.
  return done.toReversed().toSorted((a, b) => b.endedMs - a.endedMs);
}

/** What counts as done although it has been undone, or is being undone: nothing may be built on it. */
export function builtOnSand(states: States): readonly { readonly id: string; readonly error: string }[] {
  return [...states].flatMap(([key, { kind }]) => {
    const id = key.slice(1);
    if (!key.startsWith('~') || (kind !== 'succeeded' && kind !== 'begun')) return [];
    return states.get(id)?.kind === 'succeeded'
      ? [{ id, error: 'It was undone while the run was to go on. Retry the run once it has ended.' }]
      : [];
  });
}

/** Null where its parameters cannot be made. */
export function undoCall(
  step: PlanStep,
  {
    instance,
    attempt,
    scope,
  }: {
    readonly instance: string;
    readonly attempt: number;
    readonly scope: Readonly<Record<string, unknown>>;
  },
): StepCall | null {
  const { does, compensate } = step.setting;
  const parameters = step.compensation?.evaluate(scope);
  const made = step.call?.evaluate(scope);
  const call = made?.kind === 'value' ? readCall(made.value) : null;
  if (compensate === null || call === null || does.kind !== 'action') return null;
  if (parameters?.kind !== 'value' || !isObject(parameters.value)) return null;
  return {
    ...call,
    instance: undoKey(instance),
    attempt,
    action: compensate.action,
    parameters: parameters.value,
    costMicroUsd: null,
    undoes: instance,
  };
}
