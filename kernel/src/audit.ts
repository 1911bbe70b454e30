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
      // The ECMAScript form of a finite number is what RFC 8785 prescribes; -0 becomes 0 in it.
      return Number.isFinite(value) ? String(value) : refuse(`${value} is not a JSON number`);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      if (depth >= MAX_CANONICAL_DEPTH) return refuse(`it nests deeper than ${MAX_CANONICAL_DEPTH} levels`);
      if (Array.isArray(value)) return writeArray(value, depth);
      return isPlain(value)
        ? writeObject(value, depth)
        : refuse('only plain objects have a JSON form; convert dates and class instances first');
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

function isPlain(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function writeObject(value: Readonly<Record<string, unknown>>, depth: number): string | CanonicalProblem {
  let text = '{';
  for (const key of sortedKeys(value)) {
    const name = writeString(key);
    if (typeof name !== 'string') return below(key, name);
    const item = write(value[key], depth + 1);
    if (typeof item !== 'string') return below(key, item);
    text += text.length === 1 ? `${name}:${item}` : `,${name}:${item}`;
  }
  return `${text}}`;
}

// RFC 8785 asks for the order of UTF-16 code units, which is how strings compare. Many objects come in it already.
function sortedKeys(value: object): readonly string[] {
  const keys = Object.keys(value);
  for (let at = 1; at < keys.length; at++)
    if ((keys[at - 1] ?? '') > (keys[at] ?? '')) return keys.toSorted(byCodeUnits);
  return keys;
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function refuse(message: string): CanonicalProblem {
  return { pointer: '', message };
}

// The pointer is put together on the way back up: building one on the way down would cost more than the writing.
function below(token: string, { pointer, message }: CanonicalProblem): CanonicalProblem {
  return { pointer: `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}${pointer}`, message };
}
