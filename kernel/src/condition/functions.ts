// Every function and operator that yields a value from one or two others, by name and number of operands. The
// receiver counts as the first operand, so `size(x)` and `x.size()` are one entry.
import { add, divide, modulo, multiply, negate, noOverload, subtract, type Binary } from './arithmetic.ts';
import { equal, isNumber, order } from './compare.ts';
import { CONVERSIONS, type Unary } from './convert.ts';
import { compilePattern, countCodePoints } from './text.ts';
import { findZone, MOMENT_FIELDS, momentField, SPAN_FIELDS, UTC } from './time.ts';
import {
  Duration,
  excerpt,
  Fault,
  isList,
  isMap,
  kindOf,
  lookup,
  sizeOfMap,
  spend,
  Timestamp,
  workFault,
  type CelValue,
} from './value.ts';

const size: Unary = (a, offset, meter) => {
  if (typeof a === 'string')
    return spend(meter, a.length >> 4) ? BigInt(countCodePoints(a)) : workFault(offset);
  if (isList(a) || a instanceof Uint8Array) return BigInt(a.length);
  if (!isMap(a)) return noOverload('size', [a], offset);
  const keys = sizeOfMap(a);
  return spend(meter, keys) ? BigInt(keys) : workFault(offset);
};

const not: Unary = (a, offset) => (typeof a === 'boolean' ? !a : noOverload('!', [a], offset));

const equals: Binary = (a, b, offset, meter) => equal(a, b, { offset, meter, depth: 0 });

const differs: Binary = (a, b, offset, meter) => {
  const same = equal(a, b, { offset, meter, depth: 0 });
  return same instanceof Fault ? same : !same;
};

function ordering(sign: string, holds: (order: number) => boolean): Binary {
  return (a, b, offset, meter) => {
    if (typeof a === 'string' && !spend(meter, a.length >> 4)) return workFault(offset);
    const found = order(a, b);
    return found === null ? noOverload(sign, [a, b], offset) : holds(found);
  };
}

const isIn: Binary = (a, b, offset, meter) => {
  // A list or map can be no key: asking for one is a confusion of types, and a plain "no" might allow something.
  if (isMap(b) && isKeyLike(a)) return lookup(b, a) !== undefined;
  if (!isList(b)) return noOverload('in', [a, b], offset);
  if (!spend(meter, b.length)) return workFault(offset);
  const at = { offset, meter, depth: 0 };
  for (const element of b) {
    const same = equal(a, element, at);
    if (same !== false) return same;
  }
  return false;
};

function isKeyLike(value: CelValue): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || isNumber(value);
}

const index: Binary = (a, b, offset) => {
  if (isMap(a)) {
    const found = lookup(a, b);
    return found === undefined ? noSuchKey(b, offset) : found;
  }
  if (!isList(a)) return noOverload('[]', [a, b], offset);
  if (!isNumber(b)) return noOverload('[]', [a, b], offset);
  const place = typeof b === 'object' ? Number(b.value) : Number(b);
  const found = Number.isInteger(place) && place >= 0 ? a[place] : undefined;
  return found === undefined ? new Fault(`no element ${place} in a list of ${a.length}`, offset) : found;
};

export function noSuchKey(key: CelValue, offset: number): Fault {
  const shown = typeof key === 'string' ? `'${excerpt(key)}'` : `of type ${kindOf(key)}`;
  return new Fault(`no such key: ${shown}; guard it with has(…) or 'in'`, offset);
}

function onText(name: string, test: (text: string, part: string) => boolean): Binary {
  return (a, b, offset, meter) => {
    if (typeof a !== 'string' || typeof b !== 'string') return noOverload(name, [a, b], offset);
    return spend(meter, a.length >> 4) ? test(a, b) : workFault(offset);
  };
}

/** What compiling a pattern or looking up a time zone counts, up to half a millisecond each. */
const PREPARATION = 5000;

const matches: Binary = (a, b, offset, meter) => {
  if (typeof a !== 'string' || typeof b !== 'string') return noOverload('matches', [a, b], offset);
  // A pattern out of the data may be as bad as patterns get: compiling it and each of its states are charged.
  if (!spend(meter, PREPARATION + ((a.length * b.length) >> 4))) return workFault(offset);
  const pattern = compilePattern(b);
  return pattern.kind === 'refused' ? new Fault(pattern.message, offset) : pattern.test(a);
};

function fieldOf(name: string): Unary {
  const onMoment = MOMENT_FIELDS.get(name);
  const onSpan = SPAN_FIELDS.get(name);
  return (a, offset) => {
    if (a instanceof Timestamp && onMoment !== undefined) return momentField(a, onMoment, UTC);
    return a instanceof Duration && onSpan !== undefined ? onSpan(a.nanos) : noOverload(name, [a], offset);
  };
}

function fieldInZone(name: string): Binary {
  const onMoment = MOMENT_FIELDS.get(name);
  return (a, b, offset, meter) => {
    if (!(a instanceof Timestamp) || typeof b !== 'string' || onMoment === undefined) {
      return noOverload(name, [a, b], offset);
    }
    if (!spend(meter, PREPARATION)) return workFault(offset);
    const zone = findZone(b);
    return zone === null ? unknownZone(b, offset) : momentField(a, onMoment, zone);
  };
}

export function unknownZone(name: string, offset: number): Fault {
  return new Fault(`'${excerpt(name)}' is no time zone such as 'Europe/Berlin', 'UTC' or '+02:00'`, offset);
}

export interface Definition<F> {
  readonly style: 'global' | 'receiver' | 'both';
  readonly run: F;
}

/** Functions of one operand. */
export const UNARY: ReadonlyMap<string, Definition<Unary>> = new Map<string, Definition<Unary>>([
  ['!_', { style: 'global', run: not }],
  ['-_', { style: 'global', run: negate }],
  ['size', { style: 'both', run: size }],
  ...Array.from(CONVERSIONS, ([name, run]) => [name, { style: 'global', run }] as const),
  ...Array.from(MOMENT_FIELDS.keys(), (name) => [name, { style: 'receiver', run: fieldOf(name) }] as const),
]);

/** Functions of two operands. */
export const BINARY: ReadonlyMap<string, Definition<Binary>> = new Map<string, Definition<Binary>>([
  ['_+_', { style: 'global', run: add }],
  ['_-_', { style: 'global', run: subtract }],
  ['_*_', { style: 'global', run: multiply }],
  ['_/_', { style: 'global', run: divide }],
  ['_%_', { style: 'global', run: modulo }],
  ['_==_', { style: 'global', run: equals }],
  ['_!=_', { style: 'global', run: differs }],
  ['_<_', { style: 'global', run: ordering('<', (found) => found < 0) }],
  ['_<=_', { style: 'global', run: ordering('<=', (found) => found <= 0) }],
  ['_>_', { style: 'global', run: ordering('>', (found) => found > 0) }],
  ['_>=_', { style: 'global', run: ordering('>=', (found) => found >= 0) }],
  ['@in', { style: 'global', run: isIn }],
  ['_[_]', { style: 'global', run: index }],
  ['contains', { style: 'receiver', run: onText('contains', (text, part) => text.includes(part)) }],
  ['startsWith', { style: 'receiver', run: onText('startsWith', (text, part) => text.startsWith(part)) }],
  ['endsWith', { style: 'receiver', run: onText('endsWith', (text, part) => text.endsWith(part)) }],
  ['matches', { style: 'both', run: matches }],
  ...Array.from(
    MOMENT_FIELDS.keys(),
    (name) => [name, { style: 'receiver', run: fieldInZone(name) }] as const,
  ),
]);

/** The function of a call as it is written, or undefined where there is none of that name, form and arity. */
export function findFunction<F>(
  table: ReadonlyMap<string, Definition<F>>,
  name: string,
  receiver: boolean,
): F | undefined {
  const found = table.get(name);
  if (found === undefined) return undefined;
  return found.style === 'both' || (found.style === 'receiver') === receiver ? found.run : undefined;
}
