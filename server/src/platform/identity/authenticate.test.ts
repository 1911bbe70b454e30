import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openTestDatabase, type TestDatabase } from '../../../../test/postgres.ts';
import { manualClock, seededChance } from '../clock/manual-clock.ts';
import { parseMasterKeys } from '../crypto/master-key.ts';
import { createIdentity, type Identity, type Request } from './authenticate.ts';
import { createBruteForce } from './brute-force.ts';
import { createGrantTokens, type NewGrant } from './grant-token.ts';
import { type CreatedKey, createKeys, type Keys, type NewKey } from './keys.ts';
import type { Principal } from './principal.ts';

const A = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)).toString('base64');
const B = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 5 + 1)).toString('base64');
const masterKeys = parseMasterKeys(A, 'test');
const ada = { id: 'ada', email: 'ada@example.org', scopes: ['repo:write'] };

describe('whoever asks', () => {
  const clock = manualClock();
  const chance = seededChance(clock);
  const grants = createGrantTokens(masterKeys, clock);
  const revokedGrants = new Set<string>();
  const ownProof = new Map<string, string>();
  let database: TestDatabase;
  let keys: Keys;
  let identity: Identity;

  before(async () => {
    database = await openTestDatabase();
    keys = createKeys({ app: database.store.app, masterKeys, clock, chance });
    identity = open();
  });
  after(() => database.drop());

  /** A process of its own: another set of counters over the same database. */
  function open(): Identity {
    return createIdentity({
      store: database.store,
      keys,
      grants,
      jwt: null,
      bruteForce: createBruteForce({ clock }),
      clock,
      areGrantsAlive: (_tenant, ids) => Promise.resolve(!ids.some((id) => revokedGrants.has(id))),
      ownProofOf: (_tenant, agent) => Promise.resolve(ownProof.get(agent) ?? null),
    });
  }

  function make(changes: Partial<NewKey> = {}): Promise<CreatedKey> {
    const wanted: NewKey = {
      tenant: 'acme',
      label: 'test',
      roles: ['agent'],
      agents: ['builder-1'],
      createdBy: 'user:root',
      ...changes,
    };
    return database.store.withTenant(wanted.tenant, (tx) => keys.create(tx, wanted));
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

  async function principalOf(asked: Request, by = identity): Promise<Principal> {
    const answer = await by.authenticate(asked);
    if (answer.kind === 'refused') throw new Error(`${answer.code}: ${answer.detail}`);
    return answer.principal;
  }

  async function refusalOf(asked: Request, by = open()): Promise<string> {
    const answer = await by.authenticate(asked);
    return answer.kind === 'refused' ? answer.code : `let in as ${answer.principal.id}`;
  }

  const bearer = (text: string) => request({ authorization: `Bearer ${text}` });

  test('is who the row of the key says, with either header', async () => {
    const { text, key } = await make({ user: ada, scopes: ['actions.*'] });
    const expected: Principal = {
      id: 'agent:builder-1',
      kind: 'key',
      tenant: 'acme',
      roles: ['agent'],
      agents: ['builder-1'],
      user: ada,
      scopes: ['actions.*'],
      keyId: key.id,
      expiresMs: null,
      delegation: null,
    };
    assert.deepEqual(await principalOf(bearer(text)), expected);
    assert.deepEqual(await principalOf(request({ 'x-api-key': text })), expected);
  });

  test('is one person with two keys, so that four eyes are four eyes', async () => {
    const one = await make({ roles: ['tech-lead'], agents: 'any', user: ada });
    const two = await make({ roles: ['operator'], agents: 'any', user: ada });
    const bare = await make({ roles: ['operator'], agents: 'any' });
    assert.equal((await principalOf(bearer(one.text))).id, 'user:ada');
    assert.equal((await principalOf(bearer(two.text))).id, 'user:ada');
    assert.equal((await principalOf(bearer(bare.text))).id, `key:${bare.key.id}`);
  });

  test('is refused in words that tell what to do, for every way of not being known', async () => {
    const { text } = await make();
    const unknown = createKeys({
      app: database.store.app,
      masterKeys: parseMasterKeys(B, 'test'),
      clock,
      chance,
    });
    const foreign = await database.store.withTenant('acme', (tx) =>
      unknown.create(tx, {
        tenant: 'acme',
        label: 'other pepper',
        roles: ['viewer'],
        agents: 'any',
        createdBy: 'x',
      }),
    );
    const typo = `${text.slice(0, 10)}${text[10] === 'a' ? 'b' : 'a'}${text.slice(11)}`;
    const table: readonly (readonly [Request, string])[] = [
      [request({}), 'credentials_missing'],
      [request({ authorization: 'Basic YTpi' }), 'credentials_missing'],
      [request({ authorization: 'Bearer ' }), 'credentials_missing'],
      [request({ authorization: `Bearer ${text}`, 'x-api-key': text }), 'credentials_ambiguous'],
      [request({ 'x-api-key': [text, text] }), 'key_mistyped'],
      [bearer(typo), 'key_mistyped'],
      [bearer(text.slice(0, -1)), 'key_mistyped'],
      [bearer(foreign.text), 'key_unknown'],
      [bearer('eyJhbGciOiJub25lIn0.e30.'), 'token_invalid'],
    ];
    for (const [asked, code] of table) assert.equal(await refusalOf(asked), code);
  });

  test('is out the moment the key is revoked, in every process', async () => {
    const { text, key } = await make();
    const other = open();
    await principalOf(bearer(text), other);
    const of = { tenant: 'acme', id: key.id, by: 'user:root' };
    assert.equal(await database.store.withTenant('acme', (tx) => keys.revoke(tx, of)), 'revoked');
    assert.equal(await refusalOf(bearer(text), other), 'key_revoked');
    assert.equal(await database.store.withTenant('acme', (tx) => keys.revoke(tx, of)), 'not_standing');
  });

  test('is out when the key has expired', async () => {
    const { text } = await make({ expiresMs: clock.nowMs() + 1000 });
    await principalOf(bearer(text));
    clock.advance(1000);
    assert.equal(await refusalOf(bearer(text)), 'key_expired');
  });

  test('finds the key through the narrow door only: no tenant sees keys of another, nor its hash without asking for it', async () => {
    const { key } = await make();
    const { store } = database;
    const { app } = store;
    assert.equal((await app`select 1 from mandate.api_key`).length, 0);
    assert.equal(
      (await store.withTenant('rival', (tx) => tx`select 1 from mandate.api_key where id = ${key.id}`))
        .length,
      0,
    );
    assert.deepEqual(await store.withTenant('rival', (tx) => keys.list(tx, 'acme')), []);
    assert.equal(
      await store.withTenant('rival', (tx) => keys.revoke(tx, { tenant: 'acme', id: key.id, by: 'x' })),
      'not_standing',
    );
    const columns = await app<{ name: string }[]>`
      select unnest(proargnames) as name from pg_proc where proname = 'find_api_key'`;
    assert.ok(!columns.some(({ name }) => name === 'mac'));
    await assert.rejects(
      store.withTenant('acme', (tx) => tx`update mandate.api_key set roles = '{admin}' where id = ${key.id}`),
      /permission denied/,
    );
  });

  test('leaves neither key nor signing secret in the database', async () => {
    const { text, signingSecret } = await make({ label: 'plain' });
    const rows = await database.admin<
      { row: string }[]
    >`select to_jsonb(k)::text as row from mandate.api_key k where label = 'plain'`;
    assert.equal(rows.length, 1);
    assert.ok(!rows[0]?.row.includes(text) && !rows[0]?.row.includes(signingSecret.slice(6)));
  });

  test('an agent key names its agents and has no other role, in code and in the table', async () => {
    await assert.rejects(make({ roles: ['agent', 'admin'] }), /no other role/);
    await assert.rejects(make({ agents: 'any' }), /must name its agents/);
    await assert.rejects(make({ roles: [] }), /at least one role/);
    const { key } = await make();
    await assert.rejects(
      database.admin`update mandate.api_key set roles = '{agent,admin}' where id = ${key.id}`,
      /api_key_agent_only/,
    );
  });

  test('still gets in with a key of the earlier master key while that is listed', async () => {
    const { text } = await make();
    const rotated = createKeys({
      app: database.store.app,
      masterKeys: parseMasterKeys(`${B},${A}`, 'test'),
      clock,
      chance,
    });
    assert.equal((await rotated.find(text))?.tenant, 'acme');
  });

  test('is slowed down after failing too often, without the database being asked, while good keys pass', async () => {
    const door = open();
    const good = await make();
    await principalOf(bearer(good.text), door);
    const codes: string[] = [];
    for (let n = 0; n < 21; n += 1) codes.push(await refusalOf(bearer(`mdt_guess${n}`), door));
    assert.equal(codes[0], 'key_mistyped');
    assert.equal(codes.at(-1), 'auth_throttled');
    const answer = await door.authenticate(bearer('mdt_guess'));
    assert.equal(answer.kind === 'refused' && answer.retryAfterS, 3);
    assert.equal((await principalOf(bearer(good.text), door)).id, 'agent:builder-1');
  });

  const grant = (changes: Partial<NewGrant> = {}): NewGrant => ({
    tenant: 'acme',
    grantId: chance.uuid(),
    from: 'user:ada',
    to: 'builder-1',
    actions: ['git.*'],
    purpose: 'release',
    expiresMs: clock.nowMs() + 60_000,
    user: ada,
    parent: null,
    ...changes,
  });

  async function tokenOf(wanted: NewGrant): Promise<string> {
    const issued = await grants.issue(wanted);
    if (issued.kind === 'refused') throw new Error(issued.detail);
    return issued.token;
  }

  test('acts on delegated authority while the grant stands, by header or as a sub-agent without a key', async () => {
    const { text } = await make();
    const wanted = grant();
    const token = await tokenOf(wanted);
    const asked = request({ 'x-api-key': text, 'x-mandate-delegation': token });
    const principal = await principalOf(asked);
    assert.deepEqual(principal.delegation?.chain, ['user:ada']);
    assert.deepEqual(principal.user, ada);
    const bare = await principalOf(bearer(token));
    assert.deepEqual(
      [bare.kind, bare.id, bare.roles, bare.agents],
      ['grant', 'agent:builder-1', ['agent'], ['builder-1']],
    );
    ownProof.set('builder-1', 'builder-1 has a key of its own');
    assert.equal(await refusalOf(bearer(token)), 'delegation_invalid');
    assert.equal((await principalOf(asked)).kind, 'key');
    ownProof.clear();
    revokedGrants.add(wanted.grantId);
    assert.equal(await refusalOf(asked), 'delegation_invalid');
    assert.equal(await refusalOf(bearer(token)), 'delegation_invalid');
  });

  test('cannot use a delegation made out to another agent, or in another tenant', async () => {
    const { text } = await make();
    for (const changes of [{ to: 'builder-2' }, { tenant: 'rival' }]) {
      const token = await tokenOf(grant(changes));
      assert.equal(
        await refusalOf(request({ 'x-api-key': text, 'x-mandate-delegation': token })),
        'delegation_invalid',
      );
    }
  });

  test('proves nothing by a delegation where nobody can say whether it was revoked', async () => {
    const blind = createIdentity({
      store: database.store,
      keys,
      grants,
      jwt: null,
      bruteForce: createBruteForce({ clock }),
      clock,
      ownProofOf: () => Promise.resolve(null),
    });
    assert.equal(await refusalOf(bearer(await tokenOf(grant())), blind), 'delegation_invalid');
  });
});
