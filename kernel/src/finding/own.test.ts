import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision } from '../decision.ts';
import { actionOf, charterOf, decideWith, findingOf, ruleOf } from '../fixtures.test.ts';
import { compileLaw } from '../law-compile.ts';
import { DEFAULT_GUARDRAILS } from './guardrail-settings.ts';
import type { GuardrailSettings, OwnGuardrail } from './guardrail-settings.ts';

function ownOf(when: string, more: Partial<OwnGuardrail> = {}): OwnGuardrail {
  return {
    name: 'mine',
    actions: [],
    when,
    severity: 'error',
    message: 'Not like this.',
    origin: 'charter.yaml:4:5 guardrails.own.mine',
    ...more,
  };
}

function decideOwn(own: readonly OwnGuardrail[], more: Parameters<typeof decideWith>[0] = {}): Decision {
  return decideWith({ charter: { guardrails: { ...DEFAULT_GUARDRAILS, own } }, ...more });
}

function checksOf({ findings }: Decision): readonly string[] {
  return findings.map(({ check, severity }) => `${check} ${severity}`);
}

test('a guardrail of the charter finds what its condition says, by action, parameters, cost and findings', () => {
  const action = actionOf('mail.send', { parameters: { to: ['a', 'b', 'c'] }, costMicroUsd: 2_000_000 });
  const cases: readonly (readonly [string, boolean])[] = [
    ["action == 'mail.send'", true],
    ["action.startsWith('mail.') && parameters.to.size() > 2", true],
    ['parameters.to.size() > 3', false],
    ['costUsd >= 2.0', true],
    ["findings.exists(f, f.check == 'cost')", true],
    ["findings.exists(f, f.check == 'secret_leak')", false],
    ["findings.exists(f, f.check == 'plugin')", true],
    ["agent.id == 'builder-1'", true],
  ];
  for (const [when, isFound] of cases) {
    const decision = decideOwn([ownOf(when)], { action, facts: { findings: [findingOf('info', 'plugin')] } });
    assert.equal(checksOf(decision).includes('mine error'), isFound, when);
  }
});

test('an error holds, a warning alone does not, and three warnings do', () => {
  assert.deepEqual(decideOwn([ownOf('true')]).causes, ['finding:mine']);
  const warning = (name: string): OwnGuardrail => ownOf('true', { name, severity: 'warning' });
  assert.equal(decideOwn([warning('a'), warning('b')]).effect, 'execute');
  assert.equal(decideOwn([warning('a'), warning('b'), warning('c')]).effect, 'hold');
});

// I5
test('a guardrail that cannot be evaluated has failed, and that holds, whatever its own severity', () => {
  const decision = decideOwn([ownOf('parameters.amount > 5.0', { severity: 'warning' })]);
  assert.deepEqual(checksOf(decision), ['mine error']);
  assert.match(decision.reasons.join(' '), /could not be evaluated/);
});

test('a guardrail looks at the actions that it names', () => {
  const own = [ownOf('true', { actions: ['mail.*', 'chat.post'] })];
  const found = ['mail.send', 'chat.post', 'chat.postpone'].map(
    (name) => decideOwn(own, { action: actionOf(name) }).findings.length,
  );
  assert.deepEqual(found, [1, 1, 0]);
});

// I4
test('guardrails of the charter do not see each other, so their order changes nothing', () => {
  const own = [
    ownOf('findings.size() == 0', { name: 'first' }),
    ownOf('findings.size() == 0', { name: 'second' }),
  ];
  assert.deepEqual(decideOwn(own), decideOwn(own.toReversed()));
  assert.equal(decideOwn(own).findings.length, 2);
});

test('what the agent says of itself may bring a finding about and makes none go away', () => {
  const loosened = ownOf('!has(context.reviewed)');
  const claiming = actionOf('mail.send', { context: { reviewed: true } });
  assert.deepEqual(checksOf(decideOwn([loosened], { action: claiming })), ['mine error']);
  const tightened = ownOf('has(context.reviewed)');
  assert.deepEqual(checksOf(decideOwn([tightened], { action: claiming })), ['mine error']);
  assert.deepEqual(checksOf(decideOwn([tightened])), []);
});

// I5
test('a guardrail disappears by no mark, no estimate and no claim that it cannot be evaluated without', () => {
  const cases: readonly (readonly [string, Parameters<typeof actionOf>[1]])[] = [
    ['taint.size() == 0', { context: { untrusted: true } }],
    ['taint.size() == 0', { parameters: { untrusted: ['nowhere'] } }],
    ["!findings.exists(f, f.check == 'tainted')", { context: { untrusted: true } }],
    ['costUsd < 0.5', { costMicroUsd: 900_000 }],
    ["context.environment != 'sandbox'", { context: { environment: 'sandbox' } }],
  ];
  for (const [when, claim] of cases) {
    for (const severity of ['warning', 'error', 'critical'] as const) {
      const own = [ownOf(when, { severity })];
      const [silent] = checksOf(decideOwn(own, { action: actionOf('mail.send') }));
      const claimed = checksOf(decideOwn(own, { action: actionOf('mail.send', claim) }));
      assert.ok(silent !== undefined && claimed.includes(silent), `${when} ${severity}: ${claimed.join()}`);
    }
  }
  const asked = "has(context.environment) && context.environment != 'sandbox'";
  const sandbox = actionOf('mail.send', { context: { environment: 'sandbox' } });
  assert.deepEqual(checksOf(decideOwn([ownOf(asked)], { action: sandbox })), []);
});

test('no rule is got out of by a finding of the charter that only a claim brings about', () => {
  const rules = [ruleOf('green', 'mail.*'), ruleOf('black', 'mail.send', { when: 'findings.size() == 0' })];
  const own = [ownOf('has(context.reviewed)', { severity: 'warning' })];
  const claiming = actionOf('mail.send', { context: { reviewed: true } });
  assert.equal(decideOwn(own, { rules, action: claiming }).tier, 'black');
  const real = [ownOf("'to' in parameters", { severity: 'warning' })];
  const sending = actionOf('mail.send', { parameters: { to: 'a' }, context: { reviewed: true } });
  assert.equal(decideOwn(real, { rules, action: sending }).tier, 'green');
});

test('rules may look at what the guardrails of the charter found', () => {
  const rules = [
    ruleOf('green', '*'),
    ruleOf('black', 'mail.*', { when: "findings.exists(f, f.check == 'mine')" }),
  ];
  const own = [ownOf("'to' in parameters", { severity: 'warning' })];
  const send = (parameters: Readonly<Record<string, string>>): string =>
    decideOwn(own, { rules, action: actionOf('mail.send', { parameters }) }).tier;
  assert.deepEqual([send({ to: 'a' }), send({})], ['black', 'green']);
});

test('what a charter says of guardrails that could not work is refused', () => {
  const plugin = {
    url: 'https://x.example',
    secret: null,
    allowPrivate: false,
    actions: [],
    timeoutMs: 250,
    full: false,
  };
  const wrong: readonly Partial<GuardrailSettings>[] = [
    { own: [ownOf('parameters.')] },
    { own: [ownOf('nobody.knows')] },
    { own: [ownOf('1 + 1')] },
    { own: [ownOf('true', { name: 'cost' })] },
    { own: [ownOf('true', { name: 'Mine' })] },
    { own: [ownOf('true', { actions: ['a*b'] })] },
    { own: [ownOf('true')], required: ['mine'] },
    { required: ['secret_leak'] },
    { plugins: { tainted: plugin } },
    { plugins: { far: { ...plugin, timeoutMs: 0 } } },
    { plugins: { mine: plugin }, own: [ownOf('true')] },
    { taint: { severity: 'error', windowMs: 0 } },
    { taint: { severity: 'error', windowMs: 7 * 86_400_000 + 1 } },
  ];
  for (const more of wrong) {
    const { kind } = compileLaw(charterOf([], { guardrails: { ...DEFAULT_GUARDRAILS, ...more } }), 'v1');
    assert.equal(kind, 'refused', JSON.stringify(more));
  }
});
