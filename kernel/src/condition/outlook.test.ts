import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileCondition, RULE_ROOTS } from '../condition.ts';
import { conditionKey, outlookOf } from './outlook.ts';

function said(...sources: readonly string[]): string {
  const { value, isCertain } = outlookOf(sources);
  return value === null ? 'open' : `${isCertain ? 'certainly' : 'whenever it can be'} ${value}`;
}

test('what can only be true, and what can only be false, is known before any action comes', () => {
  const always = 'whenever it can be true';
  const never = 'whenever it can be false';
  const table: Readonly<Record<string, string>> = {
    true: 'certainly true',
    '1 == 2': 'certainly false',
    "'a'.startsWith('a')": 'certainly true',
    '[1, 2].exists(x, x > 1)': 'certainly true',
    "parameters.a == 'x' || true": 'certainly true',
    "false && parameters.a == 'x'": 'certainly false',
    "parameters.branch != 'main' || parameters.branch != 'master'": always,
    "parameters.branch == 'main' && parameters.branch == 'master'": never,
    "parameters.branch in ['a', 'b'] && !(parameters.branch in ['b', 'a'])": never,
    "parameters.branch in ['a'] && 'b' == parameters.branch": never,
    'has(parameters.x) || !has(parameters.x)': always,
    "parameters['n'] > 5 && parameters.n < 3": never,
    'parameters.n > 3 || parameters.n <= 3': always,
    'parameters.n >= 3 || parameters.n < 3.5': always,
    'parameters.n > 3 && 3 >= parameters.n': never,
    'parameters.n > 3 && parameters.n < 4': 'open',
    'parameters.a == parameters.a': always,
    'parameters.a == parameters.b || parameters.b != parameters.a': always,
    'parameters.a ? true : true': always,
    'parameters.a == null || parameters.a != null': always,
    "parameters.a == 'x' || parameters.a == 'y'": 'open',
    'parameters.a == true || parameters.a == false': 'open',
    'parameters.a < parameters.b || parameters.a >= parameters.b': 'open',
    'double(parameters.s) > 3.0 || double(parameters.s) <= 3.0': 'open',
    'parameters.force': 'open',
    "'main' in parameters.branches": 'open',
    'parameters.n != 1 || 1 != parameters.n': 'open',
    'parameters.n == 9007199254740993 && parameters.n == 9007199254740992': 'open',
    'findings.exists(f, f.severity == "error")': 'open',
    'this does not parse': 'open',
  };
  for (const [source, expected] of Object.entries(table)) assert.equal(said(source), expected, source);
});

test('several conditions are asked together, and a condition of a thousand cases is left open', () => {
  assert.equal(said('parameters.n > 5', 'parameters.n < 5'), 'whenever it can be false');
  assert.equal(said('parameters.n > 5', 'parameters.m < 5'), 'open');
  const many = Array.from({ length: 12 }, (_, i) => `has(parameters.a${i})`).join(' || ');
  assert.equal(said(`(${many}) && (${many})`), 'open');
});

test('conditions that say the same have the same key, however they are written', () => {
  assert.equal(conditionKey("parameters.a=='x'"), conditionKey('( parameters["a"]  ==  "x" )'));
  assert.notEqual(conditionKey("parameters.a == 'x'"), conditionKey("parameters.a == 'y'"));
  assert.notEqual(conditionKey('parameters.a == 1'), conditionKey('parameters.a == 1.0'));
  assert.notEqual(
    conditionKey('[1].exists(x, x == parameters.a)'),
    conditionKey('[1].all(x, x == parameters.a)'),
  );
});

const atom = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('a', 'b'),
      fc.constantFrom('==', '!=', '<', '<=', '>', '>='),
      fc.integer({ min: 0, max: 2 }),
    )
    .map(([name, operator, value]) => `parameters.${name} ${operator} ${value}`),
  fc
    .tuple(fc.constantFrom('a', 'b'), fc.constantFrom("'x'", 'true', "[0, 'x']", 'null'))
    .map(([name, value]) =>
      value.startsWith('[') ? `parameters.${name} in ${value}` : `parameters.${name} == ${value}`,
    ),
  fc.constantFrom(
    'has(parameters.a)',
    'true',
    'false',
    'parameters.a',
    'parameters.a == parameters.b',
    '1 / 0 == 1',
  ),
);
const expression = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    atom,
    fc.tuple(tie('node'), fc.constantFrom('&&', '||'), tie('node')).map(([l, op, r]) => `(${l} ${op} ${r})`),
    tie('node').map((inner) => `!(${inner})`),
    fc.tuple(tie('node'), tie('node'), tie('node')).map(([t, y, n]) => `((${t}) ? (${y}) : (${n}))`),
  ),
})).node;
const value = fc.constantFrom<unknown[]>([], [0], [0.5], [1], [2], [-1], [3], ['x'], [true], [false], [null]);

test('what is said of a condition holds for every action', () => {
  fc.assert(
    fc.property(
      expression,
      fc.array(fc.tuple(value, value), { minLength: 20, maxLength: 20 }),
      (source, actions) => {
        const compiled = compileCondition(source, RULE_ROOTS);
        const outlook = outlookOf([source]);
        if (compiled.kind === 'refused' || outlook.value === null) return;
        for (const [a, b] of actions) {
          const parameters = {
            ...(a.length === 0 ? {} : { a: a[0] }),
            ...(b.length === 0 ? {} : { b: b[0] }),
          };
          const met = compiled.condition.evaluate({ parameters });
          if (met.kind === 'value') assert.equal(met.value, outlook.value, source);
          else assert.ok(!outlook.isCertain, `${source} was said to be certain`);
        }
      },
    ),
    { numRuns: 3_000 },
  );
});
