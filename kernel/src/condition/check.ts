// Types before values: what can be known to be wrong without running a condition is refused when the charter loads.
// Whatever an agent sends is `dyn`, so the check narrows nothing it cannot prove; the rest is left to run time.
import { numberHint } from './arithmetic.ts';
import { MACROS } from './macro.ts';
import { OVERLOADS } from './overload.ts';
import { suggest } from '../nearest.ts';
import {
  chainStart,
  dottedName,
  type Call,
  type ConditionProblem,
  type Ident,
  type Loop,
  type MapLiteral,
  type Node,
  type Select,
} from './syntax.ts';
import { formatType, TYPE_NAMES, type CelType } from './type.ts';
import { createInference, same, type Type } from './unify.ts';
import { excerpt, kindOf, type Kind } from './value.ts';

export type Roots = Readonly<Record<string, CelType>>;

export interface Checked {
  readonly type: CelType;
  /** Empty where nothing is wrong; never more than ten. */
  readonly problems: readonly ConditionProblem[];
}

const MAX_PROBLEMS = 10;

interface Scope {
  readonly variable: string;
  readonly type: Type;
  readonly outer: Scope | null;
}

export function check(root: Node, roots: Roots): Checked {
  const inference = createInference();
  const problems: ConditionProblem[] = [];

  function report(message: string, offset: number): Type {
    if (problems.length < MAX_PROBLEMS) problems.push({ message, offset });
    return 'dyn';
  }

  function infer(node: Node, scope: Scope | null): Type {
    switch (node.kind) {
      case 'literal':
        return LITERAL_TYPES[kindOf(node.value)];
      case 'ident':
        return inferIdent(node, scope);
      case 'select':
        return inferSelect(node, scope);
      case 'has':
        inferField(infer(node.operand, scope), node.field, node.offset);
        return 'bool';
      case 'call':
        return inferCall(node, scope);
      case 'logic':
        for (const operand of node.operands) expectBool(operand, scope, `'${node.operator}'`);
        return 'bool';
      case 'choice':
        return resolve(
          '_?_:_',
          false,
          [node.test, node.yes, node.no].map((part) => infer(part, scope)),
          node.offset,
        );
      case 'list':
        return { kind: 'list', element: inferJoined(node.elements, scope) };
      case 'map':
        return inferMap(node, scope);
      case 'loop':
        return inferLoop(node, scope);
    }
  }

  function inferIdent(node: Ident, scope: Scope | null): Type {
    if (!node.absolute) {
      for (let known = scope; known !== null; known = known.outer)
        if (known.variable === node.name) return known.type;
    }
    const found = findName(node.name);
    if (found !== null) return found;
    const known = [...variables(scope), ...Object.keys(roots)];
    const list = known.length === 0 ? '' : `; known are ${known.join(', ')}`;
    return report(`unknown name '${excerpt(node.name)}'${suggest(node.name, known)}${list}`, node.offset);
  }

  function findName(name: string): Type | null {
    if (Object.hasOwn(roots, name)) return roots[name] ?? 'dyn';
    const denoted = TYPE_NAMES.get(name);
    return denoted === undefined ? null : { kind: 'type', of: denoted };
  }

  function inferSelect(node: Select, scope: Scope | null): Type {
    const name = dottedName(node);
    const start = chainStart(node);
    if (name !== null && start !== null && (start.absolute || !variables(scope).includes(start.name))) {
      const found = findName(name);
      if (found !== null) return found;
    }
    return inferField(infer(node.operand, scope), node.field, node.offset);
  }

  function inferField(operand: Type, field: string, offset: number): Type {
    const type = inference.shallow(operand);
    if (type === 'dyn') return 'dyn';
    if (typeof type !== 'string' && type.kind === 'map') return type.value;
    if (typeof type !== 'string' && type.kind === 'variable') {
      inference.fits(['dyn'], [type]);
      return 'dyn';
    }
    return report(`${show(type)} has no fields, so '.${excerpt(field)}' cannot be read from it`, offset);
  }

  function inferCall(node: Call, scope: Scope | null): Type {
    const types = node.args.map((arg) => infer(arg, scope));
    if (OVERLOADS.has(node.name)) return resolve(node.name, node.receiver, types, node.offset);
    if (MACROS.has(node.name)) {
      return report(`${node.name} is written ${MACROS.get(node.name) ?? ''}`, node.offset);
    }
    return report(
      `unknown function '${excerpt(node.name)}'${suggest(node.name, FUNCTION_NAMES)}`,
      node.offset,
    );
  }

  function resolve(name: string, receiver: boolean, types: readonly Type[], offset: number): Type {
    let result: Type | null = null;
    for (const overload of OVERLOADS.get(name) ?? []) {
      const [a, b] = [inference.fresh(), inference.fresh()];
      const params = overload.params(a, b);
      if (overload.receiver !== receiver || params.length !== types.length || !inference.fits(types, params))
        continue;
      const inferred = inference.shallow(overload.result(a, b));
      // Still free means that only a dyn stood where it would have been learnt, and what comes of a dyn is dyn.
      const found = inferred === a || inferred === b ? 'dyn' : inferred;
      result =
        result === null || same(inference.settle(result), inference.settle(found))
          ? (result ?? found)
          : 'dyn';
    }
    return result ?? report(describeMismatch(name, receiver, types), offset);
  }

  function describeMismatch(name: string, receiver: boolean, types: readonly Type[]): string {
    const shown = types.map(show);
    if (name === '_?_:_') {
      return shown[0] === 'bool' || shown[0] === 'dyn'
        ? `both arms of a conditional need one type, not ${shown[1] ?? ''} and ${shown[2] ?? ''}; wrap one in dyn(…)`
        : `the test of a conditional must be bool, not ${shown[0] ?? ''}`;
    }
    const isOperator = /[_@]/.test(name);
    const forms = OVERLOADS.get(name) ?? [];
    if (!isOperator && !forms.some((form) => form.receiver === receiver)) {
      return `${name} is written ${receiver ? `${name}(x)` : `x.${name}(…)`}`;
    }
    return `'${isOperator ? name.replaceAll(/[_@]/g, '') : name}' does not take ${shown.join(' and ') || 'no arguments'}${numberHint(shown)}`;
  }

  function expectBool(node: Node, scope: Scope | null, by: string): void {
    const type = infer(node, scope);
    if (!inference.fits([type], ['bool'])) report(`${by} needs bool, found ${show(type)}`, node.offset);
  }

  function inferJoined(nodes: readonly Node[], scope: Scope | null): Type {
    let joined: Type | null = null;
    for (const node of nodes) {
      const type = infer(node, scope);
      joined = joined === null ? type : inference.join(joined, type);
    }
    return joined ?? inference.fresh();
  }

  function inferMap(node: MapLiteral, scope: Scope | null): Type {
    // Refusing what can be no key also keeps types from doubling with every level that is written.
    const keys = node.entries.map((entry) => entry.key);
    const key = inferJoined(keys, scope);
    const shown = inference.settle(key);
    if (keys.length > 0 && !KEY_TYPES.has(shown)) {
      report(
        `a map's key is string, int, uint or bool, not ${formatType(shown)}`,
        keys[0]?.offset ?? node.offset,
      );
      return { kind: 'map', key: 'dyn', value: 'dyn' };
    }
    const value = inferJoined(
      node.entries.map((entry) => entry.value),
      scope,
    );
    return { kind: 'map', key, value };
  }

  function inferLoop(node: Loop, scope: Scope | null): Type {
    const range = infer(node.range, scope);
    const element = elementOf(range, node);
    const inner: Scope = { variable: node.variable, type: element, outer: scope };
    if (node.test !== null) expectBool(node.test, inner, `the condition of ${node.macro}`);
    if (node.result !== null) return { kind: 'list', element: infer(node.result, inner) };
    return node.macro === 'filter' ? { kind: 'list', element } : 'bool';
  }

  function elementOf(range: Type, node: Loop): Type {
    const type = inference.shallow(range);
    if (type === 'dyn') return 'dyn';
    if (typeof type !== 'string') {
      if (type.kind === 'list') return type.element;
      if (type.kind === 'map') return type.key;
      if (type.kind === 'variable') {
        inference.fits(['dyn'], [type]);
        return 'dyn';
      }
    }
    return report(`${node.macro} goes through lists and maps, not ${show(type)}`, node.offset);
  }

  function show(type: Type): string {
    return formatType(inference.settle(type));
  }

  const type = infer(root, null);
  return { type: inference.settle(type), problems };
}

const LITERAL_TYPES: Readonly<Record<Kind, Type>> = {
  null: 'null',
  bool: 'bool',
  int: 'int',
  uint: 'uint',
  double: 'double',
  string: 'string',
  bytes: 'bytes',
  timestamp: 'timestamp',
  duration: 'duration',
  list: { kind: 'list', element: 'dyn' },
  map: { kind: 'map', key: 'dyn', value: 'dyn' },
  type: { kind: 'type', of: null },
  foreign: 'dyn',
};

const KEY_TYPES: ReadonlySet<CelType> = new Set<CelType>(['string', 'int', 'uint', 'bool', 'dyn']);

const FUNCTION_NAMES: readonly string[] = [...OVERLOADS.keys(), ...MACROS.keys()].filter(
  (name) => !/[_@]/.test(name),
);

function variables(scope: Scope | null): readonly string[] {
  return scope === null ? [] : [scope.variable, ...variables(scope.outer)];
}
