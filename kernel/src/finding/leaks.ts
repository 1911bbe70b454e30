// Searches what an agent wrote of an action for secrets: values, keys, and values that only their key gives away. Never
// the envelope, where an idempotency key or a trace id looks as random as any secret.
import { confirm } from './assignments.ts';
import { pointerOf } from './leaves.ts';
import type { TextLeaf } from './leaves.ts';
import { redactText, SCAN_LIMIT } from './redact.ts';
import { findSecrets } from './secrets.ts';
import type { TraitsOf } from './traits.ts';

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

/** Secrets in the texts, one entry for each kind and place. Searches at most 256 KB, the rest is `isOver`. */
export function findLeaks(texts: readonly TextLeaf[], traitsOf: TraitsOf): Leaks {
  const certain: Leak[] = [];
  const likely: Leak[] = [];
  let left = SCAN_LIMIT;
  for (const leaf of texts) {
    left -= leaf.text.length;
    if (left < 0) return { certain, likely, isOver: true };
    const found = secretsIn(leaf, traitsOf);
    for (const [i, { kind, generic }] of found.entries()) {
      const list = generic ? likely : certain;
      const isRepeated = found.findIndex((other) => other.kind === kind) < i;
      if (!isRepeated && list.length < MAX_LEAKS)
        list.push({ kind, pointer: redactText(pointerOf(leaf.place)) });
    }
  }
  return { certain, likely, isOver: false };
}

type Found = readonly { readonly kind: string; readonly generic: boolean }[];

function secretsIn({ kind, text, key }: TextLeaf, traitsOf: TraitsOf): Found {
  if (kind === 'key') return traitsOf(text).secrets;
  const found = findSecrets(text);
  const suspicion = key === null ? null : traitsOf(key).suspicion;
  const named = suspicion === null ? null : confirm(suspicion, text);
  return named === null ? found : [named, ...found];
}
