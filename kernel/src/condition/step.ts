// What the compiler makes of each node: either a value that is already known, or a closure over its parts. A frame
// is all that one evaluation owns, so a compiled condition can be shared and run anywhere, any number of times.
import { usedUp, type CelValue, type Meter, type Result } from './value.ts';

/** Under this key, which no document has, bindings may carry what all evaluations with them may spend together. */
export const BUDGET: unique symbol = Symbol('budget');

export interface Bindings {
  readonly [root: string]: unknown;
  readonly [BUDGET]?: Meter;
}

export function createBudget(): Meter {
  return { loops: 0, work: 0 };
}

export interface Frame extends Meter {
  readonly bindings: Bindings;
  /** What the variables of all, exists, map and filter hold, by nesting level. */
  readonly locals: CelValue[];
}

export type Step = (frame: Frame) => Result;

export type Code =
  | { readonly kind: 'constant'; readonly value: Result }
  | { readonly kind: 'step'; readonly run: Step };

export function createFrame(bindings: Bindings): Frame {
  const budget = bindings[BUDGET];
  const used = budget === undefined ? NOTHING_USED : usedUp(budget);
  return { bindings, locals: [], loops: used.loops, work: used.work };
}

const NOTHING_USED: Readonly<Meter> = { loops: 0, work: 0 };

/** Books what an evaluation has spent. True where less was left to it than its own share. */
export function settleFrame({ bindings, loops, work }: Frame): boolean {
  const budget = bindings[BUDGET];
  if (budget === undefined) return false;
  const used = usedUp(budget);
  budget.loops += loops - used.loops;
  budget.work += work - used.work;
  return used.loops > 0 || used.work > 0;
}

export function stepOf(code: Code): Step {
  if (code.kind === 'step') return code.run;
  const { value } = code;
  return () => value;
}
