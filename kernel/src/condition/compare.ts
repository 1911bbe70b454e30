// Equality and order. Numbers compare across their types by value; values of different kinds are simply unequal;
// only what has an order can be ordered. Integers meet doubles as doubles, which is what the official suite asks.
import { compareText } from './text.ts';
import {
  Duration,
  Fault,
  isList,
  isMap,
  keysOf,
  kindOf,
  lookup,
  sizeOfMap,
  spend,
  Timestamp,
  TypeName,
  Uint,
  workFault,
  type CelList,
  type CelMap,
  type CelObject,
  type CelValue,
  type Meter,
} from './value.ts';

/** Levels that equality follows into the data, far from where the stack would end. */
const MAX_DATA_DEPTH = 200;

/** What equality carries along: where it stands in the source, what it may spend, how deep it is in the data. */
export interface Comparison {
  readonly offset: number;
  readonly meter: Meter;
  readonly depth: number;
}

export function equal(a: CelValue, b: CelValue, at: Comparison): boolean | Fault {
  if (typeof a === 'string' && typeof b === 'string') return equalTexts(a, b, at);
  if (typeof a !== 'object' && typeof b !== 'object') return equalPlain(a, b);
  if (a === null || b === null) return a === b;
  if (isNumber(a) || isNumber(b)) return isNumber(a) && isNumber(b) && equalNumbers(a, b);
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  if (kindOf(a) !== kindOf(b)) return false;
  if (isList(a) && isList(b)) return equalLists(a, b, at);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b) === 0;
  if (a instanceof Timestamp || a instanceof Duration) return 'nanos' in b && a.nanos === b.nanos;
  if (a instanceof TypeName) return b instanceof TypeName && a.name === b.name;
  return isMap(a) && isMap(b) && equalMaps(a, b, at);
}

function equalTexts(a: string, b: string, at: Comparison): boolean | Fault {
  if (a.length !== b.length) return false;
  return spend(at.meter, a.length >> 4) ? a === b : workFault(at.offset);
}

function equalPlain(a: CelValue, b: CelValue): boolean {
  if (a === b) return true;
  if (typeof a === 'number') return typeof b === 'bigint' && Number(b) === a;
  return typeof a === 'bigint' && typeof b === 'number' && Number(a) === b;
}

type Numeric = number | bigint | Uint;

export function isNumber(value: CelValue): value is Numeric {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof Uint;
}

function equalNumbers(a: Numeric, b: Numeric): boolean {
  const left = a instanceof Uint ? a.value : a;
  return equalPlain(left, b instanceof Uint ? b.value : b);
}

function deeper(at: Comparison, elements: number): Comparison | Fault {
  if (!spend(at.meter, elements + 1)) return workFault(at.offset);
  if (at.depth > MAX_DATA_DEPTH)
    return new Fault(`the data nests more than ${MAX_DATA_DEPTH} levels deep`, at.offset);
  return { offset: at.offset, meter: at.meter, depth: at.depth + 1 };
}

function equalLists(a: CelList, b: CelList, at: Comparison): boolean | Fault {
  if (a.length !== b.length) return false;
  const inside = deeper(at, a.length);
  if (inside instanceof Fault) return inside;
  for (let i = 0; i < a.length; i++) {
    const same = equal(a[i] ?? null, b[i] ?? null, inside);
    if (same !== true) return same;
  }
  return true;
}

function equalMaps(a: CelMap | CelObject, b: CelMap | CelObject, at: Comparison): boolean | Fault {
  const keys = keysOf(a);
  if (keys.length !== sizeOfMap(b)) return false;
  const inside = deeper(at, keys.length);
  if (inside instanceof Fault) return inside;
  for (const key of keys) {
    const left = lookup(a, key);
    const right = lookup(b, key);
    if (left === undefined || right === undefined) return false;
    const same = equal(left, right, inside);
    if (same !== true) return same;
  }
  return true;
}

/** Negative, 0 or positive; NaN where a NaN is involved; null where the two have no order. */
export function order(a: CelValue, b: CelValue): number | null {
  if (typeof a === 'string') return typeof b === 'string' ? compareText(a, b) : null;
  if (isNumber(a)) return isNumber(b) ? orderNumbers(a, b) : null;
  if (typeof a === 'boolean') return typeof b === 'boolean' ? Number(a) - Number(b) : null;
  if (a instanceof Timestamp) return b instanceof Timestamp ? orderBig(a.nanos, b.nanos) : null;
  if (a instanceof Duration) return b instanceof Duration ? orderBig(a.nanos, b.nanos) : null;
  if (a instanceof Uint8Array) return b instanceof Uint8Array ? compareBytes(a, b) : null;
  return null;
}

function orderNumbers(a: Numeric, b: Numeric): number {
  const left = a instanceof Uint ? a.value : a;
  const right = b instanceof Uint ? b.value : b;
  if (typeof left === 'bigint' && typeof right === 'bigint') return orderBig(left, right);
  const [x, y] = [Number(left), Number(right)];
  if (x === y) return 0;
  if (x < y) return -1;
  return x > y ? 1 : Number.NaN;
}

function orderBig(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
