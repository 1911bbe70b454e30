// The shape of a parsed expression. Macros are nodes of their own and chains of && and || are flat, so that checker
// and compiler see what the author wrote; every node knows where it stands.
import type { CelValue } from './value.ts';

/** What is wrong in a source, with the place. */
export interface ConditionProblem {
  /** What is wrong and what to write instead. */
  readonly message: string;
  /** Into the source, in UTF-16 code units. */
  readonly offset: number;
}

interface Place {
  readonly offset: number;
  /** Levels below and including this node. */
  readonly depth: number;
}

export type Logic = Place & {
  readonly kind: 'logic';
  readonly operator: '&&' | '||';
  readonly operands: readonly Node[];
};
export type Ident = Place & { readonly kind: 'ident'; readonly name: string; readonly absolute: boolean };
export type Select = Place & {
  readonly kind: 'select';
  readonly operand: Node;
  readonly field: string;
  readonly quoted: boolean;
};
export type Call = Place & {
  readonly kind: 'call';
  /** `_+_`, `_[_]`, `!_` for operators; a plain name otherwise. */
  readonly name: string;
  readonly receiver: boolean;
  /** The receiver first, where there is one. */
  readonly args: readonly Node[];
};
export type Loop = Place & {
  readonly kind: 'loop';
  readonly macro: 'all' | 'exists' | 'exists_one' | 'map' | 'filter';
  readonly range: Node;
  readonly variable: string;
  /** The condition of all, exists, exists_one, filter and three-armed map. */
  readonly test: Node | null;
  /** What map makes of each element. */
  readonly result: Node | null;
};
export type MapLiteral = Place & {
  readonly kind: 'map';
  readonly entries: readonly { readonly key: Node; readonly value: Node }[];
};

export type Node =
  | (Place & { readonly kind: 'literal'; readonly value: CelValue })
  | Ident
  | Select
  | (Place & { readonly kind: 'has'; readonly operand: Node; readonly field: string })
  | Call
  | Logic
  | (Place & { readonly kind: 'choice'; readonly test: Node; readonly yes: Node; readonly no: Node })
  | (Place & { readonly kind: 'list'; readonly elements: readonly Node[] })
  | MapLiteral
  | Loop;

/** A node without the depth that `make` gives it. */
export type Unplaced<N = Node> = N extends Node ? Omit<N, 'depth'> : never;

/** How the parser makes nodes: `make` keeps depth and number within bounds, `fail` ends the parse with a problem. */
export interface Builder {
  make(node: Unplaced, children: readonly Node[]): Node;
  fail(message: string, offset: number): Node;
}

/** The dotted name that a chain of plain selections spells (`a.b.c`), or null where it starts with something else. */
export function dottedName(node: Node): string | null {
  if (node.kind === 'ident') return node.name;
  if (node.kind !== 'select' || node.quoted) return null;
  const before = dottedName(node.operand);
  return before === null ? null : `${before}.${node.field}`;
}

/** The name a chain of selections starts with, and whether a leading dot sends it to the roots. */
export function chainStart(node: Node): Ident | null {
  let current = node;
  while (current.kind === 'select') current = current.operand;
  return current.kind === 'ident' ? current : null;
}
