import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Action } from './action.ts';
import type { ApprovalNeeds } from './approval-needs.ts';
import { actionDigestText, DEFAULT_NEEDS, tally } from './approval.ts';
import type { Requester } from './approval.ts';
import { actionOf } from './fixtures.test.ts';
import { missingRolesOf } from './seating.ts';
import type { Vote } from './vote.ts';

const requester: Requester = { principal: 'key-1', agent: 'builder-1', user: 'alice' };
const productionNeeds: ApprovalNeeds = {
  ...DEFAULT_NEEDS,
  requiredRoles: ['tech-lead', 'ops-lead'],
  quorum: 2,
};

function approve(by: string, ...roles: readonly string[]): Vote {
  return { by, roles, decision: 'approve' };
}

test('one approver role is enough where a rule names none', () => {
  assert.deepEqual(tally(DEFAULT_NEEDS, [approve('bob', 'ops-lead')], requester), {
    kind: 'approved',
    by: ['bob'],
  });
});

test('viewers, operators and machines approve nothing, whatever else they hold', () => {
  const votes = [
    approve('v', 'viewer'),
    approve('o', 'operator'),
    approve('a', 'agent', 'admin'),
    approve('s', 'scrape', 'tech-lead'),
  ];
  assert.equal(tally(DEFAULT_NEEDS, votes, requester).kind, 'pending');
});

test('each required role needs an approver, and what is missing is named', () => {
  const pending = tally(productionNeeds, [approve('bob', 'tech-lead')], requester);
  assert.deepEqual(pending, {
    kind: 'pending',
    missingRoles: ['ops-lead'],
    missingPeople: 1,
    text: 'Still needed: an approver with the role ops-lead; in all one more person.',
  });
  assert.equal(
    tally(productionNeeds, [approve('bob', 'tech-lead'), approve('eve', 'ops-lead')], requester).kind,
    'approved',
  );
});

test('the quorum counts people, not votes', () => {
  const both = approve('bob', 'tech-lead', 'ops-lead');
  assert.deepEqual(tally({ ...productionNeeds, requiredRoles: ['tech-lead'] }, [both, both], requester), {
    kind: 'pending',
    missingRoles: [],
    missingPeople: 1,
    text: 'Still needed: one more person.',
  });
});

test('where as many people are asked for as roles, each role takes a person of its own', () => {
  const needs = { ...productionNeeds, requiredRoles: ['product-lead', 'ops-lead', 'tech-lead'], quorum: 3 };
  const votes = [approve('amy', 'admin'), approve('pia', 'product-lead'), approve('pat', 'product-lead')];
  assert.deepEqual(tally(needs, votes, requester), {
    kind: 'pending',
    missingRoles: ['tech-lead'],
    missingPeople: 0,
    text: 'Still needed: an approver with the role tech-lead (each role takes a person of its own).',
  });
  const both = approve('bo', 'product-lead', 'tech-lead');
  assert.equal(tally(needs, [...votes, approve('tess', 'tech-lead')], requester).kind, 'approved');
  assert.equal(tally(needs, [...votes.slice(0, 2), both], requester).kind, 'approved', 'bo is the tech-lead');
  assert.equal(tally({ ...needs, quorum: 1 }, [approve('amy', 'admin')], requester).kind, 'approved');
});

test('a place stays empty only where no way of seating people fills all of them', () => {
  const roles = ['a', 'b', 'c', 'd'];
  const seats = (open: readonly string[], people: readonly Vote[]): boolean =>
    open.length === 0 ||
    people.some(
      (vote) =>
        vote.roles.includes(open[0] ?? '') &&
        seats(
          open.slice(1),
          people.filter(({ by }) => by !== vote.by),
        ),
    );
  const people = fc.array(fc.subarray(roles), { maxLength: 6 });
  fc.assert(
    fc.property(fc.subarray(roles, { minLength: 1 }), people, (requiredRoles, held) => {
      const votes = held.map((own, index) => approve(`u${index}`, ...own));
      const missing = missingRolesOf({ requiredRoles, quorum: requiredRoles.length }, votes);
      assert.equal(missing.length === 0, seats(requiredRoles, votes));
      // Each that is missing is one person too few, and the order of votes changes none of it.
      const more = missing.map((role) => approve(`more-${role}`, role));
      assert.ok(seats(requiredRoles, [...votes, ...more]));
      assert.equal(seats(requiredRoles, [...votes, ...more.slice(1)]), missing.length === 0);
      const reversed = missingRolesOf({ requiredRoles, quorum: requiredRoles.length }, votes.toReversed());
      assert.deepEqual(reversed, missing);
    }),
    { numRuns: 2_000 },
  );
});

test('an admin holds every approver role', () => {
  assert.equal(
    tally({ ...productionNeeds, quorum: 1 }, [approve('root', 'admin')], requester).kind,
    'approved',
  );
});

test('a role that only this charter knows may approve where it is required or declared', () => {
  const vote = approve('bob', 'safety-officer');
  assert.equal(tally(DEFAULT_NEEDS, [vote], requester).kind, 'pending');
  assert.equal(
    tally({ ...DEFAULT_NEEDS, requiredRoles: ['safety-officer'] }, [vote], requester).kind,
    'approved',
  );
  assert.equal(tally(DEFAULT_NEEDS, [vote], requester, ['safety-officer']).kind, 'approved');
});

test('whoever asks never approves', () => {
  // I6
  assert.equal(tally(DEFAULT_NEEDS, [approve('builder-1', 'admin')], requester).kind, 'pending');
});

test('four eyes also shut those of the people behind the agent: who carried the request, and the user at the root', () => {
  const fourEyes = { ...DEFAULT_NEEDS, fourEyes: true };
  for (const person of ['alice', 'key-1']) {
    const votes = [approve(person, 'tech-lead')];
    assert.equal(tally(DEFAULT_NEEDS, votes, requester).kind, 'approved');
    assert.equal(tally(fourEyes, votes, requester).kind, 'pending');
  }
});

test('one deny denies, even after approvals, and even the requester’s own', () => {
  const deny: Vote = { by: 'eve', roles: ['ops-lead'], decision: 'deny' };
  assert.deepEqual(tally(DEFAULT_NEEDS, [approve('bob', 'admin'), deny], requester), {
    kind: 'denied',
    by: 'eve',
  });
  const own: Vote = { by: 'key-1', roles: ['tech-lead'], decision: 'deny' };
  assert.equal(tally(DEFAULT_NEEDS, [approve('bob', 'admin'), own], requester).kind, 'denied');
});

test('a quorum that is no sound number never lets an action through without a person', () => {
  assert.equal(tally({ ...DEFAULT_NEEDS, quorum: 0 }, [], requester).kind, 'pending');
  assert.equal(
    tally({ ...DEFAULT_NEEDS, quorum: Number.NaN }, [approve('bob', 'admin')], requester).kind,
    'pending',
  );
});

test('the order of votes does not matter', () => {
  const votes = fc.array(
    fc.record({
      by: fc.constantFrom('alice', 'bob', 'eve', 'key-1'),
      roles: fc.subarray(['tech-lead', 'ops-lead', 'viewer', 'admin']),
      decision: fc.constantFrom('approve', 'approve', 'approve', 'deny'),
    }),
  );
  fc.assert(
    fc.property(votes, (all) => {
      const forwards = tally(productionNeeds, all, requester);
      const backwards = tally(productionNeeds, all.toReversed(), requester);
      assert.equal(backwards.kind, forwards.kind);
    }),
  );
});

const full: Action = actionOf('git.merge', {
  parameters: { branch: 'main', force: false },
  context: { ticket: 'A-1' },
  resource: { type: 'repository', id: 'web' },
  user: { id: 'alice', email: null },
  chain: ['alice'],
  onBehalfOf: 'bob',
  costMicroUsd: 5,
});

test('the digest text changes with everything that people judge', () => {
  const changed: readonly Partial<Action>[] = [
    { agent: 'builder-2' },
    { action: 'git.push' },
    { parameters: { branch: 'main', force: true } },
    { context: {} },
    { resource: { type: 'repository', id: 'api' } },
    { user: { id: 'bob', email: null } },
    { chain: [] },
    { onBehalfOf: null },
    { costMicroUsd: 6 },
  ];
  const texts = changed.map((more) => actionDigestText('acme', { ...full, ...more }));
  const all = [actionDigestText('acme', full), actionDigestText('other', full), ...texts];
  assert.equal(new Set(all).size, changed.length + 2);
});

test('the digest text knows no order of keys and no id, idempotency key or trace', () => {
  const repeated = {
    ...full,
    parameters: { force: false, branch: 'main' },
    id: 'x',
    idempotencyKey: 'y',
    trace: 'z',
  };
  assert.equal(actionDigestText('acme', repeated), actionDigestText('acme', full));
});
