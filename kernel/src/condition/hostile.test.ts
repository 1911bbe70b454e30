// What agents and careless authors can do to a condition: lead it to a prototype, pass one value for another, stall it
// or exhaust the memory. In every case there is an answer, and never a wrong one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileCondition, compileExpression, RULE_ROOTS } from '../condition.ts';
import { compile } from './compile.ts';
import { parse } from './parse.ts';
import { BUDGET, createBudget, createFrame, type Bindings } from './step.ts';
import { evaluated, refusal } from './fixtures.test.ts';
import { Fault, MAX_LOOPS } from './value.ts';

const FACTS = {
  parameters: {},
  context: {},
  agent: {},
  user: {},
  resource: {},
  findings: [],
  now: Date.UTC(2026, 0, 31, 23, 30),
};

const evaluate = (source: string, facts: Readonly<Record<string, unknown>> = FACTS): boolean | string =>
  evaluated(source, facts);

test('keys that lead to a prototype are missing keys', () => {
  for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'valueOf']) {
    assert.match(String(evaluate(`parameters.${key} == null`)), /no such key/, key);
    assert.match(String(evaluate(`parameters['${key}'] == null`)), /no such key/, key);
    assert.equal(evaluate(`has(parameters.${key}) || '${key}' in parameters || '${key}' in {}`), false, key);
    assert.match(refusal(`${key} == 1`), /^0: unknown name/, key);
    assert.match(refusal(`parameters.${key}() == 1`), /^11: unknown function/, key);
    assert.match(refusal(`${key}(parameters) == 1`), /^0: unknown function/, key);
  }
  const own: unknown = JSON.parse('{"__proto__": {"admin": true}}');
  assert.equal(evaluate('parameters.__proto__.admin', { ...FACTS, parameters: own }), true);
  assert.match(String(evaluate('parameters.admin', { ...FACTS, parameters: own })), /no such key/);
});

test('no JSON document can pass for a value that JSON does not have', () => {
  const parameters = {
    a: { kind: 'timestamp', nanos: 0 },
    b: { kind: 'uint', value: 1 },
    c: { kind: 'fault', message: 'x' },
  };
  const facts = { ...FACTS, parameters };
  assert.match(String(evaluate('parameters.a < now', facts)), /'<' does not take map and timestamp/);
  assert.equal(evaluate('parameters.b == 1u || type(parameters.b) != map', facts), false);
  assert.equal(evaluate("parameters.c.message == 'x'", facts), true);
});

test('length, depth and number of parts are bounded', () => {
  const table: readonly (readonly [string, RegExp])[] = [
    [`'${'a'.repeat(4094)}' == ''`, /^4096: a condition has at most 4096 characters, this one has 4102/],
    ['('.repeat(2000), /^64: nested more than 64 levels deep/],
    ['['.repeat(2000), /nested more than 64 levels deep/],
    [`${'!'.repeat(3000)}true`, /nested more than 64 levels deep/],
    [`parameters${'.a'.repeat(1500)} == 1`, /nested more than 64 levels deep/],
    [`1${' + 1'.repeat(900)} == 1`, /nested more than 64 levels deep/],
    [`true${' ? true : true'.repeat(200)}`, /nested more than 64 levels deep/],
    [`parameters.n in [${'1,'.repeat(600)}1]`, /more than 500 parts/],
    [`true${' && true'.repeat(501)}`, /more than 500 parts/],
  ];
  for (const [source, expected] of table) assert.match(refusal(source), expected, source.slice(0, 40));
  assert.equal(evaluate(`${'('.repeat(60)}true${')'.repeat(60)}`), true);
  assert.equal(evaluate(`true${' && true'.repeat(400)}`), true);
});

test('ten thousand loop turns are the end of an evaluation, nested loops counted together', () => {
  const list = Array.from({ length: 10_001 }, (_, index) => index);
  const facts = { ...FACTS, parameters: { list, short: list.slice(0, 101), exact: list.slice(0, 10_000) } };
  const limit = 'more than 10000 loop turns; narrow the list down first';
  assert.equal(evaluate('parameters.exact.all(x, x >= 0)', facts), true);
  assert.equal(evaluate('parameters.list.all(x, x >= 0)', facts), limit);
  assert.equal(evaluate('parameters.list.exists_one(x, x < 0)', facts), limit);
  assert.equal(evaluate('parameters.list.map(x, x).size() > 0', facts), limit);
  assert.equal(evaluate('parameters.short.all(x, parameters.short.all(y, true))', facts), limit);
  assert.equal(evaluate('10000 in parameters.list', facts), true);
});

test('conditions that are asked together share three times what each may spend, and those beyond it err', () => {
  const list = Array.from({ length: 8_000 }, (_, index) => index);
  const long = 'x'.repeat(4_000_000);
  const bindings = { ...FACTS, parameters: { list, long, short: [1] } };
  const ask = (source: string, with_: Bindings): unknown => {
    const made = compileCondition(source, RULE_ROOTS);
    assert.ok(made.kind === 'compiled');
    const met = made.condition.evaluate(with_);
    return met.kind === 'value' ? met.value : met.message;
  };
  const limit =
    'all conditions that were asked together take more than 30000 loop turns, or look at too much; narrow the lists down first';
  for (const source of ['parameters.list.all(x, x >= 0)', "!parameters.long.contains('y')"]) {
    const shared: Bindings = { ...bindings, [BUDGET]: createBudget() };
    const many = Array.from({ length: 300 }, () => ask(source, shared));
    const answered = many.filter((answer) => answer === true).length;
    assert.ok(answered >= 3 && answered <= 12, `${source}: ${answered}`);
    assert.deepEqual([...new Set(many.slice(answered))], [limit], 'once it is used up it stays so');
    assert.equal(
      ask("parameters.short[0] == 1.0 && 'a' == 'a'", shared),
      true,
      'what costs nothing is still answered',
    );
    assert.deepEqual(new Set(Array.from({ length: 50 }, () => ask(source, bindings))), new Set([true]));
  }
});

test('once a limit is reached every loop around it ends at its next turn', () => {
  const parsed = parse('list.all(x, list.all(y, list.exists(z, z < 0) || true))');
  assert.ok(parsed.kind === 'parsed');
  const frame = createFrame({ list: Array.from({ length: 150 }, (_, index) => index) });
  const outcome = compile(parsed.node, { list: 'dyn' }).run(frame);
  assert.ok(outcome instanceof Fault);
  assert.ok(frame.loops <= MAX_LOOPS + 3, `${frame.loops} turns`);
});

test('expressions and data built to stall or to exhaust memory end in an error', () => {
  const long = 'x'.repeat(300_000);
  let deep: unknown = 1;
  for (let level = 0; level < 50_000; level++) deep = [deep];
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`k${index}`, index]));
  const list = Array.from({ length: 9000 }, (_, index) => `v${index}`);
  const facts = {
    ...FACTS,
    parameters: {
      long,
      digits: `${'1'.repeat(300_000)}x`,
      deep,
      many,
      list,
      evil: '^(a|b|[c-z]{1,50}){1,18}$',
    },
  };
  const chain = (start: string, step: string): string => start + `.map(x, ${step})`.repeat(40);
  const table: readonly (readonly [string, boolean | RegExp])[] = [
    ["parameters.long.matches('^(x+x+)+y$')", false],
    ["parameters.long.matches('(x*)*(x*)*(x*)*y')", false],
    ['parameters.long.matches(parameters.evil)', false],
    ['double(parameters.digits) > 1.0', /cannot be read as double/],
    ['duration(parameters.digits) > duration(parameters.digits)', /is no duration/],
    ['parameters.deep == [parameters.deep]', /nests more than 200 levels deep/],
    [`${chain("['a']", 'x + x')} == []`, /too large/],
    [`${chain('[[1]]', 'x + x')} == []`, /too large/],
    [`${chain('[1]', '[x, x]')}[0] == parameters.list`, false],
    ['parameters.list.all(x, !parameters.many.exists(k, k == x))', /loop turns/],
    ['parameters.list.all(x, size(parameters.many) > 0)', /too large/],
    ['parameters.list.all(x, parameters.long < parameters.long)', false],
    ["parameters.list.all(x, !parameters.long.contains('xy'))", /too large/],
    ["parameters.list.all(x, now.getHours('Z' + x) == 0)", /too large|no time zone/],
  ];
  for (const [source, expected] of table) {
    const outcome = evaluate(source, facts);
    if (typeof expected === 'boolean') assert.equal(outcome, expected, source.slice(0, 60));
    else assert.match(String(outcome), expected, source.slice(0, 60));
  }
});

test('two values of exponential size built from few parts are not compared to the end', () => {
  const twice = '[1]' + '.map(x, [x, x])'.repeat(30);
  const made = compileExpression(`[${twice}].map(v, v == v)[0]`, {});
  assert.ok(made.kind === 'compiled');
  const outcome = made.expression.evaluate({});
  assert.ok(outcome.kind === 'error' && /too large/.test(outcome.message));
});

test('messages quote at most a few characters of what an agent sent', () => {
  const facts = { ...FACTS, parameters: { secret: 's'.repeat(5000) } };
  for (const source of [
    'int(parameters.secret) == 1',
    'timestamp(parameters.secret) < now',
    "{'a': 1}[parameters.secret] == 1",
  ]) {
    assert.ok(String(evaluate(source, facts)).length < 140, source);
  }
});

test('no source and no data make the compiler or a condition throw', () => {
  const words =
    "parameters .a .b [ ] ( ) { } : ? , && || ! - + == in < 1 2u 0.5 'x' b'y' true null has( .all(x, .map(x, size( now x .getHours() \\ `";
  const fragment = fc.constantFrom(...words.split(' '));
  const source = fc.oneof(
    fc.array(fragment, { maxLength: 12 }).map((parts) => parts.join(' ')),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(source, fc.jsonValue(), fc.jsonValue(), (text, a, b) => {
      const made = compileCondition(text, RULE_ROOTS);
      if (made.kind === 'compiled') made.condition.evaluate({ ...FACTS, parameters: { a, b } });
      else for (const { offset } of made.problems) assert.ok(offset >= 0 && offset <= text.length);
    }),
    { numRuns: 3000, seed: 20_261_120 },
  );
});
