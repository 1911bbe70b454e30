// The tree into closures, once; what does not depend on the bindings is computed on the way. The compiler trusts no
// static type: each operation looks at the values it gets, so it is also right for what the checker calls dyn.
import { noOverload } from './arithmetic.ts';
import type { Roots } from './check.ts';
import { BINARY, findFunction, noSuchKey, UNARY } from './functions.ts';
import { compileLoop } from './loop.ts';
import { readRoot } from './root.ts';
import { shorten } from './shortcut.ts';
import { createFrame, stepOf, type Code, type Step } from './step.ts';
import {
  chainStart,
  dottedName,
  type Call,
  type ConditionProblem,
  type Ident,
  type Logic,
  type Loop,
  type MapLiteral,
  type Node,
  type Select,
} from './syntax.ts';
import { TYPE_NAMES } from './type.ts';
import {
  CelMap,
  Fault,
  isMap,
  kindOf,
  lookup,
  mapKey,
  TypeName,
  type CelValue,
  type MapKey,
  type Result,
} from './value.ts';

export interface Compiled {
  readonly run: Step;
  /** Parts that fail whatever the bindings are, such as a pattern that is none. */
  readonly certainFaults: readonly ConditionProblem[];
}

/** Variables in force, the innermost first; their number is the next free slot. */
type Scope = readonly string[];

export function compile(root: Node, roots: Roots): Compiled {
  const certainFaults: ConditionProblem[] = [];

  function certain(fault: Fault): Code {
    certainFaults.push({ message: fault.message, offset: fault.offset });
    return { kind: 'constant', value: fault };
  }

  /** Computes right away what has constant parts only. */
  function fold(parts: readonly Code[], run: Step): Code {
    if (!parts.every((part) => part.kind === 'constant')) return { kind: 'step', run };
    const value = run(createFrame({}));
    const isNew =
      value instanceof Fault && !parts.some((part) => part.kind === 'constant' && part.value === value);
    return isNew ? certain(value) : { kind: 'constant', value };
  }

  function visit(node: Node, scope: Scope): Code {
    switch (node.kind) {
      case 'literal':
        return { kind: 'constant', value: node.value };
      case 'ident':
        return visitIdent(node, scope);
      case 'select':
        return visitSelect(node, scope);
      case 'has': {
        const operand = visit(node.operand, scope);
        return fold([operand], compileHas(stepOf(operand), node.field, node.offset));
      }
      case 'call':
        return visitCall(node, scope);
      case 'logic': {
        const operands = node.operands.map((operand) => visit(operand, scope));
        return fold(operands, compileLogic(node, operands.map(stepOf)));
      }
      case 'choice': {
        const parts = [node.test, node.yes, node.no].map((part) => visit(part, scope));
        return fold(parts, compileChoice(parts.map(stepOf), node.offset));
      }
      case 'list': {
        const elements = node.elements.map((element) => visit(element, scope));
        return fold(elements, compileList(elements.map(stepOf)));
      }
      case 'map':
        return visitMap(node, scope);
      case 'loop':
        return { kind: 'step', run: visitLoop(node, scope) };
    }
  }

  function visitIdent(node: Ident, scope: Scope): Code {
    const level = node.absolute ? -1 : scope.indexOf(node.name);
    if (level >= 0) {
      const slot = scope.length - 1 - level;
      return { kind: 'step', run: (frame) => frame.locals[slot] ?? null };
    }
    const { name, offset } = node;
    return (
      visitName(name, offset) ?? { kind: 'step', run: () => new Fault(`unknown name '${name}'`, offset) }
    );
  }

  function visitName(name: string, offset: number): Code | null {
    if (Object.hasOwn(roots, name))
      return { kind: 'step', run: readRoot(name, roots[name] ?? 'dyn', offset) };
    return TYPE_NAMES.has(name) ? { kind: 'constant', value: new TypeName(name) } : null;
  }

  function visitSelect(node: Select, scope: Scope): Code {
    const name = dottedName(node);
    const start = chainStart(node);
    const named =
      name !== null && start !== null && (start.absolute || !scope.includes(start.name))
        ? visitName(name, node.offset)
        : null;
    if (named !== null) return named;
    const operand = visit(node.operand, scope);
    return fold([operand], compileSelect(stepOf(operand), node.field, node.offset));
  }

  function visitCall(node: Call, scope: Scope): Code {
    const { name, offset } = node;
    const args = node.args.map((arg) => visit(arg, scope));
    const [first, second] = args;
    if (first !== undefined && args.length === 1) {
      const run = findFunction(UNARY, name, node.receiver);
      if (run !== undefined) {
        const operand = stepOf(first);
        return fold(args, (frame) => {
          const value = operand(frame);
          return value instanceof Fault ? value : run(value, offset, frame);
        });
      }
    }
    if (first !== undefined && second !== undefined && args.length === 2) {
      const run = findFunction(BINARY, name, node.receiver);
      if (run !== undefined) {
        if (first.kind === 'step' && second.kind === 'constant' && !(second.value instanceof Fault)) {
          const short = shorten({ name, left: first.run, right: second.value, offset, run });
          if (short instanceof Fault) return certain(short);
          if (short !== null) return { kind: 'step', run: short };
        }
        const [left, right] = [stepOf(first), stepOf(second)];
        return fold(args, (frame) => {
          const a = left(frame);
          if (a instanceof Fault) return a;
          const b = right(frame);
          return b instanceof Fault ? b : run(a, b, offset, frame);
        });
      }
    }
    return {
      kind: 'step',
      run: () => new Fault(`unknown function '${name}' of ${args.length} operands`, offset),
    };
  }

  function visitMap(node: MapLiteral, scope: Scope): Code {
    const keys = node.entries.map((entry) => visit(entry.key, scope));
    const values = node.entries.map((entry) => visit(entry.value, scope));
    return fold([...keys, ...values], compileMap(keys.map(stepOf), values.map(stepOf), node.offset));
  }

  function visitLoop(node: Loop, scope: Scope): Step {
    const inner = [node.variable, ...scope];
    return compileLoop({
      node,
      range: stepOf(visit(node.range, scope)),
      slot: scope.length,
      test: node.test === null ? null : stepOf(visit(node.test, inner)),
      result: node.result === null ? null : stepOf(visit(node.result, inner)),
    });
  }

  const run = stepOf(visit(root, []));
  return { run, certainFaults };
}

function compileSelect(operand: Step, field: string, offset: number): Step {
  return (frame) => {
    const map = operand(frame);
    if (map instanceof Fault) return map;
    if (!isMap(map)) return new Fault(`${kindOf(map)} has no fields, so '.${field}' cannot be read`, offset);
    const found = lookup(map, field);
    return found === undefined ? noSuchKey(field, offset) : found;
  };
}

function compileHas(operand: Step, field: string, offset: number): Step {
  return (frame) => {
    const map = operand(frame);
    if (map instanceof Fault) return map;
    if (isMap(map)) return lookup(map, field) !== undefined;
    return new Fault(`${kindOf(map)} has no fields, so has(….${field}) cannot be answered`, offset);
  };
}

/** Decided by the first false (&&) or true (||), on whichever side of an error it stands. */
function compileLogic(node: Logic, operands: readonly Step[]): Step {
  const { operator, offset } = node;
  const decisive = operator === '||';
  return (frame) => {
    let fault: Fault | null = null;
    for (const operand of operands) {
      const value = operand(frame);
      if (value === decisive) return decisive;
      if (value instanceof Fault) fault ??= value;
      else if (typeof value !== 'boolean') fault ??= noOverload(operator, [value], offset);
    }
    return fault ?? !decisive;
  };
}

function compileChoice([test, yes, no]: readonly Step[], offset: number): Step {
  return (frame) => {
    const value = test?.(frame) ?? null;
    if (value instanceof Fault) return value;
    if (typeof value !== 'boolean') return noOverload('?:', [value], offset);
    return (value ? yes?.(frame) : no?.(frame)) ?? null;
  };
}

function compileList(elements: readonly Step[]): Step {
  return (frame) => {
    const list: CelValue[] = [];
    for (const element of elements) {
      const value = element(frame);
      if (value instanceof Fault) return value;
      list.push(value);
    }
    return list;
  };
}

function compileMap(keys: readonly Step[], values: readonly Step[], offset: number): Step {
  return (frame) => {
    const entries = new Map<MapKey, { key: CelValue; value: CelValue }>();
    for (const [position, keyStep] of keys.entries()) {
      const key = keyStep(frame);
      if (key instanceof Fault) return key;
      const found = typeof key === 'number' ? undefined : mapKey(key);
      if (found === undefined)
        return new Fault(`${kindOf(key)} cannot be a key; use string, int, uint or bool`, offset);
      if (entries.has(found)) return new Fault(`the key ${String(found)} stands twice in one map`, offset);
      const value: Result = values[position]?.(frame) ?? null;
      if (value instanceof Fault) return value;
      entries.set(found, { key, value });
    }
    return new CelMap(entries);
  };
}
