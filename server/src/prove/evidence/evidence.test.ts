// Evidence through the real door: the kill switch is really pulled, damage in the journal is really found, and nobody
// declares a drill that leaves nothing to show.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createMandate } from '@mandate/sdk';
import type { MandateProblem } from '@mandate/sdk';
import { wholeFile } from '../../../../test/closing.ts';
import { openCommandLine } from '../../../../test/command-line.ts';
import { openDoor } from '../../../../test/door.ts';
import type { Door } from '../../../../test/door.ts';
import { ask, callerOf } from '../../../../test/road.ts';
import { until } from '../../../../test/until.ts';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import { connect } from '../../platform/postgres/connection.ts';
import { counts } from './drill.ts';
import { createDrills } from './drills.ts';
import { createKillSwitchDrill } from './kill-switch.ts';
import type { KillSwitchNeeds } from './kill-switch.ts';
import { createScrapes } from './scrapes.ts';
import type { Scrape } from './scrapes.ts';
import { selectPassed } from './store.ts';
import { createVerifyJournal } from './verify-journal.ts';

let door: Door;
const file = wholeFile();
before(async () => {
  door = await openDoor(file, {
    charter: 'version: 1\nresume: { twoPersons: true }\ntiers: { green: { actions: [test.*] } }\n',
  });
});

interface Evidence {
  readonly scope: string;
  readonly restriction: string;
  readonly confirmedMs: number;
  readonly refusedCode: string;
  readonly refusedAct: string;
}

async function resumeByTwo(scope: string): Promise<void> {
  for (const id of ['ada', 'ben']) {
    const { text: key } = await door.makeKey({ roles: ['admin'], user: { id } });
    await createMandate({ url: door.url, apiKey: key }).resume({ scope, reason: 'it was nothing' });
  }
}

// I2
test('the drill of the kill switch really stops a scope of its own, is refused in it, and leaves nothing stopped', async () => {
  const { text } = await door.makeKey({ roles: ['operator'], agents: 'any', user: { id: 'otto' } });
  const mandate = createMandate({ url: door.url, apiKey: text });
  const drill = await mandate.drills.killSwitch();
  assert.deepEqual([drill.passed, drill.counts, drill.by], [true, true, 'user:otto'], JSON.stringify(drill));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked field by field below
  const evidence = drill.evidence as unknown as Evidence;
  assert.match(evidence.scope, /^agent:mandate-drill-/);
  assert.ok(evidence.confirmedMs <= 4_000);
  assert.equal(evidence.refusedCode, 'stopped');
  // What it says is on record where every stop and every refusal is.
  const { body: act } = await callerOf(door).call<{
    status: string;
    decision: { restrictions: { id: string }[] };
  }>(`/api/v1/actions/${evidence.refusedAct}`);
  assert.deepEqual([act.status, act.decision.restrictions[0]?.id], ['denied', evidence.restriction]);
  assert.deepEqual((await mandate.status()).stops, []);
  await until('the journal has stop, confirmation, refusal, resume and record', async () => {
    const { items } = (await door.call('GET', '/api/v1/audit/entries?limit=200')).json as {
      items: { kind: string; actor: string }[];
    };
    const kinds = new Set(items.map(({ kind }) => kind));
    return ['stop.requested', 'stop.confirmed', 'action.denied', 'stop.resumed', 'drill.recorded'].every(
      (kind) => kinds.has(kind),
    );
  });
  // What people stop under a name like those of drills stays stopped; only what a drill left goes, with the next one.
  const left = `agent:mandate-drill-${door.infrastructure.chance.uuid()}`;
  const stop = (scope: string, reason: string) =>
    door.call('POST', '/api/v1/stop', { body: { scope, reason } });
  await stop('agent:mandate-drill-evil', 'Kill switch drill: nobody works in this scope.');
  await stop(left, 'it misbehaves');
  await stop(left, 'Kill switch drill: nobody works in this scope.');
  // Whoever is woken by stops is not woken by a drill.
  assert.match((await door.call('GET', '/metrics')).text, /^mandate_stops_standing 2$/m);
  await door.database
    .admin`update mandate.restriction set created_at = created_at - interval '11 minutes' where lifted_at is null`;
  assert.equal((await mandate.drills.killSwitch()).passed, true);
  assert.deepEqual(
    (await mandate.status()).stops.map(({ scope, cause }) => [scope, cause]),
    [
      ['agent:mandate-drill-evil', 'Kill switch drill: nobody works in this scope.'],
      [left, 'it misbehaves'],
    ],
  );
  for (const scope of ['agent:mandate-drill-evil', left]) await resumeByTwo(scope);
  // In a scope that is stopped anyway a drill could show nothing.
  await mandate.stop({ scope: 'tenant', reason: 'for real' });
  await assert.rejects(mandate.drills.killSwitch(), (error: MandateProblem) => {
    assert.match(error.message, /could not show that its own stop did anything/);
    return error.problem.status === 409;
  });
  assert.equal((await mandate.drills.list('kill_switch')).length, 2);
  assert.equal((await mandate.status()).stops.length, 1);
  await resumeByTwo('tenant');
  assert.deepEqual((await mandate.status()).stops, []);
});

test('a kill switch that is not confirmed, comes too late, or refuses nothing does not pass, and its stop is lifted all the same', async () => {
  const clock = manualClock();
  const pull = async (broken: {
    readonly confirmed?: boolean;
    readonly tookMs?: number;
    readonly refuses?: boolean;
  }) => {
    let stopped = false;
    let begun = 0;
    const seen = () =>
      stopped && broken.refuses !== false
        ? { code: 'stopped', restrictions: ['r-1'] }
        : { code: 'approval_required', restrictions: [] };
    const needs: KillSwitchNeeds = {
      clock,
      uuid: () => 'u',
      standing: () => Promise.resolve([]),
      stop: () => {
        stopped = true;
        clock.advance(broken.tookMs ?? 10);
        return Promise.resolve({
          id: 'r-1',
          confirmed: broken.confirmed ?? true,
          requestedAt: 'a',
          confirmedAt: 'b',
        });
      },
      resume: () => Promise.resolve(((stopped = false), true)),
      preview: () => Promise.resolve(seen()),
      request: () => Promise.resolve({ ...((begun += 1), seen()), actId: 'a-1' }),
    };
    const drilled = await createKillSwitchDrill(needs)({ tenant: 't', by: 'otto', traceId: null });
    assert.ok(drilled.kind === 'drilled');
    return [drilled.passed, stopped, begun];
  };
  assert.deepEqual(await pull({}), [true, false, 1]);
  assert.deepEqual(await pull({ confirmed: false }), [false, false, 1]);
  assert.deepEqual(await pull({ tookMs: 4_001 }), [false, false, 1]);
  // It is not even asked for: with a stop that does nothing it might begin.
  assert.deepEqual(await pull({ refuses: false }), [false, false, 0]);
});

test('the journal is found sound while it is, and every kind of damage is told', async () => {
  const { store, clock } = door.infrastructure;
  const tenant = door.app.tenant;
  const { body: act } = await ask(callerOf(door), { action: 'test.run' });
  await until('every entry has its position', async () => {
    const [row] = await store.sequencer<{ n: number }[]>`
      select count(*)::integer as n from mandate.journal where position is null`;
    return row?.n === 0;
  });
  const line = await openCommandLine();
  const env = { MANDATE_URL: door.url, MANDATE_API_KEY: door.adminKey };
  const ran = await line.run(['governance', 'drill', 'audit-verification'], env);
  assert.equal(ran.code, 0, ran.stdout + ran.stderr);

  const admin = connect(door.infrastructure.addresses.adminUrl, { max: 1, applicationName: 'damage' });
  const told: string[] = [];
  const verify = createVerifyJournal({ store, clock, told: (problem) => told.push(problem) });
  const problems = async (): Promise<readonly string[]> => {
    const { passed, evidence } = await verify(tenant);
    const found = evidence['problems'];
    assert.equal(passed, Array.isArray(found) && found.length === 0);
    return Array.isArray(found) ? found : [];
  };
  assert.deepEqual(await problems(), []);
  await admin`alter table mandate.journal disable trigger journal_guard`;
  assert.match((await problems()).join(), /journal_guard on mandate\.journal is missing or disabled/);
  await admin`delete from mandate.journal where tenant = ${tenant} and act_id = ${act.id}`;
  const damage = (await problems()).join('\n');
  assert.match(damage, /positions between \d+ and \d+ are missing/);
  assert.match(damage, new RegExp(`began without an entry: ${act.id}`));
  const fewer = /Up to position \d+ there are \d+ entries, and there were \d+ when/;
  assert.match(damage, fewer);
  assert.deepEqual(told, []);
  // Of a line that several tenants share nobody can say whose gap it is: each is told of its own entries alone.
  await admin`insert into mandate.tenant (tenant, created_at) values ('rival', now())`;
  await admin`alter table mandate.journal enable trigger journal_guard`;
  const own = await problems();
  assert.deepEqual([own.length, fewer.test(own[0] ?? '')], [2, true], own.join('\n'));
  const { passed, evidence } = await verify('rival');
  assert.deepEqual([passed, evidence['entries'], evidence['lastPosition']], [true, 0, 0]);
  assert.match(told.join(), /positions between \d+ and \d+ are missing/);
  await admin`delete from mandate.tenant where tenant = 'rival'`;
  await admin`grant delete on mandate.journal to mandate_app`;
  assert.match((await problems()).join(), /mandate_app may delete journal entries/);
  await admin.end({ timeout: 5 });
  const failed = await line.run(['governance', 'drill', 'audit-verification'], env);
  assert.equal(failed.code, 6, failed.stderr);
  assert.match(failed.stdout, /positions/);
  await line.close();
});

test('a chaos drill is reported by a person, with evidence and no date in the future, and expires after ninety days', async () => {
  const chaos = { kind: 'chaos', at: '2026-01-01T10:00:00Z', passed: true, summary: 'We pulled the plug.' };
  const link = 'https://wiki.example.org/chaos/7';
  const post = (key: string, body: object) => door.call('POST', '/api/governance/drills', { key, body });
  const { text: person } = await door.makeKey({ roles: ['operator'], user: { id: 'otto' } });
  const { text: machine } = await door.makeKey({ roles: ['operator'] });
  const { text: viewer } = await door.makeKey({ roles: ['viewer'], user: { id: 'vera' } });
  const { text: narrow } = await door.makeKey({ roles: ['operator'], scopes: ['governance.*'] });
  assert.equal((await post(person, chaos)).status, 422);
  assert.equal((await post(person, { ...chaos, sha256: 'abc' })).status, 422);
  assert.equal((await post(person, { ...chaos, link: 'javascript:alert(1)' })).status, 422);
  assert.equal((await post(person, { ...chaos, link, at: '2999-01-01T00:00:00Z' })).status, 422);
  assert.equal((await post(person, { kind: 'earthquake' })).status, 422);
  assert.match((await post(machine, { ...chaos, link })).text, /reported by a person/);
  assert.equal((await post(viewer, { ...chaos, link })).status, 403);
  assert.match((await post(narrow, { kind: 'kill_switch' })).text, /permissions stop and resume/);
  assert.equal((await post(person, { ...chaos, link })).status, 201);

  const { store } = door.infrastructure;
  const clock = manualClock(Date.UTC(2026, 5, 1));
  const drills = createDrills({
    store,
    clock,
    chance: door.infrastructure.chance,
    writeEntry: () => Promise.resolve(),
    pullKillSwitch: () => Promise.resolve({ kind: 'refused', detail: '' }),
    verifyJournal: () => Promise.resolve({ passed: true, evidence: {} }),
  });
  const latest = await drills.latestDrill(door.app.tenant, 'chaos');
  assert.deepEqual([latest?.passed, latest?.by], [true, 'user:otto']);
  // A later one that went wrong is the latest.
  const report = {
    tenant: door.app.tenant,
    by: 'user:otto',
    traceId: null,
    summary: 'again',
    link,
    sha256: null,
  };
  await drills.reportChaos({ ...report, atMs: clock.nowMs(), passed: false });
  assert.equal((await drills.latestDrill(door.app.tenant, 'chaos'))?.passed, false);
  // One of a clock that was ahead does not stand before every other until that day, neither here nor as what was sound.
  const nowMs = clock.nowMs();
  clock.jumpTo(nowMs + 365 * 86_400_000);
  await drills.reportChaos({ ...report, summary: 'ahead', atMs: clock.nowMs(), passed: true });
  assert.equal((await drills.latestDrill(door.app.tenant, 'chaos'))?.evidence['summary'], 'ahead');
  clock.jumpTo(nowMs + 1_000);
  assert.equal((await drills.latestDrill(door.app.tenant, 'chaos'))?.passed, false);
  const sound = await store.withTenant(door.app.tenant, (tx) =>
    selectPassed(tx, door.app.tenant, { kind: 'chaos', nowMs }),
  );
  assert.equal(sound?.['summary'], 'We pulled the plug.');
  assert.equal(await drills.latestDrill('rival', 'chaos'), null);
  const drill = { passed: true, atMs: 0 };
  assert.deepEqual([counts(drill, 90 * 86_400_000), counts(drill, 90 * 86_400_000 + 1)], [true, false]);
  assert.deepEqual(door.errors(), []);
});

test('monitoring is a scrape key, or Prometheus that comes back; who looks once is not noted', async () => {
  const { store } = door.infrastructure;
  const tenant = door.app.tenant;
  const failures: unknown[] = [];
  const clock = manualClock(Date.UTC(2030, 0, 1));
  const scrapes = createScrapes({ store, clock, failed: (error) => failures.push(error) });
  const last = (ms: number | null) =>
    until('it is noted', async () => (await scrapes.lastScrapeMs(tenant)) === ms);
  const note = (by: string, how: Scrape['how']) => scrapes.noteScrape(tenant, { by, how });

  // Over HTTP: whoever is on this machine may read them, and that is no monitoring; a scrape key is.
  const prometheus = { 'user-agent': 'Prometheus/3.5.0', 'x-prometheus-scrape-timeout-seconds': '10' };
  const get = (key: string | null, headers: Record<string, string> = {}) =>
    door.call('GET', '/metrics', { key, headers });
  for (const [key, headers] of [
    [null, {}],
    [door.adminKey, {}],
    [null, prometheus],
    [null, prometheus],
  ] as const)
    assert.equal((await get(key, headers)).status, 200);
  assert.equal((await get('mk_nobody')).status, 401);
  assert.equal(await scrapes.lastScrapeMs(tenant), null);
  const { text: key } = await door.makeKey({ roles: ['scrape'] });
  assert.equal((await get(key)).status, 200);
  await until('the key is noted', async () => (await scrapes.lastScrapeMs(tenant)) !== null);

  // With a key at most once a minute, and a clock that is set back does not end that.
  const firstMs = clock.nowMs();
  note('key', 'key');
  await last(firstMs);
  clock.advance(59_999);
  note('key', 'key');
  clock.advance(1);
  note('key', 'key');
  await last(firstMs + 60_000);
  clock.jumpTo(firstMs - 180_000);
  note('key', 'key');
  clock.jumpTo(firstMs + 120_000);
  note('key', 'key');
  await last(firstMs + 120_000);
  // Nor does one that was far ahead: what another server notes by the right time counts again.
  clock.jumpTo(firstMs + 365 * 86_400_000);
  note('key', 'key');
  await last(firstMs + 365 * 86_400_000);
  clock.jumpTo(firstMs + 180_000);
  note('key', 'key');
  await last(firstMs + 180_000);

  // Without one Prometheus has to come back: not in a burst, and not after five minutes. Nobody else counts at all.
  const laterMs = firstMs + 3_600_000;
  const come = (atMs: number, how: Scrape['how']) => {
    clock.jumpTo(laterMs + atMs);
    note('loopback', how);
  };
  come(0, 'prometheus');
  come(9_999, 'prometheus');
  come(11_000, 'other');
  come(310_000, 'prometheus');
  come(319_999, 'other');
  assert.equal(await scrapes.lastScrapeMs(tenant), firstMs + 180_000);
  come(320_000, 'prometheus');
  await last(laterMs + 320_000);
  assert.equal(await scrapes.lastScrapeMs('rival'), null);
  assert.deepEqual(failures, []);
});
