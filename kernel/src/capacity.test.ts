import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capacitiesOf, DEFAULT_APPROVALS, describeCapacities, tally } from './approval.ts';
import type { StandIn, Turn } from './approval.ts';
import type { Decision } from './decision.ts';
import { actionOf, decideWith, NOON_MS, ruleOf } from './fixtures.test.ts';
import type { Capacity, Vote } from './vote.ts';

const STAND_INS: readonly StandIn[] = [
  { user: 'ben', for: 'tech-lead', of: 'ada', fromMs: 100, untilMs: 200 },
  { user: 'sue', for: 'security-lead', of: null, fromMs: null, untilMs: null },
  { user: 'ada', for: 'tech-lead', of: 'ben', fromMs: null, untilMs: null },
];

interface Row {
  readonly by: string;
  readonly roles: readonly string[];
  readonly required: readonly string[];
  readonly escalatedTo?: readonly string[];
  readonly nowMs?: number;
  /** `role via of`. */
  readonly may: readonly string[];
}

// prettier-ignore
const TABLE: readonly Row[] = [
  { by: 'user:ada', roles: ['tech-lead'], required: ['tech-lead'], may: ['tech-lead role'] },
  { by: 'user:ada', roles: ['tech-lead'], required: [], may: ['tech-lead role'] },
  { by: 'user:olga', roles: ['ops-lead'], required: ['tech-lead'], may: ['ops-lead role'] },
  { by: 'user:amy', roles: ['admin'], required: ['tech-lead', 'security-lead'], may: ['tech-lead role', 'security-lead role'] },
  { by: 'user:amy', roles: ['admin'], required: [], may: ['admin role'] },
  { by: 'user:vera', roles: ['viewer', 'operator'], required: ['tech-lead'], may: [] },
  { by: 'agent:x', roles: ['agent', 'admin'], required: [], may: [] },
  { by: 'key:m', roles: ['scrape', 'tech-lead'], required: ['tech-lead'], may: [] },
  { by: 'user:ben', roles: [], required: ['tech-lead'], nowMs: 99, may: [] },
  { by: 'user:ben', roles: [], required: ['tech-lead'], nowMs: 100, may: ['tech-lead stand-in ada'] },
  { by: 'user:ben', roles: [], required: [], nowMs: 199, may: ['tech-lead stand-in ada'] },
  { by: 'user:ben', roles: [], required: ['tech-lead'], nowMs: 200, may: [] },
  { by: 'user:ben', roles: [], required: ['tech-lead'], nowMs: Number.NaN, may: [] },
  { by: 'key:ben', roles: [], required: ['tech-lead'], nowMs: 150, may: [] },
  { by: 'user:sue', roles: ['viewer'], required: ['security-lead'], may: ['security-lead stand-in'] },
  { by: 'user:sue', roles: ['viewer'], required: [], may: [] },
  { by: 'user:pat', roles: ['product-lead'], required: ['tech-lead'], escalatedTo: ['product-lead'], may: ['product-lead role', 'tech-lead escalation'] },
  { by: 'user:cleo', roles: [], required: ['tech-lead', 'ops-lead'], escalatedTo: ['user:cleo'], may: ['tech-lead escalation', 'ops-lead escalation'] },
  { by: 'user:cleo', roles: [], required: [], escalatedTo: ['user:cleo'], may: ['approver escalation'] },
  { by: 'agent:cleo', roles: ['agent'], required: [], escalatedTo: ['agent:cleo'], may: [] },
];

function wordsOf(capacities: readonly Capacity[]): readonly string[] {
  return capacities.map(({ role, via, of }) => [role, via, ...(of === null ? [] : [of])].join(' '));
}

test('somebody votes by a role of their own, as a stand-in in their time, or when it is their turn, and as nothing else', () => {
  for (const { by, roles, required, escalatedTo = [], nowMs = 150, may } of TABLE) {
    const turn: Turn = { standIns: STAND_INS, escalatedTo, nowMs };
    const capacities = capacitiesOf({ by, roles }, { requiredRoles: required }, turn);
    assert.deepEqual(wordsOf(capacities), may, `${by} ${roles.join()} on ${required.join()} at ${nowMs}`);
  }
});

test('a vote in another’s place counts for the role, and for one person', () => {
  const needs = { requiredRoles: ['tech-lead'], quorum: 2, expiresMs: 1, fourEyes: true };
  const requester = { principal: 'user:rob', agent: 'agent:builder', user: 'user:una' };
  const vote = (by: string, role: string | null): Vote => ({
    by,
    roles: role === null ? ['ops-lead'] : [],
    decision: 'approve',
    capacities: role === null ? [] : [{ role, via: 'stand-in', of: 'ada' }],
  });
  const kindOf = (...votes: readonly Vote[]) => tally(needs, votes, requester).kind;
  assert.equal(kindOf(vote('user:ben', 'tech-lead')), 'pending', 'two people are needed');
  assert.equal(kindOf(vote('user:ben', 'tech-lead'), vote('user:olga', null)), 'approved');
  assert.equal(
    kindOf(vote('user:olga', null), vote('user:otto', null)),
    'pending',
    'nobody speaks for the tech-lead',
  );
  for (const own of ['user:rob', 'user:una', 'agent:builder'])
    assert.equal(kindOf(vote(own, 'tech-lead'), vote('user:olga', null)), 'pending', `${own} asked`);
  const machine: Vote = { ...vote('agent:x', 'tech-lead'), roles: ['agent'] };
  assert.equal(kindOf(machine, vote('user:olga', null)), 'pending', 'a machine stands in for nobody');
});

test('who voted reads as people say it', () => {
  const one = (via: Capacity['via'], of: string | null): string =>
    describeCapacities('user:ben', [{ role: 'tech-lead', via, of }]);
  assert.deepEqual(
    [one('role', null), one('stand-in', 'ada'), one('stand-in', null), one('escalation', null)],
    [
      'ben for tech-lead',
      'ben for tech-lead (stand-in of ada)',
      'ben for tech-lead (named by the charter)',
      'ben for tech-lead (handed on to them)',
    ],
  );
  assert.equal(describeCapacities('key:x', []), 'key:x');
});

const RED = ruleOf('red', 'deploy.production', { approvers: ['tech-lead'] });
const signature = {
  id: 'grant-1',
  causes: ['rule:deploy.production'],
  requiredRoles: ['tech-lead'],
  quorum: 1,
  fourEyes: false,
  createdMs: NOON_MS - 3_600_000,
  expiresMs: NOON_MS + 1,
};

test('what people let run again runs although it is red, for the causes that they saw and while it lasts', () => {
  const decided = (facts: Parameters<typeof decideWith>[0]['facts'], rule = RED): Decision =>
    decideWith({ rules: [rule], action: actionOf('deploy.production'), facts: facts ?? {} });
  const runs = decided({ signatures: [signature] });
  assert.deepEqual(
    [runs.effect, runs.code, runs.tier, runs.signature],
    ['execute', 'remembered', 'red', 'grant-1'],
  );
  const later = { ...signature, id: 'grant-2', expiresMs: NOON_MS + 9 };
  assert.equal(decided({ signatures: [{ ...signature, expiresMs: NOON_MS }, later] }).signature, 'grant-2');
  for (const [why, given] of [
    ['it has ended', { ...signature, expiresMs: NOON_MS }],
    ['its end is no number', { ...signature, expiresMs: Number.NaN }],
    ['people saw another cause', { ...signature, causes: ['rule:deploy.*'] }],
    ['another role is asked for now', { ...signature, requiredRoles: [] }],
  ] as const) {
    const held = decided({ signatures: [given] });
    assert.deepEqual([held.effect, held.code, held.signature], ['hold', 'approval_required', undefined], why);
  }
  assert.equal(decided({ signatures: [signature], mode: 'SUPERVISED' }).effect, 'hold', 'a new cause');
  const two = ruleOf('red', 'deploy.production', { approvers: ['tech-lead'], quorum: 2 });
  assert.equal(decided({ signatures: [signature] }, two).effect, 'hold', 'more people are asked for now');
});

// I5
test('what people let run again counts for as long as the charter of today lets it, not that of the day it was given', () => {
  const HOUR_MS = 3_600_000;
  const under = (rememberMaxMs: number, createdMs: number): string =>
    decideWith({
      rules: [RED],
      charter: { approvals: { ...DEFAULT_APPROVALS, rememberMaxMs } },
      action: actionOf('deploy.production'),
      facts: { signatures: [{ ...signature, createdMs }] },
    }).code;
  assert.equal(under(2 * HOUR_MS, NOON_MS - HOUR_MS), 'remembered');
  for (const [why, capMs, createdMs] of [
    ['never', 0, NOON_MS - HOUR_MS],
    ['never, and a clock that runs ahead', 0, NOON_MS + HOUR_MS],
    ['a shorter time', HOUR_MS / 2, NOON_MS - HOUR_MS],
    ['just over', HOUR_MS, NOON_MS - HOUR_MS],
    ['no number', HOUR_MS, Number.NaN],
  ] as const)
    assert.equal(under(capMs, createdMs), 'approval_required', why);
});

test('what people let run again is never over black, a stop, a freeze, or missing authority', () => {
  const black = ruleOf('black', 'deploy.production');
  const all = {
    ...signature,
    causes: ['rule:deploy.production', 'restriction:stop-1', 'restriction:freeze-1'],
  };
  assert.equal(
    decideWith({ rules: [black], action: actionOf('deploy.production'), facts: { signatures: [all] } }).code,
    'denied',
  );
  assert.equal(
    decideWith({
      rules: [RED],
      action: actionOf('deploy.production'),
      facts: { signatures: [all], principal: null },
    }).code,
    'anonymous',
  );
  for (const kind of ['stop', 'freeze'] as const) {
    const restrictions = [
      {
        id: `${kind}-1`,
        kind,
        scope: 'tenant',
        floor: 'red',
        except: [],
        cause: 'x',
        by: 'x',
        sinceMs: 0,
        untilMs: null,
      } as const,
    ];
    const decision = decideWith({
      rules: [RED],
      action: actionOf('deploy.production'),
      facts: { signatures: [all], restrictions },
    });
    assert.deepEqual([decision.effect, decision.signature], ['deny', undefined], kind);
  }
});

test('who is next in line is said with the hold: by the rule, else by the charter', () => {
  const own = [{ afterMs: 1, to: 'ops-lead' }];
  const all = [{ afterMs: 2, to: 'user:cleo' }];
  const approvals = {
    subjects: {},
    standIns: [],
    escalate: all,
    rememberMaxMs: 0,
    fatigue: { perHour: null, minReadingMs: null },
  };
  const rule = ruleOf('red', 'deploy.production', { escalate: own });
  const escalateOf = (needs: Parameters<typeof decideWith>[0]) =>
    decideWith({ action: actionOf('deploy.production'), ...needs }).approval?.escalate;
  assert.deepEqual(escalateOf({ rules: [rule], charter: { approvals } }), own);
  assert.deepEqual(escalateOf({ rules: [RED], charter: { approvals } }), all);
  assert.deepEqual(escalateOf({ rules: [], charter: { approvals } }), all, 'also where no rule matches');
  assert.equal(escalateOf({ rules: [RED] }), undefined);
});
