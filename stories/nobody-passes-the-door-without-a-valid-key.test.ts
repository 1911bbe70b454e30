// Whose request it is, proven against everything that is not proof: no key, a wrong one, an old one, somebody else's
// token, a signature that was seen before. The clock is the test's, so that keys expire and debts are paid on command.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import type { JWTPayload } from 'jose';
import { manualClock } from '../server/src/platform/clock/manual-clock.ts';
import { signRequest } from '../server/src/platform/identity/request-signature.ts';
import { wholeFile } from '../test/closing.ts';
import type { Answered, Door, MadeKey } from '../test/door.ts';
import { openDoor } from '../test/door.ts';

const ISSUER = 'https://id.example.org';
const AUDIENCE = 'mandate';
/** Longer than it takes an address to be forgiven everything. */
const FORGIVEN_MS = 120_000;

const clock = manualClock();
const provider = await generateKeyPair('ES256', { extractable: true });
const stranger = await generateKeyPair('ES256');
const jwk = { ...(await exportJWK(provider.publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };

let door: Door;
const file = wholeFile();
before(async () => {
  const env = {
    MANDATE_JWKS: JSON.stringify({ keys: [jwk] }),
    MANDATE_JWT_ISSUER: ISSUER,
    MANDATE_JWT_AUDIENCE: AUDIENCE,
    MANDATE_JWT_TENANT: 'default',
  };
  door = await openDoor(file, { clock, env });
});

const look = (headers: Readonly<Record<string, string>>): Promise<Answered> =>
  door.call('GET', '/api/v1/stats', { key: null, headers });

function assertRefused(name: string, answer: Answered, reason: string, status = 401): void {
  assert.equal(answer.status, status, `${name}: ${answer.text}`);
  assert.equal(answer.json?.['reason'], reason, `${name}: ${answer.text}`);
  if (status === 401) assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/, name);
  assert.match(String(answer.json['detail']), /\w\.$/, name);
}

test('without proof, with unreadable proof or with two proofs at once nobody is anybody', async () => {
  const key = door.adminKey;
  const rows: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
    ['nothing', {}, 'credentials_missing'],
    ['an empty bearer', { authorization: 'Bearer ' }, 'credentials_missing'],
    [
      'basic',
      { authorization: `Basic ${Buffer.from(`admin:${key}`).toString('base64')}` },
      'credentials_missing',
    ],
    ['a key without its scheme', { authorization: key }, 'credentials_missing'],
    ['two bearers in one', { authorization: `Bearer ${key} ${key}` }, 'credentials_missing'],
    ['both headers', { authorization: `Bearer ${key}`, 'x-api-key': key }, 'credentials_ambiguous'],
    ['a key and a signature', { 'x-api-key': key, 'webhook-signature': 'v1,x' }, 'credentials_ambiguous'],
    ['a signature of nobody', { 'webhook-signature': 'v1,x' }, 'signature_invalid'],
  ];
  for (const [name, headers, reason] of rows) assertRefused(name, await look(headers), reason);
  for (const headers of [{ authorization: `bearer ${key}` }, { 'x-api-key': ` ${key} ` }])
    assert.equal((await look(headers)).status, 200);
  assert.equal(
    (await door.call('GET', `/api/v1/stats?api_key=${key}`, { key: null })).status,
    401,
    'never in the address',
  );
});

test('a key with a typing error is told from a key that nobody knows', async () => {
  const { text } = await door.makeKey({ roles: ['viewer'] });
  const typo = text.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
  assertRefused('a wrong letter', await look({ 'x-api-key': typo }), 'key_mistyped');
  assertRefused('a letter too few', await look({ 'x-api-key': text.slice(0, -1) }), 'key_mistyped');
  assertRefused('another case', await look({ 'x-api-key': text.toLowerCase() }), 'key_mistyped');
  const { formatKey } = await import('../server/src/platform/identity/key-text.ts');
  assertRefused(
    'of no installation',
    await look({ 'x-api-key': formatKey(new Uint8Array(32)) }),
    'key_unknown',
  );
});

test('a key opens nothing from the request after its revocation on', async () => {
  const { id, text } = await door.makeKey({ roles: ['viewer'] });
  assert.equal((await look({ 'x-api-key': text })).status, 200);
  assert.equal((await door.call('DELETE', `/api/v1/keys/${id}`)).status, 200);
  assertRefused('revoked', await look({ 'x-api-key': text }), 'key_revoked');
  assert.equal(
    (await door.call('DELETE', `/api/v1/keys/${id}`)).status,
    404,
    'revoking twice changes nothing',
  );
});

test('a key opens nothing from its expiry on', async () => {
  const expiresAt = new Date(clock.nowMs() + 60_000).toISOString();
  const { text } = await door.makeKey({ roles: ['viewer'], expiresAt });
  assert.equal((await look({ 'x-api-key': text })).status, 200);
  clock.advance(60_000);
  assertRefused('expired', await look({ 'x-api-key': text }), 'key_expired');
});

async function token(over: {
  readonly payload?: JWTPayload;
  readonly header?: Readonly<Record<string, string>>;
  readonly audience?: string;
  readonly issuer?: string;
  readonly lifeS?: number | null;
  readonly subject?: string | null;
}): Promise<SignJWT> {
  const nowS = Math.floor(clock.nowMs() / 1_000);
  const {
    payload = {},
    header = {},
    audience = AUDIENCE,
    issuer = ISSUER,
    lifeS = 300,
    subject = 'ann',
  } = over;
  const jwt = new SignJWT({ roles: ['viewer'], ...payload })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k1', ...header })
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(nowS);
  if (subject !== null) jwt.setSubject(subject);
  return lifeS === null ? jwt : jwt.setExpirationTime(nowS + lifeS);
}

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

test('a token counts only if the provider signed it, for us, in time, and as what it says it is', async () => {
  const sign = async (over: Parameters<typeof token>[0]): Promise<string> =>
    (await token(over)).sign(provider.privateKey);
  const good = await sign({});
  assert.equal((await look({ authorization: `Bearer ${good}` })).status, 200);
  const [head = '', claims = '', signature = ''] = good.split('.');
  const spki = new TextEncoder().encode(await exportSPKI(provider.publicKey));
  const confused = await token({ header: { alg: 'HS256' } });
  const rows: readonly (readonly [string, string])[] = [
    ['no algorithm', `${base64url({ alg: 'none', typ: 'at+jwt' })}.${claims}.`],
    ['no algorithm in capitals', `${base64url({ alg: 'NONE', typ: 'at+jwt' })}.${claims}.`],
    ['no signature', `${head}.${claims}.`],
    ['a shared secret that is our public key', await confused.sign(spki)],
    [
      'a shared secret that is the JWK',
      await (await token({ header: { alg: 'HS256' } })).sign(new TextEncoder().encode(JSON.stringify(jwk))),
    ],
    [
      'a key in its own header',
      await (
        await token({ header: { jwk: JSON.stringify(await exportJWK(stranger.publicKey)) } })
      ).sign(stranger.privateKey),
    ],
    ['another signer', await (await token({})).sign(stranger.privateKey)],
    [
      'other claims',
      `${head}.${base64url({ ...JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')), roles: ['admin'] })}.${signature}`,
    ],
    ['another type', await sign({ header: { typ: 'JWT' } })],
    ['the type of an id token', await sign({ header: { typ: 'id+jwt' } })],
    ['no expiry', await sign({ lifeS: null })],
    ['expired', await sign({ lifeS: -60 })],
    ['for somebody else', await sign({ audience: 'another' })],
    ['by somebody else', await sign({ issuer: 'https://evil.example.org' })],
    ['nobody in it', await sign({ subject: null })],
    ['no role', await sign({ payload: { roles: [] } })],
    ['a role that there is not', await sign({ payload: { roles: ['root'] } })],
    ['an agent that is more', await sign({ payload: { roles: ['agent', 'admin'], agents: ['a'] } })],
    ['an agent of all agents', await sign({ payload: { roles: ['agent'] } })],
    ['roles as text', await sign({ payload: { roles: 'admin' } })],
    ['a fourth part', `${good}.x`],
    ['no JSON', 'a.b.c'],
    ['endless', `${'a'.repeat(12_000)}.b.c`],
  ];
  for (const [name, text] of rows) {
    assertRefused(name, await look({ authorization: `Bearer ${text}` }), 'token_invalid');
    clock.advance(3_000);
  }
  clock.advance(FORGIVEN_MS);
});

test('what waits for approval does not begin for a token that has expired meanwhile', async () => {
  const payload = { roles: ['agent'], agents: ['builder-1'] };
  const fresh = async () => `Bearer ${await (await token({ payload })).sign(provider.privateKey)}`;
  const body = { agent: 'builder-1', action: 'deploy.production' };
  const headers = { authorization: await fresh() };
  const held = await door.call('POST', '/api/v1/actions', { key: null, headers, body });
  assert.equal(held.status, 202, held.text);
  const approval = held.json?.['approval'] as { readonly id: string; readonly digest: string } | undefined;
  assert.ok(held.json !== null && approval !== undefined);
  const lead = await door.makeKey({ roles: ['tech-lead'], user: { id: 'lead' } });
  const vote = { key: lead.text, body: { decision: 'approve', digest: approval.digest } };
  const voted = await door.call('POST', `/api/v1/approvals/${approval.id}/decision`, vote);
  assert.equal(voted.json?.['status'], 'approved', voted.text);
  clock.advance(301_000);
  const again = { key: null, headers: { authorization: await fresh() } };
  const fetched = await door.call('GET', `/api/v1/actions/${String(held.json['id'])}`, again);
  assert.equal(fetched.status, 403, fetched.text);
  assert.match(fetched.text, /has expired/);
});

function signed(
  key: MadeKey,
  id: string,
  body: string,
  over: { readonly atMs?: number } = {},
): Record<string, string> {
  const timestampS = Math.floor((over.atMs ?? clock.nowMs()) / 1_000);
  const secret = Buffer.from(key.signingSecret.slice('whsec_'.length), 'base64');
  const signature = `v1,${signRequest(secret, id, timestampS, Buffer.from(body))}`;
  return {
    'x-api-key-id': key.id,
    'webhook-id': id,
    'webhook-timestamp': String(timestampS),
    'webhook-signature': signature,
  };
}

test('a signed request counts once, now, as it was signed, and where it was meant to go', async () => {
  const key = await door.makeKey({ roles: ['operator'], agents: 'any' });
  const body = JSON.stringify({ agent: 'builder-1', action: 'git.read' });
  const send = (headers: Record<string, string>, raw = body, path = '/api/v1/decisions') =>
    door.call('POST', path, { key: null, raw, headers });
  const first = signed(key, 'm-1', body);
  assert.equal((await send(first)).status, 200);
  assertRefused('again', await send(first), 'signature_replayed');
  assertRefused(
    'another body',
    await send(signed(key, 'm-2', body), body.replace('read', 'push')),
    'signature_invalid',
  );
  assertRefused(
    'another id',
    await send({ ...signed(key, 'm-3', body), 'webhook-id': 'm-4' }),
    'signature_invalid',
  );
  assertRefused(
    'old',
    await send(signed(key, 'm-5', body, { atMs: clock.nowMs() - 301_000 })),
    'signature_invalid',
  );
  assertRefused(
    'ahead',
    await send(signed(key, 'm-6', body, { atMs: clock.nowMs() + 302_000 })),
    'signature_invalid',
  );
  clock.advance(FORGIVEN_MS);
  assertRefused(
    'somewhere else',
    await send(signed(key, 'm-7', body), body, '/api/v1/stop'),
    'signature_invalid',
  );
  assertRefused(
    'nobody’s key',
    await send({ ...signed(key, 'm-8', body), 'x-api-key-id': 'key_00' }),
    'key_unknown',
  );
  const other = await door.makeKey({ roles: ['admin'], agents: 'any' });
  assertRefused(
    'another key',
    await send({ ...signed(key, 'm-9', body), 'x-api-key-id': other.id }),
    'signature_invalid',
  );
  assert.equal((await door.call('DELETE', `/api/v1/keys/${key.id}`)).status, 200);
  assertRefused('revoked', await send(signed(key, 'm-10', body)), 'key_revoked');
  clock.advance(FORGIVEN_MS);
});

test('a key that speaks for one agent speaks for no other, and for no user', async () => {
  const agent = await door.makeKey({ roles: ['agent'], agents: ['builder-1'] });
  const ask = (over: object, path = '/api/v1/actions') =>
    door.call('POST', path, { key: agent.text, body: { agent: 'builder-1', action: 'git.read', ...over } });
  for (const path of ['/api/v1/actions', '/api/v1/decisions']) {
    for (const over of [{ agent: 'builder-2' }, { agent: 'Builder-1' }, { user: { id: 'ann' } }]) {
      const answer = await ask(over, path);
      assert.equal(answer.status, 403, `${path} ${JSON.stringify(over)}: ${answer.text}`);
      assert.equal(answer.json?.['code'], 'not_yours');
    }
  }
  assert.equal((await ask({}, '/api/v1/decisions')).status, 200);
  const delegated = await ask({ delegation: 'x.y.z' });
  assert.equal(delegated.status, 403, delegated.text);
});

test('an act of one agent is not there for another', async () => {
  const one = await door.makeKey({ roles: ['agent'], agents: ['reader-1'] });
  const other = await door.makeKey({ roles: ['agent'], agents: ['reader-2'] });
  const asked = await door.call('POST', '/api/v1/actions', {
    key: one.text,
    body: { agent: 'reader-1', action: 'deploy.production' },
  });
  assert.equal(asked.status, 202, asked.text);
  const path = `/api/v1/actions/${String(asked.json?.['id'])}`;
  assert.equal((await door.call('GET', path, { key: one.text })).status, 200);
  assert.equal((await door.call('GET', path, { key: other.text })).status, 404);
  assert.deepEqual((await door.call('GET', '/api/v1/actions', { key: other.text })).json?.['items'], []);
  const cancelled = await door.call('POST', `${path}/cancel`, {
    key: other.text,
    body: { reason: 'not mine' },
  });
  assert.ok([403, 404].includes(cancelled.status), cancelled.text);
  assert.equal((await door.call('GET', path, { key: one.text })).json?.['status'], 'waiting_for_approval');
});

test('whoever guesses is slowed down, while a good key goes on working from the same address', async () => {
  const { formatKey } = await import('../server/src/platform/identity/key-text.ts');
  clock.advance(FORGIVEN_MS);
  assert.equal((await door.call('GET', '/api/v1/stats')).status, 200);
  const statuses: number[] = [];
  let last: Answered | null = null;
  for (let guess = 1; guess <= 30; guess += 1) {
    last = await look({ 'x-api-key': formatKey(Buffer.alloc(32, guess)) });
    statuses.push(last.status);
  }
  assert.deepEqual([statuses[0], statuses[19], statuses[20], statuses[29]], [401, 401, 429, 429]);
  assert.ok(last !== null);
  assertRefused('too often', last, 'auth_throttled', 429);
  assert.equal(last.json?.['code'], 'too_many_attempts');
  const retryAfterS = Number(last.headers.get('retry-after'));
  assert.ok(retryAfterS >= 1, last.headers.get('retry-after') ?? 'no Retry-After');
  assert.equal((await door.call('GET', '/api/v1/stats')).status, 200, 'the good key');
  clock.advance(retryAfterS * 1_000);
  assert.equal(
    (await look({ 'x-api-key': formatKey(Buffer.alloc(32, 31)) })).status,
    401,
    'after Retry-After',
  );
  assert.deepEqual(door.errors(), []);
});
