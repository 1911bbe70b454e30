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

/** Every text below `root` in document order. Lazy: a caller that has seen enough stops asking. */
export function* textLeaves(root: Json, place: Place = PARAMETERS): Generator<TextLeaf> {
  const stack: { readonly node: Json; readonly key: string | null; readonly place: Place }[] = [
    { node: root, key: null, place },
  ];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (typeof top.node === 'string') {
      yield { kind: 'value', text: top.node, key: top.key, place: top.place };
    } else if (isList(top.node)) {
      for (let i = top.node.length - 1; i >= 0; i -= 1) {
        const node = top.node[i];
        if (node !== undefined) stack.push({ node, key: top.key, place: inside(top.place, String(i)) });
      }
    } else if (typeof top.node === 'object' && top.node !== null) {
      const entries = Object.entries(top.node);
      for (const [key] of entries) yield { kind: 'key', text: key, key, place: inside(top.place, key) };
      for (const [key, node] of entries.toReversed())
        stack.push({ node, key, place: inside(top.place, key) });
    }
  }
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
