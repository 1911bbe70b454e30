// The signatures of the standard functions, written as in the language definition. A and B stand for any type.
import { MOMENT_FIELDS, SPAN_FIELDS } from './time.ts';
import type { Type } from './unify.ts';

/** One signature. */
export interface Overload {
  readonly receiver: boolean;
  readonly params: (a: Type, b: Type) => readonly Type[];
  readonly result: (a: Type, b: Type) => Type;
}

const ORDERED: readonly Type[] = [
  'bool',
  'int',
  'uint',
  'double',
  'string',
  'bytes',
  'timestamp',
  'duration',
];
const NUMBERS: readonly Type[] = ['int', 'uint', 'double'];

function fixed(params: readonly Type[], result: Type, receiver = false): Overload {
  return { receiver, params: () => params, result: () => result };
}

function list(element: Type): Type {
  return { kind: 'list', element };
}

function map(key: Type, value: Type): Type {
  return { kind: 'map', key, value };
}

function onAll(types: readonly Type[]): readonly Overload[] {
  return types.map((type) => fixed([type, type], type));
}

const ordering: readonly Overload[] = [
  ...ORDERED.map((type) => fixed([type, type], 'bool')),
  ...NUMBERS.flatMap((a) => NUMBERS.filter((b) => b !== a).map((b) => fixed([a, b], 'bool'))),
];
const equality: readonly Overload[] = [{ receiver: false, params: (a) => [a, a], result: () => 'bool' }];
const sized: readonly Overload[] = [false, true].flatMap((receiver) => [
  fixed(['string'], 'int', receiver),
  fixed(['bytes'], 'int', receiver),
  { receiver, params: (a: Type) => [list(a)], result: (): Type => 'int' },
  { receiver, params: (a: Type, b: Type) => [map(a, b)], result: (): Type => 'int' },
]);

function convert(to: Type, ...from: readonly Type[]): readonly Overload[] {
  return from.map((type) => fixed([type], to));
}

function fields(): readonly (readonly [string, readonly Overload[]])[] {
  return Array.from(MOMENT_FIELDS.keys(), (name) => {
    const onMoment = [fixed(['timestamp'], 'int', true), fixed(['timestamp', 'string'], 'int', true)];
    return [
      name,
      SPAN_FIELDS.has(name) ? [...onMoment, fixed(['duration'], 'int', true)] : onMoment,
    ] as const;
  });
}

const textTest = [fixed(['string', 'string'], 'bool', true)];

/** Every function and operator that an expression may call, with its signatures. */
export const OVERLOADS: ReadonlyMap<string, readonly Overload[]> = new Map<string, readonly Overload[]>([
  [
    '_+_',
    [
      ...onAll(['int', 'uint', 'double', 'string', 'bytes', 'duration']),
      fixed(['timestamp', 'duration'], 'timestamp'),
      fixed(['duration', 'timestamp'], 'timestamp'),
      { receiver: false, params: (a) => [list(a), list(a)], result: (a) => list(a) },
    ],
  ],
  [
    '_-_',
    [
      ...onAll(['int', 'uint', 'double', 'duration']),
      fixed(['timestamp', 'timestamp'], 'duration'),
      fixed(['timestamp', 'duration'], 'timestamp'),
    ],
  ],
  ['_*_', onAll(NUMBERS)],
  ['_/_', onAll(NUMBERS)],
  ['_%_', onAll(['int', 'uint'])],
  ['-_', [fixed(['int'], 'int'), fixed(['double'], 'double')]],
  ['!_', [fixed(['bool'], 'bool')]],
  ['_==_', equality],
  ['_!=_', equality],
  ['_<_', ordering],
  ['_<=_', ordering],
  ['_>_', ordering],
  ['_>=_', ordering],
  [
    '@in',
    [
      { receiver: false, params: (a) => [a, list(a)], result: () => 'bool' },
      { receiver: false, params: (a, b) => [a, map(a, b)], result: () => 'bool' },
    ],
  ],
  [
    '_[_]',
    [
      { receiver: false, params: (a) => [list(a), 'int'], result: (a) => a },
      { receiver: false, params: (a, b) => [map(a, b), a], result: (_a, b) => b },
    ],
  ],
  ['_?_:_', [{ receiver: false, params: (a) => ['bool', a, a], result: (a) => a }]],
  ['size', sized],
  ['contains', textTest],
  ['startsWith', textTest],
  ['endsWith', textTest],
  ['matches', [...textTest, fixed(['string', 'string'], 'bool')]],
  ...fields(),
  ['bool', convert('bool', 'bool', 'string')],
  ['int', convert('int', 'int', 'uint', 'double', 'string', 'timestamp')],
  ['uint', convert('uint', 'uint', 'int', 'double', 'string')],
  ['double', convert('double', 'double', 'int', 'uint', 'string')],
  ['string', convert('string', 'string', 'bool', 'int', 'uint', 'double', 'bytes', 'timestamp', 'duration')],
  ['bytes', convert('bytes', 'bytes', 'string')],
  ['timestamp', convert('timestamp', 'timestamp', 'string', 'int')],
  ['duration', convert('duration', 'duration', 'string')],
  ['dyn', [{ receiver: false, params: (a) => [a], result: () => 'dyn' }]],
  ['type', [{ receiver: false, params: (a) => [a], result: (a) => ({ kind: 'type', of: a }) }]],
]);
