// The way back from what was shown to what was meant. People edit the redacted form of parameters, because secrets are
// not shown to them; what they left as it was keeps its hidden value, and a mark is never taken for a value (I9).
import type { Json } from '../action.ts';
import { sameJson } from '../same-json.ts';
import { isList } from './leaves.ts';
import { redact } from './redact.ts';

export type Restored =
  | {
      readonly kind: 'restored';
      readonly value: Json;
      /** JSON pointers (RFC 6901) to what was hidden and stays as it is. */
      readonly kept: readonly string[];
    }
  | {
      readonly kind: 'misplaced';
      /** To the value that is or holds a mark and is no hidden value that was left in place. */
      readonly pointer: string;
    };

type Tree = { readonly [key: string]: Json };

/** How every mark begins; it ends with `]`. */
const MARK = '[redacted:';

/**
 * What `edited`, an edit of `redact(plain)`, means. A hidden value counts as left in place where the same mark stands
 * under the same key, or at the same index of a list of the same length. Everywhere else a mark is `misplaced`: in a
 * text that was changed around it, under another key, in a list that became longer or shorter. Values without marks
 * come back as they are; `edited` needs a canonical form.
 */
export function restoreRedacted(edited: Json, plain: Json): Restored {
  const kept: string[] = [];
  const state: { misplaced: string | null } = { misplaced: null };

  function restore(now: Json, shown: Json, hidden: Json, pointer: string): Json {
    const isSame = sameJson(now, shown);
    if (isSame && sameJson(shown, hidden)) return hidden;
    if (isTree(now) && isTree(shown) && isTree(hidden) && hasKeysOf(shown, hidden)) {
      const entries = Object.entries(now).map(([key, value]) => {
        const at = `${pointer}/${escape(key)}`;
        const [was, is] = [ownOf(shown, key), ownOf(hidden, key)];
        return was === undefined || is === undefined
          ? ([checked(key, at), written(value, at)] as const)
          : ([key, restore(value, was, is, at)] as const);
      });
      // fromEntries defines own properties: a key `__proto__` stays a key.
      return Object.fromEntries(entries);
    }
    if (isList(now) && isList(shown) && isList(hidden) && now.length === shown.length)
      return now.map((value, index) =>
        restore(value, shown[index] ?? null, hidden[index] ?? null, `${pointer}/${index}`),
      );
    if (!isSame) return written(now, pointer);
    kept.push(pointer);
    return hidden;
  }

  /** What the editor wrote: nothing in it stands for something else. */
  function written(value: Json, pointer: string): Json {
    if (typeof value === 'string') return checked(value, pointer);
    if (typeof value !== 'object' || value === null) return value;
    if (isList(value)) return value.map((each, index) => written(each, `${pointer}/${index}`));
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => {
        const at = `${pointer}/${escape(key)}`;
        return [checked(key, at), written(each, at)];
      }),
    );
  }

  function checked(text: string, pointer: string): string {
    if (text.includes(MARK)) state.misplaced ??= pointer;
    return text;
  }

  const value = restore(edited, redact(plain), plain, '');
  return state.misplaced === null
    ? { kind: 'restored', value, kept }
    : { kind: 'misplaced', pointer: state.misplaced };
}

function isTree(value: Json): value is Tree {
  return typeof value === 'object' && value !== null && !isList(value);
}

/** A key that is a secret was renamed, and then nobody can say which is which. */
function hasKeysOf(shown: Tree, hidden: Tree): boolean {
  return Object.keys(shown).every((key) => Object.hasOwn(hidden, key));
}

function ownOf(tree: Tree, key: string): Json | undefined {
  return Object.hasOwn(tree, key) ? tree[key] : undefined;
}

function escape(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
