// Walking parameters that an agent wrote. The walk keeps its own stack, because JSON may be nested deeper than
// the call stack is, and hands out keys as well as values, because a secret can hide in either.
import type { Json } from '../action.ts';

/** Where a node is: a linked list, so that a pointer is only built for what is reported. */
export interface Place {
  readonly parent: Place | null;
  readonly token: string;
  readonly depth: number;
}

/** One text met on the way: a string value, or the key of an object. */
export interface TextLeaf {
  readonly kind: 'key' | 'value';
  readonly text: string;
  /** The nearest object key above (or the key itself); null at the root and in arrays at the root. */
  readonly key: string | null;
  readonly place: Place;
}

export const PARAMETERS: Place = { parent: null, token: 'parameters', depth: 1 };

export function inside(parent: Place, token: string): Place {
  return { parent, token, depth: parent.depth + 1 };
}

/** JSON pointer (RFC 6901) of a place. */
export function pointerOf(place: Place): string {
  const tokens: string[] = [];
  for (let at: Place | null = place; at !== null; at = at.parent) {
    tokens.push(at.token.replaceAll('~', '~0').replaceAll('/', '~1'));
  }
  return `/${tokens.toReversed().join('/')}`;
}

/** Every text below `root`: the keys of an object first, then what its values hold, in document order. */
export function textLeaves(root: Json, place: Place = PARAMETERS): readonly TextLeaf[] {
  const leaves: TextLeaf[] = [];
  const stack: { readonly node: Json; readonly key: string | null; readonly place: Place }[] = [
    { node: root, key: null, place },
  ];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { node, key, place: at } = top;
    if (typeof node === 'string') leaves.push({ kind: 'value', text: node, key, place: at });
    else if (isList(node)) {
      for (let i = node.length - 1; i >= 0; i -= 1) {
        const child = node[i];
        if (isWorthAVisit(child)) stack.push({ node: child, key, place: inside(at, String(i)) });
      }
    } else if (typeof node === 'object' && node !== null) {
      const first = leaves.length;
      for (const name of Object.keys(node))
        leaves.push({ kind: 'key', text: name, key: name, place: inside(at, name) });
      for (let i = leaves.length - 1; i >= first; i -= 1) {
        const leaf = leaves[i];
        const child = leaf === undefined ? undefined : node[leaf.text];
        if (leaf !== undefined && isWorthAVisit(child))
          stack.push({ node: child, key: leaf.text, place: leaf.place });
      }
    }
  }
  return leaves;
}

function isWorthAVisit(node: Json | undefined): node is Json {
  return typeof node === 'string' || (typeof node === 'object' && node !== null);
}

/** `Array.isArray` that also narrows a readonly list. */
export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** The words of a name, in lower case: `targetPath`, `target_path` and `target-path` are all `target path`. */
export function wordsOf(name: string): readonly string[] {
  return name
    .slice(0, 256)
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((word) => word !== '');
}
