// Plain charters, actions and snapshots for the tests of the law: each names only what its test is about.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action } from './action.ts';
import type { ApprovalNeeds, GivenApproval } from './approval.ts';
import type { ActionSetting, Charter, Rule, RuleException } from './charter.ts';
import type { Decision } from './decide.ts';
import { decide } from './decide.ts';
import { DEFAULT_GUARDRAILS } from './finding.ts';
import type { Finding } from './finding.ts';
import type { Grant } from './grant.ts';
import { compileLaw } from './law.ts';
import type { Law } from './law.ts';
import { DEFAULT_NOTIFY } from './notify.ts';
import type { Restriction } from './restriction.ts';
import type { Facts, Snapshot } from './snapshot.ts';
import type { Tier } from './tier.ts';
import { DEFAULT_TRUST, newTrust } from './trust.ts';
import type { TrustState } from './trust.ts';

/** 2026-11-20T12:00:00Z, a Friday at noon. */
export const NOON_MS = 1_795_176_000_000;

export function ruleOf(tier: Tier, match: string, more: Partial<Rule> = {}): Rule {
  return {
    tier,
    match,
    selectors: {},
    when: null,
    except: [],
    final: tier === 'black',
    lift: true,
    requires: [],
    obligations: [],
    approvers: [],
    quorum: 1,
    expiresMs: null,
    fourEyes: false,
    enforcement: null,
    origin: `test:${match}`,
    ...more,
  };
}

export function exceptionOf(more: Partial<RuleException>): RuleException {
  return { tier: 'red', paths: [], when: null, origin: 'test:except', ...more };
}

export function settingOfAction(match: string, more: Partial<ActionSetting> = {}): ActionSetting {
  return {
    match,
    severity: null,
    executor: null,
    paths: [],
    branches: [],
    amounts: [],
    diff: null,
    compensate: null,
    safeState: false,
    idempotent: false,
    costMicroUsd: null,
    deadlineMs: null,
    origin: `test:actions:${match}`,
    ...more,
  };
}

export function charterOf(rules: readonly Rule[], more: Partial<Charter> = {}): Charter {
  return {
    enforcement: 'enforce',
    registration: 'open',
    environment: null,
    rules,
    actions: [],
    agents: {},
    executors: {},
    guardrails: DEFAULT_GUARDRAILS,
    trust: DEFAULT_TRUST,
    limits: { concurrentAgents: null, usdPerDayMicroUsd: null, actionsPerMinute: null },
    resources: {},
    users: {},
    notify: DEFAULT_NOTIFY,
    resume: { twoPersons: false },
    ...more,
  };
}

export function lawOf(rules: readonly Rule[], more: Partial<Charter> = {}): Law {
  const result = compileLaw(charterOf(rules, more), 'v1');
  if (result.kind === 'law') return result.law;
  throw new Error(result.problems.map((problem) => `${problem.origin}: ${problem.message}`).join('\n'));
}

export function actionOf(action: string, more: Partial<Action> = {}): Action {
  return {
    agent: 'builder-1',
    action,
    parameters: {},
    context: {},
    resource: null,
    user: null,
    chain: [],
    onBehalfOf: null,
    costMicroUsd: null,
    ...more,
  };
}

export function snapshotOf(law: Law, more: Partial<Facts> = {}): Snapshot {
  return {
    law,
    tenant: 'acme',
    nowMs: NOON_MS,
    revision: 7,
    mode: 'FULL',
    principal: { id: 'key-1', roles: ['agent'] },
    trust: null,
    userScopes: null,
    userRoles: [],
    grants: [],
    restrictions: [],
    used: {},
    approval: null,
    deployment: null,
    findings: [],
    ...more,
  };
}

export function trustAt(score: number): TrustState {
  return { ...newTrust(DEFAULT_TRUST, NOON_MS), score };
}

export function restrictionOf(kind: Restriction['kind'], more: Partial<Restriction> = {}): Restriction {
  return {
    id: `${kind}-1`,
    kind,
    scope: 'tenant',
    floor: kind === 'stop' ? 'black' : 'red',
    except: [],
    cause: `a ${kind} for the test`,
    by: 'ops',
    sinceMs: NOON_MS - 1000,
    untilMs: null,
    ...more,
  };
}

export function grantOf(kind: Grant['kind'], more: Partial<Grant> = {}): Grant {
  return {
    id: `${kind}-1`,
    kind,
    from: 'alice',
    to: 'builder-1',
    actions: ['*'],
    purpose: 'a test',
    expiresMs: NOON_MS + 60_000,
    revoked: false,
    ...more,
  };
}

export function approvalOf(causes: readonly string[], needs: Partial<ApprovalNeeds> = {}): GivenApproval {
  return { id: 'ap-1', causes, requiredRoles: [], quorum: 1, fourEyes: false, ...needs };
}

export function findingOf(severity: Finding['severity'], check: string): Finding {
  return { check, severity, message: `${check} was found`, pointer: null };
}

/** One decision under a charter of one green rule for everything, unless the test says otherwise. */
export function decideWith(needs: {
  readonly rules?: readonly Rule[];
  readonly charter?: Partial<Charter>;
  readonly action?: Action;
  readonly facts?: Partial<Facts>;
}): Decision {
  const law = lawOf(needs.rules ?? [ruleOf('green', '*')], needs.charter);
  return decide(needs.action ?? actionOf('test.run_suite'), snapshotOf(law, needs.facts));
}

test('the plain fixtures allow a plain action', () => {
  const decision = decideWith({});
  assert.equal(decision.code, 'allowed');
});
