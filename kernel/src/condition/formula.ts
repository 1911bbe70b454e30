// A condition as plain logic: which of its parts are known before any action comes, which compare something with a
// fixed value, and which are simply true or false. What two parts say is compared by their keys, in which spaces,
// quotes and parentheses do not count.
import { compile } from './compile.ts';
import { createFrame } from './step.ts';
import type { Call, Node } from './syntax.ts';
import { TYPE_NAMES } from './type.ts';
import { Fault, Uint, type CelValue, type Result } from './value.ts';

export type Formula =
  /** null: it fails whatever comes. */
  | { readonly kind: 'known'; readonly value: boolean | null }
  | { readonly kind: 'atom'; readonly key: string }
  | Comparison
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Formula[] }
  | { readonly kind: 'not'; readonly part: Formula }
  | { readonly kind: 'choice'; readonly test: Formula; readonly yes: Formula; readonly no: Formula };

export interface Comparison {
  readonly kind: 'compare';
  /** Key of what is compared. */
  readonly term: string;
  /** It is read from JSON as it is, where no number is NaN. */
  readonly isPlain: boolean;
  readonly operator: 'in' | '<' | '<=' | '>' | '>=';
  /** One for an order; `==` is `in` a list of one. */
  readonly values: readonly Scalar[];
}

export type Scalar = string | number | boolean | null;

/** The logic of a parsed and checked condition. */
export function formulaOf(node: Node): Formula {
  if (!readsRoots(node, [])) {
    const value = valueOf(node);
    return { kind: 'known', value: typeof value === 'boolean' ? value : null };
  }
  if (node.kind === 'logic')
    return { kind: node.operator === '&&' ? 'and' : 'or', parts: node.operands.map(formulaOf) };
  if (node.kind === 'choice')
    return {
      kind: 'choice',
      test: formulaOf(node.test),
      yes: formulaOf(node.yes),
      no: formulaOf(node.no),
    };
  if (node.kind === 'call') return formulaOfCall(node) ?? atom(node);
  return atom(node);
}

function atom(node: Node): Formula {
  return { kind: 'atom', key: keyOf(node) };
}

const MIRRORED: Readonly<Record<string, string>> = {
  '_==_': '_==_',
  '_!=_': '_!=_',
  '_<_': '_>_',
  '_<=_': '_>=_',
  '_>_': '_<_',
  '_>=_': '_<=_',
};
const ORDERS: Readonly<Record<string, Comparison['operator']>> = {
  '_<_': '<',
  '_<=_': '<=',
  '_>_': '>',
  '_>=_': '>=',
};

function formulaOfCall(call: Call): Formula | null {
  const [left, right] = call.args;
  if (left === undefined || call.receiver) return null;
  if (call.name === '!_') return { kind: 'not', part: formulaOf(left) };
  if (right === undefined) return null;
  if (!readsRoots(right, [])) return compare(call.name, left, right);
  const mirrored = Object.hasOwn(MIRRORED, call.name) ? MIRRORED[call.name] : undefined;
  if (mirrored !== undefined && !readsRoots(left, [])) return compare(mirrored, right, left);
  return call.name === '_==_' || call.name === '_!=_' ? sameness(call.name, left, right) : null;
}

function compare(name: string, term: Node, fixed: Node): Formula | null {
  const value = valueOf(fixed);
  const about = { kind: 'compare', term: keyOf(term), isPlain: isPlain(term) } as const;
  if (name === '@in') {
    if (!Array.isArray(value)) return null;
    const values = value.map(scalarOf);
    return values.includes(undefined)
      ? null
      : { ...about, operator: 'in', values: values.filter((it) => it !== undefined) };
  }
  const scalar = scalarOf(value);
  if (scalar === undefined) return null;
  if (name === '_==_') return { ...about, operator: 'in', values: [scalar] };
  if (name === '_!=_') return { kind: 'not', part: { ...about, operator: 'in', values: [scalar] } };
  const operator = Object.hasOwn(ORDERS, name) ? ORDERS[name] : undefined;
  return operator === undefined || typeof scalar !== 'number'
    ? null
    : { ...about, operator, values: [scalar] };
}

/** `a == b` is `b == a`, and `a != b` is its opposite, NaN included. */
function sameness(name: string, left: Node, right: Node): Formula {
  const [a, b] = [keyOf(left), keyOf(right)];
  const same: Formula =
    a === b && isPlain(left)
      ? // A missing field still fails: `in` what holds everything that can be read.
        { kind: 'or', parts: [atom(left), { kind: 'not', part: atom(left) }] }
      : { kind: 'atom', key: `==(${[a, b].toSorted().join(',')})` };
  return name === '_==_' ? same : { kind: 'not', part: same };
}

function valueOf(node: Node): Result {
  return compile(node, {}).run(createFrame({}));
}

/** undefined: a value that is not compared here, such as a whole number that a double cannot hold. */
function scalarOf(value: Result | undefined): Scalar | undefined {
  if (value === undefined || value instanceof Fault) return undefined;
  if (value instanceof Uint) return scalarOf(value.value);
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return typeof value === 'string' || typeof value === 'boolean' || value === null ? value : undefined;
}

/** Fields of fields of a root: nothing is computed on the way. */
function isPlain(node: Node): boolean {
  if (node.kind === 'ident') return true;
  if (node.kind === 'select') return isPlain(node.operand);
  const [map, key] = node.kind === 'call' && node.name === '_[_]' ? node.args : [];
  return map !== undefined && key?.kind === 'literal' && isPlain(map);
}

/** Whether the value depends on anything outside the expression. `bound` are the variables of macros around it. */
function readsRoots(node: Node, bound: readonly string[]): boolean {
  switch (node.kind) {
    case 'literal':
      return false;
    case 'ident':
      return node.absolute || !(bound.includes(node.name) || TYPE_NAMES.has(node.name));
    case 'loop': {
      const inner = [...bound, node.variable];
      const arms = [node.test, node.result].filter((arm) => arm !== null);
      return readsRoots(node.range, bound) || arms.some((arm) => readsRoots(arm, inner));
    }
    case 'select':
    case 'has':
    case 'call':
    case 'logic':
    case 'choice':
    case 'list':
    case 'map':
      return childrenOf(node).some((child) => readsRoots(child, bound));
  }
}

function childrenOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'literal':
    case 'ident':
      return [];
    case 'select':
    case 'has':
      return [node.operand];
    case 'call':
      return node.args;
    case 'logic':
      return node.operands;
    case 'choice':
      return [node.test, node.yes, node.no];
    case 'list':
      return node.elements;
    case 'map':
      return node.entries.flatMap(({ key, value }) => [key, value]);
    case 'loop':
      return [node.range, ...[node.test, node.result].filter((arm) => arm !== null)];
  }
}

/** A text that is the same for expressions that say the same thing in the same order. */
export function keyOf(node: Node): string {
  const inner = childrenOf(node).map(keyOf);
  switch (node.kind) {
    case 'literal':
      return literalKey(node.value);
    case 'ident':
      return `${node.absolute ? '.' : ''}${node.name}`;
    case 'select':
      return `[](${inner.join()},${JSON.stringify(node.field)})`;
    case 'has':
      return `has(${inner.join()},${JSON.stringify(node.field)})`;
    case 'call':
      return node.name === '_[_]'
        ? `[](${inner.join()})`
        : `${node.receiver ? '.' : ''}${node.name}(${inner.join()})`;
    case 'logic':
      return `${node.operator}(${inner.join()})`;
    case 'choice':
    case 'list':
    case 'map':
      return `${node.kind}(${inner.join()})`;
    case 'loop': {
      const arms = [node.test === null ? '' : '?', node.result === null ? '' : '>'].join('');
      return `${node.macro}${arms}(${node.variable};${inner.join()})`;
    }
  }
}

function literalKey(value: CelValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}`;
  if (value instanceof Uint) return `${value.value}u`;
  if (typeof value === 'number') return `${value}d`;
  return typeof value === 'boolean' || value === null ? String(value) : `${JSON.stringify(value, spell)}b`;
}

function spell(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? [...value] : value;
}
