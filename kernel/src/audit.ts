// The one canonical form of a JSON value (RFC 8785, JCS): digests of actions, charters and journal entries are
// taken over this text, so that two machines that mean the same thing hash the same bytes.

/** Deeper values are refused: nothing honest nests that far, and recursion must end before the stack does. */
export const MAX_CANONICAL_DEPTH = 256;

/** Where a value leaves what JSON can say exactly, and why. */
export interface CanonicalProblem {
  /** JSON pointer (RFC 6901) to the offending value; empty for the value itself. */
  readonly pointer: string;
  readonly message: string;
}

/**
 * Writes a value as RFC 8785 canonical JSON.
 * Throws a TypeError that names the place for whatever JSON cannot carry exactly: NaN and infinities, BigInt,
 * undefined, functions, lone surrogates, objects that are not plain. Ask `canonicalProblem` first at a door.
 */
export function canonicalJson(value: unknown): string {
  const written = write(value, 0);
  if (typeof written === 'string') return written;
  throw new TypeError(`cannot be written as canonical JSON at "${written.pointer}": ${written.message}`);
}

/** Why a value has no canonical form; null when it has one. */
export function canonicalProblem(value: unknown): CanonicalProblem | null {
  const written = write(value, 0);
  return typeof written === 'string' ? null : written;
}

function write(value: unknown, depth: number): string | CanonicalProblem {
  switch (typeof value) {
    case 'string':
      return writeString(value);
    case 'number':
      // JSON.stringify of a finite number is the ECMAScript form that RFC 8785 prescribes, and turns -0 into 0.
      return Number.isFinite(value) ? JSON.stringify(value) : refuse(`${value} is not a JSON number`);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      if (depth >= MAX_CANONICAL_DEPTH) return refuse(`it nests deeper than ${MAX_CANONICAL_DEPTH} levels`);
      return Array.isArray(value) ? writeArray(value, depth) : writeObject(value, depth);
    case 'bigint':
      return refuse('a BigInt has no JSON form; send it as a string');
    case 'undefined':
    case 'function':
    case 'symbol':
      return refuse(`${typeof value} is not a JSON value`);
  }
}

function writeString(value: string): string | CanonicalProblem {
  if (value.length < 64 && PLAIN.test(value)) return `"${value}"`;
  return value.isWellFormed() ? JSON.stringify(value) : refuse('the text has half a surrogate pair');
}

// Printable ASCII without a quote or a backslash stands as it is: true of nearly every key.
const PLAIN = /^[ !#-[\]-~]*$/;

function writeArray(value: readonly unknown[], depth: number): string | CanonicalProblem {
  let text = '[';
  for (let index = 0; index < value.length; index++) {
    const item = write(value[index], depth + 1);
    if (typeof item !== 'string') return below(String(index), item);
    text += index === 0 ? item : `,${item}`;
  }
  return `${text}]`;
}

function writeObject(value: object, depth: number): string | CanonicalProblem {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype)
    return refuse('only plain objects have a JSON form; convert dates and class instances first');
  const members = Object.entries(value);
  // Most objects have few keys; sorting compares UTF-16 code units, which is the order that RFC 8785 asks for.
  if (members.length > 1) members.sort(byKey);
  let text = '{';
  for (const [key, member] of members) {
    const name = writeString(key);
    if (typeof name !== 'string') return below(key, name);
    const item = write(member, depth + 1);
    if (typeof item !== 'string') return below(key, item);
    text += text.length === 1 ? `${name}:${item}` : `,${name}:${item}`;
  }
  return `${text}}`;
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}

function refuse(message: string): CanonicalProblem {
  return { pointer: '', message };
}

// The pointer is put together on the way back up: building one on the way down would cost more than the writing.
function below(token: string, { pointer, message }: CanonicalProblem): CanonicalProblem {
  return { pointer: `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}${pointer}`, message };
}
