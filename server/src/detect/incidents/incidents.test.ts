// Incidents against a real Postgres and through the real door: who may open and close them, what they keep, how they are
// counted.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createMandate } from '@mandate/sdk';
import type { MandateProblem } from '@mandate/sdk';
import { wholeFile } from '../../../../test/closing.ts';
import { openDoor } from '../../../../test/door.ts';
import type { Door } from '../../../../test/door.ts';
import { approve, ask, askHeld, callerOf } from '../../../../test/road.ts';
import { until } from '../../../../test/until.ts';
import { buildIncidents } from '../../app/incidents.ts';

const CHARTER = `version: 1
tiers:
  green: { actions: [roaster.SET_POWER, shop.pay] }
  red: { actions: [roaster.SET_FAN] }
phases:
  roastery: { prefix: roaster. }
  shop: { prefix: shop., ladder: [{ name: all, adds: [shop.pay] }] }
`;

let door: Door;
let agentKey = '';
let operatorKey = '';
let leadKey = '';
const file = wholeFile();
before(async () => {
  door = await openDoor(file, { charter: CHARTER });
  agentKey = (await door.makeKey({ roles: ['agent'], agents: ['worker-1'] })).text;
  operatorKey = (await door.makeKey({ roles: ['operator'], agents: 'any', user: { id: 'otto' } })).text;
  leadKey = (await door.makeKey({ roles: ['tech-lead'], user: { id: 'tess' } })).text;
});

/** The product's own part, watched: as app.ts builds it, with a listener of the test. */
function incidentsWatched() {
  const { infrastructure } = door;
  const phases = [{ name: 'roastery' }, { name: 'shop' }];
  const parts = buildIncidents(infrastructure, {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only the names of the sets are looked at
    activeLaw: () => Promise.resolve({ charter: { phases } } as never),
  });
  const seen: string[] = [];
  parts.onCritical((incident) => Promise.resolve(void seen.push(incident.id)));
  return { ...parts.incidents, seen };
}

const text = { title: 'The drum is too hot', cause: 'A sensor reads 400 °C.' };

test('an incident keeps its acts, who said what, and how it ended; then it stands, and the journal tells of all of it', async () => {
  const server = callerOf(door);
  const { body: act } = await ask(server, { action: 'shop.pay' }, { key: agentKey });
  const mandate = createMandate({ url: door.url, apiKey: operatorKey });
  const opened = await mandate.incidents.open({ ...text, severity: 'high', actIds: [act.id, act.id] });
  assert.deepEqual(
    [opened.status, opened.source, opened.openedBy, opened.set, opened.acts],
    ['open', 'person', 'user:otto', null, [{ id: act.id, agent: 'worker-1', action: 'shop.pay' }]],
  );
  await mandate.incidents.note(
    opened.id,
    'The sensor was exchanged; the old one had sk_live_4eC39HqLyjWDarjtT1zdp7dc on it.',
  );
  await mandate.incidents.changeSeverity(opened.id, 'low', 'It was the sensor, not the drum.');
  const resolved = await mandate.incidents.resolve(opened.id, 'New sensor, no damage.');
  assert.deepEqual(
    [resolved.status, resolved.resolvedBy, resolved.resolution, resolved.timeline.map(({ kind }) => kind)],
    ['resolved', 'user:otto', 'New sensor, no damage.', ['opened', 'note', 'severity', 'resolved']],
  );
  assert.doesNotMatch(JSON.stringify(resolved), /sk_live_4eC39/);
  assert.deepEqual(await mandate.incidents.find(opened.id), resolved);
  for (const late of [
    () => mandate.incidents.resolve(opened.id, 'again'),
    () => mandate.incidents.note(opened.id, 'late'),
    () => mandate.incidents.changeSeverity(opened.id, 'critical', 'late'),
  ])
    await assert.rejects(late, (error: MandateProblem) => error.problem.code === 'conflict');
  await assert.rejects(
    door.infrastructure.store.withTenant(
      door.app.tenant,
      (tx) => tx`update mandate.incident set resolution = 'nothing happened' where id = ${opened.id}`,
    ),
    /stands as it was resolved/,
  );
  const kinds = await until('the journal has it', async () => {
    const path = `/api/v1/audit/entries?kind=incident&actionId=${act.id}`;
    const { items } = (await door.call('GET', path)).json as { items: { kind: string; agent: string }[] };
    return items.length === 4 && items.map(({ kind, agent }) => `${kind} ${agent}`);
  });
  assert.deepEqual(kinds.toSorted(), [
    'incident.opened worker-1',
    'incident.resolved worker-1',
    'incident.updated worker-1',
    'incident.updated worker-1',
  ]);
  assert.deepEqual(
    (await mandate.incidents.list({ status: 'resolved', actId: act.id })).items.map(({ id }) => id),
    [opened.id],
  );
});

test('an agent may speak up about what it did itself, closes nothing and plays nothing down; a lead opens, an operator resolves', async () => {
  const server = callerOf(door);
  const { body: own } = await ask(server, { action: 'shop.pay' }, { key: agentKey });
  const { body: other } = await ask(server, { agent: 'worker-2', action: 'shop.pay' }, { key: operatorKey });
  const { body: denied } = await ask(server, { action: 'roaster.SET_FAN' }, { key: agentKey });
  const open = (key: string, body: object) =>
    door.call('POST', '/api/v1/incidents', { key, body: { ...text, severity: 'medium', ...body } });
  const opened = await open(agentKey, { actIds: [own.id] });
  assert.deepEqual([opened.status, opened.json?.['openedBy']], [201, 'agent:worker-1']);
  for (const refused of [
    {},
    { actIds: [other.id] },
    { actIds: [denied.id] },
    { actIds: [own.id], set: 'shop' },
  ])
    assert.equal((await open(agentKey, refused)).status, 422, JSON.stringify(refused));
  const path = `/api/v1/incidents/${String(opened.json?.['id'])}`;
  const reason = { reason: 'it is fine' };
  assert.equal((await door.call('POST', `${path}/resolve`, { key: agentKey, body: reason })).status, 403);
  assert.equal((await open(leadKey, {})).status, 201);
  assert.equal((await door.call('POST', `${path}/resolve`, { key: leadKey, body: reason })).status, 403);
  const narrow = (await door.makeKey({ roles: ['operator'], agents: 'any', scopes: ['governance.*'] })).text;
  const patch = (key: string, severity: string) =>
    door.call('PATCH', path, { key, body: { severity, reason: 'so it seems' } });
  assert.equal((await patch(narrow, 'low')).status, 403);
  assert.equal((await patch(narrow, 'high')).status, 200);
  assert.equal((await patch(narrow, 'high')).status, 409);
  assert.equal((await door.call('POST', `${path}/resolve`, { key: operatorKey, body: reason })).status, 200);
  // It says so twenty times, and then somebody has to look; also where all are said at once.
  const many = await Promise.all(Array.from({ length: 24 }, () => open(agentKey, { actIds: [own.id] })));
  const refused = many.filter(({ status }) => status === 409);
  assert.deepEqual([many.filter(({ status }) => status === 201).length, refused.length], [20, 4]);
  assert.match(
    refused[0]?.text ?? '',
    /agent:worker-1 has 20 incidents open, .* 20 at most\. Somebody has to look/,
  );
});

test('what does not exist or makes no sense is refused by name, and nothing is opened', async () => {
  const before_ = (await door.call('GET', '/api/v1/incidents?limit=200')).text;
  const open = (body: object) =>
    door.call('POST', '/api/v1/incidents', { body: { ...text, severity: 'low', ...body } });
  const nowhere = '00000000-0000-4000-8000-000000000000';
  for (const [body, said] of [
    [{ actIds: [nowhere] }, nowhere],
    [{ set: 'bakery' }, 'roastery, shop'],
    [{ severity: 'terrible' }, 'severity'],
    [{ title: '' }, 'title'],
    [{ title: 'a\u202Eb' }, 'title'],
  ] as const) {
    const answer = await open(body);
    assert.equal(answer.status, 422, answer.text);
    assert.ok(answer.text.includes(said), answer.text);
  }
  for (const path of [nowhere, 'no-id'])
    assert.equal((await door.call('GET', `/api/v1/incidents/${path}`)).status, 404, path);
  for (const [path, body] of [
    ['notes', { text: 'x' }],
    ['resolve', { reason: 'x' }],
  ] as const)
    assert.equal(
      (await door.call('POST', `/api/v1/incidents/${nowhere}/${path}`, { body })).status,
      404,
      path,
    );
  const backwards = '/api/v1/incidents?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z';
  assert.equal((await door.call('GET', backwards)).status, 422);
  assert.equal((await door.call('GET', '/api/v1/incidents?limit=200')).text, before_);
  assert.deepEqual(door.errors(), []);
});

test('a critical incident wakes whoever looks at once, when it is opened and when it becomes critical', async () => {
  const incidents = incidentsWatched();
  const tenant = door.app.tenant;
  const order = { tenant, by: 'user:otto', traceId: null };
  const wanted = { ...order, ...text, set: 'roastery', source: 'person' as const, actIds: [] };
  const mild = await incidents.open({ ...wanted, severity: 'high' });
  assert.deepEqual(incidents.seen, []);
  assert.ok(mild.kind === 'done');
  const { id } = mild.incident;
  await incidents.changeSeverity({ ...order, id, severity: 'critical', reason: 'fire', mayLower: false });
  const worse = await incidents.open({ ...wanted, severity: 'critical' });
  assert.ok(worse.kind === 'done');
  assert.deepEqual(incidents.seen, [id, worse.incident.id]);
  await incidents.resolve({ ...order, id, reason: 'put out' });
  assert.equal(incidents.seen.length, 2);
});

test('incidents are counted where their set or their acts belong, by when they became critical, and as autonomous only where nobody approved', async () => {
  const server = callerOf(door);
  const incidents = incidentsWatched();
  const tenant = door.app.tenant;
  const held = await askHeld(server, { action: 'roaster.SET_FAN' }, { key: agentKey });
  await approve(server, held.approval, { key: leadKey });
  const run = await until('it may begin', async () => {
    const { body } = await server.call<{ status: string }>(`/api/v1/actions/${held.id}`, undefined, {
      key: agentKey,
    });
    return body.status === 'permitted' && body;
  });
  assert.equal(run.status, 'permitted');
  const { body: free } = await ask(server, { action: 'shop.pay' }, { key: agentKey });
  const atMs = Date.UTC(2031, 0, 1);
  const open = (more: object, at = atMs) =>
    door.infrastructure.store.withTenant(tenant, (tx) =>
      incidents.openIn(tx, {
        tenant,
        ...text,
        set: null,
        severity: 'high',
        source: 'breaker',
        actIds: [],
        by: 'mandate:breaker',
        traceId: null,
        atMs: at,
        ...more,
      }),
    );
  const approved = await open({ actIds: [held.id] });
  assert.equal(approved.fromAutonomousActions, false);
  const autonomous = await open({ actIds: [free.id, held.id], severity: 'critical' });
  assert.equal(autonomous.fromAutonomousActions, true);
  await open({ set: 'roastery', severity: 'low' });
  const old = await open({}, atMs - 3_600_000);
  await assert.rejects(open({ actIds: ['00000000-0000-4000-8000-000000000000'] }), /does not have/);

  const count = async (set: string | null, pattern: string) => {
    const window = { set, patterns: [pattern], startMs: atMs - 60_000, endMs: atMs + 60_000 };
    const { total, critical, fromAutonomousActions, criticalFromAutonomousActions } = await incidents.countIn(
      tenant,
      window,
    );
    return [total, critical, fromAutonomousActions, criticalFromAutonomousActions];
  };
  // SET_FAN is of the roastery and shop.pay of the shop; the third names the roastery.
  assert.deepEqual(await count('roastery', 'roaster.*'), [3, 1, 1, 1]);
  assert.deepEqual(await count('shop', 'shop.pay'), [1, 1, 1, 1]);
  assert.deepEqual(await count('bakery', 'oven.*'), [0, 0, 0, 0]);
  // The old one, which says nothing of set or acts, becomes critical long after the window of its opening.
  const { store } = door.infrastructure;
  await store.withTenant(
    tenant,
    (tx) =>
      tx`update mandate.incident set severity = 'critical', worst_severity = 'critical', critical_at = ${new Date(atMs)} where tenant = ${tenant} and id = ${old.id}`,
  );
  assert.deepEqual(await count('shop', 'shop.pay'), [2, 2, 1, 1]);
  assert.deepEqual(await count('bakery', 'oven.*'), [1, 1, 0, 0]);
  assert.deepEqual(await count(null, ''), [4, 2, 1, 1]);
  // What is counted is listed, also where it was opened before and is resolved, and others take up no room.
  const byOtto = { tenant, by: 'user:otto', traceId: null };
  assert.equal((await incidents.resolve({ ...byOtto, id: old.id, reason: 'put out' })).kind, 'done');
  const concerning = async (set: string, pattern: string, limit = 100): Promise<readonly string[]> => {
    const window = { startMs: atMs - 60_000, endMs: atMs + 60_000 };
    const found = await incidents.concerning(tenant, { set, patterns: [pattern], ...window, limit });
    return found.map(({ id }) => id);
  };
  const bakery = await concerning('bakery', 'oven.*');
  assert.deepEqual([bakery.includes(old.id), bakery.includes(autonomous.id)], [true, false]);
  assert.ok((await concerning('shop', 'shop.pay')).includes(autonomous.id));
  assert.deepEqual(await concerning('bakery', 'oven.*', bakery.length), bakery);
  // Whoever may call it less severe takes it out of no count by that.
  const order = { tenant, id: autonomous.id, by: 'user:otto', traceId: null };
  const lowered = await incidents.changeSeverity({
    ...order,
    severity: 'low',
    reason: 'it was nothing',
    mayLower: true,
  });
  assert.ok(lowered.kind === 'done');
  assert.deepEqual([lowered.incident.severity, lowered.incident.worstSeverity], ['low', 'critical']);
  assert.deepEqual(await count('roastery', 'roaster.*'), [4, 2, 1, 1]);
  const { bySeverity } = await incidents.countIn(tenant, {
    set: null,
    patterns: [],
    startMs: atMs - 1,
    endMs: atMs + 1,
  });
  assert.deepEqual(bySeverity, { low: 1, medium: 0, high: 1, critical: 2 });
  // Another tenant sees none of it, whatever it asks for. I8
  assert.equal(await incidents.find('rival', old.id), null);
  const all = { set: null, patterns: [], startMs: 0, endMs: atMs * 2 };
  assert.equal((await incidents.countIn('rival', all)).total, 0);
});
