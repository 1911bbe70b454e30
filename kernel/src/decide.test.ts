import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action } from './action.ts';
import type { ApprovalNeeds } from './approval-needs.ts';
import type { Charter, Rule } from './charter.ts';
import { decide } from './decide.ts';
import type { Decision, DecisionCode } from './decision.ts';
import type { Facts } from './facts.ts';
import {
  actionOf,
  approvalOf,
  decideWith,
  exceptionOf,
  findingOf,
  lawOf,
  restrictionOf,
  ruleOf,
  settingOfAction,
  snapshotOf,
} from './fixtures.test.ts';
import type { Snapshot } from './snapshot.ts';

function underRule(rule: Rule, facts: Partial<Facts> = {}, action: Partial<Action> = {}): Decision {
  return decideWith({ rules: [rule], facts, action: actionOf('a', action) });
}

function outcome(decision: Decision): readonly [string, string, DecisionCode] {
  return [decision.tier, decision.effect, decision.code];
}

test('green runs, yellow runs, red waits, black never runs', () => {
  assert.deepEqual(outcome(underRule(ruleOf('green', 'a'))), ['green', 'execute', 'allowed']);
  assert.deepEqual(outcome(underRule(ruleOf('yellow', 'a'))), ['yellow', 'execute', 'allowed']);
  assert.deepEqual(outcome(underRule(ruleOf('red', 'a'))), ['red', 'hold', 'approval_required']);
  assert.deepEqual(outcome(underRule(ruleOf('black', 'a'))), ['black', 'deny', 'denied']);
});

test('an action nobody wrote a rule for is held, for one approver within a day', () => {
  const decision = decideWith({ rules: [] });
  assert.deepEqual(outcome(decision), ['red', 'hold', 'approval_required']);
  assert.deepEqual(decision.approval, {
    requiredRoles: [],
    quorum: 1,
    expiresMs: 86_400_000,
    fourEyes: false,
  });
  assert.deepEqual([decision.rule, decision.causes], [null, ['rule:none']]);
});

test('a decision carries the rule, its obligations, the version, the revision and what it costs', () => {
  const actions = [settingOfAction('test.*', { costMicroUsd: 300_000, severity: 'low' })];
  const decision = decideWith({
    rules: [ruleOf('green', 'test.*', { obligations: ['notify'] })],
    charter: { actions },
  });
  const { rule, obligations, charterVersion, revision, costMicroUsd, severity, trust } = decision;
  assert.deepEqual(
    { rule, obligations, charterVersion, revision, costMicroUsd, severity, trust },
    {
      rule: 'test.*',
      obligations: ['notify'],
      charterVersion: 'v1',
      revision: 7,
      costMicroUsd: 300_000,
      severity: 'low',
      trust: { score: 50, level: 'standard' },
    },
  );
});

test('the trace has one entry for every part, also when it changed nothing', () => {
  const parts = [
    'approval',
    'authority',
    'exception',
    'finding',
    'lift',
    'limit',
    'mode',
    'restriction',
    'rule',
  ];
  const busy = decideWith({
    rules: [ruleOf('red', '*', { requires: ['x'] })],
    charter: { registration: 'closed' },
    facts: {
      mode: 'SUPERVISED',
      findings: [findingOf('error', 'x')],
      restrictions: [restrictionOf('stop'), restrictionOf('freeze')],
    },
  });
  for (const decision of [decideWith({}), busy]) {
    assert.deepEqual(decision.trace.map(({ part }) => part).toSorted(), parts);
    for (const { text } of decision.trace) assert.match(text, /\.$/);
  }
});

// Approval

test('a held action says who must approve it, how many and how long', () => {
  const rule = ruleOf('red', 'a', {
    approvers: ['tech-lead'],
    quorum: 2,
    expiresMs: 14_400_000,
    fourEyes: true,
  });
  const { approval, reasons } = underRule(rule);
  assert.deepEqual(approval, {
    requiredRoles: ['tech-lead'],
    quorum: 2,
    expiresMs: 14_400_000,
    fourEyes: true,
  });
  assert.match(reasons.at(-1) ?? '', /tech-lead \(2 people in all\)/);
});

test('an approval counts only if every fresh red cause is among those it was given for', () => {
  // I6
  const withCauses = (causes: readonly string[], facts: Partial<Facts> = {}): Decision =>
    underRule(ruleOf('red', 'a'), { approval: approvalOf(causes), ...facts });
  const approved = withCauses(['rule:a', 'finding:cost']);
  assert.deepEqual([...outcome(approved), approved.approval], ['red', 'execute', 'approved', null]);
  assert.equal(withCauses([]).code, 'approval_required');
  assert.equal(withCauses(['rule:*']).code, 'approval_required');
  const worse = withCauses(['rule:a'], { restrictions: [restrictionOf('pause')] });
  assert.equal(worse.code, 'approval_required');
  assert.match(worse.trace.find(({ part }) => part === 'approval')?.text ?? '', /restriction:pause-1/);
});

test('an approval counts only while those who gave it are still those whom the law asks', () => {
  // I6
  const rule = ruleOf('red', 'a', { approvers: ['tech-lead'], quorum: 2, fourEyes: true });
  const codeWith = (needs: Partial<ApprovalNeeds>): DecisionCode =>
    underRule(rule, { approval: approvalOf(['rule:a'], needs) }).code;
  const enough = { requiredRoles: ['tech-lead'], quorum: 2, fourEyes: true };
  assert.equal(codeWith(enough), 'approved');
  assert.equal(codeWith({ ...enough, requiredRoles: ['tech-lead', 'ops-lead'], quorum: 3 }), 'approved');
  assert.equal(codeWith({ ...enough, requiredRoles: ['ops-lead'] }), 'approval_required');
  assert.equal(codeWith({ ...enough, quorum: 1 }), 'approval_required');
  assert.equal(codeWith({ ...enough, quorum: Number.NaN }), 'approval_required');
  assert.equal(codeWith({ ...enough, fourEyes: false }), 'approval_required');
  const held = underRule(rule, { approval: approvalOf(['rule:a']) });
  assert.match(held.trace.find(({ part }) => part === 'approval')?.text ?? '', /the role tech-lead/);
});

test('stop, freeze, black, authority and limits are not approvable', () => {
  const causes = ['rule:*', 'restriction:stop-1', 'restriction:freeze-1'];
  const codeOf = (
    facts: Partial<Facts>,
    rule = ruleOf('red', '*'),
    charter: Partial<Charter> = {},
  ): DecisionCode =>
    decideWith({ rules: [rule], charter, facts: { approval: approvalOf(causes), ...facts } }).code;
  assert.equal(codeOf({}), 'approved');
  assert.equal(codeOf({ restrictions: [restrictionOf('stop')] }), 'stopped');
  assert.equal(codeOf({ restrictions: [restrictionOf('freeze')] }), 'frozen');
  assert.equal(codeOf({}, ruleOf('black', '*')), 'denied');
  assert.equal(codeOf({ principal: null }), 'anonymous');
  const stopped = underRule(ruleOf('red', 'a'), {
    approval: approvalOf(causes),
    restrictions: [restrictionOf('stop')],
  });
  assert.match(stopped.trace.find(({ part }) => part === 'approval')?.text ?? '', /cannot lift a refusal/);
  const limits = { concurrentAgents: null, usdPerDayMicroUsd: 0, actionsPerMinute: null };
  assert.equal(codeOf({ used: { 'usd/tenant': 1 } }, ruleOf('red', '*'), { limits }), 'limit_exceeded');
});

test('an approval that is not needed changes nothing', () => {
  assert.equal(underRule(ruleOf('green', 'a'), { approval: approvalOf([]) }).code, 'allowed');
});

test('what the charter says of a user narrows the scopes of the key and adds roles that rules may select', () => {
  // I5
  const user = { id: 'alice', email: null };
  const codeFor = (rule: Rule, users: Charter['users'], facts: Partial<Facts> = {}): DecisionCode =>
    decideWith({ rules: [rule], charter: { users }, facts, action: actionOf('a', { user }) }).code;
  const needy = ruleOf('green', 'a', { requires: ['deploy'] });
  const holder = { userScopes: ['deploy'] };
  assert.equal(codeFor(needy, {}, holder), 'allowed');
  assert.equal(codeFor(needy, { alice: { scopes: null, roles: [] } }, holder), 'allowed');
  assert.equal(codeFor(needy, { alice: { scopes: ['deploy'], roles: [] } }, holder), 'allowed');
  assert.equal(codeFor(needy, { alice: { scopes: [], roles: [] } }, holder), 'scope_missing');
  assert.equal(
    codeFor(needy, { alice: { scopes: ['deploy'], roles: [] } }, { userScopes: [] }),
    'scope_missing',
  );
  const users = { alice: { scopes: null, roles: ['release'] } };
  for (const rule of [
    ruleOf('green', 'a', { selectors: { role: ['release'] } }),
    ruleOf('green', 'a', { when: "'release' in user.roles" }),
  ]) {
    assert.equal(codeFor(rule, users), 'allowed');
    assert.equal(codeFor(rule, { bob: { scopes: null, roles: ['release'] } }), 'approval_required');
  }
});

test('no sentence of a decision repeats a secret that the agent wrote where a name belongs', () => {
  // I9
  const secret = 'ghp_aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY3zA5';
  const rule = ruleOf('green', 'a', { except: [exceptionOf({ paths: ['*.pem'] })] });
  const decision = underRule(
    rule,
    {},
    {
      onBehalfOf: secret,
      resource: { type: 'repo', id: `https://x:${secret}@github.com/a` },
      context: { note: secret },
      parameters: { files: { [`${secret}.pem`]: 'x' } },
    },
  );
  assert.deepEqual(
    decision.findings
      .filter(({ check }) => check === 'secret_leak')
      .map(({ pointer }) => pointer?.split('/')[1]),
    ['context', 'onBehalfOf', 'parameters', 'resource'],
  );
  assert.ok(!JSON.stringify(decision).includes(secret));
});

// Several things at once

test('of several refusals the one that stands highest is told first, and none is kept back', () => {
  const restrictions = [restrictionOf('freeze'), restrictionOf('stop')];
  const decision = decideWith({
    rules: [ruleOf('black', '*')],
    facts: { restrictions },
    action: actionOf('a', { onBehalfOf: 'alice' }),
  });
  assert.equal(decision.code, 'stopped');
  assert.deepEqual(
    decision.reasons.map((reason) => reason.split(' ')[0]),
    ['Stopped', 'Frozen', 'The', 'alice'],
  );
});

// Input that nobody could judge

test('what cannot be judged is refused with a reason, never allowed and never thrown', () => {
  // I5
  const good = snapshotOf(lawOf([ruleOf('green', '*')]));
  const cases: readonly (readonly [unknown, unknown])[] = [
    [null, good],
    [actionOf('a'), null],
    [actionOf('a'), {}],
    [{}, good],
    [{ ...actionOf('a'), action: 5 }, good],
    [actionOf(''), good],
    [{ ...actionOf('a'), agent: '' }, good],
    [{ ...actionOf('a'), parameters: [] }, good],
    [{ ...actionOf('a'), context: null }, good],
    [{ ...actionOf('a'), chain: null }, good],
    [actionOf('a', { costMicroUsd: Number.NaN }), good],
    [actionOf('a', { costMicroUsd: -1 }), good],
    [actionOf('a', { costMicroUsd: 0.5 }), good],
    [actionOf('a'), { ...good, nowMs: Number.NaN }],
    [actionOf('a'), { ...good, restrictions: null }],
    [actionOf('a'), { ...good, restrictions: [null] }],
    [actionOf('a'), { ...good, findings: [null] }],
    [actionOf('a'), { ...good, trust: undefined }],
  ];
  for (const [action, snapshot] of cases) {
    const decision = decide(action as Action, snapshot as Snapshot);
    assert.deepEqual(outcome(decision), ['red', 'deny', 'denied']);
    assert.match(decision.reasons[0] ?? '', /could not judge/);
  }
});
