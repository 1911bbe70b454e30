import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from './decide.ts';
import type { Decision } from './decision.ts';
import type { Facts } from './facts.ts';
import { actionOf, approvalOf, charterOf, lawOf, NOON_MS, ruleOf, snapshotOf } from './fixtures.test.ts';
import type { FlowRule, PastAct } from './flow.ts';
import { compileLaw } from './law-compile.ts';

const HOUR_MS = 3_600_000;

function flowOf(more: Partial<FlowRule> = {}): FlowRule {
  return {
    name: 'customer-data-leaves',
    after: ['crm.read*'],
    next: ['mail.send*'],
    withinMs: HOUR_MS,
    unless: null,
    tier: 'red',
    origin: 'charter.yaml:9:5 flows[0]',
    ...more,
  };
}

function pastAct(action: string, agoMs: number, agent = 'builder-1'): PastAct {
  return { actId: 'act-7', agent, action, startedMs: NOON_MS - agoMs };
}

function decideFlow(
  flows: readonly FlowRule[],
  facts: Partial<Facts>,
  action = actionOf('mail.send'),
): Decision {
  return decide(action, snapshotOf(lawOf([ruleOf('green', '*')], { flows }), facts));
}

test('what follows what it must not follow waits for a person, and the trace says after what', () => {
  const decision = decideFlow([flowOf()], { past: [pastAct('crm.read_customer', 120_000)] });
  assert.deepEqual(
    [decision.tier, decision.effect, decision.causes],
    ['red', 'hold', ['flow:customer-data-leaves']],
  );
  assert.match(
    decision.trace.find(({ part }) => part === 'flow')?.text ?? '',
    /mail\.send comes after crm\.read_customer \(act act-7, 2 minutes ago\)/,
  );
});

test('a flow counts for its own actions, for as long as it says, and only where something came first', () => {
  const at = (agoMs: number): string => decideFlow([flowOf()], { past: [pastAct('crm.read', agoMs)] }).tier;
  assert.deepEqual([at(0), at(HOUR_MS), at(HOUR_MS + 1)], ['red', 'red', 'green']);
  assert.equal(decideFlow([flowOf()], { past: [] }).tier, 'green');
  assert.equal(decideFlow([flowOf()], { past: [pastAct('code.read', 0)] }).tier, 'green');
  assert.equal(
    decideFlow([flowOf()], { past: [pastAct('crm.read', 0)] }, actionOf('mail.list')).tier,
    'green',
  );
});

// I5
test('where nobody has gathered what came before, a flow cannot be ruled out', () => {
  const decision = decideFlow([flowOf()], {});
  assert.deepEqual([decision.tier, decision.causes], ['red', ['flow:customer-data-leaves']]);
});

test('a flow may end in black, which no approval lifts, or in yellow, which runs', () => {
  const past = [pastAct('crm.read', 0)];
  const black = decideFlow([flowOf({ tier: 'black' })], { past });
  assert.deepEqual([black.tier, black.code], ['black', 'denied']);
  const yellow = decideFlow([flowOf({ tier: 'yellow' })], { past });
  assert.deepEqual([yellow.tier, yellow.effect], ['yellow', 'execute']);
});

test('an exception spares a flow, one that cannot be evaluated does not, and no claim of the agent is one', () => {
  const past = [pastAct('crm.read', 0)];
  const unless = "parameters.to.endsWith('@example.org')";
  const send = (parameters: Readonly<Record<string, string>>): Decision =>
    decideFlow([flowOf({ unless })], { past }, actionOf('mail.send', { parameters }));
  assert.equal(send({ to: 'ann@example.org' }).tier, 'green');
  assert.equal(send({ to: 'eve@example.com' }).tier, 'red');
  assert.match(send({}).reasons.join(' '), /could not be evaluated/);
  const claiming = compileLaw(
    charterOf([ruleOf('green', '*')], { flows: [flowOf({ unless: 'context.reviewed == true' })] }),
    'v1',
  );
  assert.equal(claiming.kind, 'refused');
});

test('an exception that looks at marks or findings spares nothing because of what the agent says', () => {
  const past = [pastAct('crm.read', 0)];
  const marked = actionOf('mail.send', { context: { untrusted: true } });
  for (const unless of ['taint.size() > 0', "findings.exists(f, f.check == 'tainted')"])
    assert.equal(decideFlow([flowOf({ unless })], { past }, marked).tier, 'red', unless);
  const clean = [flowOf({ unless: 'taint.size() == 0' })];
  assert.equal(decideFlow(clean, { past }, marked).tier, 'red', 'a mark may take an exception away');
  assert.equal(decideFlow(clean, { past }).tier, 'green');
});

test('an approval given for a flow counts for it, and audit records what would have been held', () => {
  const past = [pastAct('crm.read', 0)];
  const approved = decideFlow([flowOf()], { past, approval: approvalOf(['flow:customer-data-leaves']) });
  assert.deepEqual([approved.effect, approved.code], ['execute', 'approved']);
  const law = lawOf([ruleOf('green', '*')], { flows: [flowOf()], enforcement: 'audit' });
  const audited = decide(actionOf('mail.send'), snapshotOf(law, { past }));
  assert.deepEqual([audited.effect, audited.code], ['execute', 'audited']);
});

test('a flow that could never apply, or that nobody could tell from another, is refused', () => {
  const wrong: readonly (readonly FlowRule[])[] = [
    [flowOf({ after: [] })],
    [flowOf({ next: ['mail.*.send'] })],
    [flowOf({ withinMs: 0 })],
    [flowOf({ withinMs: 7 * 24 * HOUR_MS + 1 })],
    [flowOf(), flowOf()],
    [flowOf({ unless: 'nobody.knows' })],
  ];
  for (const flows of wrong)
    assert.equal(compileLaw(charterOf([], { flows }), 'v1').kind, 'refused', JSON.stringify(flows));
});

test('a charter without flows says nothing of them', () => {
  const decision = decide(actionOf('mail.send'), snapshotOf(lawOf([ruleOf('green', '*')])));
  assert.equal(
    decision.trace.some(({ part }) => part === 'flow'),
    false,
  );
});
