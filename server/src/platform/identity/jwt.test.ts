import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { exportJWK, type JWTPayload, SignJWT } from 'jose';
import { manualClock } from '../clock/manual-clock.ts';
import { createJwt, type JwtSettings, readKeySet } from './jwt.ts';

const clock = manualClock();
const nowS = clock.nowMs() / 1000;
const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicJwk = { ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'RS256' };
const settings: JwtSettings = {
  jwks: JSON.stringify({ keys: [publicJwk] }),
  issuer: 'https://id.example.org',
  audience: 'mandate',
  typ: 'at+jwt',
  tenant: 'acme',
};
const jwt = createJwt(settings, clock);

const good: JWTPayload = {
  iss: settings.issuer,
  aud: 'mandate',
  sub: 'ada',
  exp: nowS + 60,
  roles: ['operator', 'made-up'],
  email: 'ada@example.org',
  scope: 'repo:write deploy',
};

function sign(
  payload: JWTPayload,
  header: { readonly alg?: string; readonly typ?: string; readonly kid?: string } = {},
): Promise<string> {
  const { typ = 'at+jwt' } = header;
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'RS256', kid: 'one', ...header, ...(typ === '' ? {} : { typ }) })
    .sign(pair.privateKey);
}

function without(claim: string): JWTPayload {
  return Object.fromEntries(Object.entries(good).filter(([name]) => name !== claim));
}

function forge(header: object, payload: object, secret: string | Buffer): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const signed = `${encode(header)}.${encode(payload)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

async function detailOf(token: string, by = jwt): Promise<string> {
  const answer = await by.verify(token);
  assert.equal(answer.kind, 'refused');
  return answer.kind === 'refused' ? answer.detail : '';
}

test('a good token becomes the principal that its claims describe', async () => {
  const answer = await jwt.verify(await sign(good));
  assert.deepEqual(answer, {
    kind: 'principal',
    principal: {
      id: 'user:ada',
      kind: 'jwt',
      tenant: 'acme',
      roles: ['operator'],
      agents: [],
      user: { id: 'ada', email: 'ada@example.org', scopes: ['repo:write', 'deploy'] },
      scopes: null,
      keyId: null,
      expiresMs: (nowS + 60) * 1000,
      delegation: null,
    },
  });
});

test('a token that lacks what is required, or says something else, is refused', async () => {
  const table: readonly (readonly [string, Promise<string>, RegExp])[] = [
    ['no exp', sign(without('exp')), /exp is missing/],
    ['no audience', sign(without('aud')), /aud is missing/],
    ['no issuer', sign(without('iss')), /iss is missing/],
    ['no subject', sign(without('sub')), /sub is missing/],
    ['no roles', sign(without('roles')), /no claim `roles`/],
    ['expired', sign({ ...good, exp: nowS - 10 }), /has expired/],
    ['not yet valid', sign({ ...good, nbf: nowS + 60 }), /nbf is missing or not/],
    ['made for another audience', sign({ ...good, aud: 'billing' }), /aud is missing or not/],
    ['made by another issuer', sign({ ...good, iss: 'https://evil.example.org' }), /iss is missing or not/],
    ['of another type', sign(good, { typ: 'JWT' }), /typ is missing or not/],
    ['of no type', sign(good, { typ: '' }), /typ is missing or not/],
    ['with claims of another form', sign({ ...good, roles: 'admin' }), /roles has the wrong form/],
    ['an agent and more', sign({ ...good, roles: ['agent', 'admin'] }), /no other role/],
    ['an agent without a name', sign({ ...good, roles: ['agent'] }), /no claim `agents`/],
    ['an agent with every name', sign({ ...good, roles: ['agent'], agents: 'any' }), /no claim `agents`/],
    ['endless', Promise.resolve('x'.repeat(20_000)), /16384 are the most/],
    ['no token at all', Promise.resolve('hello'), /malformed/],
  ];
  for (const [name, token, expected] of table) assert.match(await detailOf(await token), expected, name);
});

test('a public key is never taken for a shared secret, and no algorithm means no entry', async () => {
  const pem = pair.publicKey.export({ type: 'spki', format: 'pem' });
  const header = { typ: 'at+jwt', kid: 'one' };
  assert.match(await detailOf(forge({ ...header, alg: 'HS256' }, good, pem)), /algorithm is not allowed/);
  assert.match(
    await detailOf(forge({ ...header, alg: 'HS256' }, good, JSON.stringify(publicJwk))),
    /algorithm is not allowed/,
  );
  for (const alg of ['none', 'None', 'NONE', '']) {
    const token = forge({ ...header, alg }, good, pem);
    assert.match(await detailOf(token), /not allowed|malformed/, alg);
    assert.match(await detailOf(`${token.slice(0, token.lastIndexOf('.'))}.`), /not allowed|malformed/, alg);
  }
});

test('a token signed by a stranger, or changed after it was signed, is refused', async () => {
  const strange = await new SignJWT(good)
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: 'one' })
    .sign(stranger.privateKey);
  assert.match(await detailOf(strange), /signature is wrong/);
  const [header, , signature] = (await sign(good)).split('.');
  const admin = Buffer.from(JSON.stringify({ ...good, roles: ['admin'] })).toString('base64url');
  assert.match(await detailOf(`${header}.${admin}.${signature}`), /signature is wrong/);
  // A header that brings its own key is ignored: only the configured set counts.
  const jwk = await exportJWK(stranger.publicKey);
  const carried = await new SignJWT(good)
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', jwk })
    .sign(stranger.privateKey);
  assert.match(await detailOf(carried), /signature is wrong/);
});

test('without a fixed tenant the token must name one', async () => {
  const open = createJwt({ ...settings, tenant: null }, clock);
  assert.match(await detailOf(await sign(good), open), /no claim `tenant`/);
  assert.match(await detailOf(await sign({ ...good, tenant: '*' }), open), /everybody/);
  const answer = await open.verify(await sign({ ...good, tenant: 'rival' }));
  assert.equal(answer.kind === 'principal' && answer.principal.tenant, 'rival');
  // With a fixed one, what the token says does not matter.
  const fixed = await jwt.verify(await sign({ ...good, tenant: 'rival' }));
  assert.equal(fixed.kind === 'principal' && fixed.principal.tenant, 'acme');
});

test('whoever is no agent speaks for none unless the token says which, or any', async () => {
  for (const agents of [['builder-1'], 'any'] as const) {
    const answer = await jwt.verify(await sign({ ...good, agents }));
    assert.deepEqual(answer.kind === 'principal' && answer.principal.agents, agents);
  }
});

test('a key set with a secret in it, or from a place that others can change, is refused at the start', async () => {
  const privateJwk = await exportJWK(pair.privateKey);
  const table: readonly (readonly [string, RegExp])[] = [
    [JSON.stringify({ keys: [privateJwk] }), /keys\[0\] is a secret/],
    [JSON.stringify({ keys: [publicJwk, { kty: 'oct', k: 'c2VjcmV0' }] }), /keys\[1\] is a secret/],
    [JSON.stringify({ keys: [] }), /is no JWK set/],
    ['{"keys"', /is no JSON/],
    ['http://id.example.org/jwks.json', /must be an https URL/],
    ['file:///etc/jwks.json', /must be an https URL/],
  ];
  for (const [jwks, expected] of table) assert.throws(() => readKeySet(jwks), expected, jwks);
  assert.doesNotThrow(() => readKeySet('http://127.0.0.1:9/jwks.json'));
});

test('while the identity provider cannot be reached no token counts', async () => {
  const away = createJwt({ ...settings, jwks: 'http://127.0.0.1:9/jwks.json' }, clock);
  assert.match(await detailOf(await sign(good), away), /cannot be reached/);
});
