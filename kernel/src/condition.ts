// The door to conditions: CEL source in, a checked and compiled condition out, errors as values on both sides of the
// way. Ours instead of a library because conditions decide what agents may do: linear time, bounded work, no key that
// leads to a prototype, and refused at load whatever cannot be right (decisions are stricter where one errors, I5).
import { check } from './condition/check.ts';
import { compile } from './condition/compile.ts';
import { parse } from './condition/parse.ts';
import { plainQuestion, type PlainQuestion } from './condition/plain-question.ts';
import { createFrame, settleFrame, type Bindings } from './condition/step.ts';
import type { ConditionProblem } from './condition/syntax.ts';
import { formatType, listOf, mapOf, type CelType } from './condition/type.ts';
import { Fault, isSpent, kindOf, MAX_LOOPS_TOGETHER, type CelValue } from './condition/value.ts';

export { BUDGET, createBudget, type Bindings } from './condition/step.ts';
export type { ConditionProblem } from './condition/syntax.ts';
export { formatType, listOf, mapOf, type CelType } from './condition/type.ts';
export { CelMap, Duration, Timestamp, TypeName, Uint, type CelValue, type Meter } from './condition/value.ts';

/** The names a charter's conditions start from. `now` is bound to epoch milliseconds, everything else to JSON. */
export const RULE_ROOTS: Readonly<Record<string, CelType>> = {
  parameters: mapOf('string', 'dyn'),
  context: mapOf('string', 'dyn'),
  agent: mapOf('string', 'dyn'),
  user: mapOf('string', 'dyn'),
  resource: mapOf('string', 'dyn'),
  findings: listOf(mapOf('string', 'dyn')),
  taint: listOf(mapOf('string', 'dyn')),
  now: 'timestamp',
};

/**
 * Whether a condition may look at what an agent only says: its context, its marks of what is untrusted, its estimate, and
 * findings that are about one of them. The word alone is enough: a false alarm costs a second look, a miss would let a
 * claim loosen a decision.
 */
export function readsClaims(condition: Pick<Condition, 'source'> | null): boolean {
  return condition !== null && /context|taint|findings|costUsd/.test(condition.source);
}

export interface Refused {
  readonly kind: 'refused';
  /** At least one, in the order in which they stand. */
  readonly problems: readonly ConditionProblem[];
}

/** Why there is no value: for the trace of the decision and for whoever wrote the condition. */
export interface EvaluationError {
  readonly kind: 'error';
  readonly message: string;
  /** Into the source, in UTF-16 code units. */
  readonly offset: number;
}

export interface Condition {
  readonly source: string;
  /** The same as a question that is answered from the parameters alone; null where the condition is no such question. */
  readonly plain: PlainQuestion | null;
  /**
   * Bindings are plain JSON by root name; a root declared timestamp takes epoch milliseconds. With a budget in them,
   * conditions share what they may spend. Never throws.
   */
  evaluate(bindings: Bindings): { readonly kind: 'value'; readonly value: boolean } | EvaluationError;
}

export interface Expression {
  readonly source: string;
  /** What the checker knows the value to be. */
  readonly type: CelType;
  evaluate(bindings: Bindings): { readonly kind: 'value'; readonly value: CelValue } | EvaluationError;
}

/**
 * Compiles a condition: a CEL expression (the standard language without protobuf messages) that yields a boolean.
 * Refused are syntax and type errors, names that are no roots, results that cannot be boolean, parts that would fail
 * whatever the bindings, and sources over 4,096 characters, 64 levels or 500 parts.
 */
export function compileCondition(
  source: string,
  roots: Readonly<Record<string, CelType>>,
): { readonly kind: 'compiled'; readonly condition: Condition } | Refused {
  const made = build(source, roots);
  if (made.kind === 'refused') return made;
  const { type, compiled, plain } = made;
  if (type !== 'bool' && type !== 'dyn') {
    const message = `a condition must be bool, this one is ${formatType(type)}`;
    return { kind: 'refused', problems: [{ message, offset: 0 }] };
  }
  if (compiled.certainFaults.length > 0) {
    const problems = compiled.certainFaults.map(({ message, offset }) => ({
      message: `always fails: ${message}`,
      offset,
    }));
    return { kind: 'refused', problems };
  }
  const evaluate: Condition['evaluate'] = (bindings) => {
    const frame = createFrame(bindings);
    const value = compiled.run(frame);
    const wasShort = settleFrame(frame);
    if (value === true) return HOLDS;
    if (value === false) return HOLDS_NOT;
    if (value instanceof Fault)
      return wasShort && isSpent(frame) ? { ...toError(value), message: TOGETHER } : toError(value);
    return { kind: 'error', message: `the condition gave ${kindOf(value)} instead of bool`, offset: 0 };
  };
  return { kind: 'compiled', condition: { source, plain, evaluate } };
}

/** Like {@link compileCondition} for a value of any type; what always fails is an error when it is evaluated. */
export function compileExpression(
  source: string,
  roots: Readonly<Record<string, CelType>>,
): { readonly kind: 'compiled'; readonly expression: Expression } | Refused {
  const made = build(source, roots);
  if (made.kind === 'refused') return made;
  const { type, compiled } = made;
  const evaluate: Expression['evaluate'] = (bindings) => {
    const value = compiled.run(createFrame(bindings));
    return value instanceof Fault ? toError(value) : { kind: 'value', value };
  };
  return { kind: 'compiled', expression: { source, type, evaluate } };
}

const TOGETHER = `all conditions that were asked together take more than ${MAX_LOOPS_TOGETHER} loop turns, or look at too much; narrow the lists down first`;
const HOLDS = { kind: 'value', value: true } as const;
const HOLDS_NOT = { kind: 'value', value: false } as const;

function build(source: string, roots: Readonly<Record<string, CelType>>) {
  const parsed = parse(source);
  if (parsed.kind === 'refused') return { kind: 'refused', problems: [parsed.problem] } as const;
  const { type, problems } = check(parsed.node, roots);
  if (problems.length > 0) return { kind: 'refused', problems } as const;
  const plain = plainQuestion(parsed.node);
  return { kind: 'built', type, plain, compiled: compile(parsed.node, roots) } as const;
}

function toError({ message, offset }: Fault): EvaluationError {
  return { kind: 'error', message, offset };
}
