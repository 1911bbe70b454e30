// What the compiler makes of each node: either a value that is already known, or a closure over its parts. A frame
// is all that one evaluation owns, so a compiled condition can be shared and run anywhere, any number of times.
import type { CelValue, Meter, Result } from './value.ts';

export type Bindings = Readonly<Record<string, unknown>>;

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
  return { bindings, locals: [], loops: 0, work: 0 };
}

export function stepOf(code: Code): Step {
  if (code.kind === 'step') return code.run;
  const { value } = code;
  return () => value;
}
