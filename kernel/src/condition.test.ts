// What a condition answers, and what an author is told who wrote it wrongly: at load where it can be known then, and
// always with the place.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileCondition, compileExpression, RULE_ROOTS, Timestamp, type CelType } from './condition.ts';
import { evaluated, refusal } from './condition/fixtures.test.ts';

const FACTS = {
  parameters: {
    branch: 'main',
    n: 3,
    path: 'src/a.ts',
    nested: { list: [1, 2] },
    nothing: null,
    truthy: 1,
    flag: true,
  },
  context: {},
  agent: { id: 'builder-1', trust: 50 },
  user: { id: 'ada', scopes: ['git:write'] },
  resource: { type: 'repository', id: 'r1' },
  findings: [
    { check: 'cost', severity: 'warning' },
    { check: 'secret_leak', severity: 'critical' },
  ],
  now: Date.UTC(2026, 0, 31, 23, 30),
};

const evaluate = (source: string, facts: Readonly<Record<string, unknown>> = FACTS): boolean | string =>
  evaluated(source, facts);

test('conditions of the kind that charters have are decided', () => {
  const table: readonly (readonly [string, boolean])[] = [
    ["parameters.branch in ['main', 'master']", true],
    ["!(parameters.branch in ['main', 'master'])", false],
    ['parameters.n > 2 && parameters.n <= 3 && parameters.n == 3', true],
    ['parameters.n == 3.0 && parameters.n in [1, 2, 3]', true],
    ['has(parameters.major) && parameters.major == true', false],
    ["findings.exists(f, f.check == 'secret_leak' && f.severity == 'critical')", true],
    ["findings.filter(f, f.severity == 'warning').size() == 1", true],
    ["'git:write' in user.scopes", true],
    ["parameters.path.startsWith('src/') && parameters.path.matches('[.]ts$')", true],
    ["now.getDayOfWeek('Europe/Berlin') == 0 && now.getHours('Europe/Berlin') == 0", true],
    ["now - timestamp('2026-01-31T23:00:00Z') == duration('30m')", true],
    ["parameters.nested.list[1] == 2 && parameters['nested']['list'].size() == 2", true],
    ["agent.trust >= 60 ? true : user.id == 'ada'", true],
    ['parameters.nothing == null', true],
    ['// why\nparameters.flag', true],
    ["'\\uffee' < '😀' && size('é😀') == 2 && '' < 'a'", true],
    ["timestamp('0001-01-01T00:00:00Z').getFullYear('America/New_York') == 0", true],
    ["timestamp('2026-03-29T01:00:00Z').getHours('Europe/Berlin') == 3", true],
    ["timestamp('1969-12-31T23:59:59.5Z').getMilliseconds() == 500", true],
  ];
  for (const [source, expected] of table) assert.equal(evaluate(source), expected, source);
});

test('an error is a value that says what is wrong and what to write instead', () => {
  const table: readonly (readonly [string, string])[] = [
    ['parameters.missing == 1', "no such key: 'missing'; guard it with has(…) or 'in'"],
    ['parameters.branch.name == 1', "string has no fields, so '.name' cannot be read"],
    [
      'parameters.n + 1 > 3',
      "no such overload: '+' does not take double and int (JSON numbers are doubles: write 1.0 instead of 1, or convert with int(…) or double(…))",
    ],
    ["parameters.n < 'a'", "no such overload: '<' does not take double and string"],
    ['parameters.truthy', 'the condition gave double instead of bool'],
    ['parameters.truthy || false', "no such overload: '||' does not take double"],
    ['parameters.nested.list[2] == 1', 'no element 2 in a list of 2'],
    ['int(parameters.branch) == 1', "'main' cannot be read as int"],
    ['int(parameters.n) / 0 == 1', 'division by zero'],
    ['int(parameters.n) + 9223372036854775807 > 0', 'integer overflow'],
    ["parameters.path.matches(parameters.branch + '(')", "'main(' is no RE2 pattern: missing closing )"],
    [
      'now.getHours(parameters.branch) == 1',
      "'main' is no time zone such as 'Europe/Berlin', 'UTC' or '+02:00'",
    ],
  ];
  for (const [source, expected] of table) assert.equal(evaluate(source), expected, source);
});

test('an error that another operand settles does not matter, whichever side it is on', () => {
  assert.equal(evaluate("parameters.missing == 1 || parameters.branch == 'main'"), true);
  assert.equal(evaluate("parameters.branch == 'other' && parameters.missing == 1"), false);
  assert.equal(evaluate("parameters.missing == 1 && parameters.branch == 'other'"), false);
  assert.match(String(evaluate("parameters.missing == 1 || parameters.branch == 'other'")), /no such key/);
  assert.equal(evaluate("findings.exists(f, f.extra == 1 || f.check == 'cost')"), true);
});

test('an evaluation error names its place in the source', () => {
  const made = compileCondition('parameters.n > 1 && parameters.missing == 1', RULE_ROOTS);
  assert.ok(made.kind === 'compiled');
  const outcome = made.condition.evaluate(FACTS);
  assert.ok(outcome.kind === 'error');
  assert.equal(outcome.offset, 'parameters.n > 1 && parameters.'.length);
});

test('what can be known to be wrong is refused at load, with its offset', () => {
  const table: readonly (readonly [string, RegExp])[] = [
    [
      'parameter.branch == 1',
      /^0: unknown name 'parameter' \(did you mean 'parameters'\?\); known are parameters, context/,
    ],
    [
      'parameters.a == 1 && Findings.size() > 0',
      /^21: unknown name 'Findings' \(did you mean 'findings'\?\)/,
    ],
    ["parameters.a.startWith('x')", /^13: unknown function 'startWith' \(did you mean 'startsWith'\?\)$/],
    ['true && nope && nada', /^8: unknown name 'nope'.*\n16: unknown name 'nada'/],
    ["'main'", /^0: a condition must be bool, this one is string$/],
    ['size(findings)', /^0: a condition must be bool, this one is int$/],
    ['now', /^0: a condition must be bool, this one is timestamp$/],
    ['1 == 1.0', /^2: '==' does not take int and double \(JSON numbers are doubles/],
    ["1 + 'a' == 2", /^2: '\+' does not take int and string$/],
    ['size(1) == 1', /^0: 'size' does not take int$/],
    ['now.startsWith(1)', /^4: 'startsWith' does not take timestamp and int$/],
    ["contains('a', 'b')", /^0: contains is written x\.contains\(…\)$/],
    ['now.day == 1', /^4: timestamp has no fields, so '\.day' cannot be read from it$/],
    ['now.all(x, true)', /^4: all goes through lists and maps, not timestamp$/],
    ['findings.all(f, 1)', /^16: the condition of all needs bool, found int$/],
    ['findings.all(true)', /^9: all is written list\.all\(x, condition\)$/],
    ['findings.all(f.x, true)', /^15: the first argument of all names the variable: all\(x, …\)$/],
    ['has(parameters)', /^0: has takes one field: has\(parameters\.branch\)$/],
    [
      "parameters.flag ? 1 : 'a'",
      /^16: both arms of a conditional need one type, not int and string; wrap one in dyn\(…\)$/,
    ],
    ['1 ? true : false', /^2: the test of a conditional must be bool, not int$/],
    ['true && 1', /^8: '&&' needs bool, found int$/],
    ['{[1]: 1} == {}', /^1: a map's key is string, int, uint or bool, not list\(int\)$/],
    ["parameters.a.matches('(')", /^13: always fails: '\(' is no RE2 pattern/],
    ["parameters.a.matches('(?=x)')", /^13: always fails: .* is no RE2 pattern/],
    ['1 / 0 > parameters.n', /^2: always fails: division by zero$/],
    ["timestamp('yesterday') < now", /^0: always fails: 'yesterday' is no RFC 3339 timestamp/],
    ["timestamp('2026-02-30T00:00:00Z') < now", /^0: always fails: .* names a moment that does not exist$/],
    ["now.getHours('Mars/Base') > 1", /^4: always fails: 'Mars\/Base' is no time zone/],
    ['{1: 2, 1u: 3} == {}', /^0: always fails: the key 1 stands twice in one map$/],
  ];
  for (const [source, expected] of table) assert.match(refusal(source), expected, source);
});

test('what is not CEL is refused with the place and what was expected there', () => {
  const table: readonly (readonly [string, string])[] = [
    ['', '0: expected a value, found the end'],
    ['parameters.', "11: expected a field name after '.', found the end"],
    ['parameters.a = 1', "13: '=' does not belong here: write '==' to compare"],
    ['true & false', "5: '&' does not belong here: write '&&'"],
    ['(true', "5: expected ')' to close the parenthesis, found the end"],
    ['true)', "4: expected an operator or the end, found ')'"],
    ['true false', "5: expected an operator or the end, found 'false'"],
    ["'open", "0: the string that starts here is not closed with '"],
    ["'a\nb'", "0: the string that starts here is not closed with '"],
    ["'\\q'", "1: '\\q' is no escape; write '\\\\' for a backslash"],
    ["'ok\\ud800'", "3: '\\ud800' is no Unicode character"],
    ["b'\\u0041'", '2: bytes take \\x and octal escapes, not \\u and \\U'],
    [
      '9223372036854775808 > 1',
      '0: 9223372036854775808 does not fit into 64 bits; write it as 9223372036854775808.0 for a double',
    ],
    ['18446744073709551616u > 1u', '0: 18446744073709551616u does not fit into 64 bits'],
    ['1e999 > 1.0', '0: 1e999 is too large for a double'],
    ['12abc', "0: '12a' is no number"],
    ['for == 1', "0: 'for' is a reserved word and cannot be a name"],
    ['parameters.in', "11: 'in' is no field name; write ['in']"],
    ['[1, 2', "5: expected ']' or a comma, found the end"],
    ['size(findings,) > 0', '14: an argument is missing after the comma'],
    ["{'a' 1}", "5: expected ':' after the key, found '1'"],
    ['true ? 1', "8: expected ':' of the conditional, found the end"],
    ['Thing{a: 1}', '5: messages are not part of conditions; write a map in braces on its own'],
    ['parameters.?a', '12: optional fields are not part of conditions: use has(…)'],
    ['a ` b', "2: '`' does not belong here"],
  ];
  for (const [source, expected] of table) assert.equal(refusal(source), expected, source);
});

test('what comes out of a dyn is dyn, also where the other arm of a conditional has a type', () => {
  const made = compileExpression("has(parameters.x) ? {} : parameters.nested['list']", RULE_ROOTS);
  assert.ok(made.kind === 'compiled');
  assert.equal(made.expression.type, 'dyn');
});

test('a root without a binding, or with one of the wrong kind, is an error', () => {
  assert.equal(evaluate("parameters.branch == 'main'", {}), "no value was given for 'parameters'");
  assert.equal(
    evaluate('parameters.branch == 1', { parameters: undefined }),
    "no value was given for 'parameters'",
  );
  assert.equal(
    evaluate('now > timestamp(0)', { now: Number.NaN }),
    "the value given for 'now' is not a timestamp",
  );
  assert.match(
    String(evaluate('now > timestamp(0)', { now: 'noon' })),
    /'>' does not take string and timestamp/,
  );
  assert.equal(evaluate('now == timestamp(1)', { now: new Timestamp(1_000_000_000n) }), true);
});

test('roots declared as int or uint take whole JSON numbers only', () => {
  const roots: Readonly<Record<string, CelType>> = { failures: 'int', samples: 'uint', rate: 'double' };
  const made = compileCondition('failures + 1 >= 4 && samples > 2u && rate > 0.05', roots);
  assert.ok(made.kind === 'compiled');
  assert.deepEqual(made.condition.evaluate({ failures: 3, samples: 3, rate: 0.1 }), {
    kind: 'value',
    value: true,
  });
  const odd = made.condition.evaluate({ failures: 1.5, samples: -1, rate: 0.1 });
  assert.ok(odd.kind === 'error' && odd.message === "the value given for 'failures' is not an int");
});

test('one compiled condition serves any number of evaluations, in any order', () => {
  const made = compileCondition('findings.exists(f, f.severity == parameters.wanted)', RULE_ROOTS);
  assert.ok(made.kind === 'compiled');
  fc.assert(
    fc.property(fc.array(fc.constantFrom('warning', 'critical', 'info')), (wanted) => {
      const outcomes = wanted.map((one) =>
        made.condition.evaluate({ ...FACTS, parameters: { wanted: one } }),
      );
      assert.deepEqual(
        outcomes,
        wanted.map((one) => ({ kind: 'value', value: one !== 'info' })),
      );
    }),
  );
});
