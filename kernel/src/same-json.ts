// Whether two values are the same JSON. For comparing trees level by level, where writing out their canonical forms
// again and again would take a hostile depth times the size.
import type { Json } from './action.ts';

/** The order of keys does not count; `-0` is `0`, as in RFC 8785. */
export function sameJson(one: Json, other: Json): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (isList(one) || isList(other)) {
    if (!isList(one) || !isList(other) || one.length !== other.length) return false;
    return one.every((each, at) => sameJson(each, other[at] ?? null));
  }
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && sameJson(one[key] ?? null, other[key] ?? null))
  );
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
