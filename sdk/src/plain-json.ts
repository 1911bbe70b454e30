// What is decided about has to be what is called, so arguments must be JSON throughout: whatever JSON would drop or bend
// on its way to Mandate would be called without having been decided about.

/** An object literal, or something that came out of JSON.parse. */
export function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const DEPTH_MAX = 32;

/** Where a value is something else than JSON; null when it is JSON throughout. */
export function lossIn(value: unknown, where: string, depth: number): string | null {
  if (depth > DEPTH_MAX) return `${where} is nested deeper than ${DEPTH_MAX} levels`;
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return null;
    case 'number':
      return Number.isFinite(value) ? null : `${where} is ${value}`;
    case 'undefined':
      // An argument that was left out; JSON leaves it out, too.
      return null;
    case 'bigint':
    case 'symbol':
    case 'function':
      return `${where} is a ${typeof value}`;
    case 'object':
      break;
  }
  if (value === null) return null;
  if (!Array.isArray(value) && !isPlain(value)) return `${where} is no plain object`;
  if (Array.isArray(value)) {
    const own = Reflect.ownKeys(value);
    // A hole, or a property beside the elements: JSON shows the first as null and hides the second.
    if (own.length !== value.length + 1 || Object.keys(value).some((key, i) => key !== String(i)))
      return `${where} is an array with holes or with properties of its own`;
    if (value.includes(undefined)) return `${where} holds undefined`;
  }
  for (const [key, member] of Object.entries(value)) {
    const lost = lossIn(member, `${where}.${key.slice(0, 40)}`, depth + 1);
    if (lost !== null) return lost;
  }
  return null;
}

/** Where a value holds something of which structuredClone() would make nothing, or something else; null where it does not. */
export function uncopiedIn(value: unknown, where: string, depth: number): string | null {
  if (depth > DEPTH_MAX) return `${where} is nested deeper than ${DEPTH_MAX} levels`;
  if (typeof value === 'function' || typeof value === 'symbol') return `${where} is a ${typeof value}`;
  if (typeof value !== 'object' || value === null) return null;
  if (value instanceof Date || value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return null;
  const isCollection = value instanceof Map || value instanceof Set;
  if (!isCollection && !Array.isArray(value) && !isPlain(value)) return `${where} is no plain object`;
  const members = isCollection ? [...value].entries() : Object.entries(value);
  for (const [key, member] of members) {
    const uncopied = uncopiedIn(member, `${where}.${String(key).slice(0, 40)}`, depth + 1);
    if (uncopied !== null) return uncopied;
  }
  return null;
}
