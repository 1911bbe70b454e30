// Generated expressions against two other implementations. Each of them has mistakes of its own, so a difference from
// one says nothing; where ours differs from both, ours is wrong, or the case stands among the known mistakes below.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCelError, isCelList, isCelMap, isCelUint, run as runBuf } from '@bufbuild/cel';
import { Environment } from '@marcbachmann/cel-js';
import fc from 'fast-check';
import { compileExpression, formatType, listOf, mapOf, type CelType } from '../condition.ts';
import { compile } from './compile.ts';
import { parse } from './parse.ts';
import { createFrame } from './step.ts';
import { Fault, isMap, keysOf, kindOf, lookup, Uint, type CelValue } from './value.ts';

const BINDINGS = {
  p: {
    n: 3,
    half: 0.5,
    s: 'main',
    empty: '',
    yes: true,
    none: null,
    list: [1, 2, 3],
    names: ['a', 'b'],
    deep: { k: 'v' },
  },
  text: 'release/1.2',
  many: [
    { s: 'low', n: 1 },
    { s: 'high', n: 5 },
  ],
} as const;
const ROOTS: Readonly<Record<string, CelType>> = {
  p: mapOf('string', 'dyn'),
  text: 'string',
  many: listOf(mapOf('string', 'dyn')),
};

/** Anything with anything: mostly errors, which must be errors for the others too. */
const { wild } = fc.letrec<{ wild: string; leaf: string }>((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom('0', '1', '-1', '2', '7', '9223372036854775807', '-9223372036854775808'),
    fc.constantFrom('0u', '1u', '2u', '18446744073709551615u', '0.0', '1.0', '-0.5', '2.5', '1e300'),
    fc.constantFrom("''", "'a'", "'main'", "'é😀'", "b'a'", "b'\\xff'", 'true', 'false', 'null', '[]', '{}'),
    fc.constantFrom(
      'p.n',
      'p.half',
      'p.s',
      'p.empty',
      'p.yes',
      'p.none',
      'p.list',
      'p.names',
      'p.deep',
      'p.missing',
    ),
    fc.constantFrom(
      'text',
      'many',
      'p.deep.k',
      'p.list[0]',
      "p['s']",
      'p.list[9]',
      'p.constructor',
      'p.__proto__',
    ),
  ),
  wild: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    tie('leaf'),
    binary(tie('wild')),
    binary(tie('wild')),
    unary(tie('wild')),
    fc.tuple(tie('wild'), tie('wild'), tie('wild')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    fc.array(tie('wild'), { maxLength: 3 }).map((elements) => `[${elements.join(', ')}]`),
    fc
      .array(tie('wild'), { maxLength: 2 })
      .map((values) => `{${values.map((v, i) => `'k${i}': ${v}`).join(', ')}}`),
    loop(tie('wild')),
  ),
}));

/**
 * Expressions that make sense, so that most of them have a value. Doubles meet integers beyond 2^53 nowhere here: the
 * two others compare them exactly, we as doubles, like cel-go and as the official suite demands of their order.
 */
const { bool: sensible } = fc.letrec<{ bool: string; int: string; double: string; text: string }>((tie) => ({
  bool: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.constantFrom(
      'true',
      'false',
      'p.yes',
      'has(p.n)',
      'has(p.missing)',
      "'s' in p",
      "'a' in p.names",
      '2 in p.list',
    ),
    fc.constantFrom(
      'p.missing == 1',
      'p.n == 3',
      '3 == p.n',
      "p.s in ['main', 'master']",
      'p.n in [1, 2, 3]',
      'p.n > 2',
    ),
    infix(tie('bool'), ['&&', '||', '&&', '||', '==', '!=']),
    infix(tie('int'), ['==', '!=', '<', '<=', '>', '>=']),
    infix(tie('double'), ['==', '!=', '<', '<=', '>', '>=']),
    infix(tie('text'), ['==', '!=', '<', '<=', '>', '>=']),
    fc
      .tuple(tie('text'), fc.constantFrom('contains', 'startsWith', 'endsWith'), tie('text'))
      .map(([a, name, b]) => `${a}.${name}(${b})`),
    fc.tuple(tie('bool'), tie('bool'), tie('bool')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    tie('bool').map((a) => `!(${a})`),
    fc
      .tuple(fc.constantFrom('all', 'exists', 'exists_one'), tie('bool'))
      .map(([name, a]) => `many.${name}(x, x.n > 2 || ${a})`),
    fc
      .tuple(tie('int'), fc.array(tie('int'), { maxLength: 3 }))
      .map(([a, list]) => `(${a} in [${list.join(', ')}])`),
    fc
      .tuple(tie('double'), fc.array(fc.constantFrom('0', '3', '-7', '100u'), { maxLength: 3 }))
      .map(([a, list]) => `(dyn(${a}) in [${list.join(', ')}])`),
  ),
  int: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.constantFrom(
      '0',
      '1',
      '-1',
      '3',
      '9007199254740993',
      '9223372036854775807',
      '-9223372036854775808',
      'size(p.names)',
    ),
    infix(tie('int'), ['+', '-', '*', '/', '%']),
    tie('text').map((a) => `size(${a})`),
    tie('double').map((a) => `int(${a})`),
    tie('bool').map((a) => `p.list.filter(x, x > 1.0 && ${a}).size()`),
  ),
  double: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.constantFrom(
      '0.0',
      '-0.5',
      '3.0',
      '1e300',
      'p.n',
      'p.half',
      'p.list[1]',
      '9007199254740992.0',
      '9223372036854775808.0',
    ),
    infix(tie('double'), ['+', '-', '*', '/']),
    tie('int').map((a) => `double(${a})`),
  ),
  text: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.constantFrom("''", "'main'", "'é😀'", "'\\uffee'", 'text', 'p.s', 'p.empty', 'p.deep.k', 'p.names[0]'),
    infix(tie('text'), ['+']),
    tie('int').map((a) => `string(${a})`),
  ),
}));

function infix(part: fc.Arbitrary<string>, signs: readonly string[]): fc.Arbitrary<string> {
  return fc.tuple(part, fc.constantFrom(...signs), part).map(([a, sign, b]) => `(${a} ${sign} ${b})`);
}

const expression = fc.oneof(wild, sensible);

function binary(part: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const operator = fc.constantFrom(
    '+',
    '-',
    '*',
    '/',
    '%',
    '==',
    '!=',
    '<',
    '<=',
    '>',
    '>=',
    'in',
    '&&',
    '||',
    '&&',
    '||',
  );
  const method = fc.constantFrom('contains', 'startsWith', 'endsWith');
  return fc.oneof(
    { weight: 6, arbitrary: fc.tuple(part, operator, part).map(([a, sign, b]) => `(${a} ${sign} ${b})`) },
    { weight: 1, arbitrary: fc.tuple(part, method, part).map(([a, name, b]) => `${a}.${name}(${b})`) },
    { weight: 1, arbitrary: fc.tuple(part, part).map(([a, b]) => `${a}[${b}]`) },
  );
}

function unary(part: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const call = fc.constantFrom('size', 'int', 'uint', 'double', 'string', 'bytes', 'bool', 'dyn', '!', '-');
  const field = fc.constantFrom('n', 's', 'k', 'missing', 'toString');
  return fc.oneof(
    { weight: 3, arbitrary: fc.tuple(call, part).map(([name, a]) => `${name}(${a})`) },
    { weight: 1, arbitrary: field.map((name) => `has(p.${name})`) },
  );
}

function loop(part: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const macro = fc.constantFrom('all', 'exists', 'exists_one', 'map', 'filter');
  const range = fc.constantFrom('p.list', 'p.names', 'p.deep', 'many', '[1, 2]', "['a', 'main']", '[]');
  const body = fc.oneof(
    part,
    part.map((a) => `x == ${a}`),
    part.map((a) => `(${a} in [x]) || x == 'a'`),
    fc.constantFrom("x.s == 'high'", 'x.n > 1', 'x + x', 'x > 1', "x != 'a'"),
  );
  return fc.tuple(range, macro, body).map(([list, name, inner]) => `${list}.${name}(x, ${inner})`);
}

/** One text for an outcome, whoever it comes from. Which error it was is not compared. */
function show(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return `double ${value === 0 ? 0 : value}`;
  if (typeof value === 'bigint') return `int ${value}`;
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (value instanceof Uint || isCelUint(value)) return `uint ${value.value}`;
  if (isCelList(value)) return showList([...value]);
  if (isCelMap(value)) return showEntries([...value.entries()]);
  if (value instanceof Map) return showEntries([...value.entries()]);
  if (Array.isArray(value)) return showList(value);
  if (typeof value === 'object') return showObject(value);
  return typeof value;
}

function showObject(value: object): string {
  if (value.constructor.name === 'UnsignedInt') return `uint ${(value as { valueOf(): bigint }).valueOf()}`;
  const map = value as CelValue;
  if (!isMap(map)) return kindOf(map);
  return showEntries(keysOf(map).map((key) => [key, lookup(map, key)]));
}

function showList(values: readonly unknown[]): string {
  return `[${values.map(show).join(', ')}]`;
}

function showEntries(entries: readonly (readonly [unknown, unknown])[]): string {
  return `{${entries
    .map(([key, value]) => `${show(key)}: ${show(value)}`)
    .toSorted()
    .join(', ')}}`;
}

interface Outcome {
  readonly shown: string;
  /** Why ours failed, to tell the known mistakes of the others from new ones. */
  readonly reason: string;
}

function byUs(source: string): Outcome {
  const parsed = parse(source);
  if (parsed.kind === 'refused') return { shown: 'refused', reason: parsed.problem.message };
  const value = compile(parsed.node, ROOTS).run(createFrame(BINDINGS));
  return value instanceof Fault
    ? { shown: 'error', reason: value.message }
    : { shown: show(value), reason: '' };
}

function byBuf(source: string): string {
  const value = runBuf(source, BINDINGS);
  return isCelError(value) ? 'error' : show(value);
}

const environment = new Environment({ unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false });

function byMarc(source: string): string {
  try {
    return show(environment.evaluate(source, BINDINGS));
  } catch {
    return 'error';
  }
}

/** int('') and uint('') are 0 for both others, because JavaScript's BigInt('') is; no integer is written so (cel-go refuses it). */
function isKnownMistake({ reason }: Outcome): boolean {
  return /^'' cannot be read as u?int$/.test(reason);
}

test('no generated expression has an outcome that both other implementations contradict', () => {
  fc.assert(
    fc.property(expression, (source) => {
      const mine = byUs(source);
      const buf = byBuf(source);
      if (mine.shown === buf || isKnownMistake(mine)) return;
      assert.equal(mine.shown, byMarc(source), `@bufbuild/cel: ${buf}; ours: ${mine.shown} ${mine.reason}`);
    }),
    { numRuns: 2500, seed: 20_261_120 },
  );
});

test('what the checker lets pass is of the kind that the checker said', () => {
  fc.assert(
    fc.property(expression, (source) => {
      const made = compileExpression(source, ROOTS);
      if (made.kind === 'refused') return;
      const outcome = made.expression.evaluate(BINDINGS);
      const { type } = made.expression;
      // Inside lists and maps a dyn may have brought anything along; the kind of the whole is certain.
      const kind = typeof type === 'string' ? type : type.kind;
      if (outcome.kind === 'value' && kind !== 'dyn')
        assert.equal(kindOf(outcome.value), kind, formatType(type));
    }),
    { numRuns: 2500, seed: 20_261_120 },
  );
});
