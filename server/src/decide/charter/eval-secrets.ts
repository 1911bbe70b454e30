// An eval set is kept and shown just as it is written, because its version is the hash of that. So it may hold no secret
// (I9), and what would be replaced anywhere else is refused here, at its place.
import { redact } from '@mandate/kernel';
import type { Json } from '@mandate/kernel';

export interface SecretPlace {
  readonly path: readonly (string | number)[];
  /** What stands in its place elsewhere: `[redacted:password]`. */
  readonly hidden: string;
}

/** Where the value holds what `redact` replaces, in the order in which it is written. */
export function secretsIn(value: Json): readonly SecretPlace[] {
  const found: SecretPlace[] = [];
  compare(value, redact(value), [], found);
  return found;
}

function compare(written: Json, shown: Json, path: readonly (string | number)[], found: SecretPlace[]): void {
  if (written === shown) return;
  if (isPlain(written) || isPlain(shown)) {
    const hidden = typeof shown === 'string' ? /\[redacted:\w+\]/.exec(shown)?.[0] : undefined;
    found.push({ path, hidden: hidden ?? '[redacted]' });
    return;
  }
  const others = Object.entries(shown);
  for (const [index, [key, child]] of Object.entries(written).entries()) {
    const [name = '', other = null] = others[index] ?? [];
    const place = [...path, Array.isArray(written) ? index : key];
    if (name === key) compare(child, other, place, found);
    // A place that is named by a secret is not named: what holds it is.
    else found.push({ path, hidden: name });
  }
}

function isPlain(value: Json): value is string | number | boolean | null {
  return typeof value !== 'object' || value === null;
}
