import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { SignJWT } from 'jose';
import { manualClock } from '../clock/manual-clock.ts';
import { deriveSigningPair } from '../crypto/derive.ts';
import { parseMasterKeys } from '../crypto/master-key.ts';
import { createGrantTokens, GRANT_TYP, type NewGrant } from './grant-token.ts';
import { createPermits } from './permit.ts';
import type { Delegation } from './principal.ts';

const A = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)).toString('base64');
const B = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 5 + 1)).toString('base64');
const masterKeys = parseMasterKeys(A, 'test');
const clock = manualClock();
const grants = createGrantTokens(masterKeys, clock);
const hourMs = 3_600_000;

const first: NewGrant = {
  tenant: 'acme',
  grantId: 'g1',
  from: 'user:ada',
  to: 'planner',
  actions: ['git.*', 'test.run_suite'],
  purpose: 'ship the release',
  expiresMs: clock.nowMs() + hourMs,
  user: { id: 'ada', email: 'ada@example.org', scopes: ['repo:write'] },
  parent: null,
};

async function issue(grant: NewGrant): Promise<{ readonly token: string; readonly delegation: Delegation }> {
  const issued = await grants.issue(grant);
  if (issued.kind === 'refused') throw new Error(issued.detail);
  return issued;
}

const child = (parent: Delegation, changes: Partial<NewGrant> = {}): NewGrant => ({
  ...first,
  grantId: 'g2',
  from: 'planner',
  to: 'worker',
  actions: ['git.merge'],
  user: null,
  parent,
  ...changes,
});

test('a chain is read root first, with the user at its root and every grant on the way', async () => {
  const root = await issue(first);
  const { token } = await issue(child(root.delegation));
  const read = await grants.verify(token);
  if (read.kind === 'refused') return assert.fail(read.detail);
  assert.equal(read.tenant, 'acme');
  assert.deepEqual(read.delegation.chain, ['user:ada', 'planner']);
  assert.equal(read.delegation.holder, 'worker');
  assert.deepEqual(read.delegation.grantIds, ['g1', 'g2']);
  assert.deepEqual(read.delegation.actions, ['git.merge']);
  assert.deepEqual(read.delegation.user, first.user);
  assert.deepEqual(read.delegation.links[0]?.actions, first.actions);
});

test('authority is handed on narrower or equal, never wider, longer, by others or in a circle', async () => {
  const { delegation } = await issue(first);
  const table: readonly (readonly [string, NewGrant, RegExp])[] = [
    [
      'another action',
      child(delegation, { actions: ['git.merge', 'deploy.production'] }),
      /may not hand on deploy\.production/,
    ],
    ['a wider pattern', child(delegation, { actions: ['*'] }), /may not hand on \*/],
    ['a pattern over an exact name', child(delegation, { actions: ['test.run_suite*'] }), /may not hand on/],
    ['a longer life', child(delegation, { expiresMs: first.expiresMs + 1 }), /would outlast/],
    ['a life that is over', child(delegation, { expiresMs: clock.nowMs() }), /has expired/],
    ['by somebody else', child(delegation, { from: 'stranger' }), /cannot hand on what was given to planner/],
    ['back to the root', child(delegation, { to: 'user:ada' }), /already in the chain/],
    ['to oneself', child(delegation, { to: 'planner' }), /already in the chain/],
    ['nothing', child(delegation, { actions: [] }), /names no actions/],
    ['an odd pattern', child(delegation, { actions: ['git.*.x'] }), /has a \* that is not at its end/],
  ];
  for (const [name, grant, expected] of table) {
    const answer = await grants.issue(grant);
    assert.equal(answer.kind, 'refused', name);
    if (answer.kind === 'refused') assert.match(answer.detail, expected, name);
  }
  assert.equal(
    (await grants.issue(child(delegation, { actions: first.actions, expiresMs: first.expiresMs }))).kind,
    'token',
  );
});

test('what the last link allows, every link before it allows as well', async () => {
  const pattern = fc
    .tuple(fc.stringMatching(/^[ab.]{1,4}$/), fc.boolean())
    .map(([text, open]) => (open ? `${text}*` : text));
  const patterns = fc.array(pattern, { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(patterns, patterns, fc.stringMatching(/^[ab.]{1,6}$/), async (wide, narrow, name) => {
      const root = await issue({ ...first, actions: wide });
      const issued = await grants.issue(child(root.delegation, { actions: narrow }));
      if (issued.kind === 'refused') return;
      const allows = (list: readonly string[]): boolean =>
        list.some((one) => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : name === one));
      if (allows(issued.delegation.actions))
        for (const link of issued.delegation.links) assert.ok(allows(link.actions));
    }),
    { numRuns: 40 },
  );
});

test('a token that expired, was changed, or comes from elsewhere proves nothing', async () => {
  const { token } = await issue(first);
  const elsewhere = createGrantTokens(parseMasterKeys(B, 'test'), clock);
  const [header, payload, signature] = token.split('.');
  const wider = Buffer.from(payload ?? '', 'base64url')
    .toString()
    .replace('git.*', '*');
  const later = manualClock(first.expiresMs);
  assert.equal((await elsewhere.verify(token)).kind, 'refused');
  assert.equal(
    (await grants.verify(`${header}.${Buffer.from(wider).toString('base64url')}.${signature}`)).kind,
    'refused',
  );
  assert.equal((await grants.verify('nonsense')).kind, 'refused');
  const expired = await createGrantTokens(masterKeys, later).verify(token);
  assert.match(expired.kind === 'refused' ? expired.detail : '', /expired/);
});

test('a chain that widens is refused even with our own signature under it', async () => {
  const until = first.expiresMs;
  const inner = { sub: 'planner', grant: 'g1', actions: ['git.merge'], purpose: 'p', until };
  const act = { sub: 'worker', grant: 'g2', actions: ['*'], purpose: 'p', until, act: inner };
  const forged = await new SignJWT({ act, tenant: 'acme', user: null })
    .setProtectedHeader({ alg: 'EdDSA', typ: GRANT_TYP, kid: masterKeys.current.id })
    .setIssuer('mandate')
    .setAudience('mandate')
    .setSubject('user:ada')
    .setJti('g2')
    .setExpirationTime(Math.floor(until / 1000))
    .sign(deriveSigningPair(masterKeys.current, 'grant-signing').privateKey);
  const read = await grants.verify(forged);
  assert.match(read.kind === 'refused' ? read.detail : '', /may not hand on \*/);
});

test('tokens of an earlier master key are read while it is still listed', async () => {
  const { token } = await issue(first);
  const rotated = createGrantTokens(parseMasterKeys(`${B},${A}`, 'test'), clock);
  assert.equal((await rotated.verify(token)).kind, 'delegation');
});

const permit = {
  actId: 'a1',
  tenant: 'acme',
  agent: 'builder-1',
  digest: 'd'.repeat(64),
  startByMs: 5000,
  deadlineMs: 60_000,
};

test('a permit says what was signed, also after the master key was rotated', () => {
  const token = createPermits(masterKeys).sign(permit);
  assert.deepEqual(createPermits(masterKeys).verify(token), permit);
  assert.deepEqual(createPermits(parseMasterKeys(`${B}\n${A}`, 'test')).verify(token), permit);
  assert.equal(createPermits(parseMasterKeys(B, 'test')).verify(token), null);
});

test('a permit with any letter changed is none', () => {
  const permits = createPermits(masterKeys);
  const token = permits.sign(permit);
  for (const at of Array.from(token).keys()) {
    for (const letter of ['A', 'x', '.']) {
      const changed = token.slice(0, at) + letter + token.slice(at + 1);
      // The last letter of base64url over 32 bytes carries two unused bits, but the text itself is compared.
      if (changed !== token) assert.equal(permits.verify(changed), null, `letter ${at}`);
    }
  }
  for (const odd of ['', 'permit.v1.', 'permit.v1.e30', token.slice(0, -1), `${token}.`, 'x'.repeat(10_000)])
    assert.equal(permits.verify(odd), null);
});

test('a grant is no permit and a permit is no grant', async () => {
  const { token } = await issue(first);
  const permits = createPermits(masterKeys);
  assert.equal(permits.verify(token), null);
  assert.equal((await grants.verify(permits.sign(permit))).kind, 'refused');
});
