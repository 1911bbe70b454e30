// What frameworks hand over about a tool is theirs to shape, so the adapters look before they believe: a tool that they
// cannot recognise must not become one that nobody governs.
import { isFields } from './guard.ts';
import type { Fields } from './guard.ts';

/** A function of a framework; what it takes and gives is the framework's business. */
export type Foreign = (...args: readonly unknown[]) => unknown;

export interface NamedTool {
  readonly name: string;
  readonly execute: Foreign;
  /** The framework's own approval, asked beside Mandate's. */
  readonly isAsked: (...args: readonly unknown[]) => Promise<boolean>;
}

/** Throws TypeError for a tool without a name or without a function to run. */
export function readTool(
  options: object,
  { name: nameField, approval }: { readonly name: string; readonly approval: string },
): NamedTool {
  const fields: Fields = { ...options };
  const name = fields[nameField];
  if (typeof name !== 'string' || name === '')
    throw new TypeError(`A governed tool needs its ${nameField}, from which the name of its action is made.`);
  const execute = fields['execute'];
  if (!isForeign(execute)) throw new TypeError(`The tool ${name} has no execute that could be governed.`);
  const own = fields[approval];
  return {
    name,
    execute,
    isAsked: async (...args) => (isForeign(own) ? (await own(...args)) !== false : own === true),
  };
}

export function isForeign(value: unknown): value is Foreign {
  return typeof value === 'function';
}

/** A text at the end of a path of fields; undefined where the path breaks off. */
export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const end = path.reduce<unknown>((at, field) => (isFields(at) ? at[field] : undefined), value);
  return typeof end === 'string' ? end : undefined;
}

export function signalAt(value: unknown, field: string): AbortSignal | undefined {
  const signal = isFields(value) ? value[field] : undefined;
  return signal instanceof AbortSignal ? signal : undefined;
}
