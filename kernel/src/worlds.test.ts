// Whole worlds for the properties of strictness: charters with everything that can hold an action, facts of every kind,
// and what people have given for causes that really come up in them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Action } from './action.ts';
import type { Charter, Rule } from './charter.ts';
import { decide } from './decide.ts';
import type { Decision } from './decision.ts';
import type { Facts } from './facts.ts';
import type { Finding, FindingSeverity } from './finding.ts';
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
import type { FlowRule } from './flow.ts';
import type { Law } from './law.ts';
import type { Restriction } from './restriction.ts';
import type { TaintMark } from './taint.ts';
import { compareTiers, TIERS } from './tier.ts';

/** One charter, one action as it is without a word of the agent, what the agent says besides, and the facts. */
export interface World {
  readonly law: Law;
  readonly action: Action;
  readonly said: Partial<Action>;
  readonly facts: Partial<Facts>;
}

/** What the conditions of a charter look at. */
interface Conditions {
  /** Of rules, and of what spares from a flow. */
  readonly plain: readonly string[];
  /** Of exceptions and guardrails. */
  readonly tightening: readonly string[];
}

const SILENT = ["'x' in user.roles", 'parameters.n > 3', "agent.class == 'bg'", 'parameters.missing == 1'];
const CLAIMED = [
  'has(context.kind)',
  '!has(context.kind)',
  "context.kind == 'docs'",
  'context.grave > 1',
  '!has(context.kind) || context.kind > 3',
];
const GROWING = [
  'findings.size() > 0',
  "findings.exists(f, f.severity in ['error', 'critical'])",
  "findings.exists(f, f.check == 'cost')",
  'taint.size() > 0',
];
const SHRINKING = ['findings.size() == 0', "findings.exists(f, f.severity == 'error')", 'taint.size() == 0'];

function worldOf(conditions: Conditions): fc.Arbitrary<World> {
  return fc
    .tuple(charterOf(conditions), actions, claims, facts)
    .map(([law, action, said, known]) => ({ law, action, said, facts: foundIn(said.context ?? {}, known) }));
}

/** The facts without what is found in words that are not said. */
export function foundIn(context: Action['context'], known: Partial<Facts>): Partial<Facts> {
  const findings = known.findings?.filter(({ pointer }) => pointer !== IN_CONTEXT || 'kind' in context) ?? [];
  return { ...known, findings };
}

function charterOf({ plain, tightening }: Conditions): fc.Arbitrary<Law> {
  const rules = fc.uniqueArray(rulesOf(plain, tightening), {
    minLength: 1,
    maxLength: 4,
    selector: ({ match, when, selectors }) => JSON.stringify([match, when, selectors]),
  });
  const more = fc.record({
    enforcement: fc.constantFrom<Charter['enforcement']>('enforce', 'enforce', 'audit'),
    costMicroUsd: fc.constantFrom(null, 1_000_000, 12_000_000),
    own: fc.uniqueArray(ownOf(tightening), { maxLength: 3, selector: ({ name }) => name }),
    flows: fc.uniqueArray(flowsOf(plain), { maxLength: 1, selector: ({ name }) => name }),
    taint: fc.constantFrom<FindingSeverity>('info', 'warning', 'error'),
    agent: fc.constantFrom('builder-1', 'other'),
  });
  return fc.tuple(rules, more).map(([written, { enforcement, costMicroUsd, own, flows, taint, agent }]) =>
    lawOf(written, {
      enforcement,
      flows,
      agents: { [agent]: { class: 'bg', usdPerDayMicroUsd: null } },
      actions: [settingOfAction('deploy.x', { costMicroUsd })],
      guardrails: { ...DEFAULT_GUARDRAILS, own, taint: { severity: taint, windowMs: 3_600_000 } },
    }),
  );
}

function rulesOf(plain: readonly string[], tightening: readonly string[]): fc.Arbitrary<Rule> {
  const exceptions = fc.array(
    fc.record({ tier: fc.constantFrom(...TIERS), when: fc.constantFrom(...tightening) }).map(exceptionOf),
    { maxLength: 2 },
  );
  return fc
    .record({
      tier: fc.constantFrom('green', 'yellow', 'yellow', 'red', 'red', 'black' as const),
      match: fc.constantFrom('deploy.*', 'deploy.x', '*'),
      when: fc.constantFrom(null, null, ...plain),
      selectors: fc.constantFrom({}, {}, { role: ['x'] }, { agentClass: ['bg'] }),
      except: exceptions,
      final: fc.boolean(),
      approvers: fc.constantFrom<readonly string[]>([], ['tech-lead'], ['exec-sponsor'], ['vendor']),
      quorum: fc.integer({ min: 1, max: 3 }),
      fourEyes: fc.boolean(),
      requires: fc.constantFrom([], [], ['deploy']),
      obligations: fc.constantFrom([], ['report']),
      lift: fc.boolean(),
      expiresMs: fc.constantFrom(null, 1000, 5000),
      enforcement: fc.constantFrom(null, null, 'enforce' as const, 'audit' as const),
    })
    .map(({ tier, match, except, ...more }) =>
      // As in a charter: an exception is stricter than its rule, or says the same.
      ruleOf(tier, match, { ...more, except: except.filter((each) => compareTiers(each.tier, tier) >= 0) }),
    );
}

function ownOf(tightening: readonly string[]): fc.Arbitrary<OwnGuardrail> {
  return fc.record({
    name: fc.constantFrom('mine', 'yours', 'theirs'),
    actions: fc.constant([]),
    when: fc.constantFrom('costUsd > 0.5', 'costUsd > 1.5', ...tightening),
    severity: fc.constantFrom('warning', 'error', 'critical' as const),
    message: fc.constant('Found.'),
    origin: fc.constant('test:own'),
  });
}

function flowsOf(plain: readonly string[]): fc.Arbitrary<FlowRule> {
  const unless = plain.filter((condition) => !condition.includes('context'));
  return fc.record({
    name: fc.constantFrom('leak', 'other'),
    after: fc.constant(['web.*']),
    next: fc.constant(['deploy.*']),
    withinMs: fc.constant(3_600_000),
    unless: fc.constantFrom(null, ...unless),
    tier: fc.constantFrom('yellow', 'red', 'black' as const),
    origin: fc.constant('test:flow'),
  });
}

const actions: fc.Arbitrary<Action> = fc
  .record({
    user: fc.constantFrom(null, { id: 'ann', email: null }),
    parameters: fc.constantFrom({}, { n: 5 }, { n: 1 }),
  })
  .map((more) => actionOf('deploy.x', more));

const claims: fc.Arbitrary<Partial<Action>> = fc.record({
  context: fc.constantFrom<Action['context']>(
    {},
    { kind: 'docs' },
    { kind: 1 },
    { grave: 2 },
    { kind: 'docs', grave: 'x' },
    { untrusted: true },
    { severity: 'critical', kind: 'docs' },
  ),
  costMicroUsd: fc.constantFrom(null, 1, 1_600_000, 11_000_000, 60_000_000),
});

const IN_CONTEXT = '/context/kind';
const findings: fc.Arbitrary<Finding> = fc.record(
  {
    check: fc.constantFrom('a', 'b', 'c'),
    severity: fc.constantFrom('info', 'warning', 'warning', 'warning', 'error'),
    message: fc.constantFrom('one.', 'two.'),
    pointer: fc.constantFrom(null, '/parameters', IN_CONTEXT),
  },
  { noNullPrototype: true },
);

const restrictions: fc.Arbitrary<Restriction> = fc
  .record({
    kind: fc.constantFrom('pause', 'flag', 'phase', 'throttle'),
    id: fc.constantFrom('r1', 'r2'),
    scope: fc.constantFrom('global', 'agent:builder-1', 'class:bg', 'user:ann'),
    floor: fc.constantFrom('yellow', 'red'),
    except: fc.constantFrom([], ['deploy.*']),
  })
  .map(({ kind, ...more }) => restrictionOf(kind, more));

const marks: fc.Arbitrary<TaintMark> = fc
  .record({ how: fc.constantFrom('value', 'unseen'), isClaimed: fc.boolean() })
  .map(({ how, isClaimed }) => ({
    pointer: '/parameters',
    how,
    actId: 'a1',
    action: 'web.get',
    ...(isClaimed ? { claimed: true } : {}),
  }));

const READ = { actId: 'p', agent: 'builder-1', action: 'web.get', startedMs: NOON_MS - 1000 };
const OVERRUN = 'overrun/agent:builder-1';

const facts: fc.Arbitrary<Partial<Facts>> = fc
  .record({
    mode: fc.constantFrom('FULL', 'FULL', 'FULL', 'SUPERVISED'),
    enforcement: fc.constantFrom(null, null, 'audit'),
    trust: fc.constantFrom(null, trustAt(10), trustAt(70), trustAt(90)),
    userScopes: fc.constantFrom(null, ['deploy']),
    userRoles: fc.constantFrom([], ['x']),
    restrictions: fc.array(restrictions, { maxLength: 2 }),
    findings: fc.array(findings, { maxLength: 4 }),
    used: fc.constantFrom({}, { [OVERRUN]: 1_500_000 }, { [OVERRUN]: 11_000_000 }),
    past: fc.constantFrom(null, [], [READ]),
    taint: fc.array(marks, { maxLength: 2 }),
  })
  .map(({ past, ...more }) => (past === null ? more : { ...more, past }));

const whatever = [...SILENT, ...CLAIMED, ...GROWING, ...SHRINKING];

/** Charters whose conditions look at anything at all. */
export const anyWorld = worldOf({ plain: whatever, tightening: whatever });

/** Charters that never loosen because of a fact that is strict: what looks at findings and marks only adds to what holds. */
export const soundWorld = worldOf({
  plain: [...SILENT, ...CLAIMED],
  tightening: [...SILENT, ...CLAIMED, ...GROWING],
});

/** One fact that is stricter than it was: what was there stays, or is graver. */
export interface Tightening {
  readonly name: string;
  readonly apply: (facts: Partial<Facts>) => Partial<Facts>;
}

const GRAVER: Readonly<Record<FindingSeverity, FindingSeverity>> = {
  info: 'warning',
  warning: 'error',
  error: 'critical',
  critical: 'critical',
};

export const tightenings: fc.Arbitrary<Tightening> = fc.oneof(
  restrictions.map((one) =>
    named('a restriction more', (of) => ({ restrictions: [...(of.restrictions ?? []), one] })),
  ),
  findings.map((one) => named('a finding more', (of) => ({ findings: [...(of.findings ?? []), one] }))),
  fc.nat(3).map((which) =>
    named('a graver finding', (of) => ({
      findings: (of.findings ?? []).map((finding, at) =>
        at === which ? { ...finding, severity: GRAVER[finding.severity] } : finding,
      ),
    })),
  ),
  marks.map((one) => named('a mark more', (of) => ({ taint: [...(of.taint ?? []), one] }))),
  fc.constantFrom(
    named('a greater overrun', ({ used = {} }) => ({
      used: { ...used, [OVERRUN]: (used[OVERRUN] ?? 0) + 10_000_000 },
    })),
    named('probation', () => ({ trust: trustAt(10) })),
    named('enforcement', () => ({ enforcement: 'enforce' })),
    named('SUPERVISED', () => ({ mode: 'SUPERVISED' })),
    named('something done before', ({ past }) => (past === undefined ? {} : { past: [...past, READ] })),
    named('a stop', ({ restrictions: standing = [] }) => ({
      restrictions: [...standing, restrictionOf('stop')],
    })),
    named('no scope', () => ({ userScopes: [] })),
  ),
);

function named(name: string, change: Tightening['apply']): Tightening {
  return { name, apply: (of) => ({ ...of, ...change(of) }) };
}

const STRONG = { requiredRoles: ['tech-lead', 'exec-sponsor', 'vendor'], quorum: 3, fourEyes: true };

/** What people may have given for some of what these decisions are red for: an approval, a remembered grant, or both. */
export function givenFor(decisions: readonly Decision[]): fc.Arbitrary<Partial<Facts>> {
  const causes = [...new Set(decisions.flatMap((decision) => decision.causes))].toSorted();
  const some = fc.subarray(causes);
  const needs = fc.constantFrom(STRONG, STRONG, { ...STRONG, quorum: 1 });
  return fc.record(
    {
      approval: fc.tuple(some, needs).map(([seen, asked]) => approvalOf(seen, asked)),
      signatures: some.map((seen) => [
        { id: 's', causes: seen, ...STRONG, createdMs: NOON_MS - 1, expiresMs: NOON_MS + 1 },
      ]),
    },
    { requiredKeys: [] },
  );
}

test('the worlds of the properties hold actions for every kind of cause', () => {
  const kinds = fc
    .sample(soundWorld, { numRuns: 600, seed: 7 })
    .flatMap(({ law, action, said, facts: known }) =>
      decide({ ...action, ...said }, snapshotOf(law, known)).causes.map((cause) =>
        cause.slice(0, cause.indexOf(':')),
      ),
    );
  assert.deepEqual([...new Set(kinds)].toSorted(), [
    'critical',
    'error',
    'exception',
    'finding',
    'flow',
    'mode',
    'restriction',
    'rule',
    'trust',
    'warning',
  ]);
});
