// Addition and its kin. Integers have 64 bits and overflow is an error, never a wrap; the types never mix, so the
// error text says how to bring them together, above all for the numbers of JSON, which are doubles.
import { makeDuration, makeTimestamp } from './time.ts';
import {
  Duration,
  Fault,
  isList,
  kindOf,
  MAX_BUILT,
  spend,
  Timestamp,
  Uint,
  workFault,
  type CelValue,
  type Meter,
  type Result,
} from './value.ts';

export type Binary = (a: CelValue, b: CelValue, offset: number, meter: Meter) => Result;

export const add: Binary = (a, b, offset, meter) => {
  if (typeof a === 'string' && typeof b === 'string') {
    const length = a.length + b.length;
    return length > MAX_BUILT || !spend(meter, length >> 4) ? workFault(offset) : a + b;
  }
  if (isList(a) && isList(b)) return spend(meter, a.length + b.length) ? a.concat(b) : workFault(offset);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return joinBytes(a, b, offset, meter);
  if (a instanceof Timestamp && b instanceof Duration) return makeTimestamp(a.nanos + b.nanos, offset);
  if (a instanceof Duration && b instanceof Timestamp) return makeTimestamp(a.nanos + b.nanos, offset);
  if (a instanceof Duration && b instanceof Duration) return makeDuration(a.nanos + b.nanos, offset);
  return numeric(a, b, offset, ADD);
};

export const subtract: Binary = (a, b, offset) => {
  if (a instanceof Timestamp && b instanceof Timestamp) return makeDuration(a.nanos - b.nanos, offset);
  if (a instanceof Timestamp && b instanceof Duration) return makeTimestamp(a.nanos - b.nanos, offset);
  if (a instanceof Duration && b instanceof Duration) return makeDuration(a.nanos - b.nanos, offset);
  return numeric(a, b, offset, SUBTRACT);
};

export const multiply: Binary = (a, b, offset) => numeric(a, b, offset, MULTIPLY);

export const divide: Binary = (a, b, offset) => {
  if ((typeof b === 'bigint' && b === 0n) || (b instanceof Uint && b.value === 0n)) {
    if (kindOf(a) === kindOf(b)) return new Fault('division by zero', offset);
  }
  return numeric(a, b, offset, DIVIDE);
};

export const modulo: Binary = (a, b, offset) => {
  if (typeof a === 'number' || typeof b === 'number') return noOverload('%', [a, b], offset);
  if ((typeof b === 'bigint' && b === 0n) || (b instanceof Uint && b.value === 0n)) {
    if (kindOf(a) === kindOf(b)) return new Fault('modulus by zero', offset);
  }
  return numeric(a, b, offset, MODULO);
};

export function negate(a: CelValue, offset: number): Result {
  if (typeof a === 'number') return -a;
  return typeof a === 'bigint' ? signed(-a, offset) : noOverload('-', [a], offset);
}

interface Operator {
  readonly sign: string;
  readonly onDoubles: (a: number, b: number) => number;
  readonly onIntegers: (a: bigint, b: bigint) => bigint;
}

const ADD: Operator = { sign: '+', onDoubles: (a, b) => a + b, onIntegers: (a, b) => a + b };
const SUBTRACT: Operator = { sign: '-', onDoubles: (a, b) => a - b, onIntegers: (a, b) => a - b };
const MULTIPLY: Operator = { sign: '*', onDoubles: (a, b) => a * b, onIntegers: (a, b) => a * b };
const DIVIDE: Operator = { sign: '/', onDoubles: (a, b) => a / b, onIntegers: (a, b) => a / b };
const MODULO: Operator = { sign: '%', onDoubles: (a, b) => a % b, onIntegers: (a, b) => a % b };

function numeric(a: CelValue, b: CelValue, offset: number, operator: Operator): Result {
  if (typeof a === 'number' && typeof b === 'number') return operator.onDoubles(a, b);
  if (typeof a === 'bigint' && typeof b === 'bigint') {
    return signed(operator.onIntegers(a, b), offset);
  }
  if (a instanceof Uint && b instanceof Uint) return unsigned(operator.onIntegers(a.value, b.value), offset);
  return noOverload(operator.sign, [a, b], offset);
}

/** An int of 64 bits, or the fault that it overflowed. */
export function signed(value: bigint, offset: number): Result {
  return BigInt.asIntN(64, value) === value ? value : new Fault('integer overflow', offset);
}

/** A uint of 64 bits, or the fault that it overflowed. */
export function unsigned(value: bigint, offset: number): Result {
  return BigInt.asUintN(64, value) === value
    ? new Uint(value)
    : new Fault('unsigned integer overflow', offset);
}

function joinBytes(a: Uint8Array, b: Uint8Array, offset: number, meter: Meter): Result {
  const length = a.length + b.length;
  if (length > MAX_BUILT || !spend(meter, length >> 4)) return workFault(offset);
  const joined = new Uint8Array(length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/** The fault of a function that does not take these types. */
export function noOverload(name: string, values: readonly CelValue[], offset: number): Fault {
  const kinds = values.map(kindOf);
  return new Fault(
    `no such overload: '${name}' does not take ${kinds.join(' and ')}${numberHint(kinds)}`,
    offset,
  );
}

/** Explains the commonest slip: an int literal beside a number that came as JSON. */
export function numberHint(kinds: readonly string[]): string {
  const isMixed = kinds.includes('double') && (kinds.includes('int') || kinds.includes('uint'));
  return isMixed
    ? ' (JSON numbers are doubles: write 1.0 instead of 1, or convert with int(…) or double(…))'
    : '';
}
