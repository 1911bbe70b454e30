// The invariants of the law, held against inputs that nobody thought of.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Action, Severity } from './action.ts';
import { decide } from './decide.ts';
import type { Decision, Effect } from './decision.ts';
import type { Facts } from './facts.ts';
import type { Finding } from './finding.ts';
import type { OwnGuardrail } from './finding/guardrail-settings.ts';
import { DEFAULT_GUARDRAILS } from './finding/guardrail-settings.ts';
import {
  actionOf,
  approvalOf,
  exceptionOf,
  lawOf,
  NOON_MS,
  restrictionOf,
  ruleOf,
  settingOfAction,
  snapshotOf,
  trustAt,
} from './fixtures.test.ts';
import type { Law } from './law.ts';
import type { Restriction } from './restriction.ts';
import { compareTiers, TIERS } from './tier.ts';

const law = createLaw('enforce');
const auditLaw = createLaw('audit');

function createLaw(enforcement: 'enforce' | 'audit'): Law {
  const rules = [
    ruleOf('green', 'test.*', { except: [exceptionOf({ paths: ['secrets/**'] })] }),
    ruleOf('yellow', 'git.*', { except: [exceptionOf({ when: "parameters.branch == 'main'" })] }),
    ruleOf('red', 'deploy.*', { requires: ['deploy'], approvers: ['tech-lead'] }),
    ruleOf('black', 'audit.*'),
  ];
  const limits = { concurrentAgents: 3, usdPerDayMicroUsd: 9_000_000, actionsPerMinute: 5 };
  const actions = [
    settingOfAction('test.off', { safeState: true }),
    settingOfAction('git.*', { costMicroUsd: 1_000_000 }),
  ];
  const own = [ownOf('dear', 'costUsd > 1.5'), ownOf('found', "findings.exists(f, f.check == 'a')")];
  return lawOf(rules, { enforcement, limits, actions, guardrails: { ...DEFAULT_GUARDRAILS, own } });
}

function ownOf(name: string, when: string): OwnGuardrail {
  return { name, actions: [], when, severity: 'warning', message: 'Found.', origin: 'test:own' };
}

const actions: fc.Arbitrary<Action> = fc
  .record({
    action: fc.constantFrom('test.run', 'test.off', 'git.merge', 'deploy.x', 'audit.delete', 'nothing'),
    parameters: fc.constantFrom({}, { branch: 'main' }, { branch: 'x' }, { path: 'secrets/a' }),
    context: fc.constantFrom({}, { severity: 'critical' }, { severity: 5 }),
    costMicroUsd: fc.constantFrom(null, 0, 2_000_000, 20_000_000),
    onBehalfOf: fc.constantFrom(null, null, 'alice'),
  })
  .map(({ action, ...more }) => actionOf(action, more));

const restrictions: fc.Arbitrary<Restriction> = fc
  .record({
    kind: fc.constantFrom('stop', 'freeze', 'pause', 'flag', 'mode', 'phase', 'throttle'),
    id: fc.constantFrom('r1', 'r2', 'r3'),
    scope: fc.constantFrom('global', 'agent:builder-1', 'agent:other', 'action:git.*', 'nonsense'),
    floor: fc.constantFrom(...TIERS),
    except: fc.constantFrom([], ['test.*']),
    cause: fc.constantFrom('one', 'two'),
    untilMs: fc.constantFrom(null, NOON_MS - 1, NOON_MS + 1),
  })
  .map(({ kind, ...more }) => restrictionOf(kind, more));

const findings: fc.Arbitrary<Finding> = fc.record(
  {
    check: fc.constantFrom('a', 'b', 'c'),
    severity: fc.constantFrom('info', 'warning', 'error', 'critical'),
    message: fc.constantFrom('one.', 'two.'),
    pointer: fc.constantFrom(null, '/parameters'),
  },
  { noNullPrototype: true },
);

const ungiven: fc.Arbitrary<Partial<Facts>> = fc.record({
  mode: fc.constantFrom('FULL', 'FULL', 'SUPERVISED', 'DRY_RUN'),
  principal: fc.constantFrom({ id: 'k', roles: ['agent'] }, { id: 'o', roles: ['operator'] }, null),
  trust: fc.constantFrom(null, trustAt(10), trustAt(70), trustAt(90)),
  userScopes: fc.constantFrom(null, ['deploy']),
  restrictions: fc.array(restrictions, { maxLength: 4 }),
  findings: fc.array(findings, { maxLength: 5 }),
  used: fc.constantFrom(
    {},
    { 'usd/tenant': 8_000_000 },
    { concurrentAgents: 3 },
    { 'overrun/agent:builder-1': 1_500_000 },
    { 'overrun/agent:builder-1': 11_000_000 },
  ),
});

const laws = fc.constantFrom(law, auditLaw);

/** Everything that these laws are really red for: what people may have given their approval for. */
const causes = fc
  .sample(fc.tuple(laws, actions, ungiven), { numRuns: 1000, seed: 7 })
  .flatMap(([which, action, given]) => decide(action, snapshotOf(which, given)).causes);

const facts: fc.Arbitrary<Partial<Facts>> = fc
  .tuple(
    ungiven,
    fc.oneof(
      fc.constant(null),
      fc.subarray([...new Set(causes)].toSorted()).map((seen) => approvalOf(seen)),
    ),
  )
  .map(([given, approval]) => ({ ...given, approval }));

// How far an effect is from letting the act run. A dry run is its own world.
const REACH: Readonly<Record<Effect, number>> = { none: 0, execute: 0, hold: 1, throttle: 2, deny: 3 };

function assertNotMilder(after: Decision, before: Decision): void {
  assert.ok(compareTiers(after.tier, before.tier) >= 0, `${before.tier} became ${after.tier}`);
  assert.ok(REACH[after.effect] >= REACH[before.effect], `${before.effect} became ${after.effect}`);
}

test('the order of restrictions and findings never shows in a decision', () => {
  // I4
  fc.assert(
    fc.property(laws, actions, facts, (which, action, given) => {
      const forwards = decide(action, snapshotOf(which, given));
      const reversed = {
        restrictions: given.restrictions?.toReversed() ?? [],
        findings: given.findings?.toReversed() ?? [],
      };
      assert.deepEqual(decide(action, snapshotOf(which, { ...given, ...reversed })), forwards);
    }),
    { numRuns: 500 },
  );
});

test('one restriction more never makes a decision milder', () => {
  // I4
  fc.assert(
    fc.property(laws, actions, facts, restrictions, (which, action, given, more) => {
      const before = decide(action, snapshotOf(which, given));
      const after = decide(
        action,
        snapshotOf(which, { ...given, restrictions: [...(given.restrictions ?? []), more] }),
      );
      assertNotMilder(after, before);
    }),
    { numRuns: 500 },
  );
});

test('one finding more never makes a decision milder', () => {
  // I4
  fc.assert(
    fc.property(laws, actions, facts, findings, (which, action, given, more) => {
      const before = decide(action, snapshotOf(which, given));
      const after = decide(
        action,
        snapshotOf(which, { ...given, findings: [...(given.findings ?? []), more] }),
      );
      assertNotMilder(after, before);
    }),
    { numRuns: 500 },
  );
});

test('only trust lowers anything, and only yellow to green', () => {
  // I4
  const severities = fc.constantFrom<Severity>('low', 'medium', 'high', 'critical');
  fc.assert(
    fc.property(
      fc.constantFrom(...TIERS),
      fc.float({ min: 0, max: 100, noNaN: true }),
      severities,
      (tier, score, severity) => {
        const one = lawOf([ruleOf(tier, 'a')], { actions: [settingOfAction('a', { severity })] });
        const decided = decide(actionOf('a'), snapshotOf(one, { trust: trustAt(score) })).tier;
        if (tier !== 'yellow') assert.equal(decided, tier);
        else if (decided === 'green') assert.ok(score >= 60);
        else assert.equal(decided, score < 30 ? 'red' : 'yellow');
      },
    ),
  );
});

test('more trust never makes a decision stricter', () => {
  fc.assert(
    fc.property(
      actions,
      facts,
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 0, max: 100 }),
      (action, given, one, other) => {
        const low = decide(action, snapshotOf(law, { ...given, trust: trustAt(Math.min(one, other)) }));
        const high = decide(action, snapshotOf(law, { ...given, trust: trustAt(Math.max(one, other)) }));
        assert.ok(compareTiers(low.tier, high.tier) >= 0);
      },
    ),
  );
});

test('no approval lets a stop, a freeze, a black rule, missing authority or a full limit pass', () => {
  // I6
  fc.assert(
    fc.property(actions, facts, (action, given) => {
      const without = decide(action, snapshotOf(law, { ...given, approval: null }));
      const approval = approvalOf(without.causes, without.approval ?? {});
      const decided = decide(action, snapshotOf(law, { ...given, approval }));
      if (without.effect === 'hold')
        assert.deepEqual([decided.effect, decided.code, decided.tier], ['execute', 'approved', 'red']);
      else assert.equal(decided.code, without.code);
    }),
    { numRuns: 500 },
  );
});

test('what executes is neither red without approval or audit nor ever black', () => {
  fc.assert(
    fc.property(laws, actions, facts, (which, action, given) => {
      const { tier, effect, code, causes, approval } = decide(action, snapshotOf(which, given));
      if (effect === 'execute')
        assert.ok(tier !== 'black' && (tier !== 'red' || code === 'approved' || code === 'audited'));
      assert.equal(effect === 'hold', approval !== null);
      if (effect === 'hold') assert.ok(causes.length > 0 && tier === 'red');
    }),
    { numRuns: 500 },
  );
});

test('the same action and snapshot give the same decision', () => {
  // I3
  fc.assert(
    fc.property(laws, actions, facts, (which, action, given) => {
      const snapshot = snapshotOf(which, given);
      assert.deepEqual(
        decide(structuredClone(action), { ...structuredClone({ ...snapshot, law: null }), law: which }),
        decide(action, snapshot),
      );
    }),
  );
});

test('decide never throws, and what it cannot read never runs', () => {
  // I5
  const fields = [
    'agent',
    'action',
    'parameters',
    'context',
    'chain',
    'costMicroUsd',
    'user',
    'resource',
    'onBehalfOf',
  ] as const;
  const factFields = [
    'nowMs',
    'mode',
    'principal',
    'trust',
    'grants',
    'restrictions',
    'used',
    'approval',
    'findings',
    'userRoles',
  ] as const;
  const anything = fc.oneof(fc.jsonValue(), fc.constant(undefined), fc.double(), fc.bigInt());
  fc.assert(
    fc.property(
      fc.constantFrom(...fields),
      fc.constantFrom(...factFields),
      anything,
      anything,
      (field, factField, one, other) => {
        const odd = { ...actionOf('test.run'), [field]: one } as Action;
        const oddFacts = { ...snapshotOf(law), [factField]: other };
        assert.ok(TIERS.includes(decide(odd, snapshotOf(law)).tier));
        assert.ok(TIERS.includes(decide(odd, oddFacts).tier));
      },
    ),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(anything, anything, (action, snapshot) => {
      assert.equal(
        decide(action as unknown as Action, snapshot as unknown as ReturnType<typeof snapshotOf>).effect,
        'deny',
      );
    }),
  );
});

test('a phase never makes a decision milder, whatever it lets run, and is named once however many say it', () => {
  // I4
  const phases = fc.array(
    fc
      .record({
        id: fc.constantFrom('p1', 'p2', 'p3'),
        scope: fc.constantFrom('action:test.*', 'action:git.merge', 'action:*'),
        except: fc.constantFrom([], ['*'], ['test.*'], ['git.merge', 'deploy.*']),
        cause: fc.constantFrom('L3', 'L3+'),
      })
      .map((more) => restrictionOf('phase', { floor: 'red', ...more })),
    { minLength: 1, maxLength: 3 },
  );
  fc.assert(
    fc.property(laws, actions, facts, phases, (which, action, given, governed) => {
      const standing = given.restrictions ?? [];
      const before = decide(action, snapshotOf(which, given));
      const after = decide(action, snapshotOf(which, { ...given, restrictions: [...standing, ...governed] }));
      assertNotMilder(after, before);
      const named = after.phase === null ? [] : after.phase.split(', ');
      assert.equal(named.length, new Set(named).size);
    }),
  );
});
