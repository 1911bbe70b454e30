// Faster forms of what charters mostly say: a parameter against a constant, a name in a list of names, a constant
// pattern or time zone. Each gives the very result of the general form, which takes over for every other type.
import type { Binary } from './arithmetic.ts';
import { unknownZone } from './functions.ts';
import type { Frame, Step } from './step.ts';
import { compilePattern } from './text.ts';
import { findZone, MOMENT_FIELDS, momentField } from './time.ts';
import {
  Fault,
  isList,
  spend,
  Timestamp,
  workFault,
  type CelList,
  type CelValue,
  type Result,
} from './value.ts';

/** A call of two operands whose second one is known beforehand. */
export interface ConstantCall {
  readonly name: string;
  readonly left: Step;
  readonly right: CelValue;
  readonly offset: number;
  /** The general form. */
  readonly run: Binary;
}

/** The faster form; null where there is none. A fault says that the constant itself can never work. */
export function shorten(call: ConstantCall): Step | Fault | null {
  const { name, right } = call;
  if (name === '_==_' || name === '_!=_') return shortenEquality(call, name === '_==_');
  if (name === '@in') return isList(right) ? shortenMembership(call, right) : null;
  if (name === 'matches') return typeof right === 'string' ? shortenPattern(call, right) : null;
  if (MOMENT_FIELDS.has(name)) return typeof right === 'string' ? shortenZone(call, right) : null;
  return shortenOrder(call);
}

function general({ run, right, offset }: ConstantCall, left: CelValue, frame: Frame): Result {
  return run(left, right, offset, frame);
}

function shortenEquality(call: ConstantCall, wanted: boolean): Step | null {
  const { left, right } = call;
  if (typeof right === 'string' || typeof right === 'boolean' || right === null) {
    return (frame) => {
      const value = left(frame);
      return value instanceof Fault ? value : (value === right) === wanted;
    };
  }
  if (typeof right !== 'number' && typeof right !== 'bigint') return null;
  const double = Number(right);
  return (frame) => {
    const value = left(frame);
    if (typeof value === 'number') return (value === double) === wanted;
    return value instanceof Fault ? value : general(call, value, frame);
  };
}

const ORDERS: ReadonlyMap<string, (a: number, b: number) => boolean> = new Map([
  ['_<_', (a: number, b: number) => a < b],
  ['_<=_', (a: number, b: number) => a <= b],
  ['_>_', (a: number, b: number) => a > b],
  ['_>=_', (a: number, b: number) => a >= b],
]);

function shortenOrder(call: ConstantCall): Step | null {
  const { left, right, name } = call;
  const holds = ORDERS.get(name);
  if (holds === undefined || (typeof right !== 'number' && typeof right !== 'bigint')) return null;
  const double = Number(right);
  return (frame) => {
    const value = left(frame);
    if (typeof value === 'number') return holds(value, double);
    return value instanceof Fault ? value : general(call, value, frame);
  };
}

/** A literal list of texts and safe numbers becomes a set; a value of any other type takes the general way. */
function shortenMembership(call: ConstantCall, list: CelList): Step | null {
  const { left } = call;
  const members = new Set<CelValue>();
  for (const element of list) {
    const member = typeof element === 'bigint' ? Number(element) : element;
    const isText = typeof member === 'string';
    if (!isText && !(typeof member === 'number' && Math.abs(member) <= Number.MAX_SAFE_INTEGER)) return null;
    members.add(member);
  }
  return (frame) => {
    const value = left(frame);
    if (typeof value === 'string' || typeof value === 'number') return members.has(value);
    return value instanceof Fault ? value : general(call, value, frame);
  };
}

function shortenPattern(call: ConstantCall, source: string): Step | Fault {
  const { left, offset } = call;
  const pattern = compilePattern(source);
  if (pattern.kind === 'refused') return new Fault(pattern.message, offset);
  return (frame) => {
    const value = left(frame);
    if (value instanceof Fault) return value;
    if (typeof value !== 'string') return general(call, value, frame);
    return spend(frame, value.length >> 2) ? pattern.test(value) : workFault(offset);
  };
}

function shortenZone(call: ConstantCall, name: string): Step | Fault {
  const { left, offset } = call;
  const zone = findZone(name);
  if (zone === null) return unknownZone(name, offset);
  const field = MOMENT_FIELDS.get(call.name);
  return (frame) => {
    const value = left(frame);
    if (value instanceof Timestamp && field !== undefined) return momentField(value, field, zone);
    return value instanceof Fault ? value : general(call, value, frame);
  };
}
