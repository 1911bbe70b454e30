// The conversions that carry a type's name: int('42'), string(now), timestamp('2026-01-31T09:00:00Z').
import { noOverload, signed, unsigned } from './arithmetic.ts';
import { decodeUtf8, encodeUtf8 } from './text.ts';
import {
  formatDuration,
  formatTimestamp,
  fromSeconds,
  parseDuration,
  parseTimestamp,
  secondsOf,
} from './time.ts';
import {
  Duration,
  excerpt,
  Fault,
  kindOf,
  spend,
  Timestamp,
  TypeName,
  Uint,
  workFault,
  type CelValue,
  type Kind,
  type Meter,
  type Result,
} from './value.ts';

export type Unary = (a: CelValue, offset: number, meter: Meter) => Result;

const TRUTHS: ReadonlyMap<string, boolean> = new Map([
  ['1', true],
  ['t', true],
  ['T', true],
  ['true', true],
  ['TRUE', true],
  ['True', true],
  ['0', false],
  ['f', false],
  ['F', false],
  ['false', false],
  ['FALSE', false],
  ['False', false],
]);
const TYPE_OF: Readonly<Record<Kind, TypeName>> = {
  null: new TypeName('null_type'),
  bool: new TypeName('bool'),
  int: new TypeName('int'),
  uint: new TypeName('uint'),
  double: new TypeName('double'),
  string: new TypeName('string'),
  bytes: new TypeName('bytes'),
  list: new TypeName('list'),
  map: new TypeName('map'),
  timestamp: new TypeName('google.protobuf.Timestamp'),
  duration: new TypeName('google.protobuf.Duration'),
  type: new TypeName('type'),
  foreign: new TypeName('foreign'),
};
/** No two ways to read one digit, so that a long text is refused in linear time. */
const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
/** Longest text read as a number; the digits of the largest double, twice over. */
const MAX_NUMBER = 800;
const INFINITE = /^([+-]?)(?:inf|infinity)$/i;

function toBool(a: CelValue, offset: number): Result {
  if (typeof a === 'boolean') return a;
  if (typeof a !== 'string') return noOverload('bool', [a], offset);
  return TRUTHS.get(a) ?? unreadable(a, 'bool', offset);
}

function toInt(a: CelValue, offset: number): Result {
  if (typeof a === 'bigint') return a;
  if (a instanceof Uint) return signed(a.value, offset);
  if (typeof a === 'number') {
    // The bounds themselves are refused: as doubles they may stand for integers beyond them.
    return Math.abs(a) < 2 ** 63
      ? BigInt(Math.trunc(a))
      : new Fault(`${a} is out of the range of int`, offset);
  }
  if (a instanceof Timestamp) return secondsOf(a);
  if (typeof a !== 'string') return noOverload('int', [a], offset);
  return /^[+-]?\d{1,30}$/.test(a)
    ? signed(BigInt(a.replace('+', '')), offset)
    : unreadable(a, 'int', offset);
}

function toUint(a: CelValue, offset: number): Result {
  if (a instanceof Uint) return a;
  if (typeof a === 'bigint') return unsigned(a, offset);
  if (typeof a === 'number') {
    return a >= 0 && a < 2 ** 64
      ? new Uint(BigInt(Math.trunc(a)))
      : new Fault(`${a} is out of the range of uint`, offset);
  }
  if (typeof a !== 'string') return noOverload('uint', [a], offset);
  return /^\d{1,30}$/.test(a) ? unsigned(BigInt(a), offset) : unreadable(a, 'uint', offset);
}

function toDouble(a: CelValue, offset: number): Result {
  if (typeof a === 'number') return a;
  if (typeof a === 'bigint') return Number(a);
  if (a instanceof Uint) return Number(a.value);
  if (typeof a !== 'string') return noOverload('double', [a], offset);
  if (a.length <= MAX_NUMBER && DECIMAL.test(a)) return Number(a);
  const infinite = INFINITE.exec(a);
  if (infinite !== null) return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return a.toLowerCase() === 'nan' ? Number.NaN : unreadable(a, 'double', offset);
}

function toText(a: CelValue, offset: number, meter: Meter): Result {
  if (typeof a === 'string') return a;
  if (typeof a === 'boolean' || typeof a === 'bigint' || typeof a === 'number') return String(a);
  if (a instanceof Uint) return String(a.value);
  if (a instanceof Timestamp) return formatTimestamp(a);
  if (a instanceof Duration) return formatDuration(a);
  if (a instanceof Uint8Array) {
    if (!spend(meter, a.length)) return workFault(offset);
    return decodeUtf8(a) ?? new Fault('the bytes are no UTF-8 text', offset);
  }
  return noOverload('string', [a], offset);
}

function toBytes(a: CelValue, offset: number, meter: Meter): Result {
  if (a instanceof Uint8Array) return a;
  if (typeof a !== 'string') return noOverload('bytes', [a], offset);
  return spend(meter, a.length) ? encodeUtf8(a) : workFault(offset);
}

function toTimestamp(a: CelValue, offset: number): Result {
  if (a instanceof Timestamp) return a;
  if (typeof a === 'bigint') return fromSeconds(a, offset);
  return typeof a === 'string' ? parseTimestamp(a, offset) : noOverload('timestamp', [a], offset);
}

function toDuration(a: CelValue, offset: number): Result {
  if (a instanceof Duration) return a;
  return typeof a === 'string' ? parseDuration(a, offset) : noOverload('duration', [a], offset);
}

function unreadable(text: string, type: string, offset: number): Fault {
  return new Fault(`'${excerpt(text)}' cannot be read as ${type}`, offset);
}

/** All conversions, by the name they are called with. */
export const CONVERSIONS: ReadonlyMap<string, Unary> = new Map<string, Unary>([
  ['bool', toBool],
  ['int', toInt],
  ['uint', toUint],
  ['double', toDouble],
  ['string', toText],
  ['bytes', toBytes],
  ['timestamp', toTimestamp],
  ['duration', toDuration],
  ['dyn', (a) => a],
  ['type', (a) => TYPE_OF[kindOf(a)]],
]);
