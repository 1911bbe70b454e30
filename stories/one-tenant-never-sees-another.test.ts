// Two companies on one database, each with a server of its own. Neither learns from any resource, whatever ids it has
// got hold of, that the other so much as exists.
import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'node:test';
import { openFeed } from '../test/feed.ts';
import { approve, ask, askHeld, look } from '../test/road.ts';
import { startServer } from '../test/server.ts';
import type { CallOptions, TestServer } from '../test/server.ts';
import { until } from '../test/until.ts';

const CHARTER = `version: 1
actions: { test.run: { compensate: test.undo } }
tiers: { green: { actions: [test.*] }, red: { actions: [deploy.production] } }
`;

interface Figures {
  readonly commands: { readonly failed: number };
  readonly sources?: readonly unknown[];
}

// I8
test('no resource shows one tenant an act, approval, agent, key, grant, restriction or entry of another', async (t) => {
  const acme = await startServer(t, { charter: CHARTER, tenant: 'acme' });
  const rival = await startServer(t, {
    charter: CHARTER,
    tenant: 'rival',
    database: acme.database,
    masterKey: acme.masterKey,
  });
  const { body: act } = await ask(acme, {
    agent: 'acme-agent',
    parameters: { secret: 'acme-only' },
    resource: { type: 'portal', id: 'acme-portal' },
  });
  const held = await askHeld(acme, { agent: 'acme-agent', action: 'deploy.production' });
  await acme.call('/api/v1/stop', { scope: 'agent:acme-stopped', reason: 'acme-reason' });
  await acme.call('/api/v1/agents/acme-agent/freeze', { reason: 'acme-reason' });
  const key = await acme.call<{ id: string }>('/api/v1/keys', { label: 'acme-label', roles: ['viewer'] });
  await ask(rival, { agent: 'rival-agent' });

  const reads = [
    'actions',
    'approvals',
    'agents',
    'audit/entries',
    'audit/entries?after=0',
    'stop',
    'restrictions',
    'flags',
    'flags/audit',
    'keys',
    'grants',
    'charter',
    'charter/versions',
    'stats',
    `actions?agent=acme-agent`,
    `audit/entries?actionId=${act.id}`,
  ];
  for (const path of reads) {
    const { status, body } = await rival.call(`/api/v1/${path}`);
    assert.equal(status, 200, `${path}: ${JSON.stringify(body)}`);
    const text = JSON.stringify(body).replaceAll('?agent=acme-agent', '');
    assert.doesNotMatch(text, /acme/, path);
    assert.ok(![act.id, held.id, held.approval.id, key.body.id].some((id) => text.includes(id)), path);
  }

  const tries: readonly (readonly [string, unknown?, CallOptions?])[] = [
    [`actions/${act.id}`],
    [`approvals/${held.approval.id}`],
    [`approvals/${held.approval.id}/decision`, { decision: 'approve', digest: held.approval.digest }],
    [`actions/${held.id}/cancel`, { reason: 'not theirs' }],
    [`actions/${act.id}/rollback`, { reason: 'not theirs' }],
    [`actions/${act.id}/confirm`, undefined, { method: 'POST' }],
    ['agents/acme-agent'],
    ['agents/acme-agent/freeze', { reason: 'not theirs' }],
    [`keys/${key.body.id}`, undefined, { method: 'DELETE' }],
  ];
  for (const [path, body, options] of tries) {
    const answer = await rival.call(`/api/v1/${path}`, body, options);
    assert.equal(answer.status, 404, `${path}: ${JSON.stringify(answer.body)}`);
  }
  const foreign = await rival.call(`/api/v1/actions/${act.id}/outcome`, {
    permit: act.permit,
    status: 'success',
  });
  assert.equal(foreign.status, 403, "another tenant's permit is none");
  assert.equal(
    (await rival.call('/api/v1/agents/acme-agent/unfreeze', { reason: 'not theirs' })).status,
    409,
  );
  assert.equal(
    (await rival.call('/api/v1/resume', { scope: 'agent:acme-stopped', reason: 'not theirs' })).status,
    409,
  );
  assert.equal((await look(acme, act.id)).body.status, 'permitted', 'none of it has moved anything');
  assert.equal((await look(acme, held.id)).body.status, 'waiting_for_approval');

  const feed = await openFeed(t, rival, { from: 0 });
  await ask(rival, { agent: 'rival-agent', parameters: { again: true } });
  const own = await until(
    'the feed shows their own acts',
    () => feed.events.filter(({ type }) => type.includes('action')).length >= 2 && feed.events,
  );
  assert.doesNotMatch(JSON.stringify(own), /acme/);
  await rival.close();
});

// I8
test('a key belongs to its tenant at whatever server it is shown, and the same id is another agent there', async (t) => {
  const acme = await startServer(t, { charter: CHARTER, tenant: 'acme' });
  const commands = join(await mkdtemp(join(tmpdir(), 'mandate-commands-')), 'rival.db');
  const db = new DatabaseSync(commands);
  db.exec(
    `create table command_proposals (status, execution_status, command_type, created_at, rejection_reason);
     insert into command_proposals values ('approved', 'failed', 'test.run', ${Date.now() - 1_000}, null)`,
  );
  db.close();
  const rival = await startServer(t, {
    charter: CHARTER,
    tenant: 'rival',
    database: acme.database,
    masterKey: acme.masterKey,
    env: { COMMAND_DB_PATH: commands },
  });
  const { body: act } = await ask(acme, { agent: 'worker-1' });
  assert.equal(
    (await look(rival, act.id, { key: acme.adminKey })).body.id,
    act.id,
    "acme's key reads acme at any server",
  );
  assert.equal(
    (await look(acme, act.id, { key: rival.adminKey })).status,
    404,
    "rival's key does not even at acme's",
  );

  await rival.call('/api/v1/stop', { reason: 'only rival' });
  assert.equal(
    (await ask(acme, { agent: 'worker-1', parameters: { n: 2 } })).status,
    200,
    'a stop of one tenant is none of the other',
  );
  await ask(rival, { agent: 'worker-1' });
  const held = await askHeld(acme, { action: 'deploy.production' });
  assert.equal((await approve(acme, held.approval, { key: rival.adminKey })).status, 404);

  // What rival's other program counts is rival's, wherever it is asked for; a server that does not have it says so.
  const failed = async (at: TestServer, key: string): Promise<unknown> => {
    const { status, body } = await at.call<Figures>('/api/v1/metrics/current', undefined, { key });
    return status === 200 ? [body.commands.failed, body.sources?.length] : status;
  };
  assert.deepEqual(await failed(rival, rival.adminKey), [1, 2]);
  assert.deepEqual(await failed(acme, acme.adminKey), [0, undefined]);
  assert.deepEqual(await failed(rival, acme.adminKey), [0, undefined]);
  await until('acme has heard of it', async () => (await failed(acme, rival.adminKey)) === 503);
  // Prometheus is told of the server's own tenant alone, and so is a scraper.
  const scraper = await rival.makeKey({ roles: ['scrape'] });
  const scrape = async (at: TestServer): Promise<readonly [number, boolean]> => {
    const answer = await fetch(`${at.url}/metrics`, { headers: { 'x-api-key': scraper } });
    return [answer.status, (await answer.text()).includes('mandate_stops_standing')];
  };
  assert.deepEqual(
    [await scrape(rival), await scrape(acme)],
    [
      [200, true],
      [403, false],
    ],
  );
  await rival.close();
});

// I8
test('the app login sees no row of another tenant in any table, and none at all before it says who it is', async (t) => {
  const acme = await startServer(t, { charter: CHARTER, tenant: 'acme' });
  await ask(acme);
  await askHeld(acme, { action: 'deploy.production' });
  const { admin, store } = acme.database;
  const tables = await admin<{ name: string }[]>`
    select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'mandate'::regnamespace and c.relkind in ('r', 'p') and a.attname = 'tenant' and has_table_privilege('mandate_app', c.oid, 'select') order by 1`;
  assert.ok(tables.length >= 15, `only ${tables.length} tables`);
  let filled = 0;
  for (const { name } of tables) {
    const [held] = await admin<
      { n: number }[]
    >`select count(*)::integer as n from ${admin(`mandate.${name}`)} where tenant = 'acme'`;
    filled += (held?.n ?? 0) > 0 ? 1 : 0;
    const [seen] = await store.withTenant(
      'rival',
      (tx) =>
        tx<
          { n: number }[]
        >`select count(*)::integer as n from ${tx(`mandate.${name}`)} where tenant not in ('rival', '*')`,
    );
    const [bare] = await store.app<
      { n: number }[]
    >`select count(*)::integer as n from ${store.app(`mandate.${name}`)} where tenant <> '*'`;
    assert.deepEqual([name, seen?.n, bare?.n], [name, 0, 0]);
  }
  assert.ok(filled >= 6, 'there was something to be seen');
  await assert.rejects(
    store.withTenant(
      'rival',
      (tx) =>
        tx`insert into mandate.journal (tenant, kind, actor, at, data) values ('acme', 'forged', 'rival', now(), '{}')`,
    ),
    /row-level security/,
  );
});
