// When a next phase is proposed: each single reason against it, and that several are all named; which week a moment
// belongs to; and that a proposal says of each command what its own record is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decideCycle, isoWeekOf } from './cycle.ts';
import type { CycleFacts } from './cycle.ts';
import { writeProposal } from './cycle-proposal.ts';
import type { ProposalFacts } from './cycle-proposal.ts';
import type { GovernedSet, Phase } from './governed-set.ts';
import type { CommandTypeMetrics } from './monitor.ts';
import type { GovernanceMetrics } from './report.ts';

const DAY_MS = 86_400_000;
const NOW = Date.parse('2026-11-20T16:00:00Z');

const L3: Phase = { name: 'L3', title: 'Human in Loop', whitelist: [], validationMs: 0, approvals: [] };
const PLUS: Phase = {
  name: 'L3+',
  title: 'Extended Control',
  whitelist: ['roaster.SET_POWER', 'roaster.SET_FAN'],
  validationMs: 14 * DAY_MS,
  approvals: ['tech-lead'],
};
const L5: Phase = {
  name: 'L5',
  title: 'Full Autonomy',
  whitelist: ['roaster.*'],
  validationMs: 60 * DAY_MS,
  approvals: ['tech-lead', 'exec-sponsor'],
};
const SET: GovernedSet = {
  name: 'roastery',
  patterns: ['roaster.*'],
  phases: [L3, PLUS, L5],
  stabilizationMs: 30 * DAY_MS,
  firstStabilizationMs: 180 * DAY_MS,
  cycle: '0 17 * * fri',
  timeZone: 'Europe/Berlin',
  origin: 'roastery.yaml:12:3 phases.roastery',
};
const FACTS: CycleFacts = {
  set: SET,
  phase: 'L3',
  nowMs: NOW,
  score: 0.95,
  unmetRequired: [],
  unresolvedBreakers: [],
  pendingProposal: null,
  stabilizationUntilMs: NOW,
  validationUntilMs: null,
};

test('the next phase is proposed when nothing stands in the way, and for each single thing that does it is not', () => {
  assert.deepEqual(decideCycle(FACTS), { kind: 'propose', target: 'L3+' });
  assert.deepEqual(decideCycle({ ...FACTS, score: 1, phase: 'L3+', stabilizationUntilMs: null }), {
    kind: 'propose',
    target: 'L5',
  });
  const breaker = { rule: 'High Error Rate', at: '2026-11-18T03:00:00.000Z' };
  const cases: readonly (readonly [Partial<CycleFacts>, string, RegExp])[] = [
    [{ score: 0.949_99 }, 'score_too_low', /score is 0\.949; a proposal needs 0\.95/],
    [{ score: Number.NaN }, 'score_too_low', /score is unknown/],
    [{ unmetRequired: ['runbooks complete'] }, 'required_unmet', /^A required item is not met: runbooks/],
    [{ unmetRequired: ['a', 'b'] }, 'required_unmet', /^2 required items are not met: a, b\./],
    [{ unresolvedBreakers: [breaker] }, 'breakers_unresolved', /High Error Rate \(since 2026-11-18\)/],
    [{ pendingProposal: { id: 'p1', title: 'Raise it' } }, 'proposal_pending', /\(Raise it, p1\)/],
    [{ stabilizationUntilMs: NOW + 1 }, 'stabilizing', /until 2026-11-20 \(1 day more\)/],
    [{ stabilizationUntilMs: Number.NaN }, 'stabilizing', /an unknown day/],
    [{ validationUntilMs: NOW + 9 * DAY_MS }, 'validating', /L3 is on probation until 2026-11-29 \(9 days/],
    [{ phase: 'L5' }, 'highest_phase', /L5 is the highest phase of roastery/],
    [{ phase: 'L4' }, 'phase_unknown', /no phase L4 for roastery any more \(it has L3, L3\+, L5\)/],
  ];
  for (const [fact, code, says] of cases) {
    const decision = decideCycle({ ...FACTS, ...fact });
    assert.ok(decision.kind === 'stay', code);
    assert.deepEqual(
      decision.reasons.map((reason) => reason.code),
      [code],
    );
    assert.match(decision.reasons[0]?.text ?? '', says);
  }
  const all = decideCycle({
    ...FACTS,
    score: 0.1,
    unmetRequired: ['x'],
    unresolvedBreakers: [breaker],
    pendingProposal: { id: 'p', title: 'Raise it' },
    stabilizationUntilMs: NOW + DAY_MS,
  });
  assert.equal(all.kind === 'stay' ? all.reasons.length : 0, 5, 'every reason is named');
});

test('a week is the one of ISO 8601 where the set is, across years, time zones and changes of clocks', () => {
  const weeks = (
    [
      ['2026-11-20T16:00:00Z', 'Europe/Berlin'],
      ['2027-01-03T12:00:00Z', 'UTC'],
      ['2027-01-04T00:00:00Z', 'UTC'],
      ['2024-12-30T00:00:00Z', 'UTC'],
      ['2026-11-22T23:30:00Z', 'Europe/Berlin'],
      ['2026-11-22T23:30:00Z', 'America/New_York'],
    ] as const
  ).map(([at, zone]) => isoWeekOf(Date.parse(at), zone));
  assert.deepEqual(weeks, ['2026-W47', '2026-W53', '2027-W01', '2025-W01', '2026-W48', '2026-W47']);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 40_000 }), (day) => {
      const at = day * DAY_MS;
      const isSame = isoWeekOf(at, 'UTC') === isoWeekOf(at + DAY_MS, 'UTC');
      assert.equal(isSame, new Date(at).getUTCDay() !== 0, 'a week ends with its Sunday and only there');
    }),
    { numRuns: 200 },
  );
});

const METRICS: GovernanceMetrics = {
  period: { start: '2026-05-24T16:00:00.000Z', end: '2026-11-20T16:00:00.000Z' },
  commands: {
    total: 500,
    proposed: 480,
    approved: 478,
    rejected: 2,
    succeeded: 499,
    failed: 1,
    rolledBack: 0,
  },
  rates: { successRate: 0.998, approvalRate: 478 / 480, rollbackRate: 0, errorRate: 0.002 },
  incidents: { total: 0, critical: 0, fromAutonomousActions: 0 },
  safety: { constraintViolations: 0, emergencyAborts: 0, safetyGateTriggers: 0 },
};

function record(commandType: string, succeeded: number, failed = 0): CommandTypeMetrics {
  const total = succeeded + failed;
  return {
    commandType,
    total,
    proposed: total,
    approved: total,
    rejected: 0,
    succeeded,
    failed,
    rolledBack: 0,
  };
}

const PROPOSAL: ProposalFacts = {
  set: SET,
  from: L3,
  to: PLUS,
  days: 190,
  metrics: METRICS,
  commandTypes: [record('roaster.SET_POWER', 400, 1), record('roaster.SET_FAN', 99)],
  readiness: { points: 77, maxPoints: 80 },
  breakerRules: ['High Error Rate'],
};

test('a proposal shows each new command with its own record, and its risk follows from the records', () => {
  const proposal = writeProposal(PROPOSAL);
  assert.deepEqual(proposal.commands[0], {
    pattern: 'roaster.SET_POWER',
    commandTypes: ['roaster.SET_POWER'],
    proposed: 401,
    approved: 401,
    succeeded: 400,
    failed: 1,
  });
  assert.deepEqual(
    [proposal.risk.level, proposal.validationDays, proposal.requiredApprovals],
    ['low', 14, ['tech-lead']],
  );
  assert.match(proposal.achievements.join(' '), /190 days at L3\..*77 of 80 points.*\(99\.8 %\)/);
  assert.match(proposal.rollbackPlan.join(' '), /takes roastery to L3;.*from L3\+ back to L3;.*30 days/);

  const unseen = writeProposal({ ...PROPOSAL, commandTypes: [record('roaster.SET_POWER', 400)] });
  assert.equal(unseen.risk.level, 'high');
  assert.match(unseen.risk.reasons[0] ?? '', /SET_FAN has no record/);
  const few = writeProposal({
    ...PROPOSAL,
    commandTypes: [record('roaster.SET_POWER', 400, 4), record('roaster.SET_FAN', 3)],
  });
  assert.deepEqual([few.risk.level, few.risk.reasons.length], ['medium', 2]);

  const top = writeProposal({
    ...PROPOSAL,
    from: PLUS,
    to: L5,
    commandTypes: [...PROPOSAL.commandTypes, record('roaster.PREHEAT', 30), record('roaster.ABORT', 2, 2)],
  });
  assert.deepEqual(
    top.commands.map(({ pattern, commandTypes, succeeded }) => [pattern, commandTypes, succeeded]),
    [['roaster.*', ['roaster.ABORT', 'roaster.PREHEAT'], 32]],
    'what ran without asking before is not counted again',
  );
});
