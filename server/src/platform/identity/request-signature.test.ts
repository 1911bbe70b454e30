import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openTestDatabase, type TestDatabase } from '../../../../test/postgres.ts';
import { manualClock, seededChance } from '../clock/manual-clock.ts';
import { parseMasterKeys } from '../crypto/master-key.ts';
import { createIdentity, type Request } from './authenticate.ts';
import { createBruteForce } from './brute-force.ts';
import { createGrantTokens } from './grant-token.ts';
import { type CreatedKey, createKeys, type Keys } from './keys.ts';
import type { Principal } from './principal.ts';
import { signRequest } from './request-signature.ts';

const masterKeys = parseMasterKeys(
  Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)).toString('base64'),
  'test',
);

interface Signing {
  readonly id?: string;
  readonly offsetS?: number;
  readonly body?: string;
  readonly sent?: string;
  readonly path?: string;
  readonly method?: string;
  readonly secret?: string;
}

describe('whoever signs requests', () => {
  const clock = manualClock();
  const chance = seededChance(clock);
  let database: TestDatabase;
  let keys: Keys;
  before(async () => {
    database = await openTestDatabase();
    keys = createKeys({ app: database.store.app, masterKeys, clock, chance });
  });
  after(() => database.drop());

  /** Each call is a process of its own: nothing is remembered but in the database. */
  async function ask(request: Request) {
    const { store } = database;
    const grants = createGrantTokens(masterKeys, clock);
    return createIdentity({
      store,
      keys,
      grants,
      jwt: null,
      bruteForce: createBruteForce({ clock }),
      clock,
      ownProofOf: () => Promise.resolve(null),
    }).authenticate(request);
  }

  async function principalOf(request: Request): Promise<Principal> {
    const answer = await ask(request);
    return answer.kind === 'principal' ? answer.principal : assert.fail(`${answer.code}: ${answer.detail}`);
  }

  async function refusalOf(request: Request): Promise<string> {
    const answer = await ask(request);
    return answer.kind === 'refused' ? answer.code : `let in as ${answer.principal.id}`;
  }

  function make(): Promise<CreatedKey> {
    const wanted = {
      tenant: 'acme',
      label: 'test',
      roles: ['agent'],
      agents: ['builder-1'],
      createdBy: 'user:root',
    } as const;
    return database.store.withTenant('acme', (tx) => keys.create(tx, wanted));
  }

  function request(headers: Request['headers'], changes: Partial<Request> = {}): Request {
    return {
      method: 'POST',
      path: '/api/v1/actions',
      headers,
      rawBody: Buffer.from('{}'),
      remoteAddress: '192.0.2.1',
      ...changes,
    };
  }

  function signed({ key, signingSecret }: CreatedKey, how: Signing = {}): Request {
    const {
      id = chance.uuid(),
      offsetS = 0,
      body = '{"agent":"builder-1"}',
      sent = body,
      path = '/api/v1/actions',
      method = 'POST',
    } = how;
    const timestampS = Math.floor(clock.nowMs() / 1000) + offsetS;
    const secret = Buffer.from((how.secret ?? signingSecret).slice('whsec_'.length), 'base64');
    const headers = {
      'x-api-key-id': key.id,
      'webhook-id': id,
      'webhook-timestamp': String(timestampS),
      'webhook-signature': `v1a,AAAA v1,${signRequest(secret, id, timestampS, Buffer.from(body))}`,
    };
    return request(headers, { rawBody: Buffer.from(sent), path, method });
  }

  test('may sign a request instead of sending the key', async () => {
    const created = await make();
    const principal = await principalOf(signed(created));
    assert.equal(principal.kind, 'signature');
    assert.equal(principal.keyId, created.key.id);
  });

  test('signs as the Standard Webhooks libraries do', () => {
    // The example of the specification at github.com/standard-webhooks/standard-webhooks.
    const secret = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');
    const body = Buffer.from('{"test": 2432232314}');
    assert.equal(
      signRequest(secret, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330, body),
      'g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });

  test('gets a signed request taken once, by any of the processes', async () => {
    const created = await make();
    const asked = signed(created);
    await principalOf(asked);
    assert.equal(await refusalOf(asked), 'signature_replayed');
    const twin = signed(created);
    const codes = await Promise.all([refusalOf(twin), refusalOf(twin), refusalOf(twin)]);
    assert.equal(codes.filter((code) => code === 'signature_replayed').length, 2);
  });

  test('must sign this body, now, with this secret, for this place', async () => {
    const created = await make();
    const another = await make();
    const stop = '/api/v1/stop';
    const table: readonly (readonly [string, Signing, string])[] = [
      ['another body', { sent: '{"agent":"builder-2"}' }, 'signature_invalid'],
      ['too old', { offsetS: -301 }, 'signature_invalid'],
      ['too far ahead', { offsetS: 302 }, 'signature_invalid'],
      ['old but in time', { offsetS: -299 }, 'let in as agent:builder-1'],
      ['the secret of another key', { secret: another.signingSecret }, 'signature_invalid'],
      ['elsewhere without saying so', { path: stop }, 'signature_invalid'],
      [
        'elsewhere, saying so',
        { path: stop, id: `${chance.uuid()}:POST:${stop}` },
        'let in as agent:builder-1',
      ],
      [
        'made for stop, sent to resume',
        { path: '/api/v1/resume', id: `${chance.uuid()}:POST:${stop}` },
        'signature_invalid',
      ],
      ['made for GET, sent as POST', { path: stop, id: `${chance.uuid()}:GET:${stop}` }, 'signature_invalid'],
    ];
    for (const [name, how, expected] of table)
      assert.equal(await refusalOf(signed(created, how)), expected, name);
    const { headers } = signed(created);
    for (const name of ['x-api-key-id', 'webhook-id', 'webhook-timestamp']) {
      assert.equal(await refusalOf(request({ ...headers, [name]: undefined })), 'signature_invalid', name);
    }
    assert.equal(await refusalOf(request({ ...headers, 'webhook-timestamp': '1e9' })), 'signature_invalid');
    assert.equal(await refusalOf(request({ ...headers, 'x-api-key-id': 'key_none' })), 'key_unknown');
  });

  test('cannot use up an id with a wrong signature, and ids too old to be taken are forgotten', async () => {
    const created = await make();
    const id = chance.uuid();
    assert.equal(await refusalOf(signed(created, { id, sent: 'other' })), 'signature_invalid');
    await principalOf(signed(created, { id }));
    clock.advance(3_600_000);
    await principalOf(signed(created));
    const rows = await database.admin`select 1 from mandate.signed_request where key_id = ${created.key.id}`;
    assert.equal(rows.length, 1);
  });
});
