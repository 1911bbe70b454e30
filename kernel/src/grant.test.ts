import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { actionOf, decideWith, grantOf, NOON_MS, ruleOf } from './fixtures.test.ts';
import type { Grant } from './grant.ts';
import { isLive, missingConsent, missingGrant, missingScope } from './grant.ts';
import { compareTiers } from './tier.ts';

const merge = actionOf('git.merge');

test('without grants and without a chain nothing is missing', () => {
  assert.equal(missingGrant(merge, [], NOON_MS), null);
  assert.equal(missingConsent(merge, [], NOON_MS), null);
});

test('every delegation and task grant presented must cover the action', () => {
  const wide = grantOf('delegation', { actions: ['git.*'] });
  assert.equal(
    missingGrant(merge, [wide, grantOf('task', { actions: ['git.merge', 'test.*'] })], NOON_MS),
    null,
  );
  assert.match(
    missingGrant(merge, [wide, grantOf('task', { actions: ['test.*'] })], NOON_MS)?.text ?? '',
    /task-1.*does not cover git\.merge/,
  );
});

test('a revoked or expired grant refuses instead of handing back what it had narrowed', () => {
  assert.match(missingGrant(merge, [grantOf('task', { revoked: true })], NOON_MS)?.text ?? '', /revoked/);
  assert.match(
    missingGrant(merge, [grantOf('delegation', { expiresMs: NOON_MS })], NOON_MS)?.text ?? '',
    /expired/,
  );
  assert.ok(!isLive(grantOf('task', { expiresMs: Number.NaN }), NOON_MS));
});

test('a chain without a delegation grant to this very agent proves nothing', () => {
  const delegated = actionOf('git.merge', { chain: ['alice', 'lead-1'] });
  assert.equal(missingGrant(delegated, [], NOON_MS)?.code, 'scope_missing');
  assert.equal(
    missingGrant(delegated, [grantOf('delegation', { to: 'builder-2' })], NOON_MS)?.code,
    'scope_missing',
  );
  assert.equal(missingGrant(delegated, [grantOf('delegation', { from: 'lead-1' })], NOON_MS), null);
});

test('a scope is held by its name or by a prefix, and nobody holds one without a user', () => {
  assert.equal(missingScope([], null, null), null);
  assert.equal(missingScope(['deploy.production'], ['deploy.*'], null), null);
  assert.equal(missingScope(['a', 'b'], ['a'], null)?.code, 'scope_missing');
  assert.match(missingScope(['a'], null, null)?.text ?? '', /no user stands behind/);
});

test('the charter narrows the scopes of a user and never widens them', () => {
  assert.equal(missingScope(['a'], ['*'], ['a']), null);
  assert.match(missingScope(['a'], ['*'], ['b'])?.text ?? '', /The charter does not give/);
  assert.equal(missingScope(['a'], [], ['a'])?.code, 'scope_missing');
  assert.equal(missingScope(['a'], null, ['a'])?.code, 'scope_missing');
});

test('acting on somebody’s behalf takes that person’s consent to this agent for this action, in force', () => {
  const behalf = actionOf('git.merge', { onBehalfOf: 'alice' });
  const without: readonly Partial<Grant>[] = [
    { from: 'bob' },
    { to: 'builder-2' },
    { actions: ['test.*'] },
    { revoked: true },
    { expiresMs: NOON_MS },
    { kind: 'delegation' },
  ];
  assert.equal(missingConsent(behalf, [grantOf('consent')], NOON_MS), null);
  for (const wrong of without)
    assert.equal(missingConsent(behalf, [grantOf('consent', wrong)], NOON_MS)?.code, 'consent_required');
});

const anyGrant: fc.Arbitrary<Grant> = fc.record({
  id: fc.string(),
  kind: fc.constantFrom('consent', 'delegation', 'task', 'signature'),
  from: fc.constantFrom('alice', 'bob'),
  to: fc.constantFrom('builder-1', 'builder-2'),
  actions: fc.array(fc.constantFrom('*', 'git.*', 'test.*', 'git.merge')),
  purpose: fc.string(),
  expiresMs: fc.constantFrom(NOON_MS - 1, NOON_MS + 1),
  revoked: fc.boolean(),
});

test('a delegation, task or signature grant more never allows more', () => {
  const narrowing = anyGrant.filter((grant) => grant.kind !== 'consent');
  fc.assert(
    fc.property(fc.array(anyGrant, { maxLength: 4 }), narrowing, fc.boolean(), (grants, more, isBehalf) => {
      const action = { ...merge, onBehalfOf: isBehalf ? 'alice' : null };
      const rules = [ruleOf('yellow', 'git.*')];
      const before = decideWith({ rules, action, facts: { grants } });
      const after = decideWith({ rules, action, facts: { grants: [...grants, more] } });
      assert.ok(compareTiers(after.tier, before.tier) >= 0);
      if (after.effect === 'execute') assert.equal(before.effect, 'execute');
    }),
  );
});

test('revoking or outliving any grant never allows more', () => {
  fc.assert(
    fc.property(fc.array(anyGrant, { minLength: 1, maxLength: 4 }), fc.nat(), (grants, at) => {
      const action = { ...merge, onBehalfOf: 'alice' };
      const revoked = grants.map((grant, index) =>
        index === at % grants.length ? { ...grant, revoked: true } : grant,
      );
      if (decideWith({ action, facts: { grants: revoked } }).effect !== 'execute') return;
      assert.equal(decideWith({ action, facts: { grants } }).effect, 'execute');
    }),
  );
});

test('the order of grants does not show', () => {
  fc.assert(
    fc.property(fc.array(anyGrant, { maxLength: 5 }), (grants) => {
      const forwards = decideWith({ action: merge, facts: { grants } });
      assert.deepEqual(decideWith({ action: merge, facts: { grants: grants.toReversed() } }), forwards);
    }),
  );
});
