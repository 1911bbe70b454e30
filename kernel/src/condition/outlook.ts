// What is known of a condition before any action comes: that it can only be true, or only false. A condition is tried
// with every combination of what its parts can be, up to a bound, so what is said here holds for every action; of the
// rest nothing is said.
import { formulaOf, keyOf } from './formula.ts';
import type { Comparison, Formula, Scalar } from './formula.ts';
import { parse } from './parse.ts';

export interface Outlook {
  /** What it gives whenever it can be evaluated; null where that depends on the action. */
  readonly value: boolean | null;
  /** It can be evaluated always: no part that could fail decides it. */
  readonly isCertain: boolean;
}

const OPEN: Outlook = { value: null, isCertain: false };

/** More combinations than this are not tried. */
const MAX_WORLDS = 512;

/** What several conditions give together, as if joined by `&&`. Sources that do not parse leave it open. */
export function outlookOf(sources: readonly string[]): Outlook {
  const parts: Formula[] = [];
  for (const source of sources) {
    const parsed = parse(source);
    if (parsed.kind === 'refused') return OPEN;
    parts.push(formulaOf(parsed.node));
  }
  const formula: Formula = { kind: 'and', parts };
  const worlds = worldsOf(formula);
  if (worlds === null) return OPEN;
  const certain = evaluate(formula, new Map());
  if (certain !== null) return { value: certain, isCertain: true };
  const seen = new Set<boolean>();
  for (const world of worlds) {
    const value = evaluate(formula, world);
    if (value !== null) seen.add(value);
    if (seen.size > 1) return OPEN;
  }
  const [value] = seen;
  return value === undefined ? OPEN : { value, isCertain: false };
}

/** Equal for conditions that say the same, however they are spaced and quoted; the source itself where it does not parse. */
export function conditionKey(source: string): string {
  const parsed = parse(source);
  return parsed.kind === 'refused' ? source : keyOf(parsed.node);
}

/** What one thing can be: a value that the condition names, one between or beyond them, or something else altogether. */
type Point = Scalar | typeof OTHER;
type World = ReadonlyMap<string, Point>;

const OTHER = Symbol('any other value');

/** Every combination of what atoms and terms can be; null where there are too many. */
function worldsOf(formula: Formula): Iterable<World> | null {
  const points = new Map<string, readonly Point[]>();
  const comparisons = new Map<string, Comparison[]>();
  const visit = (part: Formula): void => {
    switch (part.kind) {
      case 'known':
        return;
      case 'atom':
        points.set(`?${part.key}`, [true, false]);
        return;
      case 'compare': {
        const known = comparisons.get(part.term);
        if (known === undefined) comparisons.set(part.term, [part]);
        else known.push(part);
        return;
      }
      case 'and':
      case 'or':
        part.parts.forEach(visit);
        return;
      case 'not':
        visit(part.part);
        return;
      case 'choice':
        [part.test, part.yes, part.no].forEach(visit);
    }
  };
  visit(formula);
  for (const [term, found] of comparisons) points.set(`=${term}`, pointsOf(found));
  let count = 1;
  for (const values of points.values()) count *= values.length;
  return count > MAX_WORLDS ? null : combine([...points]);
}

function* combine(points: readonly (readonly [string, readonly Point[]])[]): Iterable<World> {
  const [first, ...others] = points;
  if (first === undefined) {
    yield new Map();
    return;
  }
  const [key, values] = first;
  for (const rest of combine(others)) for (const value of values) yield new Map([...rest, [key, value]]);
}

/** One value of each kind that comparisons can tell apart. The infinities stand for what lies beyond all numbers named. */
function pointsOf(comparisons: readonly Comparison[]): readonly Point[] {
  const named = new Set(comparisons.flatMap(({ values }) => values));
  const numbers = [...named].filter((value) => typeof value === 'number').toSorted((a, b) => a - b);
  const isOrdered = comparisons.some(({ operator }) => operator !== 'in');
  if (!isOrdered) return [...named, OTHER];
  const between = numbers.slice(1).map((number, index) => {
    const before = numbers[index] ?? number;
    return before + (number - before) / 2;
  });
  const nan = comparisons.every(({ isPlain }) => isPlain) ? [] : [Number.NaN];
  return [...named, ...between, -Infinity, Infinity, ...nan, OTHER];
}

/** null: it fails. As CEL has it, the other side of && and || may still decide. */
function evaluate(formula: Formula, world: World): boolean | null {
  switch (formula.kind) {
    case 'known':
      return formula.value;
    case 'atom': {
      const value = world.get(`?${formula.key}`);
      return typeof value === 'boolean' ? value : null;
    }
    case 'compare': {
      const value = world.get(`=${formula.term}`);
      return value === undefined ? null : holds(formula, value);
    }
    case 'and':
    case 'or': {
      const decisive = formula.kind === 'or';
      let result: boolean | null = !decisive;
      for (const part of formula.parts) {
        const value = evaluate(part, world);
        if (value === decisive) return decisive;
        if (value === null) result = null;
      }
      return result;
    }
    case 'not': {
      const value = evaluate(formula.part, world);
      return value === null ? null : !value;
    }
    case 'choice': {
      const test = evaluate(formula.test, world);
      return test === null ? null : evaluate(test ? formula.yes : formula.no, world);
    }
  }
}

function holds({ operator, values }: Comparison, value: Point): boolean | null {
  if (operator === 'in') return value !== OTHER && values.includes(value);
  const [bound] = values;
  if (typeof value !== 'number' || typeof bound !== 'number') return null;
  switch (operator) {
    case '<':
      return value < bound;
    case '<=':
      return value <= bound;
    case '>':
      return value > bound;
    case '>=':
      return value >= bound;
  }
}
