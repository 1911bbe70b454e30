// Plain charters, actions and snapshots for the tests of the law: each names only what its test is about.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionOf, charterOf, factsOf, NOON_MS, ruleOf } from '../../test/plain.ts';
import type { Action } from './action.ts';
import type { ApprovalNeeds } from './approval-needs.ts';
import type { GivenApproval } from './approval.ts';
import type { Charter, Rule, RuleException } from './charter.ts';
import { decide } from './decide.ts';
import type { Decision } from './decision.ts';
import type { Facts } from './facts.ts';
import type { Finding } from './finding.ts';
import type { Grant } from './grant.ts';
import { compileLaw } from './law-compile.ts';
import type { Law } from './law.ts';
import type { Restriction } from './restriction.ts';
import type { Snapshot } from './snapshot.ts';
import { DEFAULT_TRUST, newTrust } from './trust.ts';
import type { TrustState } from './trust.ts';

export { actionOf, charterOf, NOON_MS, ruleOf, settingOfAction } from '../../test/plain.ts';

export function exceptionOf(more: Partial<RuleException>): RuleException {
  return { tier: 'red', paths: [], when: null, origin: 'test:except', ...more };
}

export function lawOf(rules: readonly Rule[], more: Partial<Charter> = {}): Law {
  const result = compileLaw(charterOf(rules, more), 'v1');
  if (result.kind === 'law') return result.law;
  throw new Error(result.problems.map((problem) => `${problem.origin}: ${problem.message}`).join('\n'));
}

export function snapshotOf(law: Law, more: Partial<Facts> = {}): Snapshot {
  return { law, ...factsOf(more) };
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
