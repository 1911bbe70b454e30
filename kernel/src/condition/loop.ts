// all, exists, exists_one, map and filter. The first two absorb errors like && and ||; the others stop at the first.
// Every turn is counted, and once the count is used up every loop ends at once, outer ones included.
import { noOverload } from './arithmetic.ts';
import type { Loop } from './syntax.ts';
import type { Frame, Step } from './step.ts';
import {
  Fault,
  isList,
  isMap,
  isSpent,
  keysOf,
  MAX_LOOPS,
  spend,
  workFault,
  type CelList,
  type CelValue,
  type Result,
} from './value.ts';

export interface LoopParts {
  readonly node: Loop;
  readonly range: Step;
  /** Where the variable lives in the frame. */
  readonly slot: number;
  readonly test: Step | null;
  readonly result: Step | null;
}

export function compileLoop(parts: LoopParts): Step {
  const { macro } = parts.node;
  switch (macro) {
    case 'all':
      return overElements(parts, (frame, elements) => untilDecided(parts, frame, elements, false));
    case 'exists':
      return overElements(parts, (frame, elements) => untilDecided(parts, frame, elements, true));
    case 'exists_one':
      return overElements(parts, (frame, elements) => {
        const chosen = collect(parts, frame, elements);
        return chosen instanceof Fault ? chosen : chosen.length === 1;
      });
    case 'map':
    case 'filter':
      return overElements(parts, (frame, elements) => collect(parts, frame, elements));
  }
}

function overElements(parts: LoopParts, run: (frame: Frame, elements: CelList) => Result): Step {
  const { range, node } = parts;
  return (frame) => {
    const value = range(frame);
    if (value instanceof Fault) return value;
    if (isList(value)) return run(frame, value);
    if (!isMap(value)) return noOverload(node.macro, [value], node.offset);
    const keys = keysOf(value);
    return spend(frame, keys.length) ? run(frame, keys) : workFault(node.offset);
  };
}

/** Runs the test until it yields `decisive`; otherwise the opposite, or the last error there was. */
function untilDecided(parts: LoopParts, frame: Frame, elements: CelList, decisive: boolean): Result {
  let fault: Fault | null = null;
  for (const element of elements) {
    const outcome = turn(parts, frame, element);
    if (outcome === decisive) return decisive;
    if (outcome instanceof Fault) {
      if (isSpent(frame)) return outcome;
      fault = outcome;
    }
  }
  return fault ?? !decisive;
}

/** What the elements that pass the test become; the elements themselves where there is no result to make. */
function collect(parts: LoopParts, frame: Frame, elements: CelList): CelList | Fault {
  const collected: CelValue[] = [];
  for (const element of elements) {
    const passes = turn(parts, frame, element);
    if (passes instanceof Fault) return passes;
    if (!passes) continue;
    const made = parts.result === null ? element : parts.result(frame);
    if (made instanceof Fault) return made;
    collected.push(made);
  }
  return collected;
}

function turn(parts: LoopParts, frame: Frame, element: CelValue): boolean | Fault {
  const { node, test, slot } = parts;
  if (++frame.loops > MAX_LOOPS) {
    return new Fault(`more than ${MAX_LOOPS} loop turns; narrow the list down first`, node.offset);
  }
  frame.locals[slot] = element;
  if (test === null) return true;
  const outcome = test(frame);
  if (typeof outcome === 'boolean' || outcome instanceof Fault) return outcome;
  return noOverload(node.macro, [outcome], node.offset);
}
