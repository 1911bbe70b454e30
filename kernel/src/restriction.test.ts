import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Action } from './action.ts';
import { actionOf, NOON_MS, restrictionOf } from './fixtures.test.ts';
import { covers, inForce, parseScope } from './restriction.ts';

function reaches(scope: string, action: Partial<Action>, agentClass: string | null = null): boolean {
  return covers(restrictionOf('pause', { scope }), { action: actionOf('git.merge', action), agentClass });
}

test('every form of scope is read', () => {
  const cases: readonly (readonly [string, object])[] = [
    ['global', { kind: 'global' }],
    ['tenant', { kind: 'tenant' }],
    ['agent:builder-1', { kind: 'agent', agent: 'builder-1' }],
    ['agent:a:b', { kind: 'agent', agent: 'a:b' }],
    ['class:background', { kind: 'class', agentClass: 'background' }],
    ['action:git.*', { kind: 'action', pattern: 'git.*' }],
    ['user:alice', { kind: 'user', user: 'alice' }],
    ['resource:portal/a/b', { kind: 'resource', type: 'portal', id: 'a/b' }],
  ];
  for (const [text, scope] of cases) assert.deepEqual(parseScope(text), { kind: 'scope', scope });
});

const MALFORMED = [
  '',
  'globe',
  'agent',
  'agent:',
  'class:',
  'user:',
  'action:',
  'action:a*b',
  'resource:portal',
  'resource:/x',
  'resource:x/',
  'team:x',
];

test('a malformed scope is a problem that says what to write', () => {
  for (const text of MALFORMED) {
    const result = parseScope(text);
    assert.equal(result.kind, 'problem', text);
    assert.match(result.kind === 'problem' ? result.message : '', /global, tenant, agent:ID/);
  }
});

test('a restriction whose scope cannot be read reaches everything', () => {
  for (const text of MALFORMED) assert.ok(reaches(text, {}), text);
});

test('a scope reaches what it names and nothing else', () => {
  const portal = { type: 'portal', id: 'admin' };
  const user = { id: 'alice', email: null };
  assert.ok(reaches('global', {}) && reaches('tenant', {}));
  assert.ok(
    reaches('agent:builder-1', {}) && !reaches('agent:builder-11', {}) && !reaches('agent:builder', {}),
  );
  assert.ok(
    reaches('class:night', {}, 'night') && !reaches('class:night', {}, 'day') && !reaches('class:night', {}),
  );
  assert.ok(reaches('action:git.*', {}) && reaches('action:git.merge', {}) && !reaches('action:test.*', {}));
  assert.ok(reaches('user:alice', { user }) && !reaches('user:bob', { user }) && !reaches('user:alice', {}));
  assert.ok(
    reaches('resource:portal/admin', { resource: portal }) &&
      !reaches('resource:portal/crm', { resource: portal }),
  );
  assert.ok(!reaches('resource:portals/admin', { resource: portal }));
});

test('an action that does not say what it touches is reached by every restriction of a resource', () => {
  assert.ok(reaches('resource:portal/admin', { resource: null }));
  assert.ok(reaches('resource:website/seo', { resource: null }));
});

test('an agent or a person is also reached through those who work under their authority', () => {
  assert.ok(reaches('agent:lead-1', { chain: ['lead-1'] }));
  assert.ok(reaches('user:alice', { chain: ['alice', 'lead-1'] }));
  assert.ok(reaches('user:alice', { onBehalfOf: 'alice' }));
});

test('what a restriction leaves alone is not covered, and a malformed exemption exempts nothing', () => {
  const subject = { action: actionOf('roaster.SET_POWER'), agentClass: null };
  assert.ok(!covers(restrictionOf('phase', { except: ['roaster.SET_*'] }), subject));
  assert.ok(covers(restrictionOf('phase', { except: ['roaster.*_POWER', 'roaster.SET'] }), subject));
});

test('a restriction stands until its end, and until somebody lifts it without one', () => {
  assert.ok(inForce(restrictionOf('pause'), NOON_MS));
  assert.ok(inForce(restrictionOf('pause', { untilMs: NOON_MS + 1 }), NOON_MS));
  assert.ok(!inForce(restrictionOf('pause', { untilMs: NOON_MS }), NOON_MS));
  assert.ok(inForce(restrictionOf('pause', { untilMs: Number.NaN }), NOON_MS));
});

test('a stop written by a clock that is ahead binds at once', () => {
  assert.ok(inForce(restrictionOf('stop', { sinceMs: NOON_MS + 5000 }), NOON_MS));
});

test('whatever parses as a scope of one agent reaches exactly that agent', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (named, agent) => {
      assert.equal(reaches(`agent:${named}`, { agent }), named === agent);
    }),
  );
});
