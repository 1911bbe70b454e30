// What an edit of parameters changes, for people: found by comparing what the parameters really are, told in their
// redacted form, so that one secret put in the place of another is a change although both are shown alike (I9).
import { redact, sameJson } from '@mandate/kernel';
import type { Json, JsonObject } from '@mandate/kernel';
import { escapePointer } from '../../platform/http/json-guard.ts';

export interface EditChange {
  readonly kind: 'changed' | 'added' | 'removed';
  /** JSON pointer (RFC 6901) into the parameters. */
  readonly pointer: string;
  /** Redacted; null where it was added. */
  readonly before: Json;
  /** Redacted; null where it was removed. */
  readonly after: Json;
}

/** One side of the comparison: what it is, and how it is shown. */
interface Side {
  readonly plain: Json;
  readonly shown: Json;
}

/** Every change, at the deepest place that says it whole. Lists of the same length are compared item by item. */
export function changesBetween(before: JsonObject, after: JsonObject): readonly EditChange[] {
  return compare({ plain: before, shown: redact(before) }, { plain: after, shown: redact(after) }, '');
}

function compare(before: Side, after: Side, pointer: string): readonly EditChange[] {
  if (sameJson(before.plain, after.plain)) return [];
  const [was, is] = [partsOf(before), partsOf(after)];
  const isAlike = was !== null && is !== null && was.kind === is.kind;
  if (!isAlike || (was.kind === 'list' && was.parts.size !== is.parts.size))
    return [{ kind: 'changed', pointer, before: before.shown, after: after.shown }];
  return [...new Set([...was.parts.keys(), ...is.parts.keys()])].flatMap((key): readonly EditChange[] => {
    const at = `${pointer}/${escapePointer(key)}`;
    const [old, now] = [was.parts.get(key), is.parts.get(key)];
    if (old === undefined)
      return now === undefined ? [] : [{ kind: 'added', pointer: at, before: null, after: now.shown }];
    if (now === undefined) return [{ kind: 'removed', pointer: at, before: old.shown, after: null }];
    return compare(old, now, at);
  });
}

interface Parts {
  readonly kind: 'list' | 'object';
  readonly parts: ReadonlyMap<string, Side>;
}

/** null for what has no parts, and for an object of which a key is a secret itself: its shown keys are other ones. */
function partsOf({ plain, shown }: Side): Parts | null {
  if (isList(plain) && isList(shown))
    return {
      kind: 'list',
      parts: new Map(plain.map((each, at) => [String(at), { plain: each, shown: shown[at] ?? null }])),
    };
  if (!isTree(plain) || !isTree(shown)) return null;
  const entries = Object.entries(plain);
  if (!entries.every(([key]) => Object.hasOwn(shown, key))) return null;
  return {
    kind: 'object',
    parts: new Map(entries.map(([key, each]) => [key, { plain: each, shown: shown[key] ?? null }])),
  };
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isTree(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !isList(value);
}
