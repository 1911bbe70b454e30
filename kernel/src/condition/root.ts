// The names a condition starts from. Bindings are plain JSON; a root declared as a type that JSON lacks is converted
// when it is read: a timestamp comes as epoch milliseconds, an int as a whole number.
import type { Step } from './step.ts';
import { makeTimestamp } from './time.ts';
import type { CelType } from './type.ts';
import { Fault, Uint, type CelValue, type Result } from './value.ts';

export function readRoot(name: string, type: CelType, offset: number): Step {
  const convert = CONVERTERS.get(type);
  return ({ bindings }) => {
    const value = Object.hasOwn(bindings, name) ? bindings[name] : undefined;
    if (!isValue(value)) return new Fault(`no value was given for '${name}'`, offset);
    return convert === undefined || typeof value !== 'number' ? value : convert(value, name, offset);
  };
}

/** What is no JSON deeper inside is met as kind `foreign` by the first operation on it. */
function isValue(bound: unknown): bound is CelValue {
  return bound !== undefined && typeof bound !== 'function' && typeof bound !== 'symbol';
}

type Converter = (value: number, name: string, offset: number) => Result;

const CONVERTERS: ReadonlyMap<CelType, Converter> = new Map<CelType, Converter>([
  [
    'timestamp',
    (value, name, offset) =>
      Number.isFinite(value)
        ? makeTimestamp(BigInt(Math.trunc(value)) * 1_000_000n, offset)
        : wrong(name, 'a timestamp', offset),
  ],
  [
    'int',
    (value, name, offset) => (Number.isSafeInteger(value) ? BigInt(value) : wrong(name, 'an int', offset)),
  ],
  [
    'uint',
    (value, name, offset) =>
      Number.isSafeInteger(value) && value >= 0 ? new Uint(BigInt(value)) : wrong(name, 'a uint', offset),
  ],
]);

function wrong(name: string, what: string, offset: number): Fault {
  return new Fault(`the value given for '${name}' is not ${what}`, offset);
}
