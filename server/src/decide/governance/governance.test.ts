// Phases on a real Postgres: what a charter that takes force does to them, how they fall, and when a proposal that was
// approved still raises one.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { GovernedSet, JsonObject, Phase, ReadinessStanding } from '@mandate/kernel';
import { openTestDatabase } from '../../../../test/postgres.ts';
import { createChance } from '../../platform/clock/clock.ts';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import { jsonb } from '../../platform/postgres/jsonb.ts';
import { createCycleSchedule } from './cycle-schedule.ts';
import type { CycleScheduleNeeds } from './cycle-schedule.ts';
import { createGovernance } from './governance.ts';
import type { Governance } from './governance.ts';
import type { Evidence, ReadinessPoints } from './proposal-evidence.ts';

const DAY_MS = 86_400_000;
const READY = { score: 1, points: 80, maxPoints: 80 };

/** A set whose phases let run one more action each: `A`, `B` with x, `C` with x and y. */
function setOf(name: string, phases = 'ABC', lets = 'xyz', patterns = [`${name}.*`]): GovernedSet {
  const [first = 'A', ...others] = phases.split('');
  const phase = (phaseName: string, index: number) => ({
    name: phaseName,
    title: phaseName,
    whitelist: lets
      .split('')
      .slice(0, index)
      .map((each) => `${name}.${each}`),
    validationMs: index * 7 * DAY_MS,
    approvals: index === 0 ? [] : ['tech-lead'],
  });
  return {
    name,
    patterns,
    phases: [phase(first, 0), ...others.map((each, index) => phase(each, index + 1))],
    stabilizationMs: 30 * DAY_MS,
    firstStabilizationMs: 180 * DAY_MS,
    cycle: '@weekly',
    timeZone: 'UTC',
    origin: `charter.yaml:1:1 phases.${name}`,
  };
}

function phaseOf(name: string, lets: string): Phase {
  const whitelist = lets.split('').map((each) => `s.${each}`);
  return { name, title: name, whitelist, validationMs: DAY_MS, approvals: ['tech-lead'] };
}

async function open(t: test.TestContext) {
  const { store } = await openTestDatabase(t);
  const clock = manualClock();
  const sets = new Map<string, readonly GovernedSet[]>();
  const world = {
    unresolved: 0,
    readiness: { ...READY, unmetRequired: [] } as (ReadinessStanding & ReadinessPoints) | null,
    /** What a person's proposal is shown with; null: of the step that the set is at when it is gathered. */
    evidence: null as Evidence | null,
    entries: [] as JsonObject[],
    withdrawn: [] as string[],
    barriers: 0,
  };
  const governance = createGovernance({
    store,
    control: store.control,
    clock,
    chance: createChance(clock),
    writeEntry: async (_tx, _tenant, { kind, data }) => void world.entries.push({ kind, ...data }),
    takeBarrier: async () => ((world.barriers += 1), true),
    setsIn: async (_tx, tenant) => sets.get(tenant) ?? [],
    unresolvedIn: async () => world.unresolved,
    readinessOf: async () => world.readiness,
    async evidenceOf(of, set, { points }) {
      const at = await governance.stateOf(of, set);
      if (at === null || at.next === null) return null;
      return (
        world.evidence ?? {
          from: at.phase,
          to: at.next.name,
          details: { achievements: [`${points} points`] },
        }
      );
    },
    async withdraw(tx, { tenant, id, why }) {
      await tx`update mandate.approval set status = 'cancelled', ended_why = ${why} where tenant = ${tenant} and id = ${id}`;
      world.withdrawn.push(why);
    },
    askerOf: async (tenant) => async (tx, question) => {
      const id = createChance(clock).uuid();
      await tx`
        insert into mandate.approval (tenant, id, digest, subject, title, display, content, requester, causes, required_roles, quorum, four_eyes, status, created_at, expires_at)
        values (${tenant}, ${id}, ${'0'.repeat(64)}, 'proposal', ${question.title}, ${jsonb(tx, question.display)}, ${jsonb(tx, question.content)}, ${question.requester},
          '{}', ${[...question.requiredRoles]}, 1, true, 'pending', ${new Date(clock.nowMs())}, ${new Date(clock.nowMs() + 7 * DAY_MS)})`;
      return id;
    },
  });
  const tenant = 'acme';
  for (const each of [tenant, 'other'])
    await store.withTenant(
      each,
      (tx) => tx`insert into mandate.tenant (tenant, created_at) values (${each}, now())`,
    );
  /** A charter with these sets takes force. */
  const adopt = (of: string, ...wanted: readonly GovernedSet[]) =>
    store.withTenant(of, async (tx) => {
      const { notes } = await governance.adopt(tx, {
        tenant: of,
        sets: wanted,
        by: 'user:ada',
        atMs: clock.nowMs(),
      });
      sets.set(of, wanted);
      return notes.map(({ message }) => message);
    });
  const standing = (of = tenant) =>
    store.withTenant(of, async (tx) => {
      const rows = await tx<{ kind: string; scope: string; except_actions: string[]; cause: string }[]>`
        select kind, scope, except_actions, cause from mandate.restriction where tenant = ${of} and lifted_at is null order by kind, scope`;
      return rows.map((row) => `${row.kind} ${row.scope} ${row.cause}: ${row.except_actions.join()}`);
    });
  const revision = () =>
    store.withTenant(tenant, async (tx) => {
      const [row] = await tx<
        { revision: number }[]
      >`select revision from mandate.tenant where tenant = ${tenant}`;
      return row?.revision ?? 0;
    });
  const state = async (set = 's') => {
    const found = await governance.stateOf(tenant, set);
    assert.ok(found !== null);
    return found;
  };
  const order = { tenant, set: 's', cause: 'it went wrong', by: 'user:ben' } as const;
  /** Approves a proposal as the last vote does. */
  const approve = async (id: string) =>
    store.withTenant(tenant, async (tx) => {
      const [row] = await tx<
        { content: JsonObject }[]
      >`select content from mandate.approval where id = ${id}`;
      const applied = await governance.subject.apply(tx, {
        id,
        tenant,
        content: row?.content ?? {},
        approvedBy: ['user:tess'],
        nowMs: clock.nowMs(),
        traceId: null,
      });
      if (applied.kind === 'applied')
        await tx`update mandate.approval set status = 'used' where tenant = ${tenant} and id = ${id}`;
      return applied;
    });
  const propose = (set = 's') =>
    governance.propose({ tenant, set, source: 'person', by: 'user:otto', reason: 'steady' });
  /** By proposals that people approved, with all the time that it takes. */
  const raise = async (): Promise<void> => {
    clock.jumpTo(clock.nowMs() + 200 * DAY_MS);
    assert.deepEqual(await approve(idOf(await propose())), { kind: 'applied' });
  };
  return {
    store,
    clock,
    governance,
    world,
    tenant,
    adopt,
    standing,
    revision,
    state,
    order,
    approve,
    propose,
    raise,
  };
}

function idOf(proposed: Awaited<ReturnType<Governance['propose']>>): string {
  assert.ok(proposed.kind === 'proposed', JSON.stringify(proposed));
  return proposed.id;
}

test('a set that is newly governed begins at its first phase, several side by side, and each tenant by itself', async (t) => {
  const { adopt, standing, state, governance, clock } = await open(t);
  assert.deepEqual(await adopt('acme', setOf('s'), setOf('shop', 'DE', 'q', ['shop.*', 'till.open'])), []);
  await adopt('other', setOf('s', 'XY'));
  assert.deepEqual(await standing(), [
    'phase action:s.* A: ',
    'phase action:shop.* D: ',
    'phase action:till.open D: ',
  ]);
  assert.deepEqual(await standing('other'), ['phase action:s.* X: ']);
  assert.deepEqual(await governance.tenants(), ['acme', 'other']);
  const { phase, index, previous, validationUntilMs, stabilizationUntilMs, next } = await state();
  assert.deepEqual(
    [phase, index, previous, validationUntilMs, stabilizationUntilMs, next?.name],
    ['A', 0, null, null, clock.nowMs() + 180 * DAY_MS, 'B'],
  );
  assert.equal(await governance.stateOf('acme', 'unknown'), null);
});

test('a fall counts at once and once, to a lower phase and never to a higher one', async (t) => {
  const { adopt, standing, state, governance, world, clock, revision, order, raise } = await open(t);
  await adopt('acme', setOf('s'));
  await raise();
  await raise();
  assert.deepEqual(await standing(), ['phase action:s.* C: s.x,s.y']);
  assert.equal((await state()).validationUntilMs, clock.nowMs() + 14 * DAY_MS);
  const before = await revision();
  assert.equal((await governance.fall({ ...order, to: 'D' })).kind, 'refused', 'an unknown phase');
  assert.equal(await revision(), before);

  // Of two who notice the same in the same phase, one makes it fall.
  const both = await Promise.all(
    [1, 2].map(() => governance.fall({ ...order, to: 'previous', from: 'C', actId: null, traceId: 't' })),
  );
  assert.deepEqual(both.map(({ kind }) => kind).toSorted(), ['fallen', 'unchanged']);
  assert.deepEqual(await standing(), ['phase action:s.* B: s.x']);
  assert.deepEqual([await revision(), world.barriers], [before + 1, 2]);
  const fallen = await state();
  assert.deepEqual(
    [fallen.phase, fallen.previous, fallen.validationUntilMs, fallen.stabilizationUntilMs],
    ['B', 'C', null, clock.nowMs() + 30 * DAY_MS],
  );
  const up = await governance.fall({ ...order, to: 'C' });
  assert.match(up.kind === 'refused' ? up.refusal.detail : '', /rises only by an approved proposal/);
  assert.equal((await governance.fall({ ...order, to: 'first' })).kind, 'fallen');
  const told = { kind: 'governance.phase_changed', set: 's', change: 'fallen', from: 'B', to: 'A' };
  assert.deepEqual(world.entries.at(-1), { ...told, cause: 'it went wrong' });
  assert.equal((await governance.fall({ ...order, to: 'first' })).kind, 'unchanged');
  assert.equal((await governance.fall({ ...order, to: 'previous' })).kind, 'unchanged');
  const ordered = { kind: 'governance.fall_ordered', set: 's', phase: 'A', cause: 'it went wrong' };
  assert.deepEqual(world.entries.slice(-2), [ordered, ordered]);
  assert.equal((await governance.fall({ ...order, set: 'none', to: 'first' })).kind, 'refused');
  assert.deepEqual(
    (await state()).history.map(({ kind, from, to }) => [kind, from, to]),
    [
      ['fallen', 'B', 'A'],
      ['fallen', 'C', 'B'],
      ['risen', 'B', 'C'],
      ['risen', 'A', 'B'],
      ['governed', null, 'A'],
    ],
  );
});

test('neither a clock that was set back nor a row that makes no sense keeps a set from falling as it should', async (t) => {
  const { adopt, standing, state, governance, clock, order, raise, store, tenant } = await open(t);
  await adopt('acme', setOf('s'));
  const governedMs = clock.nowMs();
  await raise();
  await raise();
  const risenMs = clock.nowMs();
  const fromMs = async (atMs: number) => {
    clock.jumpTo(atMs);
    const { probation } = await state();
    assert.equal(probation?.endMs, risenMs + 14 * DAY_MS);
    return probation.startMs;
  };
  // What counts against a phase on probation, by a clock that is right, a little behind, and by far; then also over.
  assert.deepEqual(
    [
      await fromMs(risenMs + 1),
      await fromMs(risenMs - 300_000),
      await fromMs(risenMs - 300_001),
      await fromMs(governedMs + DAY_MS),
      await fromMs(governedMs - DAY_MS),
      await fromMs(risenMs + 90 * DAY_MS),
    ],
    [risenMs, risenMs - 300_000, risenMs - 200 * DAY_MS, governedMs, 0, risenMs],
  );

  await governance.fall({ ...order, to: 'previous' });
  const until = (await state()).stabilizationUntilMs;
  clock.jumpTo(clock.nowMs() - 29 * DAY_MS);
  await governance.fall({ ...order, to: 'first' });
  assert.equal((await state()).stabilizationUntilMs, until, 'the stabilisation of the first fall goes on');
  assert.equal((await state()).probation, null);

  clock.jumpTo(clock.nowMs() + DAY_MS);
  await raise();
  await store.withTenant(
    tenant,
    (tx) => tx`update mandate.governed_set set phase = 'Bogus' where name = 's'`,
  );
  assert.deepEqual(await standing(), ['phase action:s.* B: s.x']);
  assert.equal((await governance.fall({ ...order, to: 'D' })).kind, 'refused', 'an unknown phase');
  const fallen = await governance.fall({ ...order, to: 'previous' });
  assert.deepEqual(fallen, { kind: 'fallen', from: 'Bogus', to: 'A', isConfirmed: true });
  assert.deepEqual([(await state()).phase, await standing()], ['A', ['phase action:s.* A: ']]);
});

/** A set of which a schedule knows when it is due, and of which nobody needs the rest. */
async function scheduled(over: Partial<CycleScheduleNeeds>) {
  const clock = manualClock(Date.UTC(2026, 10, 16));
  const startMs = clock.nowMs();
  const ran: string[] = [];
  const failures: string[] = [];
  const schedule = createCycleSchedule({
    clock,
    tenants: async () => ['acme'],
    setsOf: async () => [{ ...setOf('s'), cycle: '0 17 * * fri' }],
    seenMs: async () => startMs,
    async run({ tenant, set, atMs }) {
      ran.push(`${tenant} ${set} ${new Date(atMs).toISOString().slice(0, 10)}`);
      return { kind: 'refused', refusal: { code: 'conflict', detail: 'it has a report' } };
    },
    failed: (_error, what) => void failures.push(what),
    ...over,
  });
  const look = async (atMs: number) => {
    clock.advance(30_000);
    clock.jumpTo(atMs);
    await schedule.look();
    return ran.splice(0);
  };
  await look(startMs);
  return { look, startMs, failures };
}

test('a weekly cycle waits neither for a clock that was ahead nor for what cannot be read of others', async () => {
  const { look, startMs } = await scheduled({});
  assert.deepEqual(await look(startMs + 365 * DAY_MS), ['acme s 2027-11-12']);
  assert.deepEqual(await look(startMs + DAY_MS), []);
  assert.deepEqual(await look(startMs + 5 * DAY_MS), ['acme s 2026-11-20']);
  assert.deepEqual(await look(startMs + 12 * DAY_MS), ['acme s 2026-11-27']);

  // Neither a tenant nor a set that cannot be read keeps another from its cycle; what was known of it goes on.
  const broken = new Set<string>(['bad set']);
  const both = await scheduled({
    tenants: async () => ['bad tenant', 'good'],
    async setsOf(tenant) {
      if (broken.has(tenant)) throw new Error('a bad row');
      return ['bad set', 's'].map((name) => ({ ...setOf(name), cycle: '0 17 * * fri' }));
    },
    async seenMs(_tenant, set) {
      if (broken.has(set)) throw new Error('a bad row');
      return Date.UTC(2026, 10, 16);
    },
  });
  broken.add('bad tenant');
  assert.deepEqual(await both.look(both.startMs + 5 * DAY_MS), [
    'bad tenant s 2026-11-20',
    'good s 2026-11-20',
  ]);
  assert.deepEqual(
    new Set(both.failures),
    new Set([
      'nobody could find out when the weekly cycle of bad set is due',
      'the sets of a tenant could not be read; their weekly cycles run as they were known',
      'the weekly cycle of s was not run',
    ]),
  );
  broken.clear();
  assert.deepEqual((await both.look(both.startMs + 12 * DAY_MS)).length, 4);
});

test('one type of command is paused by itself until it is let go on', async (t) => {
  const { adopt, standing, governance, store, tenant, order, revision } = await open(t);
  await adopt('acme', setOf('s'));
  const before = await revision();
  const [one, two] = [
    await governance.pause({ ...order, action: 's.x' }),
    await governance.pause({ ...order, action: 's.x' }),
  ];
  const unpause = (id: string) =>
    store.withTenant(tenant, (tx) =>
      governance.unpause(tx, { tenant, id, reason: 'repaired', by: 'user:ben', traceId: null }),
    );
  assert.equal(await unpause(one), true);
  assert.deepEqual(
    await standing(),
    ['pause action:s.x it went wrong: ', 'phase action:s.* A: '],
    'the other one still stands',
  );
  assert.deepEqual([await unpause(one), await unpause(two)], [false, true]);
  assert.equal(await revision(), before + 4);
  await assert.rejects(governance.pause({ ...order, action: 's.*' }), /no action's name/);
  const [phase] = await store.withTenant(
    tenant,
    (tx) => tx<{ id: string }[]>`select id from mandate.restriction where kind = 'phase'`,
  );
  assert.equal(await unpause(phase?.id ?? ''), false, 'a phase is no pause');
});

test('a charter that drops a phase, changes one or drops the set says what it has done, and does all of it or nothing', async (t) => {
  // I5
  const { adopt, standing, state, governance, clock, raise, propose, world, store, tenant } = await open(t);
  await adopt('acme', setOf('s'));
  await raise();
  await raise();
  assert.deepEqual(await adopt('acme', setOf('s')), [], 'what says the same changes nothing');
  assert.equal((await state()).changes, 3);

  // A charter whose sets cannot be written does not take force.
  await assert.rejects(
    store.withTenant(tenant, async (tx) => {
      const sets = [setOf('s', 'AB'), setOf('broken', 'A', '', ['broken.*', '\u0000'])];
      await governance.adopt(tx, { tenant, sets, by: 'user:ada', atMs: clock.nowMs() });
    }),
  );
  assert.deepEqual(await standing(), ['phase action:s.* C: s.x,s.y']);

  const narrower = [
    { ...setOf('s'), phases: [phaseOf('A', ''), phaseOf('B', 'x'), phaseOf('C', 'x')] },
  ] as const;
  assert.deepEqual(await adopt('acme', ...narrower), [
    'The charter changes what C of s governs or lets run; without asking runs now s.x.',
  ]);
  assert.deepEqual(await standing(), ['phase action:s.* C: s.x']);
  assert.equal((await state()).entered, 'risen', 'it is on probation as before');

  assert.match((await adopt('acme', setOf('s', 'AXYB'))).join(), /was at C, .* it falls to X/);
  assert.deepEqual(await standing(), ['phase action:s.* X: s.x'], 'B would be higher than it was');
  assert.equal((await state()).stabilizationUntilMs, clock.nowMs() + 30 * DAY_MS);
  assert.match((await adopt('acme', setOf('s', 'AYZ'))).join(), /was at X, .* it falls to A/);
  assert.match(
    (await adopt('acme', setOf('s', 'PQ'))).join(),
    /was at A, .* it falls to P/,
    'none is left: the first',
  );

  clock.jumpTo(clock.nowMs() + 40 * DAY_MS);
  idOf(await propose());
  assert.match((await adopt('acme', setOf('other'))).join(), /s \(at P\) is governed no more/);
  assert.deepEqual(await standing(), ['phase action:other.* A: ']);
  assert.match(world.withdrawn.join(), /governed no more/);
  assert.equal(await governance.stateOf('acme', 's'), null);

  assert.match((await adopt('acme', setOf('s'))).join(), /s is governed again and begins at A/);
  assert.equal((await state()).stabilizationUntilMs, clock.nowMs() + 180 * DAY_MS);
});

test('no charter raises a phase: neither by its place in the ladder nor by what it lets run', async (t) => {
  const { adopt, standing, state, raise, world, clock, store, tenant } = await open(t);
  const ladder = (...phases: readonly [Phase, ...Phase[]]): GovernedSet => ({ ...setOf('s'), phases });
  await adopt('acme', setOf('s'));
  await raise();
  await raise();

  // More at the phase that it is in: back to the nearest that lets no more run than stood, as after any fall.
  const wider = await adopt('acme', setOf('s', 'ABC', 'xqz'));
  assert.match(
    wider.join(),
    /was at C, where this charter lets more run .* \(s\.q\): it falls to B, .*stabilisation/,
  );
  assert.deepEqual(await standing(), ['phase action:s.* B: s.x']);
  const told = { kind: 'governance.phase_changed', set: 's', change: 'fallen', from: 'C', to: 'B' };
  const cause = 'The charter lets more run at C than people have agreed to: s.q.';
  assert.deepEqual(world.entries.at(-1), { ...told, cause });
  assert.deepEqual([(await state()).stabilizationUntilMs], [clock.nowMs() + 30 * DAY_MS]);

  // A pattern that covers what stood is more; what is covered by what stood is not.
  await adopt('acme', ladder(phaseOf('A', ''), { ...phaseOf('B', ''), whitelist: ['s.*'] }));
  assert.deepEqual(await standing(), ['phase action:s.* A: ']);
  assert.deepEqual(await adopt('acme', setOf('s')), []);
  assert.equal((await state()).phase, 'A', 'what it was before has to be earned anew');

  // The name of the strictest phase put at the top, and where nothing is strict enough the first of all.
  const [up] = await adopt('acme', ladder(phaseOf('Z', ''), phaseOf('B', 'x'), phaseOf('A', 'xy')));
  assert.match(
    up ?? '',
    /was at A, which this charter puts higher than people have let it rise: it falls to Z/,
  );
  assert.deepEqual(await standing(), ['phase action:s.* Z: ']);
  await adopt('acme', ladder(phaseOf('P', 'x'), phaseOf('Z', 'x')));
  assert.deepEqual(await standing(), ['phase action:s.* P: s.x'], 'where a set that is new begins as well');

  // Nobody knows what stood once its rows are lost.
  await adopt('acme', setOf('s'));
  await raise();
  await store.withTenant(
    tenant,
    (tx) => tx`update mandate.restriction set lifted_at = now(), lifted_by = 'x', lift_reason = 'x'`,
  );
  assert.match((await adopt('acme', setOf('s'))).join(), /was at B, .* it falls to A/);
});

test('a proposal is made when nothing speaks against it, and raises the phase only if that still holds', async (t) => {
  const opened = await open(t);
  const { adopt, state, governance, world, clock, propose, approve, raise, order, standing } = opened;
  const { store, tenant } = opened;
  await adopt('acme', setOf('s'));
  const whyNot = async (set?: string) => {
    const answer = await propose(set);
    return answer.kind === 'refused' ? answer.why : answer.kind;
  };
  assert.deepEqual([await whyNot('none'), await whyNot()], ['unknown_set', 'stabilizing']);
  // All that stands in the way, as in the weekly report.
  world.readiness = { ...READY, score: 0.9499, unmetRequired: ['runbooks complete', 'team consensus'] };
  world.unresolved = 1;
  const all = await propose();
  assert.match(
    all.kind === 'refused' ? all.refusal.detail : '',
    /stabilisation until .* nobody has resolved it.* score is 0\.949; a proposal needs 0\.95.* 2 required items are not met: runbooks complete, team consensus/,
  );
  world.unresolved = 0;
  world.readiness = { ...READY, unmetRequired: [] };
  const nameless = await governance.propose({ ...order, source: 'person', by: 'key:k1', reason: 'steady' });
  assert.deepEqual(nameless.kind === 'refused' && [nameless.why, nameless.refusal.code], [
    'nobody',
    'forbidden',
  ]);
  await raise();
  assert.equal(await whyNot(), 'validating');
  clock.jumpTo(clock.nowMs() + 8 * DAY_MS);
  world.unresolved = 2;
  assert.equal(await whyNot(), 'breakers_unresolved');
  world.unresolved = 0;

  // A phase that changed while the record of the other one was gathered.
  world.evidence = { from: 'A', to: 'B', details: {} };
  assert.equal(await whyNot(), 'moved');
  world.evidence = null;

  // A breaker that has triggered since.
  const first = idOf(await propose());
  assert.equal(await whyNot(), 'pending');
  world.unresolved = 1;
  const refused = await approve(first);
  assert.match(refused.kind === 'refused' ? refused.detail : '', /triggered and nobody has resolved it/);
  world.unresolved = 0;

  // Evidence that has run out while it waited, and readiness that nobody can tell.
  for (const [readiness, detail] of [
    [
      { ...READY, score: 0.96, unmetRequired: ['on-call rotation trained'] },
      /not met: on-call rotation trained\. Propose it again/,
    ],
    [{ ...READY, score: 0.9, unmetRequired: [] }, /score is 0\.9; a proposal needs 0\.95/],
    [null, /cannot be assessed, so it is not ready/],
  ] as const) {
    world.readiness = readiness;
    assert.equal(await whyNot('s'), 'pending', 'it is not what comes first');
    const unready = await approve(first);
    assert.match(unready.kind === 'refused' ? unready.detail : '', detail);
  }
  world.readiness = { ...READY, unmetRequired: [] };

  // A charter that lengthens a probation or a stabilisation, which counts for what stands now as well.
  const [a, b, ...above] = setOf('s').phases;
  assert.ok(b !== undefined);
  const longer = { ...setOf('s'), firstStabilizationMs: 900 * DAY_MS };
  await adopt('acme', { ...longer, phases: [a, { ...b, validationMs: 99 * DAY_MS }, ...above] });
  const late = await approve(first);
  assert.match(
    late.kind === 'refused' ? late.detail : '',
    /in its stabilisation until .* B of s is on probation until .* Propose it again/,
  );
  await adopt('acme', setOf('s'));

  // A fall takes it back, also one that finds the set as low already; and what somebody voted on just then is worth nothing.
  await governance.fall({ ...order, to: 'previous' });
  assert.match(world.withdrawn.join(), /s fell to A: it went wrong/);
  const fallen = await approve(first);
  assert.match(fallen.kind === 'refused' ? fallen.detail : '', /it fell to A since/);
  clock.jumpTo(clock.nowMs() + 31 * DAY_MS);
  const second = idOf(await propose());
  // Somebody is voting on it: its row is locked, so it cannot be taken back, and their vote finds that out by itself.
  const voting = await store.withTenant(tenant, async (tx) => {
    await tx`select 1 from mandate.approval where id = ${second} for update`;
    return governance.fall({ ...order, to: 'first' });
  });
  assert.equal(voting.kind, 'unchanged');
  const overruled = await approve(second);
  assert.match(
    overruled.kind === 'refused' ? overruled.detail : '',
    /as it was then, and it fell to A since/,
  );
  await governance.fall({ ...order, to: 'first' });
  assert.deepEqual(world.withdrawn.slice(-1), ['it went wrong']);
  assert.equal((await state()).phase, 'A');

  // A charter that says something else of the step, and one that comes while it waits.
  const third = idOf(await propose());
  await adopt('acme', setOf('s', 'ABC', 'qyz'));
  assert.match(world.withdrawn.join(), /says something else of this step of s/);
  const outgrown = await approve(third);
  assert.equal(outgrown.kind, 'refused');

  // One that still holds raises it once, whoever else approves.
  const fourth = idOf(await propose());
  const both = await Promise.all([approve(fourth), approve(fourth)]);
  assert.deepEqual(both.map(({ kind }) => kind).toSorted(), ['applied', 'refused']);
  assert.deepEqual(await standing(), ['phase action:s.* B: s.q']);
  await raise();
  clock.jumpTo(clock.nowMs() + 200 * DAY_MS);
  assert.equal(await whyNot(), 'at_the_top');
  assert.equal((await governance.proposalIds('acme', 's', 2)).length, 2);
  assert.deepEqual(await governance.proposalIds('other', null, 9), []);
});
