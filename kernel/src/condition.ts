// The door to conditions: CEL source in, a checked and compiled condition out, errors as values on both sides of the
// way. Ours instead of a library because conditions decide what agents may do: linear time, bounded work, no key that
// leads to a prototype, and refused at load whatever cannot be right (decisions are stricter where one errors, I5).
import { check } from './condition/check.ts';
import { compile } from './condition/compile.ts';
import { parse } from './condition/parse.ts';
import { createFrame, type Bindings } from './condition/step.ts';
import type { ConditionProblem } from './condition/syntax.ts';
import { formatType, listOf, mapOf, type CelType } from './condition/type.ts';
import { Fault, kindOf, type CelValue } from './condition/value.ts';

export type { Bindings } from './condition/step.ts';
export type { ConditionProblem } from './condition/syntax.ts';
export { formatType, listOf, mapOf, type CelType } from './condition/type.ts';
export { CelMap, Duration, Timestamp, TypeName, Uint, type CelValue } from './condition/value.ts';

/** The names a charter's conditions start from. `now` is bound to epoch milliseconds, everything else to JSON. */
export const RULE_ROOTS: Readonly<Record<string, CelType>> = {
  parameters: mapOf('string', 'dyn'),
  context: mapOf('string', 'dyn'),
  agent: mapOf('string', 'dyn'),
  user: mapOf('string', 'dyn'),
  resource: mapOf('string', 'dyn'),
  findings: listOf(mapOf('string', 'dyn')),
  now: 'timestamp',
};

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
  /** Bindings are plain JSON by root name; a root declared timestamp takes epoch milliseconds. Never throws. */
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
  const { type, compiled } = made;
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
    const value = compiled.run(createFrame(bindings));
    if (value === true) return HOLDS;
    if (value === false) return HOLDS_NOT;
    if (value instanceof Fault) return toError(value);
    return { kind: 'error', message: `the condition gave ${kindOf(value)} instead of bool`, offset: 0 };
  };
  return { kind: 'compiled', condition: { source, evaluate } };
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

const HOLDS = { kind: 'value', value: true } as const;
const HOLDS_NOT = { kind: 'value', value: false } as const;

function build(source: string, roots: Readonly<Record<string, CelType>>) {
  const parsed = parse(source);
  if (parsed.kind === 'refused') return { kind: 'refused', problems: [parsed.problem] } as const;
  const { type, problems } = check(parsed.node, roots);
  if (problems.length > 0) return { kind: 'refused', problems } as const;
  return { kind: 'built', type, compiled: compile(parsed.node, roots) } as const;
}

function toError({ message, offset }: Fault): EvaluationError {
  return { kind: 'error', message, offset };
}
