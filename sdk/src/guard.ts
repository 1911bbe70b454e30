// Hand-written guards for everything that comes over the wire. Whatever does not have the shape it must have is no
// answer at all: a field that was guessed could be the one that says "no".
import { MandateUnavailable } from './errors.ts';
import type { Json } from '@mandate/kernel';

export type Fields = Readonly<Record<string, unknown>>;

/** Throws MandateUnavailable: the answer is nonsense at `where`. */
export function nonsense(where: string, expected: string): never {
  throw new MandateUnavailable(
    'nonsense',
    `What answered is not Mandate, or not a version that this SDK understands: ${where} is not ${expected}. Nothing was run. Check MANDATE_URL and the versions of both.`,
  );
}

export function fieldsOf(value: unknown, where: string): Fields {
  if (!isFields(value)) return nonsense(where, 'an object');
  return value;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown, where: string): string {
  return typeof value === 'string' ? value : nonsense(where, 'a text');
}

export function idOf(value: unknown, where: string): string {
  return typeof value === 'string' && value !== '' ? value : nonsense(where, 'an id');
}

export function numberOf(value: unknown, where: string): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : nonsense(where, 'a number');
}

export function truthOf(value: unknown, where: string): boolean {
  return typeof value === 'boolean' ? value : nonsense(where, 'true or false');
}

export function wordOf<Word extends string>(value: unknown, words: readonly Word[], where: string): Word {
  return words.find((word) => word === value) ?? nonsense(where, `one of ${words.join(', ')}`);
}

export function listOf<T>(
  value: unknown,
  read: (item: unknown, where: string) => T,
  where: string,
): readonly T[] {
  if (!Array.isArray(value)) return nonsense(where, 'a list');
  return value.map((item: unknown, i) => read(item, `${where}[${i}]`));
}

/** null and a missing field are the same: not there. */
export function optional<T>(
  value: unknown,
  read: (value: unknown, where: string) => T,
  where: string,
): T | null {
  return value === undefined || value === null ? null : read(value, where);
}

export function countsOf(value: unknown, where: string): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(fieldsOf(value, where)).map(([key, count]) => [key, numberOf(count, `${where}.${key}`)]),
  );
}

/** Only for values that came out of JSON.parse, which makes nothing but JSON. */
export function parsedJson(value: unknown): Json {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JSON.parse gives nothing else
  return (value ?? null) as Json;
}
