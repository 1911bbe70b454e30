// How what is written lies over what it inherits: key by key. The smallest step of a merge, used by whole charters and by
// settings that stand by themselves.

/** A part of T in which undefined means the same as absent, as zod infers optional keys. */
export type Unset<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** `over` wins key by key; what it leaves out or undefined stays as it was. */
export function overlay<T extends object>(base: T | undefined, over: Unset<T> | undefined): T;
export function overlay(base: object | undefined, over: object | undefined): object {
  const said = Object.entries(over ?? {}).filter(([, value]) => value !== undefined);
  return { ...base, ...Object.fromEntries(said) };
}
