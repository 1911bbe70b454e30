// Values inside a template: a CEL expression, or a text with `${{ expression }}` in it. Compiled once, with the names
// of the inputs and steps that it looks at, so that a run loads only the results that its next steps need.
import type { Json, JsonObject } from '../action.ts';
import { compileExpression } from '../condition.ts';
import type { CelType, CelValue, Expression } from '../condition.ts';
import { parse } from '../condition/parse.ts';
import type { Node } from '../condition/syntax.ts';
import { mapOf } from '../condition/type.ts';
import { CelMap, Duration, Timestamp, TypeName, Uint, isList } from '../condition/value.ts';
import { formatDuration, formatTimestamp } from '../condition/time.ts';
import type { TemplatePath, TemplateProblem } from './template.ts';

export interface Reference {
  readonly root: 'inputs' | 'steps';
  /** null where the whole map is used, so that nobody can tell what is meant. */
  readonly name: string | null;
  readonly offset: number;
}

export interface Value {
  /** Steps whose results it looks at. */
  readonly steps: ReadonlySet<string>;
  readonly evaluate: (bindings: Readonly<Record<string, unknown>>) => Evaluated;
}

export type Evaluated =
  | { readonly kind: 'value'; readonly value: Json }
  | { readonly kind: 'error'; readonly message: string };

export interface Scope {
  readonly roots: Readonly<Record<string, CelType>>;
  /** Told of every input and step that is looked at, with where it is written. */
  readonly refer: (reference: Reference, path: TemplatePath, base: number) => void;
  readonly problem: (problem: TemplateProblem) => void;
}

export const STEP_ROOTS: Readonly<Record<string, CelType>> = {
  inputs: mapOf('string', 'dyn'),
  steps: mapOf('string', 'dyn'),
  run: mapOf('string', 'dyn'),
};
export const ITEM_ROOTS: Readonly<Record<string, CelType>> = { ...STEP_ROOTS, item: 'dyn', index: 'dyn' };
export const RESULT_ROOTS: Readonly<Record<string, CelType>> = { ...ITEM_ROOTS, result: 'dyn' };

/** One CEL expression. Null where it is refused; the scope has been told. */
export function compileCel(
  source: string,
  path: TemplatePath,
  scope: Scope,
): { readonly value: Value; readonly expression: Expression } | null {
  return compileAt(source, path, { scope, base: 0 });
}

function compileAt(
  source: string,
  path: TemplatePath,
  { scope, base }: { readonly scope: Scope; readonly base: number },
): { readonly value: Value; readonly expression: Expression } | null {
  const compiled = compileExpression(source, scope.roots);
  if (compiled.kind === 'refused') {
    for (const { message, offset } of compiled.problems)
      scope.problem({ path, message: `${capital(message)}.`, offset: base + offset });
    return null;
  }
  const steps = new Set<string>();
  for (const reference of referencesOf(source)) {
    scope.refer(reference, path, base + reference.offset);
    if (reference.root === 'steps' && reference.name !== null) steps.add(reference.name);
  }
  const { expression } = compiled;
  const evaluate: Value['evaluate'] = (bindings) => {
    const found = expression.evaluate(bindings);
    if (found.kind === 'error')
      return { kind: 'error', message: `${source}: ${withoutValues(found.message, source)}` };
    const value = toJson(found.value);
    return value === undefined
      ? { kind: 'error', message: `${source}: its value cannot be written as JSON` }
      : { kind: 'value', value };
  };
  return { value: { steps, evaluate }, expression };
}

/** Errors stand in columns and journals, where what was put in may be a secret. Only what the template says is quoted. */
function withoutValues(message: string, source: string): string {
  const fromSource = (quoted: string, inner: string): string =>
    inner !== '' && source.includes(inner) ? quoted : 'a value';
  return message
    .replace(/^'(.*)'(?= (?:cannot be read as|is no|names a moment))/s, fromSource)
    .replace(/^(no such key: )'(.*)'(?=; guard it)/s, (_, told: string, key: string) =>
      source.includes(key) ? `${told}'${key}'` : `${told}one that was worked out`,
    )
    .replace(/^\S+(?= is out of the range)/, 'a value')
    .replace(/^no element .*(?= in a list of)/s, 'no such element')
    .replace(/^the key .*(?= stands twice)/s, 'a key');
}

const NOTHING: ReadonlySet<string> = new Set();

/** Any JSON value whose texts may hold `${{ … }}`. A text that is one expression alone becomes its value as it is. */
export function compileJson(json: Json, path: TemplatePath, scope: Scope): Value {
  if (typeof json === 'string') return compileText(json, path, scope);
  if (typeof json !== 'object' || json === null) return constant(json);
  const parts: readonly (readonly [string | number, Value])[] = isJsonList(json)
    ? json.map((inner, index) => [index, compileJson(inner, [...path, index], scope)] as const)
    : Object.entries(json).map(([key, inner]) => [key, compileJson(inner, [...path, key], scope)] as const);
  if (parts.every(([, value]) => value.steps === NOTHING)) return constant(json);
  const steps = new Set(parts.flatMap(([, value]) => [...value.steps]));
  return {
    steps,
    evaluate(bindings) {
      const entries: [string | number, Json][] = [];
      for (const [key, part] of parts) {
        const found = part.evaluate(bindings);
        if (found.kind === 'error') return found;
        entries.push([key, found.value]);
      }
      return {
        kind: 'value',
        value: isJsonList(json) ? entries.map(([, value]) => value) : Object.fromEntries(entries),
      };
    },
  };
}

function constant(json: Json): Value {
  return { steps: NOTHING, evaluate: () => ({ kind: 'value', value: json }) };
}

const OPEN = '${{';
const CLOSE = '}}';

function compileText(text: string, path: TemplatePath, scope: Scope): Value {
  if (!text.includes(OPEN)) return constant(text);
  const parts: (string | Value)[] = [];
  let at = 0;
  for (;;) {
    const open = text.indexOf(OPEN, at);
    if (open === -1) break;
    const close = text.indexOf(CLOSE, open + OPEN.length);
    if (close === -1) {
      scope.problem({
        path,
        message: `This ${OPEN} is never closed. Write ${CLOSE} behind the expression.`,
        offset: open,
      });
      return constant(text);
    }
    if (open > at) parts.push(text.slice(at, open));
    const inner = text.slice(open + OPEN.length, close);
    const source = inner.trim();
    const base = open + OPEN.length + inner.indexOf(source);
    const compiled = compileAt(source, path, { scope, base });
    if (compiled === null) return constant(text);
    parts.push(compiled.value);
    at = close + CLOSE.length;
  }
  if (at < text.length) parts.push(text.slice(at));
  const [only] = parts;
  if (parts.length === 1 && only !== undefined && typeof only !== 'string') {
    // Also where it looks at no step: it is not the text that is written.
    return { steps: new Set(only.steps), evaluate: only.evaluate };
  }
  return {
    steps: new Set(parts.flatMap((part) => (typeof part === 'string' ? [] : [...part.steps]))),
    evaluate(bindings) {
      let whole = '';
      for (const part of parts) {
        if (typeof part === 'string') {
          whole += part;
          continue;
        }
        const found = part.evaluate(bindings);
        if (found.kind === 'error') return found;
        whole += textOf(found.value);
      }
      return { kind: 'value', value: whole };
    },
  };
}

function textOf(value: Json): string {
  if (typeof value === 'string') return value;
  return value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, '');
}

function isJsonList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** The inputs and steps that an expression names. A loop variable of the same name hides a root. */
function referencesOf(source: string): readonly Reference[] {
  const parsed = parse(source);
  if (parsed.kind === 'refused') return [];
  const found: Reference[] = [];
  walk(parsed.node, new Set(), found);
  return found;
}

function walk(node: Node, hidden: ReadonlySet<string>, found: Reference[]): void {
  const named = rootField(node, hidden);
  if (named !== null) {
    found.push(named);
    return;
  }
  switch (node.kind) {
    case 'literal':
      return;
    case 'ident':
      if (isRoot(node.name) && !hidden.has(node.name))
        found.push({ root: node.name, name: null, offset: node.offset });
      return;
    case 'select':
      walk(node.operand, hidden, found);
      return;
    case 'has': {
      const { operand, field, offset } = node;
      if (operand.kind === 'ident' && isRoot(operand.name) && !hidden.has(operand.name))
        found.push({ root: operand.name, name: field, offset });
      else walk(operand, hidden, found);
      return;
    }
    case 'call':
      for (const argument of node.args) walk(argument, hidden, found);
      return;
    case 'logic':
      for (const operand of node.operands) walk(operand, hidden, found);
      return;
    case 'choice':
      for (const part of [node.test, node.yes, node.no]) walk(part, hidden, found);
      return;
    case 'list':
      for (const element of node.elements) walk(element, hidden, found);
      return;
    case 'map':
      for (const { key, value } of node.entries) {
        walk(key, hidden, found);
        walk(value, hidden, found);
      }
      return;
    case 'loop': {
      walk(node.range, hidden, found);
      const inside = new Set([...hidden, node.variable]);
      if (node.test !== null) walk(node.test, inside, found);
      if (node.result !== null) walk(node.result, inside, found);
    }
  }
}

/** `steps.build` and `steps["build"]`. */
function rootField(node: Node, hidden: ReadonlySet<string>): Reference | null {
  const [operand, name] =
    node.kind === 'select'
      ? [node.operand, node.field]
      : node.kind === 'call' && node.name === '_[_]'
        ? [node.args[0], literalText(node.args[1])]
        : [undefined, null];
  if (operand?.kind !== 'ident' || name === null || !isRoot(operand.name) || hidden.has(operand.name))
    return null;
  return { root: operand.name, name, offset: operand.offset };
}

function literalText(node: Node | undefined): string | null {
  return node?.kind === 'literal' && typeof node.value === 'string' ? node.value : null;
}

function isRoot(name: string): name is Reference['root'] {
  return name === 'inputs' || name === 'steps';
}

/** What JSON can say of a CEL value; undefined where it cannot. */
function toJson(value: CelValue): Json | undefined {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : undefined;
  if (value instanceof Uint) return toJson(value.value);
  if (value instanceof Timestamp) return formatTimestamp(value);
  if (value instanceof Duration) return formatDuration(value);
  if (value instanceof Uint8Array || value instanceof TypeName) return undefined;
  if (isList(value)) return all(value.map(toJson));
  const entries: readonly (readonly [string, CelValue])[] =
    value instanceof CelMap
      ? [...value.entries.values()].map((entry) => [keyText(entry.key), entry.value] as const)
      : Object.entries(value);
  const values = all(entries.map(([, inner]) => toJson(inner)));
  return values === undefined
    ? undefined
    : (Object.fromEntries(entries.map(([key], index) => [key, values[index] ?? null])) satisfies JsonObject);
}

function all(values: readonly (Json | undefined)[]): Json[] | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === values.length ? known : undefined;
}

function keyText(key: CelValue): string {
  const json = toJson(key);
  return typeof json === 'string' ? json : JSON.stringify(json ?? null);
}
