// Type inference: which type fits where, with variables for what is not known yet (the elements of `[]`). The rules
// are those of the reference checker in cel-go, because the official suite states the types it deduces.
import type { CelType } from './type.ts';

export type Type =
  | Exclude<CelType, object>
  | { readonly kind: 'list'; readonly element: Type }
  | { readonly kind: 'map'; readonly key: Type; readonly value: Type }
  | { readonly kind: 'type'; readonly of: Type | null }
  | { readonly kind: 'variable'; readonly id: number };

export type Variable = Extract<Type, { readonly kind: 'variable' }>;

/** What the variables stand for so far. Fitting only ever adds knowledge; a failed attempt leaves none behind. */
export interface Inference {
  fresh(): Variable;
  /** Whether values of these types may stand where those are expected; remembers what that says about variables. */
  fits(given: readonly Type[], expected: readonly Type[]): boolean;
  /** The type of a list or map literal that has seen `known` and now `added`. */
  join(known: Type, added: Type): Type;
  /** One level resolved: never a variable that is already known. */
  shallow(type: Type): Type;
  /** All variables resolved; the unknown ones are dyn. */
  settle(type: Type): CelType;
}

export function createInference(): Inference {
  let known = new Map<number, Type>();
  let count = 0;

  function shallow(type: Type): Type {
    let current = type;
    while (isVariable(current)) {
      const found = known.get(current.id);
      if (found === undefined) return current;
      current = found;
    }
    return current;
  }

  function assign(given: Type, expected: Type): boolean {
    if (isVariable(expected)) {
      const outcome = substitute(given, expected);
      if (outcome !== 'unbound') return outcome === 'fits';
    }
    if (isVariable(given)) return substitute(expected, given) === 'fits';
    if (given === 'dyn' || expected === 'dyn') return true;
    if (given === 'null') return isNullable(expected);
    if (expected === 'null') return isNullable(given);
    if (typeof given === 'string' || typeof expected === 'string') return given === expected;
    if (given.kind === 'list') return expected.kind === 'list' && assign(given.element, expected.element);
    if (given.kind === 'type') return expected.kind === 'type';
    return expected.kind === 'map' && assign(given.key, expected.key) && assign(given.value, expected.value);
  }

  /** Tries `type` as what `variable` stands for; `unbound`: the variable is free but occurs in the type itself. */
  function substitute(type: Type, variable: Variable): 'fits' | 'differs' | 'unbound' {
    if (isVariable(type) && type.id === variable.id) return 'fits';
    const bound = known.get(variable.id);
    if (bound === undefined) {
      if (occurs(variable, type)) return 'unbound';
      known.set(variable.id, type);
      return 'fits';
    }
    if (same(type, bound)) return 'fits';
    if (!assign(type, bound)) return 'differs';
    const general = isLessSpecific(type, bound) ? type : bound;
    if (!occurs(variable, general)) known.set(variable.id, general);
    return 'fits';
  }

  function occurs(variable: Variable, type: Type): boolean {
    const inner = shallow(type);
    if (typeof inner === 'string') return false;
    switch (inner.kind) {
      case 'variable':
        return inner.id === variable.id;
      case 'list':
        return occurs(variable, inner.element);
      case 'map':
        return occurs(variable, inner.key) || occurs(variable, inner.value);
      case 'type':
        return inner.of !== null && occurs(variable, inner.of);
    }
  }

  function fits(given: readonly Type[], expected: readonly Type[]): boolean {
    const before = known;
    known = new Map(before);
    const all = given.every((type, position) => assign(type, expected[position] ?? 'dyn'));
    if (!all) known = before;
    return all;
  }

  function join(first: Type, second: Type): Type {
    if (!fits([first], [second])) return 'dyn';
    return isLessSpecific(first, second) ? first : second;
  }

  function settle(type: Type): CelType {
    const inner = shallow(type);
    if (typeof inner === 'string') return inner;
    switch (inner.kind) {
      case 'variable':
        return 'dyn';
      case 'list':
        return { kind: 'list', element: settle(inner.element) };
      case 'map':
        return { kind: 'map', key: settle(inner.key), value: settle(inner.value) };
      case 'type':
        return { kind: 'type', of: inner.of === null ? null : settle(inner.of) };
    }
  }

  return { fresh: () => ({ kind: 'variable', id: count++ }), fits, join, shallow, settle };
}

function isVariable(type: Type): type is Variable {
  return typeof type !== 'string' && type.kind === 'variable';
}

/** null stands where a time may be missing; for other types it would only hide a mistake. */
function isNullable(type: Type): boolean {
  return type === 'null' || type === 'timestamp' || type === 'duration';
}

function isLessSpecific(a: Type, b: Type): boolean {
  if (a === 'dyn' || isVariable(a)) return true;
  if (b === 'dyn' || isVariable(b)) return false;
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  if (a.kind === 'list') return b.kind === 'list' && isLessSpecific(a.element, b.element);
  if (a.kind === 'map')
    return b.kind === 'map' && isLessSpecific(a.key, b.key) && isLessSpecific(a.value, b.value);
  return b.kind === 'type';
}

export function same(a: Type, b: Type): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  if (a.kind === 'variable') return b.kind === 'variable' && a.id === b.id;
  if (a.kind === 'list') return b.kind === 'list' && same(a.element, b.element);
  if (a.kind === 'map') return b.kind === 'map' && same(a.key, b.key) && same(a.value, b.value);
  if (b.kind !== 'type') return false;
  return a.of === null || b.of === null ? a.of === b.of : same(a.of, b.of);
}
