import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Action } from './action.ts';
import type { Charter, Rule } from './charter.ts';
import type { RuleMatch } from './compiled-rule.ts';
import type { Facts } from './facts.ts';
import { actionOf, exceptionOf, lawOf, ruleOf, settingOfAction, snapshotOf } from './fixtures.test.ts';
import { compareRules, matchRule } from './rule.ts';
import { compareTiers } from './tier.ts';

interface Case {
  readonly action?: Partial<Action>;
  readonly charter?: Partial<Charter>;
  readonly facts?: Partial<Facts>;
}

function match(rules: readonly Rule[], name: string, { action, charter, facts }: Case = {}): RuleMatch {
  const law = lawOf(rules, charter);
  return matchRule(law, actionOf(name, action), snapshotOf(law, facts));
}

/** What a match has against it before trust, sorted as decisions have it. */
function redOf({ causes }: RuleMatch): readonly string[] {
  return causes.flatMap(({ tier, cause }) => (compareTiers(tier, 'red') >= 0 ? [cause] : [])).toSorted();
}

test('an action nobody wrote a rule for waits for a human', () => {
  const found = match([ruleOf('green', 'git.*')], 'test.run');
  assert.deepEqual(
    [found.tier, found.rule, found.causes],
    ['red', null, [{ tier: 'red', cause: 'rule:none' }]],
  );
});

test('the more specific pattern wins, whichever is stricter', () => {
  const rules = [ruleOf('red', '*'), ruleOf('green', 'git.*'), ruleOf('yellow', 'git.merge')];
  assert.equal(match(rules, 'git.merge').tier, 'yellow');
  assert.equal(match(rules, 'git.push').tier, 'green');
  assert.equal(match(rules, 'test.run').tier, 'red');
});

test('of equally specific rules the one with more selectors wins, then the stricter', () => {
  const rules = [
    ruleOf('red', 'git.*', { when: 'parameters.x == 1.0' }),
    ruleOf('yellow', 'git.*', { when: 'parameters.y == 1.0' }),
    ruleOf('green', 'git.*', { selectors: { agent: ['builder-1'] } }),
  ];
  const parameters = { x: 1, y: 1 };
  assert.equal(match(rules, 'git.merge', { action: { parameters } }).tier, 'green');
  assert.equal(match(rules, 'git.merge', { action: { parameters, agent: 'other' } }).tier, 'red');
});

test('a final rule beats more specific ones, and among finals the usual order holds', () => {
  const rules = [
    ruleOf('black', 'audit.*'),
    ruleOf('green', 'audit.read'),
    ruleOf('yellow', 'audit.list', { final: true }),
  ];
  assert.equal(match(rules, 'audit.read').tier, 'black');
  assert.equal(match(rules, 'audit.list').tier, 'yellow');
  const open = [ruleOf('black', 'audit.*', { final: false }), ruleOf('green', 'audit.read')];
  assert.equal(match(open, 'audit.read').tier, 'green');
});

test('every selector asks its own question, and an absent one matches everybody', () => {
  const agents = { 'builder-1': { class: 'background', usdPerDayMicroUsd: null } };
  const charter: Partial<Charter> = { agents, environment: 'prod' };
  const everything: Case = {
    charter,
    action: { user: { id: 'alice', email: null } },
    facts: { userRoles: ['tech-lead'], principal: { id: 'k', roles: ['agent'] } },
  };
  const met: readonly Rule['selectors'][] = [
    { agent: ['x', 'builder-1'] },
    { agentClass: ['background'] },
    { user: ['alice'] },
    { role: ['tech-lead'] },
    { role: ['agent'] },
    { tenant: ['acme'] },
    { environment: ['prod'] },
    { agent: ['builder-1'], tenant: ['acme'] },
  ];
  const unmet: readonly Rule['selectors'][] = [
    { agent: ['x'] },
    { user: ['bob'] },
    { role: ['admin'] },
    { tenant: ['other'] },
    { environment: ['dev'] },
    { agent: ['builder-1'], tenant: ['other'] },
  ];
  for (const selectors of met)
    assert.equal(match([ruleOf('green', '*', { selectors })], 'a', everything).tier, 'green');
  for (const selectors of unmet)
    assert.equal(match([ruleOf('green', '*', { selectors })], 'a', everything).tier, 'red');
  const background = ruleOf('green', '*', { selectors: { agentClass: ['background'] } });
  assert.equal(match([background], 'a', { charter, action: { agent: 'stranger' } }).tier, 'red');
});

test('one law answers different callers of one action differently', () => {
  const law = lawOf([ruleOf('green', 'a', { selectors: { agent: ['one', 'two'] } }), ruleOf('yellow', 'a')]);
  const tierOf = (agent: string): string => matchRule(law, actionOf('a', { agent }), snapshotOf(law)).tier;
  assert.deepEqual(['one', 'three', 'two', 'one', 'four'].map(tierOf), [
    'green',
    'yellow',
    'green',
    'green',
    'yellow',
  ]);
});

test('a rule whose condition is false does not match', () => {
  const rules = [
    ruleOf('green', 'git.merge', { when: "parameters.branch != 'main'" }),
    ruleOf('red', 'git.*'),
  ];
  assert.equal(match(rules, 'git.merge', { action: { parameters: { branch: 'x' } } }).tier, 'green');
  assert.equal(
    match(rules, 'git.merge', { action: { parameters: { branch: 'main' } } }).rule?.rule.match,
    'git.*',
  );
});

test('a condition that cannot be evaluated counts as matching: red, or black for a black rule', () => {
  // I5
  const broken = { when: "parameters.branch == 'main'" };
  const green = match([ruleOf('green', 'git.merge', broken), ruleOf('green', '*')], 'git.merge');
  assert.deepEqual([green.tier, redOf(green)], ['red', [`error:git.merge: ${broken.when}`]]);
  assert.match(green.ruleText, /could not be evaluated/);
  assert.equal(
    match([ruleOf('black', 'git.merge', broken), ruleOf('green', '*')], 'git.merge').tier,
    'black',
  );
});

test('an exception belongs to its rule and falls to the tier it names', () => {
  const rules = [
    ruleOf('yellow', 'git.merge', {
      except: [exceptionOf({ when: "parameters.branch in ['main', 'master']" })],
    }),
  ];
  const plain = match(rules, 'git.merge', { action: { parameters: { branch: 'x' } } });
  const main = match(rules, 'git.merge', { action: { parameters: { branch: 'main' } } });
  assert.deepEqual([plain.tier, redOf(plain)], ['yellow', []]);
  assert.deepEqual(
    [main.tier, redOf(main)],
    ['red', ["exception:git.merge: parameters.branch in ['main', 'master']"]],
  );
});

test('of several exceptions that apply the strictest counts, in any order', () => {
  const except = [
    exceptionOf({ tier: 'yellow', when: 'true' }),
    exceptionOf({ tier: 'black', when: 'true' }),
    exceptionOf({ when: 'true' }),
  ];
  assert.equal(match([ruleOf('green', 'a', { except })], 'a').tier, 'black');
  assert.equal(match([ruleOf('green', 'a', { except: except.toReversed() })], 'a').tier, 'black');
});

test('an exception that cannot be evaluated is red at least, and black under a black rule', () => {
  // I5
  const except = [exceptionOf({ tier: 'yellow', when: 'parameters.missing == 1.0' })];
  assert.deepEqual(redOf(match([ruleOf('green', 'a', { except })], 'a')), [
    'error:a: parameters.missing == 1.0',
  ]);
  assert.equal(match([ruleOf('green', 'a', { except })], 'a').tier, 'red');
  assert.equal(match([ruleOf('black', 'a', { except })], 'a').tier, 'black');
});

test('an exception for paths sees the parameters that the charter calls paths', () => {
  const except = [exceptionOf({ paths: ['.env', 'secrets/**', '**/*.key'] })];
  const charter = { actions: [settingOfAction('code.write', { paths: ['target'] })] };
  const tierOf = (parameters: Action['parameters']): string =>
    match([ruleOf('green', 'code.write', { except })], 'code.write', { action: { parameters }, charter })
      .tier;
  assert.equal(tierOf({ path: 'src/a.ts' }), 'green');
  assert.equal(tierOf({ target: 'secrets/db' }), 'red');
  assert.equal(tierOf({ path: 'src/../.env' }), 'red');
  assert.equal(tierOf({ file_path: 'certs/a.key' }), 'red');
});

test('what the agent says of itself may make a decision stricter, never milder', () => {
  const when = "has(context.place) && context.place == 'production'";
  const rules = [
    ruleOf('green', 'deploy.x', { when: 'has(context.approved) && context.approved == true' }),
    ruleOf('yellow', 'test.run', { except: [exceptionOf({ when })] }),
  ];
  assert.equal(match(rules, 'deploy.x', { action: { context: { approved: true } } }).tier, 'red');
  const careful = match(rules, 'test.run', { action: { context: { place: 'production' } } });
  const plain = match(rules, 'test.run', { action: { context: { place: 'laptop' } } });
  const silent = match(rules, 'test.run');
  assert.deepEqual([careful.tier, plain.tier, silent.tier], ['red', 'yellow', 'yellow']);
});

test('a name that no rule could spell is red, and black where a prefix says so', () => {
  const rules = [ruleOf('green', '*'), ruleOf('black', 'secrets.*')];
  assert.equal(match(rules, 'git.merge\u200b').tier, 'red');
  assert.deepEqual(redOf(match(rules, 'g\u0456t.merge')), ['error:name']);
  assert.equal(match(rules, 'secrets.\u00e9').tier, 'black');
  assert.equal(match(rules, 'x'.repeat(5000)).tier, 'red');
});

test('names of properties that every object has are names like any other', () => {
  for (const name of ['__proto__', 'constructor', 'toString']) {
    assert.equal(match([ruleOf('green', 'git.*')], name, { action: { agent: name } }).tier, 'red');
  }
});

const anyRule: fc.Arbitrary<Rule> = fc
  .record({
    tier: fc.constantFrom('green', 'yellow', 'red', 'black'),
    match: fc.constantFrom('*', 'git.*', 'git.m*', 'git.merge', 'test.*'),
    final: fc.boolean(),
    agent: fc.constantFrom(undefined, 'builder-1', 'other'),
    tenant: fc.constantFrom(undefined, 'acme', 'other'),
    when: fc.constantFrom(null, 'true', 'false', 'parameters.missing == 1.0', "parameters.branch == 'main'"),
    excepted: fc.constantFrom(null, 'black', 'yellow'),
    requires: fc.constantFrom([], ['a'], ['b']),
  })
  .map(({ tier, match: pattern, final, agent, tenant, when, excepted, requires }) =>
    ruleOf(tier, pattern, {
      final,
      when,
      requires,
      selectors: { ...(agent && { agent: [agent] }), ...(tenant && { tenant: [tenant] }) },
      except: excepted === null ? [] : [exceptionOf({ tier: excepted, when: "parameters.branch == 'main'" })],
    }),
  );

/** A charter has no two rules of one match, selectors and condition. */
const anyRules = fc.uniqueArray(anyRule, {
  maxLength: 12,
  selector: (rule) => JSON.stringify([rule.match, rule.selectors, rule.when]),
});

test('the order in which rules are written never matters', () => {
  // I4
  fc.assert(
    fc.property(anyRules, fc.constantFrom('git.merge', 'git.push', 'test.run'), (rules, name) => {
      const action = { parameters: { branch: 'main' } };
      const { rule: forwards, ...rest } = match(rules, name, { action });
      const { rule: backwards, ...same } = match(rules.toReversed(), name, { action });
      assert.deepEqual(same, rest);
      assert.deepEqual(backwards?.rule, forwards?.rule);
    }),
  );
});

test('rules that are equal in every rank are tried in an order of their own, not in that of the file', () => {
  // I4
  const one = ruleOf('green', 'a', {
    when: 'true',
    obligations: ['one'],
    except: [exceptionOf({ when: 'true' })],
  });
  const other = ruleOf('green', 'a', { when: '1 == 1', obligations: ['other'] });
  assert.deepEqual(match([one, other], 'a').rule?.rule, match([other, one], 'a').rule?.rule);
});

test('the compiled rules say what a plain walk over the sorted rules says', () => {
  fc.assert(
    fc.property(anyRules, fc.constantFrom('git.merge', 'git.push', 'test.run', 'x'), (rules, name) => {
      const unconditional = rules
        .filter((rule) => rule.when === null || rule.when === 'true')
        .map((rule) => ({ ...rule, except: [] }));
      const isFor = (rule: Rule): boolean => {
        const { agent, tenant } = rule.selectors;
        const covers = rule.match.endsWith('*')
          ? name.startsWith(rule.match.slice(0, -1))
          : name === rule.match;
        return covers && (agent?.includes('builder-1') ?? true) && (tenant?.includes('acme') ?? true);
      };
      const expected = unconditional.filter(isFor).toSorted(compareRules)[0];
      const found = match(unconditional, name);
      assert.deepEqual(found.rule?.rule, expected);
      assert.equal(compareTiers(found.tier, expected?.tier ?? 'red'), 0);
    }),
  );
});
