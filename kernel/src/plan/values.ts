// What the expressions of a plan look at: inputs, the run, and what earlier steps gave. Worked out when it is first asked
// for, and once per run where the caller keeps a memo.
import type { Json, JsonObject } from '../action.ts';
import { isObject } from './call.ts';
import type { Plan, PlanStep } from './compile.ts';
import type { Evaluated } from './expression.ts';
import type { RunFacts } from './state.ts';

export type Standing =
  | { readonly kind: 'succeeded'; readonly result: Json }
  | { readonly kind: 'skipped' }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'open' };

export const OPEN: Standing = { kind: 'open' };

export interface Values {
  /** Only what the step looks at is bound, so that nothing else needs to be at hand. */
  readonly bindings: (of: { readonly reads: ReadonlySet<string> }) => Readonly<Record<string, unknown>>;
  /** What the step's forEach gave; undefined where it has none. */
  readonly listOf: (step: PlanStep) => Evaluated | undefined;
}

/** `standings` may still grow: whatever is asked for has been settled before. */
export function createValues(
  plan: Plan,
  { inputs, run, memo }: RunFacts,
  standings: ReadonlyMap<string, Standing>,
): Values {
  const stepsById = new Map(plan.steps.map((step) => [step.setting.id, step]));
  const bound = new Map<string, JsonObject>();

  function bindings({ reads }: { readonly reads: ReadonlySet<string> }): Readonly<Record<string, unknown>> {
    const steps: Record<string, Json> = {};
    for (const id of reads) steps[id] = bindingOf(id);
    return { inputs, run, steps };
  }

  function bindingOf(id: string): JsonObject {
    const known = bound.get(id);
    if (known !== undefined) return known;
    const standing = standings.get(id) ?? OPEN;
    const isDone = standing.kind === 'succeeded';
    const binding: JsonObject = {
      status: standing.kind === 'open' ? 'pending' : standing.kind,
      result: isDone ? standing.result : null,
      outputs: isDone ? outputsOf(id, standing.result) : {},
    };
    bound.set(id, binding);
    return binding;
  }

  function outputsOf(id: string, result: Json): JsonObject {
    const key = `outputs ${id}`;
    const known = memo?.get(key);
    if (known !== undefined && isObject(known)) return known;
    const outputs: Record<string, Json> = {};
    for (const [name, value] of stepsById.get(id)?.outputs ?? []) {
      const made = value.evaluate({ ...bindings({ reads: value.steps }), result });
      // An output that cannot be made is missing, and what looks at it fails with its name.
      if (made.kind === 'value') outputs[name] = made.value;
    }
    memo?.set(key, outputs);
    return outputs;
  }

  function listOf(step: PlanStep): Evaluated | undefined {
    const key = `in ${step.setting.id}`;
    const known = memo?.get(key);
    if (known !== undefined) return { kind: 'value', value: known };
    const made = step.items?.evaluate(bindings(step));
    if (made?.kind === 'value') memo?.set(key, made.value);
    return made;
  }

  return { bindings, listOf };
}
