import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action } from './action.ts';
import type { Charter, Rule } from './charter.ts';
import type { Decision, DecisionCode } from './decision.ts';
import type { Facts } from './facts.ts';
import {
  actionOf,
  decideWith,
  findingOf,
  grantOf,
  NOON_MS,
  restrictionOf,
  exceptionOf,
  ruleOf,
  settingOfAction,
  trustAt,
} from './fixtures.test.ts';

const audit: Partial<Charter> = { enforcement: 'audit' };
const ops = { id: 'op-1', roles: ['operator'] };

function underRule(rule: Rule, facts: Partial<Facts> = {}, action: Partial<Action> = {}): Decision {
  return decideWith({ rules: [rule], facts, action: actionOf('a', action) });
}

function outcome(decision: Decision): readonly [string, string, DecisionCode] {
  return [decision.tier, decision.effect, decision.code];
}

// Lift

test('trust lifts yellow to green as far as its level and the severity allow', () => {
  const tierAt = (score: number, severity: 'low' | 'medium' | 'high' | 'critical'): string =>
    decideWith({
      rules: [ruleOf('yellow', '*')],
      charter: { actions: [settingOfAction('*', { severity })] },
      facts: { trust: trustAt(score) },
    }).tier;
  assert.deepEqual(
    [29.9, 30, 59.9, 60, 84.9, 85].map((score) => tierAt(score, 'medium')),
    ['red', 'yellow', 'yellow', 'green', 'green', 'green'],
  );
  assert.deepEqual(
    [29.9, 30, 59.9, 60, 84.9, 85].map((score) => tierAt(score, 'high')),
    ['red', 'yellow', 'yellow', 'yellow', 'yellow', 'green'],
  );
  assert.deepEqual(
    [60, 84.9, 85].map((score) => tierAt(score, 'critical')),
    ['yellow', 'yellow', 'green'],
  );
  assert.deepEqual(
    [60, 85].map((score) => tierAt(score, 'low')),
    ['green', 'green'],
  );
});

test('what an exception forbids is told by the exception, and not as if it were never allowed', () => {
  const rule = ruleOf('green', 'a', { except: [exceptionOf({ paths: ['*.pem'], tier: 'black' })] });
  const said = (of: Rule, path: string): string =>
    underRule(of, {}, { parameters: { path } }).reasons.join(' ');
  assert.match(said(rule, 'a.pem'), /\*\.pem.* is not allowed with these parameters/);
  assert.doesNotMatch(said(rule, 'a.pem'), /never/);
  assert.match(said(ruleOf('black', 'a'), 'a.txt'), /is never allowed, and no approval/);
});

test('a rule may forbid the lift, but not spare probation', () => {
  const rule = ruleOf('yellow', 'a', { lift: false });
  assert.equal(underRule(rule, { trust: trustAt(100) }).tier, 'yellow');
  assert.deepEqual(underRule(rule, { trust: trustAt(10) }).causes, ['trust:probation']);
});

test('trust lowers nothing but yellow, and probation raises nothing but yellow', () => {
  assert.equal(underRule(ruleOf('red', 'a'), { trust: trustAt(100) }).tier, 'red');
  assert.equal(underRule(ruleOf('black', 'a'), { trust: trustAt(100) }).tier, 'black');
  assert.equal(underRule(ruleOf('green', 'a'), { trust: trustAt(0) }).tier, 'green');
});

test('the agent may claim a higher severity, never a lower one, and earns nothing by it', () => {
  const severities = (claim: unknown): readonly string[] => {
    const { severity, earnedSeverity } = underRule(
      ruleOf('yellow', 'a'),
      {},
      { context: { severity: claim as string } },
    );
    return [severity, earnedSeverity];
  };
  assert.deepEqual(severities('critical'), ['critical', 'medium']);
  assert.deepEqual(severities('low'), ['medium', 'medium']);
  assert.deepEqual(severities(null), ['medium', 'medium']);
  assert.deepEqual(severities('CATASTROPHIC'), ['high', 'medium']);
});

// Findings

test('a critical finding, an error or three warnings together are red; anything less changes nothing', () => {
  const codeOf = (...severities: readonly Parameters<typeof findingOf>[0][]): DecisionCode =>
    decideWith({ facts: { findings: severities.map((severity, at) => findingOf(severity, `check${at}`)) } })
      .code;
  assert.equal(codeOf('critical'), 'approval_required');
  assert.equal(codeOf('error'), 'approval_required');
  assert.equal(codeOf('warning', 'warning', 'warning'), 'approval_required');
  assert.equal(codeOf('warning', 'warning', 'info', 'info'), 'allowed');
  assert.equal(codeOf('fatal' as 'error'), 'approval_required');
});

test('red findings are causes by name, and the shipped guardrails are among them', () => {
  const findings = [findingOf('error', 'zeta'), findingOf('critical', 'alpha'), findingOf('warning', 'mild')];
  assert.deepEqual(decideWith({ facts: { findings: findings.slice(0, 2) } }).causes, [
    'critical:alpha',
    'finding:alpha',
    'finding:zeta',
  ]);
  const costly = decideWith({ action: actionOf('a', { costMicroUsd: 10_000_000 }) });
  assert.deepEqual(costly.causes, ['finding:cost']);
  const warnings = ['a', 'b', 'c'].map((check) => findingOf('warning', check));
  assert.equal(decideWith({ facts: { findings: warnings } }).tier, 'red');
  assert.deepEqual(decideWith({ facts: { findings: warnings } }).causes, [
    'warning:a',
    'warning:b',
    'warning:c',
  ]);
});

// Authority

test('what is missing in authority is denied under its own code', () => {
  const denied = (
    facts: Partial<Facts>,
    action: Partial<Action> = {},
    charter: Partial<Charter> = {},
  ): readonly unknown[] => {
    const rules = [ruleOf('green', 'a', { requires: ['write'] })];
    return outcome(
      decideWith({
        rules,
        charter,
        facts: { userScopes: ['write'], ...facts },
        action: actionOf('a', action),
      }),
    );
  };
  assert.deepEqual(denied({}), ['green', 'execute', 'allowed']);
  assert.deepEqual(denied({ principal: null }), ['red', 'deny', 'anonymous']);
  assert.deepEqual(denied({}, {}, { registration: 'closed' }), ['red', 'deny', 'agent_unknown']);
  assert.deepEqual(denied({ userScopes: ['read'] }), ['red', 'deny', 'scope_missing']);
  assert.deepEqual(denied({ userScopes: null }), ['red', 'deny', 'scope_missing']);
  assert.deepEqual(denied({ grants: [grantOf('task', { actions: ['b.*'] })] }), [
    'red',
    'deny',
    'scope_missing',
  ]);
  assert.deepEqual(denied({}, { onBehalfOf: 'alice' }), ['red', 'deny', 'consent_required']);
  assert.deepEqual(denied({ grants: [grantOf('consent')] }, { onBehalfOf: 'alice' }), [
    'green',
    'execute',
    'allowed',
  ]);
});

test('a closed registration knows the agents that the charter names', () => {
  const charter: Partial<Charter> = {
    registration: 'closed',
    agents: { 'builder-1': { class: null, usdPerDayMicroUsd: null } },
  };
  assert.equal(decideWith({ charter }).code, 'allowed');
  assert.equal(
    decideWith({ charter, action: actionOf('a', { agent: 'constructor' }) }).code,
    'agent_unknown',
  );
});

// Restrictions

test('a stop denies, a freeze denies, everything else waits for approval', () => {
  const of = (kind: Parameters<typeof restrictionOf>[0]): readonly string[] =>
    outcome(decideWith({ facts: { restrictions: [restrictionOf(kind)] } }));
  assert.deepEqual(of('stop'), ['black', 'deny', 'stopped']);
  assert.deepEqual(of('freeze'), ['red', 'deny', 'frozen']);
  for (const kind of ['pause', 'flag', 'mode', 'phase', 'throttle'] as const) {
    assert.deepEqual(of(kind), ['red', 'hold', 'approval_required']);
  }
});

test('a stop is black and a freeze red whatever floor their rows carry, and a floor that is no tier is black', () => {
  const of = (kind: Parameters<typeof restrictionOf>[0], floor: string): readonly string[] =>
    outcome(decideWith({ facts: { restrictions: [restrictionOf(kind, { floor: floor as 'green' })] } }));
  assert.deepEqual(of('stop', 'green'), ['black', 'deny', 'stopped']);
  assert.deepEqual(of('freeze', 'green'), ['red', 'deny', 'frozen']);
  assert.deepEqual(of('pause', 'purple'), ['black', 'deny', 'denied']);
  assert.deepEqual(of('throttle', 'yellow'), ['yellow', 'execute', 'allowed']);
});

test('a restriction binds in its scope, while it stands, except for what it leaves alone', () => {
  const codeWith = (more: Parameters<typeof restrictionOf>[1]): DecisionCode =>
    decideWith({ facts: { restrictions: [restrictionOf('pause', more)] } }).code;
  assert.equal(codeWith({ scope: 'agent:builder-2' }), 'allowed');
  assert.equal(codeWith({ untilMs: NOON_MS }), 'allowed');
  assert.equal(codeWith({ except: ['test.*'] }), 'allowed');
  assert.equal(codeWith({ scope: 'action:test.*' }), 'approval_required');
});

test('a class scope reaches the agents that the charter gives that class', () => {
  const charter: Partial<Charter> = { agents: { 'builder-1': { class: 'night', usdPerDayMicroUsd: null } } };
  const restrictions = [restrictionOf('pause', { scope: 'class:night' })];
  assert.deepEqual(decideWith({ charter, facts: { restrictions } }).causes, ['restriction:pause-1']);
  assert.equal(
    decideWith({ charter, facts: { restrictions }, action: actionOf('a', { agent: 'other' }) }).code,
    'allowed',
  );
});

test('the phase is told also where its whitelist lets the action pass', () => {
  const restrictions = [
    restrictionOf('phase', {
      scope: 'action:roaster.*',
      except: ['roaster.SET_POWER'],
      cause: 'L3+ Extended Control',
    }),
  ];
  const phaseOf = (name: string): readonly unknown[] => {
    const { phase, code } = decideWith({ facts: { restrictions }, action: actionOf(name) });
    return [phase, code];
  };
  assert.deepEqual(phaseOf('roaster.SET_POWER'), ['L3+ Extended Control', 'allowed']);
  assert.deepEqual(phaseOf('roaster.SET_DRUM'), ['L3+ Extended Control', 'approval_required']);
  assert.deepEqual(phaseOf('git.read'), [null, 'allowed']);
});

test('an operator may bring a thing into its safe state through a stop and a phase, and through nothing else', () => {
  const decided = (facts: Partial<Facts>, rule = ruleOf('green', '*'), safeState = true): Decision =>
    decideWith({
      rules: [rule],
      charter: { actions: [settingOfAction('*', { safeState })] },
      facts: { principal: ops, ...facts },
    });
  const stop = [restrictionOf('stop')];
  const passed = decided({ restrictions: stop });
  assert.deepEqual(outcome(passed), ['green', 'execute', 'allowed']);
  assert.match(passed.trace.find(({ part }) => part === 'restriction')?.text ?? '', /safe-state/);
  assert.equal(decided({ restrictions: stop, principal: { id: 'r', roles: ['admin'] } }).code, 'allowed');
  assert.equal(decided({ restrictions: stop, principal: { id: 'k', roles: ['agent'] } }).code, 'stopped');
  assert.equal(decided({ restrictions: stop }, ruleOf('green', '*'), false).code, 'stopped');
  assert.equal(decided({ restrictions: stop }, ruleOf('red', '*')).code, 'approval_required');
  assert.equal(decided({ restrictions: [...stop, restrictionOf('freeze')] }).code, 'frozen');
  assert.equal(decided({ restrictions: [...stop, restrictionOf('pause')] }).code, 'approval_required');
  const phase = [restrictionOf('phase', { cause: 'L3' })];
  const inPhase = decided({ restrictions: [...stop, ...phase] });
  assert.deepEqual([inPhase.code, inPhase.phase], ['allowed', 'L3']);
  const agent = { id: 'k', roles: ['agent'] };
  assert.equal(decided({ restrictions: phase, principal: agent }).code, 'approval_required');
  assert.equal(decided({ restrictions: phase }, ruleOf('green', '*'), false).code, 'approval_required');
});

// Modes and enforcement

test('SUPERVISED holds everything, and so does a mode that nobody knows', () => {
  assert.deepEqual(outcome(decideWith({ facts: { mode: 'SUPERVISED' } })), [
    'red',
    'hold',
    'approval_required',
  ]);
  assert.deepEqual(decideWith({ facts: { mode: 'LOOSE' as 'FULL' } }).effect, 'hold');
});

test('DRY_RUN decides, tells what would happen and carries out nothing', () => {
  const dry = (rule: Rule, facts: Partial<Facts> = {}): Decision =>
    underRule(rule, { mode: 'DRY_RUN', ...facts });
  assert.deepEqual(outcome(dry(ruleOf('green', 'a'))), ['green', 'none', 'recorded']);
  const red = dry(ruleOf('red', 'a'));
  assert.deepEqual([outcome(red), red.approval], [['red', 'none', 'recorded'], null]);
  assert.match(red.reasons[0] ?? '', /would be hold \(approval_required\)/);
  assert.deepEqual(outcome(dry(ruleOf('green', 'a'), { restrictions: [restrictionOf('stop')] })), [
    'black',
    'none',
    'recorded',
  ]);
  assert.equal(dry(ruleOf('green', 'a'), { principal: null }).code, 'anonymous');
});

test('audit lets red rules, findings and phases pass and records what would have been held', () => {
  const findings = [findingOf('critical', 'secret_leak')];
  const restrictions = [restrictionOf('phase')];
  const decision = decideWith({
    rules: [ruleOf('red', '*')],
    charter: audit,
    facts: { findings, restrictions },
  });
  assert.deepEqual(outcome(decision), ['red', 'execute', 'audited']);
  assert.deepEqual(decision.causes, [
    'critical:secret_leak',
    'finding:secret_leak',
    'restriction:phase-1',
    'rule:*',
  ]);
  assert.equal(decideWith({ rules: [], charter: audit }).code, 'audited');
});

test('under audit black, stop, freeze, flags, pauses, SUPERVISED, authority and limits still bind', () => {
  const codeOf = (needs: { rule?: Rule; facts?: Partial<Facts>; charter?: Partial<Charter> }): DecisionCode =>
    decideWith({
      rules: [needs.rule ?? ruleOf('red', '*')],
      charter: { ...audit, ...needs.charter },
      facts: needs.facts ?? {},
    }).code;
  assert.equal(codeOf({ rule: ruleOf('black', '*') }), 'denied');
  assert.equal(codeOf({ facts: { restrictions: [restrictionOf('stop')] } }), 'stopped');
  assert.equal(codeOf({ facts: { restrictions: [restrictionOf('freeze')] } }), 'frozen');
  assert.equal(codeOf({ facts: { restrictions: [restrictionOf('flag')] } }), 'approval_required');
  assert.equal(codeOf({ facts: { restrictions: [restrictionOf('pause')] } }), 'approval_required');
  assert.equal(codeOf({ facts: { mode: 'SUPERVISED' } }), 'approval_required');
  assert.equal(codeOf({ facts: { principal: null } }), 'anonymous');
  const limits = { concurrentAgents: 0, usdPerDayMicroUsd: null, actionsPerMinute: null };
  assert.equal(codeOf({ charter: { limits } }), 'throttled');
});

test('a rule may be on audit alone, or keep enforcing under an audit charter', () => {
  assert.equal(underRule(ruleOf('red', 'a', { enforcement: 'audit' })).code, 'audited');
  const enforced = decideWith({ rules: [ruleOf('red', '*', { enforcement: 'enforce' })], charter: audit });
  assert.equal(enforced.code, 'approval_required');
  const found = underRule(ruleOf('red', 'a', { enforcement: 'audit' }), {
    findings: [findingOf('error', 'x')],
  });
  assert.deepEqual([found.code, found.causes], ['approval_required', ['finding:x']]);
});

// Limits

test('over a cost ceiling the decision names the ceiling and who can raise it', () => {
  const charter: Partial<Charter> = {
    limits: { concurrentAgents: 2, usdPerDayMicroUsd: 1_000_000, actionsPerMinute: 5 },
    actions: [settingOfAction('*', { costMicroUsd: 400_000 })],
  };
  const over = decideWith({ charter, facts: { used: { 'usd/tenant': 600_001 } } });
  assert.deepEqual(outcome(over), ['green', 'deny', 'limit_exceeded']);
  assert.match(over.reasons[0] ?? '', /usd\/tenant.*limits\.usdPerDay.*admin/);
  assert.equal(decideWith({ charter, facts: { used: { 'usd/tenant': 600_000 } } }).code, 'allowed');
  const rate = decideWith({ charter, facts: { used: { 'rate/agent:builder-1/test.run_suite': 5 } } });
  assert.deepEqual(outcome(rate), ['green', 'throttle', 'throttled']);
  assert.equal(decideWith({ charter, facts: { used: { concurrentAgents: 2 } } }).effect, 'throttle');
});

test('the higher of estimate and cost floor is charged', () => {
  const charter: Partial<Charter> = { actions: [settingOfAction('*', { costMicroUsd: 400_000 })] };
  const costOf = (costMicroUsd: number | null): number =>
    decideWith({ charter, action: actionOf('a', { costMicroUsd }) }).costMicroUsd;
  assert.deepEqual([null, 1, 500_000].map(costOf), [400_000, 400_000, 500_000]);
  assert.equal(decideWith({}).costMicroUsd, 0);
});
