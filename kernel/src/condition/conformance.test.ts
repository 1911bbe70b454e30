// The official CEL conformance suite (github.com/google/cel-spec, as packaged in @bufbuild/cel-spec), so that what we
// call CEL is CEL.
//
// Core are the thirteen files named below, which test the language itself. Of their 1,176 cases 1,078 run here: all
// but the 98 that build or name a protobuf message (72 in comparisons, 26 in parse), which conditions do not have.
// Left out as files: proto2, proto3, enums, wrappers, dynamic (protobuf) · string_ext, math_ext, encoders_ext,
// bindings_ext, block_ext, proto2_ext, macros2, optionals (extensions) · namespace (name containers, which a charter
// has not; its one case without a container runs below) · unknowns (empty) · type_deductions, whose cases on the
// standard language run below with the type that each must be deduced to have.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { tests as conformance } from '@bufbuild/cel-spec/testdata/conformance.js';
import type { SerializedIncrementalTestSuite } from '@bufbuild/cel-spec/testdata/tests.js';
import { compileExpression, formatType, listOf, mapOf, type CelType } from '../condition.ts';
import { check } from './check.ts';
import { equal } from './compare.ts';
import { compile } from './compile.ts';
import { parse } from './parse.ts';
import { createFrame } from './step.ts';
import { parseDuration } from './time.ts';
import {
  CelMap,
  Fault,
  kindOf,
  mapKey,
  TypeName,
  Uint,
  type CelValue,
  type MapKey,
  type Result,
} from './value.ts';

const CORE_FILES: readonly (readonly [string, number])[] = [
  ['basic', 43],
  ['comparisons', 334],
  ['conversions', 109],
  ['fields', 60],
  ['fp_math', 30],
  ['integer_math', 64],
  ['lists', 39],
  ['logic', 30],
  ['macros', 44],
  ['parse', 193],
  ['plumbing', 5],
  ['string', 51],
  ['timestamps', 76],
];

interface Case {
  readonly name: string;
  readonly expr: string;
  readonly isChecked: boolean;
  readonly roots: Readonly<Record<string, CelType>>;
  readonly bindings: Readonly<Record<string, CelValue>>;
  readonly expected: { readonly kind: 'value'; readonly value: CelValue } | { readonly kind: 'failure' };
  /** The type that cel-go deduces, where the package states one. */
  readonly type: string | null;
}

interface Json {
  readonly [key: string]: unknown;
}

test('every core case of the official suite that needs no protobuf message gives the official answer', () => {
  const wrong: string[] = [];
  const counts = CORE_FILES.map(([file]) => {
    const cases = casesOf(file).filter((one) => !needsMessage(one));
    for (const one of cases) wrong.push(...complaints(readCase(one)));
    return [file, cases.length] as const;
  });
  assert.deepEqual(wrong, []);
  assert.deepEqual(counts, CORE_FILES);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  assert.equal(total, 1078);
});

test('types are deduced as the official suite deduces them', () => {
  const cases = casesOf('type_deductions').filter((one) => !needsMessage(one) && !needsExtension(one));
  const wrong = cases.flatMap((one) => {
    const made = compileExpression(String(one['expr']), {});
    if (made.kind === 'refused') return [`${String(one['name'])}: ${made.problems[0]?.message ?? ''}`];
    const deduced = formatType(made.expression.type);
    const expected = formatType(readType((one['typedResult'] as Json)['deducedType'] as Json));
    return deduced === expected ? [] : [`${String(one['name'])}: ${deduced} instead of ${expected}`];
  });
  assert.deepEqual(wrong, []);
  assert.equal(cases.length, 15);
});

test('a qualified name without a container is found as the official suite finds it', () => {
  const cases = casesOf('namespace').filter((one) => one['container'] === undefined);
  assert.deepEqual(
    cases.flatMap((one) => complaints(readCase(one))),
    [],
  );
  assert.equal(cases.length, 1);
});

function complaints(one: Case): readonly string[] {
  const outcome = run(one);
  if (outcome.kind === 'refused') return [`${one.name}: '${one.expr}' was refused: ${outcome.message}`];
  const { result, type } = outcome;
  if (one.isChecked && one.type !== null && type !== one.type) {
    return [`${one.name}: '${one.expr}' has type ${type}, not ${one.type}`];
  }
  if (one.expected.kind === 'failure')
    return result instanceof Fault ? [] : [`${one.name}: '${one.expr}' did not fail`];
  if (result instanceof Fault) return [`${one.name}: '${one.expr}' failed: ${result.message}`];
  return isSame(result, one.expected.value)
    ? []
    : [`${one.name}: '${one.expr}' gave ${kindOf(result)} ${inspect(result)}`];
}

function run(
  one: Case,
): { kind: 'refused'; message: string } | { kind: 'run'; result: Result; type: string } {
  const parsed = parse(one.expr);
  if (parsed.kind === 'refused') return { kind: 'refused', message: parsed.problem.message };
  const checked = check(parsed.node, one.roots);
  const [problem] = checked.problems;
  if (one.isChecked && problem !== undefined) return { kind: 'refused', message: problem.message };
  const result = compile(parsed.node, one.roots).run(createFrame(one.bindings));
  return { kind: 'run', result, type: formatType(checked.type) };
}

/** Equal and of one type: 1 is not 1.0 here, and NaN is NaN. */
function isSame(a: CelValue, b: CelValue): boolean {
  if (kindOf(a) !== kindOf(b)) return false;
  if (typeof a === 'number') return Object.is(a, b) || a === b;
  return equal(a, b, { offset: 0, meter: createFrame({}), depth: 0 }) === true;
}

function casesOf(file: string): readonly Json[] {
  const suite = conformance.suites?.find(({ name }) => name === file);
  return suite === undefined ? [] : flatten(suite);
}

function flatten(suite: SerializedIncrementalTestSuite): readonly Json[] {
  const own = (suite.tests ?? []).map(({ original, type }) => ({ ...original, statedType: type }));
  return [...own, ...(suite.suites ?? []).flatMap(flatten)];
}

function needsMessage(one: Json): boolean {
  return /TestAllTypes|google\.protobuf\.\w+\s*\{/.test(
    String(one['expr']) + JSON.stringify(one['typeEnv'] ?? ''),
  );
}

/** Functions that the case declares for itself, and optional values. */
function needsExtension(one: Json): boolean {
  return one['typeEnv'] !== undefined || String(one['expr']).includes('optional');
}

function readCase(one: Json): Case {
  const declared = ((one['typeEnv'] ?? []) as Json[]).map((entry): [string, CelType] => {
    return [String(entry['name']), readType((entry['ident'] as Json)['type'] as Json)];
  });
  const bindings = Object.entries((one['bindings'] ?? {}) as Json).map(
    ([name, bound]): [string, CelValue] => {
      return [name, readValue((bound as Json)['value'] as Json)];
    },
  );
  const isChecked = one['disableCheck'] !== true;
  const untyped = bindings.map(([name]): [string, CelType] => [name, 'dyn']);
  return {
    name: String(one['name']),
    expr: String(one['expr']),
    isChecked,
    roots: Object.fromEntries([...untyped, ...declared]),
    bindings: Object.fromEntries(bindings),
    expected:
      one['evalError'] === undefined
        ? { kind: 'value', value: readValue(one['value'] as Json) }
        : { kind: 'failure' },
    type: typeof one['statedType'] === 'string' ? one['statedType'] : null,
  };
}

function readValue(json: Json): CelValue {
  const [[kind, value] = ['', null]] = Object.entries(json);
  switch (kind) {
    case 'nullValue':
      return null;
    case 'boolValue':
      return value === true;
    case 'int64Value':
      return BigInt(String(value));
    case 'uint64Value':
      return new Uint(BigInt(String(value)));
    case 'doubleValue':
      return Number(value);
    case 'stringValue':
      return String(value);
    case 'bytesValue':
      return Uint8Array.from(Buffer.from(String(value), 'base64'));
    case 'typeValue':
      return new TypeName(String(value));
    case 'listValue':
      return (((value as Json)['values'] ?? []) as Json[]).map(readValue);
    case 'mapValue':
      return readMap(((value as Json)['entries'] ?? []) as Json[]);
    case 'objectValue':
      return readObject(value as Json);
    default:
      throw new Error(`the suite has a value that this test cannot read: ${kind}`);
  }
}

function readMap(entries: readonly Json[]): CelMap {
  const read = entries.map((entry): [MapKey, { key: CelValue; value: CelValue }] => {
    const key = readValue(entry['key'] as Json);
    return [mapKey(key) ?? '', { key, value: readValue(entry['value'] as Json) }];
  });
  return new CelMap(new Map(read));
}

function readObject(json: Json): CelValue {
  assert.match(String(json['@type']), /google\.protobuf\.Duration$/);
  const span = parseDuration(String(json['value']), 0);
  if (span instanceof Fault) throw new Error(span.message);
  return span;
}

const PRIMITIVES: ReadonlyMap<string, CelType> = new Map<string, CelType>([
  ['BOOL', 'bool'],
  ['INT64', 'int'],
  ['UINT64', 'uint'],
  ['DOUBLE', 'double'],
  ['STRING', 'string'],
  ['BYTES', 'bytes'],
]);

function readType(json: Json): CelType {
  const [[kind, inner] = ['', null]] = Object.entries(json);
  const parts = inner as Json;
  switch (kind) {
    case 'primitive':
      return PRIMITIVES.get(String(inner)) ?? 'dyn';
    case 'listType':
      return listOf(readType(parts['elemType'] as Json));
    case 'mapType':
      return mapOf(readType(parts['keyType'] as Json), readType(parts['valueType'] as Json));
    case 'null':
      return 'null';
    case 'messageType':
      assert.equal(inner, 'google.protobuf.Duration');
      return 'duration';
    case 'dyn':
      return 'dyn';
    default:
      throw new Error(`the suite has a type that this test cannot read: ${kind}`);
  }
}
