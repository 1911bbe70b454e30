// What an expression can hold while it runs. JSON stays what it is (a JSON number is a CEL double, a JSON object a
// map with string keys); whatever JSON cannot say is an instance of a class here, because a class is the one mark
// that no JSON document can counterfeit.

/** Unsigned 64-bit integer. A plain `bigint` is CEL's signed `int`. */
export class Uint {
  readonly kind = 'uint';
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

/** A moment, in nanoseconds since 1970-01-01T00:00:00Z, from year 1 to year 9999. */
export class Timestamp {
  readonly kind = 'timestamp';
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** A span of time in nanoseconds, within 64 bits (about 292 years). */
export class Duration {
  readonly kind = 'duration';
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** What `type(x)` gives: a type as a value, equal by its name. */
export class TypeName {
  readonly kind = 'type';
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** A map written in the expression itself. Keys are found by their number, whichever numeric type they have. */
export class CelMap {
  readonly kind = 'map';
  readonly entries: ReadonlyMap<MapKey, { readonly key: CelValue; readonly value: CelValue }>;
  constructor(entries: ReadonlyMap<MapKey, { readonly key: CelValue; readonly value: CelValue }>) {
    this.entries = entries;
  }
}

/** An error as a value: `&&`, `||`, `all` and `exists` may still absorb it. */
export class Fault {
  readonly kind = 'fault';
  readonly message: string;
  /** Where in the source the failing operation stands, in UTF-16 code units. */
  readonly offset: number;
  constructor(message: string, offset: number) {
    this.message = message;
    this.offset = offset;
  }
}

export type MapKey = string | boolean | bigint;
export type CelList = readonly CelValue[];
export interface CelObject {
  readonly [key: string]: CelValue;
}
export type CelValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint
  | Uint8Array
  | Timestamp
  | Duration
  | TypeName
  | CelMap
  | CelList
  | CelObject;

export type Result = CelValue | Fault;

export type Kind =
  | 'null'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'list'
  | 'map'
  | 'timestamp'
  | 'duration'
  | 'type'
  | 'foreign';

/** What is spent while one evaluation runs, so that no condition can hold a decision up. */
export interface Meter {
  loops: number;
  work: number;
}

/** Characters a condition may have, levels it may nest, and parts it may consist of. */
export const MAX_LENGTH = 4096;
export const MAX_DEPTH = 64;
export const MAX_NODES = 500;
/** Turns of all/exists/exists_one/map/filter in one evaluation, nested ones counted together. */
export const MAX_LOOPS = 10_000;
/** Elements compared or copied, or 16 characters scanned, in one evaluation: some 10 ms at worst. */
const MAX_WORK = 1_000_000;
/** What conditions that share a budget may take together, so that a charter of hundreds of them cannot hold a decision up either. */
export const MAX_LOOPS_TOGETHER = 3 * MAX_LOOPS;
const MAX_WORK_TOGETHER = 3 * MAX_WORK;
/** Longest text or byte string an expression may build. */
export const MAX_BUILT = 1_000_000;

/** Books `amount` of work; false once the evaluation has had its share. */
export function spend(meter: Meter, amount: number): boolean {
  meter.work += amount;
  return meter.work <= MAX_WORK;
}

/** Once true every loop ends at its next error: absorbing one more would only go on wasting time. */
export function isSpent(meter: Meter): boolean {
  return meter.loops > MAX_LOOPS || meter.work > MAX_WORK;
}

/** What of its own share an evaluation begins without, because others with the same budget have used theirs. */
export function usedUp(budget: Meter): Meter {
  return {
    loops: Math.max(0, budget.loops - (MAX_LOOPS_TOGETHER - MAX_LOOPS)),
    work: Math.max(0, budget.work - (MAX_WORK_TOGETHER - MAX_WORK)),
  };
}

/** At most 40 characters of a text from outside, for use in a message. */
export function excerpt(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

export function workFault(offset: number): Fault {
  return new Fault('the values are too large to be compared or joined here; narrow them down first', offset);
}

/** The type of a value at run time; `foreign` is whatever is neither JSON nor one of ours. */
export function kindOf(value: CelValue): Kind {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'number':
      return 'double';
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'object':
      return kindOfObject(value);
    case 'undefined':
    case 'function':
    case 'symbol':
      return 'foreign';
  }
}

function kindOfObject(value: CelValue & (object | null)): Kind {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Uint) return 'uint';
  if (value instanceof Timestamp) return 'timestamp';
  if (value instanceof Duration) return 'duration';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof TypeName) return 'type';
  return 'map';
}

export function isList(value: CelValue): value is CelList {
  return Array.isArray(value);
}

export function isMap(value: CelValue): value is CelMap | CelObject {
  return typeof value === 'object' && value !== null && kindOfObject(value) === 'map';
}

/** The key as maps find it: numbers by their value, so that 1, 1u and 1.0 are one key. Undefined can be no key. */
export function mapKey(key: CelValue): MapKey | undefined {
  if (typeof key === 'string' || typeof key === 'boolean' || typeof key === 'bigint') return key;
  if (typeof key === 'number') return Number.isInteger(key) ? BigInt(key) : undefined;
  return key instanceof Uint ? key.value : undefined;
}

/** The value under a key, or undefined where there is none. Only own properties count: `__proto__` is no key. */
export function lookup(map: CelMap | CelObject, key: CelValue): CelValue | undefined {
  if (map instanceof CelMap) {
    const found = mapKey(key);
    return found === undefined ? undefined : map.entries.get(found)?.value;
  }
  return typeof key === 'string' && Object.hasOwn(map, key) ? map[key] : undefined;
}

export function sizeOfMap(map: CelMap | CelObject): number {
  return map instanceof CelMap ? map.entries.size : keysOf(map).length;
}

/** Keys in the order in which they were written. */
export function keysOf(map: CelMap | CelObject): readonly CelValue[] {
  if (map instanceof CelMap) return Array.from(map.entries.values(), (entry) => entry.key);
  return Object.keys(map).filter((key) => map[key] !== undefined);
}
