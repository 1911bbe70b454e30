// Searches the parameters of an action for secrets: values, keys, and values that only their key gives away. Never the
// envelope, where an idempotency key or a trace id looks as random as any secret.
import type { JsonObject } from '../action.ts';
import { judge } from './assignments.ts';
import { pointerOf, textLeaves } from './leaves.ts';
import { redactText, SCAN_LIMIT } from './redact.ts';
import { findSecrets } from './secrets.ts';

export interface Leak {
  readonly kind: string;
  /** JSON pointer, with secrets in keys redacted. */
  readonly pointer: string;
}

export interface Leaks {
  readonly certain: readonly Leak[];
  /** Guesses by name and look. */
  readonly likely: readonly Leak[];
  /** There was more text than is searched; what was not searched counts as a secret. */
  readonly isOver: boolean;
}

// Enough to report; also keeps a deep text of a thousand secrets from costing a thousand long pointers.
const MAX_LEAKS = 50;

/** Secrets in the parameters, one entry for each kind and place. Searches at most 256 KB, the rest is `isOver`. */
export function findLeaks(parameters: JsonObject): Leaks {
  const certain: Leak[] = [];
  const likely: Leak[] = [];
  let left = SCAN_LIMIT;
  for (const { kind: leaf, text, key, place } of textLeaves(parameters)) {
    left -= text.length;
    if (left < 0) return { certain, likely, isOver: true };
    const named = leaf === 'value' && key !== null ? judge(key, text) : null;
    const found = named === null ? findSecrets(text) : [named, ...findSecrets(text)];
    for (const [i, { kind, generic }] of found.entries()) {
      const list = generic ? likely : certain;
      const isRepeated = found.findIndex((other) => other.kind === kind) < i;
      if (!isRepeated && list.length < MAX_LEAKS) list.push({ kind, pointer: redactText(pointerOf(place)) });
    }
  }
  return { certain, likely, isOver: false };
}
