// Readiness on a real Postgres: who may vouch and for how long, what is kept, and a phase on probation that falls when it
// no longer deserves it, and only then. The last test asks the whole server the same, through its door.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { DEFAULT_READINESS_ITEMS } from '@mandate/kernel';
import type { GovernedSet, JsonObject, ReadinessItem } from '@mandate/kernel';
import { openDoor } from '../../../../test/door.ts';
import type { Answered } from '../../../../test/door.ts';
import { openTestDatabase } from '../../../../test/postgres.ts';
import type { TestDatabase } from '../../../../test/postgres.ts';
import { until } from '../../../../test/until.ts';
import { createChance } from '../../platform/clock/clock.ts';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import type { ManualClock } from '../../platform/clock/manual-clock.ts';
import { sha256Hex } from '../../platform/crypto/hash.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Role } from '../../platform/identity/roles.ts';
import type { AttestOrder } from './attestations.ts';
import type { CommandFigures, Drill, PhaseStanding, ReadinessNeeds } from './needs.ts';
import { createReadiness } from './readiness.ts';
import { together } from './together.ts';

const TENANT = 'acme';
const DAY_MS = 86_400_000;
const HASH = sha256Hex('# Runbook');

function governed(name: string): GovernedSet {
  const phase = { title: '', whitelist: [], validationMs: 14 * DAY_MS, approvals: [] };
  return {
    name,
    patterns: [`${name}.*`],
    phases: [
      { ...phase, name: 'L3', validationMs: 0 },
      { ...phase, name: 'L3+' },
      { ...phase, name: 'L4' },
    ],
    stabilizationMs: 30 * DAY_MS,
    firstStabilizationMs: 180 * DAY_MS,
    cycle: '0 17 * * fri',
    timeZone: 'UTC',
    origin: 'charter.yaml:1:1 phases',
  };
}

/** Nine points that people vouch for, and one. */
const ITEMS: readonly ReadinessItem[] = ['runbooks complete', 'ops approval'].map(
  (name, index): ReadinessItem => ({
    name,
    category: 'process',
    group: 'documents',
    weight: index === 0 ? 9 : 1,
    required: index === 0,
    next: null,
    kind: 'attested',
    roles: ['ops-lead', 'tech-lead'],
    expiresMs: 90 * DAY_MS,
  }),
);

const MEASURED = {
  kind: 'measured',
  category: 'technical',
  group: 'figures',
  required: false,
  next: null,
} as const;

let database: TestDatabase;
before(async () => {
  database = await openTestDatabase();
  await database.store.withTenant(TENANT, async (tx) => {
    await tx`insert into mandate.tenant (tenant, created_at) values (${TENANT}, now())`;
  });
});
after(() => database.drop());

/** One database for all tests of this file, emptied for each. */
async function ground(items: readonly ReadinessItem[] = ITEMS) {
  const { store, admin } = database;
  await admin`truncate mandate.attestation, mandate.readiness_assessment`;
  const clock = manualClock(Date.UTC(2026, 10, 20, 9));
  const entries: { kind: string; actor: string; data: JsonObject }[] = [];
  const falls: string[] = [];
  const failures: unknown[] = [];
  const sets = [governed('roastery'), governed('shop')];
  const states = new Map<string, PhaseStanding>(
    sets.map(({ name }) => [
      name,
      { phase: 'L3', sinceMs: clock.nowMs(), validationUntilMs: null, probation: null, previous: null },
    ]),
  );
  /** When an incident of a set was critical. */
  const critical: { readonly set: string; readonly atMs: number }[] = [];
  const drills = new Map<string, Drill>();
  let scrapedMs: number | null = null;
  const source: { rates: CommandFigures['rates']; incomplete: string | null; coverage: () => Promise<null> } =
    {
      rates: { successRate: null, approvalRate: null, rollbackRate: null, errorRate: null },
      incomplete: null,
      coverage: () => Promise.resolve(null),
    };
  const windows: { startMs: number; endMs: number }[] = [];
  const needs: ReadinessNeeds = {
    store,
    clock,
    chance: createChance(clock),
    sha256: sha256Hex,
    writeEntry: (_tx, _tenant, { kind, actor, data }) =>
      Promise.resolve(void entries.push({ kind, actor, data })),
    charterOf: () =>
      Promise.resolve({
        sets,
        items,
        standIns: [{ user: 'sue', for: 'tech-lead', of: 'ada', fromMs: null, untilMs: null }],
      }),
    stateOf: (_tenant, set) => Promise.resolve(states.get(set) ?? null),
    metricsOf(_tenant, { startMs, endMs }) {
      windows.push({ startMs, endMs });
      return Promise.resolve({
        commands: { total: 0, proposed: 0, succeeded: 0, failed: 0 },
        rates: source.rates,
        incomplete: source.incomplete,
      });
    },
    incidentsIn(_tenant, { set, startMs, endMs }) {
      const found = critical.filter((it) => it.set === set && it.atMs >= startMs && it.atMs < endMs).length;
      return Promise.resolve({
        total: found,
        critical: found,
        fromAutonomousActions: 0,
        criticalFromAutonomousActions: 0,
      });
    },
    evalCoverageOf: () => source.coverage(),
    breakersOf: () => Promise.resolve(4),
    latestDrill: (_tenant, kind) => Promise.resolve(drills.get(kind) ?? null),
    lastScrapeMs: () => Promise.resolve(scrapedMs),
    // As governance does it: from the phase that was seen, or not at all.
    fall({ set, from, cause }) {
      const state = states.get(set);
      if (state?.phase !== from) return Promise.resolve({ kind: 'unchanged' });
      falls.push(`${set}: ${cause}`);
      const next = { phase: state.previous ?? 'L3', sinceMs: clock.nowMs() };
      states.set(set, { ...next, validationUntilMs: null, probation: null, previous: state.phase });
      return Promise.resolve({ kind: 'fallen' });
    },
    failed: (error) => void failures.push(error),
  };
  const readiness = createReadiness(needs);
  const charter = await needs.charterOf(TENANT);
  const [roastery] = sets;
  assert.ok(charter !== null && roastery !== undefined);
  const attest = (over: Partial<AttestOrder> = {}) =>
    readiness.attestations.attest({
      principal: person('olga', ['ops-lead']),
      charter,
      set: roastery,
      item: 'runbooks complete',
      evidence: { kind: 'file', file: 'runbook.md', sha256: HASH },
      dateMs: null,
      expiresMs: null,
      note: null,
      traceId: null,
      ...over,
    });
  const withdraw = (id: string, principal = person('olga', ['ops-lead'])) =>
    readiness.attestations.withdraw({ principal, charter, id, reason: 'It was another one.', traceId: null });
  return {
    readiness,
    needs,
    clock,
    charter,
    entries,
    falls,
    failures,
    states,
    critical,
    drills,
    windows,
    source,
    attest,
    withdraw,
    scraped: (ms: number | null) => void (scrapedMs = ms),
    rises: (set: string, phase = 'L4', previous = 'L3+') => {
      const sinceMs = clock.nowMs();
      const endMs = sinceMs + 14 * DAY_MS;
      const probation = { startMs: sinceMs, endMs };
      states.set(set, { phase, sinceMs, validationUntilMs: endMs, probation, previous });
    },
    /** As governance tells it from then on. */
    passes: (set: string) => {
      const state = states.get(set);
      assert.ok(state !== undefined);
      clock.jumpTo((state.validationUntilMs ?? 0) + 1_000);
      states.set(set, { ...state, validationUntilMs: null });
    },
    points: async (set = 'roastery') => (await readiness.assess(TENANT, set, clock.nowMs())).overall.points,
  };
}

function person(user: string, roles: readonly Role[], id = `user:${user}`): Principal {
  return {
    id,
    kind: 'key',
    tenant: TENANT,
    roles,
    agents: [],
    user: { id: user, email: null, scopes: [] },
    scopes: null,
    keyId: 'key_1',
    expiresMs: null,
    delegation: null,
  };
}

async function attestedId(answer: ReturnType<Awaited<ReturnType<typeof ground>>['attest']>): Promise<string> {
  const given = await answer;
  assert.ok(given.kind === 'done', JSON.stringify(given));
  return given.attestation.id;
}

test('only a named person in a role of the item vouches for it, and for no longer than it allows', async () => {
  const { attest, withdraw, charter, clock, entries, points } = await ground();
  const nowMs = clock.nowMs();
  const mistakes: readonly (readonly [Partial<AttestOrder>, string, RegExp])[] = [
    [
      { principal: person('pia', ['product-lead']) },
      'forbidden',
      /role ops-lead or tech-lead, and user:pia has product-lead/,
    ],
    [{ principal: person('vera', ['viewer', 'operator']) }, 'forbidden', /ops-lead or tech-lead/],
    [
      { principal: person('x', ['ops-lead'], 'key:key_1') },
      'forbidden',
      /A person has to vouch .* key create --user/,
    ],
    [{ principal: person('bot', ['agent', 'ops-lead'], 'agent:bot') }, 'forbidden', /ops-lead/],
    [{ item: 'runbook complete' }, 'invalid', /Did you mean runbooks complete\?/],
    [
      { item: 'kill switch tested', charter: { ...charter, items: DEFAULT_READINESS_ITEMS } },
      'invalid',
      /is measured/,
    ],
    [{ dateMs: nowMs + 1 }, 'invalid', /still to come/],
    [{ dateMs: nowMs - 90 * DAY_MS }, 'invalid', /counts for 90 days, so .* ended/],
    [{ expiresMs: nowMs }, 'invalid', /ended on .* already/],
    [{ dateMs: nowMs, expiresMs: nowMs + 90 * DAY_MS + 1 }, 'invalid', /90 days at most, until 2027-02-18/],
  ];
  for (const [over, code, detail] of mistakes) {
    const answer = await attest(over);
    assert.ok(answer.kind === 'refused', JSON.stringify(over));
    assert.equal(answer.refusal.code, code);
    assert.match(answer.refusal.detail, detail);
  }
  assert.deepEqual([await points(), entries.length], [0, 0]);
  // By default as of today; what counts for hours as of now, or nobody could attest it in the afternoon.
  const hours = charter.items.map((item) => ({ ...item, expiresMs: 4 * 3_600_000 }));
  const brief = await attest({ charter: { ...charter, items: hours } });
  assert.ok(brief.kind === 'done', JSON.stringify(brief));
  assert.deepEqual(
    [brief.attestation.date, brief.attestation.expiresAt],
    ['2026-11-20T09:00:00.000Z', '2026-11-20T13:00:00.000Z'],
  );
  const long = await attest({ charter: { ...charter, items: hours }, expiresMs: nowMs + DAY_MS });
  assert.match(long.kind === 'refused' ? long.refusal.detail : '', /counts for 4 hours at most/);
  await withdraw(brief.attestation.id);
  entries.length = 0;

  const first = await attestedId(attest({ item: 'Runbooks Complete' }));
  assert.equal(await attestedId(attest()), first);
  assert.deepEqual([await points('roastery'), await points('shop')], [9, 0]);
  assert.deepEqual(
    entries.map(({ kind, actor, data }) => [kind, actor, data['item'], data['role'], data['sha256']]),
    [['readiness.attested', 'user:olga', 'runbooks complete', 'ops-lead', HASH]],
  );
  // In a colleague's place, and by whoever may everything.
  await attestedId(attest({ item: 'ops approval', principal: person('sue', ['viewer']) }));
  await attestedId(attest({ principal: person('root', ['admin']) }));
  assert.equal(await points(), 10);
});

test('a word counts until it ends or is withdrawn, which takes whoever gave it or could have', async () => {
  const { attest, withdraw, readiness, charter, clock, points, entries } = await ground();
  const short = await attestedId(attest({ expiresMs: clock.nowMs() + DAY_MS }));
  await attestedId(attest({ principal: person('tom', ['tech-lead']), item: 'ops approval' }));
  assert.equal(await points(), 10);
  clock.jumpTo(clock.nowMs() + DAY_MS);
  assert.equal(await points(), 1);
  const listed = async (items: readonly ReadinessItem[] = ITEMS) => {
    const query = { charter: { ...charter, items }, set: null, item: null, limit: 10 };
    const words = await readiness.attestations.list(TENANT, query);
    return words.map(({ item, status, expiresAt }) => [item, status, expiresAt.slice(0, 10)].join(' '));
  };
  assert.deepEqual(await listed(), [
    'ops approval counts 2027-02-18',
    'runbooks complete expired 2026-11-21',
  ]);
  // What the charter no longer counts is not listed as if it did.
  const [byOthers] = await listed(ITEMS.map((item) => ({ ...item, roles: ['product-lead'] })));
  const [forLess] = await listed(ITEMS.map((item) => ({ ...item, expiresMs: DAY_MS / 2 })));
  const [nowhere] = await listed([]);
  assert.deepEqual(
    [byOthers, forLess, nowhere],
    [
      'ops approval outgrown 2027-02-18',
      'ops approval expired 2026-11-20',
      'ops approval outgrown 2027-02-18',
    ],
  );

  const again = await attestedId(attest());
  assert.notEqual(again, short);
  assert.equal(await points(), 10);
  const stranger = await withdraw(again, person('pia', ['product-lead']));
  assert.ok(stranger.kind === 'refused' && stranger.refusal.code === 'forbidden');
  assert.match(stranger.refusal.detail, /user:olga, or somebody with the role ops-lead or tech-lead/);
  const [one, other] = await Promise.all([withdraw(again), withdraw(again, person('tom', ['tech-lead']))]);
  assert.deepEqual([one.kind, other.kind].toSorted(), ['done', 'refused']);
  assert.equal(await points(), 1);
  const { items } = (await readiness.assess(TENANT, 'roastery', clock.nowMs())).process;
  assert.match(items[0]?.details ?? '', /olga \(ops-lead\) attested on 2026-11-21 was withdrawn by/);
  assert.equal(entries.at(-1)?.kind, 'readiness.attestation_withdrawn');
  // Said again it counts again: what was withdrawn is another row.
  await attestedId(attest());
  assert.equal(await points(), 10);
});

test('an assessment is kept for each cycle and each change, and for nobody who looks', async () => {
  const { readiness, attest, clock } = await ground();
  await readiness.assess(TENANT, 'roastery', clock.nowMs());
  const first = await readiness.latest(TENANT, 'roastery');
  assert.equal(first.overall.points, 0);
  assert.equal((await readiness.history(TENANT, 'roastery', 9)).length, 0);
  await Promise.all([1, 2, 3].map(() => readiness.check(TENANT)));
  clock.advance(60_000);
  await readiness.check(TENANT);
  await attestedId(attest());
  assert.equal((await readiness.latest(TENANT, 'roastery')).overall.points, 0);
  await readiness.check(TENANT);
  assert.equal((await readiness.forCycle(TENANT, 'roastery')).points, 9);
  const kept = await readiness.history(TENANT, 'roastery', 9);
  assert.deepEqual(
    kept.map(({ because, points, total }) => [because, points, total]),
    [
      ['cycle', 9, 10],
      ['change', 9, 10],
      ['change', 0, 10],
    ],
  );
  assert.equal((await readiness.history(TENANT, 'shop', 9)).length, 1);
  // A clock that goes back does not make the older one the last.
  clock.jumpTo(clock.nowMs() - 3 * DAY_MS);
  await readiness.forCycle(TENANT, 'roastery');
  const last = await readiness.latest(TENANT, 'roastery');
  assert.equal(last.timestamp, new Date(clock.nowMs()).toISOString());
});

test('during validation a score under 0.90 brings the phase back once, and outside of it never', async () => {
  const { readiness, needs, attest, withdraw, rises, falls, clock, failures, states } = await ground();
  const runbooks = await attestedId(attest());
  const approval = await attestedId(attest({ item: 'ops approval' }));

  // Not on probation: whatever happens, it is for breakers and people.
  states.set('shop', {
    phase: 'L4',
    sinceMs: clock.nowMs() - DAY_MS,
    validationUntilMs: null,
    probation: null,
    previous: 'L3+',
  });
  await readiness.check(TENANT);
  rises('roastery');
  await readiness.check(TENANT);
  const current = await readiness.assess(TENANT, 'roastery', clock.nowMs());
  assert.deepEqual(current.overall.validation, {
    until: new Date(clock.nowMs() + 14 * DAY_MS).toISOString(),
    score: 1,
    threshold: 0.9,
  });
  await withdraw(approval);
  await readiness.check(TENANT);
  assert.deepEqual(falls, [], 'at 0.90 it may stay');

  await withdraw(runbooks);
  const second = createReadiness({ ...needs });
  await Promise.all([readiness.check(TENANT), second.check(TENANT), readiness.check(TENANT)]);
  assert.deepEqual(falls, [
    'roastery: During the validation of L4: readiness 0.0000 under 0.90 (unmet: runbooks complete, ops approval)',
  ]);
  assert.deepEqual(states.get('roastery')?.phase, 'L3+');
  await readiness.check(TENANT);
  assert.equal(falls.length, 1, 'what it fell to is not on probation');

  // Evidence that runs out in the last minute of probation counts against it; a minute later nobody is on probation.
  await attestedId(attest({ expiresMs: clock.nowMs() + 14 * DAY_MS }));
  rises('roastery');
  await readiness.check(TENANT);
  clock.jumpTo(clock.nowMs() + 14 * DAY_MS);
  await readiness.check(TENANT);
  assert.equal(falls.length, 1);
  assert.deepEqual(failures, []);
});

test('a critical incident of the set brings a phase on probation back, and of another set or time does not', async () => {
  const { readiness, attest, rises, passes, states, critical, falls, clock } = await ground();
  await attestedId(attest());
  const happens = (set: string) => void critical.push({ set, atMs: clock.nowMs() });
  happens('shop');
  happens('roastery');
  await readiness.check(TENANT);
  assert.deepEqual(falls, []);
  clock.advance(1);
  rises('roastery');
  await readiness.check(TENANT);
  assert.deepEqual(falls, []);
  clock.advance(1);
  happens('roastery');
  await readiness.check(TENANT);
  assert.deepEqual(falls, ['roastery: During the validation of L4: 1 critical incident']);

  // Right before the end, and nobody looked until it was over: the process that was told of it had died.
  clock.advance(1);
  rises('roastery');
  await readiness.check(TENANT);
  clock.advance(14 * DAY_MS - 1);
  happens('roastery');
  passes('roastery');
  await readiness.check(TENANT);
  assert.equal(falls.length, 2);

  // After the end it is for breakers and people, and what a check has passed over is not found by a charter of later.
  rises('roastery');
  const { probation } = states.get('roastery') ?? {};
  passes('roastery');
  happens('roastery');
  await readiness.check(TENANT);
  clock.advance(300_000);
  await readiness.forCycle(TENANT, 'roastery');
  critical.push({ set: 'roastery', atMs: probation?.startMs ?? 0 });
  await readiness.check(TENANT);
  assert.equal(falls.length, 2);
});

test('what a score takes keeps no critical incident from counting, and half the figures make nothing ready', async () => {
  const { readiness, source, rises, critical, falls, failures, clock } = await ground([
    { ...MEASURED, name: 'success', weight: 5, when: 'successRate > 0.9' },
    { ...MEASURED, name: 'breakers', weight: 5, when: 'breakersConfigured > 0' },
  ]);
  const lookAt = () => readiness.assess(TENANT, 'roastery', clock.nowMs());

  // Another program's commands cannot be counted: our own acts hold the phase to its probation, and nothing rises by them.
  source.rates = { successRate: 1, approvalRate: 1, rollbackRate: 0, errorRate: 0 };
  source.incomplete = 'COMMAND_DB_PATH is /x.db, which cannot be read.';
  rises('roastery');
  await readiness.check(TENANT);
  const { overall, technical } = await lookAt();
  assert.deepEqual([overall.score, overall.validation?.score, falls], [0.5, 1, []]);
  const [success] = technical.items;
  assert.match(success?.details ?? '', /^COMMAND_DB_PATH is \/x\.db, which cannot be read\. It takes/);
  assert.deepEqual([success?.status, success?.waits], ['unmet', false]);
  source.rates = { ...source.rates, successRate: 0.5 };
  await readiness.check(TENANT);
  assert.deepEqual(falls, [
    'roastery: During the validation of L4: readiness 0.5000 under 0.90 (unmet: success)',
  ]);

  // Where nothing at all can be assessed, a critical incident counts all the same.
  source.coverage = () => Promise.reject(new Error('the disk is gone'));
  rises('roastery');
  critical.push(...[0, 0].map(() => ({ set: 'roastery', atMs: clock.nowMs() })));
  await readiness.check(TENANT);
  assert.deepEqual(falls.slice(1), ['roastery: During the validation of L4: 2 critical incidents']);
  assert.match(String(failures[0]), /the disk is gone/);
});

test('checks that are asked for while one is under way share the next, which begins after they asked', async () => {
  const begun: { readonly tenant: string; readonly end: (error?: Error) => void }[] = [];
  const check = together(
    (tenant) =>
      new Promise((resolve, reject) => {
        begun.push({ tenant, end: (error) => (error === undefined ? resolve() : reject(error)) });
      }),
  );
  const first = check('a');
  const others = Array.from({ length: 50 }, () => check('a'));
  const rival = check('b');
  assert.deepEqual(
    begun.map(({ tenant }) => tenant),
    ['a', 'b'],
  );
  begun[0]?.end(new Error('no database'));
  await assert.rejects(first, /no database/);
  await until('the next has begun', () => begun.length === 3);
  const late = check('a');
  begun[2]?.end();
  await Promise.all(others);
  await until('whoever came during the second has a third', () => begun.length === 4);
  for (const { end } of begun) end();
  await Promise.all([late, rival]);
  void check('a');
  assert.equal(begun.length, 5);
});

test('facts come from what is on record in the time at the phase, 180 days at most, and never from the future', async () => {
  const { readiness, clock, states, drills, scraped, windows } = await ground(DEFAULT_READINESS_ITEMS);
  const nowMs = clock.nowMs();
  const status = async () => {
    const { technical } = await readiness.assess(TENANT, 'roastery', nowMs);
    return Object.fromEntries(technical.items.map(({ name, status: is }) => [name, is]));
  };
  const phase = { phase: 'L3', validationUntilMs: null, probation: null, previous: null };
  states.set('roastery', { ...phase, sinceMs: nowMs - 300 * DAY_MS });
  drills.set('kill_switch', { atMs: nowMs - 90 * DAY_MS, passed: true });
  drills.set('chaos', { atMs: nowMs - DAY_MS, passed: false });
  scraped(nowMs - 300_000);
  assert.deepEqual(await status(), {
    '6+ months at the current phase': 'met',
    'success rate > 99.5 %': 'unmet',
    'approval rate > 80 %': 'unmet',
    'rollback rate < 2 %': 'unmet',
    'eval coverage > 90 %': 'unmet',
    'zero critical incidents from autonomous actions': 'met',
    'circuit breakers configured': 'met',
    'monitoring in place': 'met',
    'kill switch tested': 'met',
    'chaos testing completed': 'unmet',
  });
  assert.deepEqual(windows.at(-1), { startMs: nowMs - 180 * DAY_MS, endMs: nowMs + 1 });
  // Clocks may differ by a little; a day is no difference of clocks.
  states.set('roastery', { ...phase, sinceMs: nowMs + DAY_MS });
  drills.set('kill_switch', { atMs: nowMs + DAY_MS, passed: true });
  scraped(nowMs + 1_000);
  const early = await status();
  assert.deepEqual(
    [early['6+ months at the current phase'], early['kill switch tested'], early['monitoring in place']],
    ['unmet', 'unmet', 'met'],
  );
  assert.deepEqual(windows.at(-1), { startMs: nowMs, endMs: nowMs + 1 });
});

const CHARTER = `version: 1
extends: default
phases:
  roastery: { prefix: roaster., firstStabilization: 1s }
  shop: { prefix: shop., firstStabilization: 1s }
readiness:
  total: 10
  items:
    - { name: runbooks complete, category: process, weight: 9, required: true, attest: { roles: [ops-lead], expires: 90d } }
    - { name: zero days, category: technical, weight: 1, when: 'daysAtPhase >= 0' }
`;

test('over HTTP a phase that has risen falls as soon as its evidence is withdrawn or an incident is critical', async (t) => {
  const clock = manualClock();
  const door = await openDoor(t, { charter: CHARTER, clock });
  const call: typeof door.call = (method, path, options) => door.call(method, path, options);
  const keyOf = async (user: string, role: Role) =>
    (await door.makeKey({ roles: [role], user: { id: user, email: null, scopes: [] } })).text;
  const [olga, tom, pia, otto] = await Promise.all([
    keyOf('olga', 'ops-lead'),
    keyOf('tom', 'tech-lead'),
    keyOf('pia', 'product-lead'),
    keyOf('otto', 'operator'),
  ]);
  const body = {
    item: 'runbooks complete',
    set: 'roastery',
    evidence: { file: 'runbook.md', sha256: HASH.toUpperCase() },
    date: '2026-01-01',
  };
  const attest = (key: string, over: object = {}): Promise<Answered> =>
    call('POST', '/api/v1/readiness/attestations', { key, body: { ...body, ...over } });
  for (const over of [
    { evidence: { sha256: HASH } },
    { evidence: { file: 'a', sha256: 'b' } },
    { evidence: { url: 'https://user:word@wiki.test/', sha256: HASH } },
    { date: '2026-02-30' },
    { set: undefined },
  ])
    assert.equal((await attest(olga, over)).status, 422, JSON.stringify(over));
  assert.match((await attest(olga, { set: 'rostery' })).text, /there is roastery, shop/);
  assert.match(
    (await attest(olga, { date: 'yesterday' })).text,
    /must be a day or a moment .*: 2026-11-20 or/,
  );
  const listed = (query: string): Promise<Answered> => call('GET', `/api/readiness/attestations${query}`);
  assert.deepEqual((await listed('')).json, { items: [] });
  const nowhere = await listed('?set=rostery');
  assert.equal(nowhere.status, 404);
  assert.match(nowhere.text, /there is roastery, shop/);
  for (const [key, detail] of [
    [pia, /role ops-lead, and user:pia has product-lead/],
    [otto, /role ops-lead, and user:otto has operator/],
    [door.adminKey, /A person has to vouch/],
  ] as const) {
    const refused = await attest(key);
    assert.equal(refused.status, 403);
    assert.match(refused.text, detail);
  }
  const given = await attest(olga);
  assert.equal(given.status, 201, given.text);
  assert.deepEqual(given.json?.['evidence'], { file: 'runbook.md', sha256: HASH });
  const ofShop = await attest(olga, { set: 'shop' });
  assert.equal(ofShop.status, 201);

  clock.advance(2_000);
  const phase = async (set: string) =>
    (await call('GET', `/api/governance/state?set=${set}`)).json?.['phase'];
  const propose = (set: string): Promise<Answered> =>
    call('POST', '/api/governance/proposals', { key: otto, body: { set, reason: 'It is time.' } });
  const withdrawWord = (id: unknown): Promise<Answered> =>
    call('POST', `/api/v1/readiness/attestations/${String(id)}/withdraw`, {
      key: olga,
      body: { reason: 'It is of another roaster.' },
    });
  // While it waits the evidence is withdrawn: then the last vote raises nothing, and nothing is proposed.
  const early = await propose('shop');
  assert.equal(early.status, 201, early.text);
  assert.equal((await withdrawWord(ofShop.json?.['id'])).json?.['status'], 'withdrawn');
  const unready = /readiness score is 0\.1; a proposal needs 0\.95.*not met: runbooks complete/;
  const last = (): Promise<Answered> =>
    call('POST', `/api/governance/proposals/${String(early.json?.['id'])}/approve`, {
      key: tom,
      body: { reason: 'Yes.' },
    });
  // What cannot be assessed in time takes the vote back, and says so before the database ends it.
  await door.database.admin.begin(async (tx) => {
    await tx`lock table mandate.attestation in access exclusive mode`;
    const hung = await answeredAfter(clock, last());
    assert.equal(hung.status, 503, hung.text);
    assert.match(
      hung.text,
      /readiness of shop could not be assessed within 4 seconds, so nothing was counted/,
    );
  });
  const vote = await last();
  assert.deepEqual([vote.status, await phase('shop')], [409, 'L3']);
  assert.match(vote.text, unready);
  const again = await propose('shop');
  assert.equal(again.status, 409);
  assert.match(again.text, unready);
  assert.equal((await attest(olga, { set: 'shop' })).status, 201);

  for (const set of ['roastery', 'shop']) {
    const proposal = await propose(set);
    assert.equal(proposal.status, 201, proposal.text);
    const id = String(proposal.json?.['id']);
    // Nobody decides it without a word, wherever they do.
    for (const decision of ['approve', 'deny']) {
      const body = { decision, digest: proposal.json?.['digest'] };
      const silent = await call('POST', `/api/v1/approvals/${id}/decision`, { key: tom, body });
      assert.equal(silent.status, 422, silent.text);
      assert.match(silent.text, /decided with a reason.*mandate governance (approve|reject)/);
    }
    assert.match((await call('GET', `/approvals/${id}`, { key: tom })).text, /name="reason"[^>]*required/);
    const approve = `/api/governance/proposals/${id}/approve`;
    assert.equal((await call('POST', approve, { key: tom, body: { reason: 'Yes.' } })).status, 200);
    assert.equal(await phase(set), 'L3+');
  }
  for (const path of ['/api/v1/readiness/current', '/api/readiness/current', '/api/readiness/latest']) {
    const report = await call('GET', `${path}?set=roastery`);
    assert.equal(report.status, 200, report.text);
    for (const key of ['timestamp', 'overall', 'technical', 'process', 'organizational', 'nextActions'])
      assert.ok(key in (report.json ?? {}), `${path} ${key}`);
  }
  const score = (await call('GET', '/api/readiness/score?set=shop')).json;
  assert.deepEqual(score, { score: 1, ready: true, blockers: [], threshold: 0.95 });

  const withdrawn = await withdrawWord(given.json?.['id']);
  assert.equal(withdrawn.json?.['status'], 'withdrawn', withdrawn.text);
  assert.deepEqual([await phase('roastery'), await phase('shop')], ['L3', 'L3+']);
  const state = (await call('GET', '/api/governance/state?set=roastery')).text;
  assert.match(state, /During the validation of L3\+: readiness 0\.1000 under 0\.90/);
  assert.match(state, /"by":"mandate:readiness"/);
  const history = (await call('GET', '/api/readiness/history?set=roastery')).json?.['items'];
  assert.ok(Array.isArray(history) && history.length >= 2);

  // Without the breaker that would bring it back for the same reason.
  const rule = '/api/circuit-breaker/rules/Critical%20Incident?set=shop';
  const off = await call('PATCH', rule, { body: { enabled: false } });
  assert.equal(off.status, 200, off.text);
  const incident = { title: 'Refunds twice', cause: 'Nobody knows.', severity: 'critical', set: 'shop' };
  assert.equal((await call('POST', '/api/v1/incidents', { body: incident })).status, 201);
  await until('the shop is brought back', async () => (await phase('shop')) === 'L3');
  const shop = (await call('GET', '/api/governance/state?set=shop')).text;
  assert.match(shop, /During the validation of L3\+: 1 critical incident/);
  const [slow, ...others] = door.errors();
  assert.match(JSON.stringify(slow), /could not be assessed within 4 seconds/);
  assert.deepEqual(others, []);
});

/** Lets time go on until there is an answer. */
async function answeredAfter(clock: ManualClock, asked: Promise<Answered>): Promise<Answered> {
  const found: Answered[] = [];
  void asked.then((answer) => found.push(answer));
  return until('it is answered', () => {
    clock.advance(1_000);
    return found[0] ?? null;
  });
}
