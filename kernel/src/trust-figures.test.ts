// Every figure that the vocabulary gives of trust, in one table: whoever changes one changes a promise.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Severity } from './action.ts';
import { decideWith, NOON_MS, ruleOf, settingOfAction, trustAt } from './fixtures.test.ts';
import { beginReplay, endReplay, replayOutcome } from './trust-replay.ts';
import type { TrustOutcome } from './trust-replay.ts';
import { DEFAULT_TRUST, driftTrust, moveTrust, newTrust, trustLevel } from './trust.ts';
import type { TrustState } from './trust.ts';

const DAY_MS = 86_400_000;
const SEVERITIES: readonly Severity[] = ['low', 'medium', 'high', 'critical'];

function move(state: TrustState, kind: 'success' | 'failure', severity: Severity) {
  return moveTrust(state, { kind, severity, counts: true, nowMs: NOON_MS }, DEFAULT_TRUST);
}

/** After so many successes in a row, with nothing gained today yet. */
function withStreak(streak: number): TrustState {
  return { ...trustAt(50), streak };
}

test('an agent starts at 50 on a scale from 0 to 100', () => {
  assert.equal(newTrust(DEFAULT_TRUST, NOON_MS).score, 50);
  assert.equal(move({ ...trustAt(99.9), gainedToday: 0 }, 'success', 'critical').state.score, 100);
  assert.equal(move(trustAt(3), 'failure', 'critical').state.score, 0);
});

test('levels lie at 30, 60 and 85', () => {
  const table: readonly (readonly [number, string])[] = [
    [0, 'probation'],
    [29.999, 'probation'],
    [30, 'standard'],
    [59.999, 'standard'],
    [60, 'trusted'],
    [84.999, 'trusted'],
    [85, 'autonomous'],
    [100, 'autonomous'],
  ];
  for (const [score, level] of table) assert.equal(trustLevel(score, DEFAULT_TRUST), level, String(score));
});

test('success and failure move by the figures of their severity, and a streak adds 0.2 each, at most 2, never to low', () => {
  const streaks = [0, 1, 5, 10, 11, 100];
  const gains: Readonly<Record<Severity, readonly number[]>> = {
    low: [0.5, 0.5, 0.5, 0.5, 0.5, 0.5],
    medium: [1, 1.2, 2, 3, 3, 3],
    high: [2, 2.2, 3, 4, 4, 4],
    critical: [3, 3.2, 4, 5, 5, 5],
  };
  const losses: Readonly<Record<Severity, number>> = { low: -1, medium: -3, high: -8, critical: -20 };
  for (const severity of SEVERITIES) {
    const found = streaks.map((streak) => move(withStreak(streak), 'success', severity).delta);
    assert.deepEqual(found, gains[severity], severity);
    for (const streak of streaks)
      assert.equal(move(withStreak(streak), 'failure', severity).delta, losses[severity], severity);
  }
});

test('gains are capped at 10 a day, losses are not, and the next day has its own 10', () => {
  let state = trustAt(50);
  for (let n = 0; n < 30; n += 1) state = move(state, 'success', 'critical').state;
  assert.equal(state.score, 60);
  const nextDay = moveTrust(
    state,
    { kind: 'success', severity: 'medium', counts: true, nowMs: NOON_MS + DAY_MS },
    DEFAULT_TRUST,
  );
  assert.equal(nextDay.delta, 3);
});

test('three failures in a row or one critical failure freeze, two do not, and a success begins the count anew', () => {
  const second = move(move(trustAt(50), 'failure', 'low').state, 'failure', 'low');
  assert.equal(second.freeze, null);
  assert.equal(move(second.state, 'failure', 'low').freeze, '3 failures in a row');
  const calmed = move(second.state, 'success', 'low').state;
  assert.equal(move(calmed, 'failure', 'medium').freeze, null);
  assert.equal(move(trustAt(90), 'failure', 'critical').freeze, 'a critical failure');
});

test('idle agents drift by 0.1 a day towards 50, from above only', () => {
  const after = (score: number, days: number): number =>
    driftTrust(trustAt(score), NOON_MS + days * DAY_MS, DEFAULT_TRUST).state.score;
  assert.deepEqual(
    [after(80, 0.99), after(80, 1), after(80, 10), after(50.05, 1), after(80, 10_000), after(49, 100)],
    [80, 79.9, 79, 50, 50, 49],
  );
});

test('trusted lifts yellow up to medium, autonomous lifts any, probation makes it red, and lift: false leaves it', () => {
  const table: readonly (readonly [number, Severity, string])[] = [
    [29.9, 'low', 'red'],
    [30, 'low', 'yellow'],
    [60, 'low', 'green'],
    [60, 'medium', 'green'],
    [60, 'high', 'yellow'],
    [85, 'high', 'green'],
    [85, 'critical', 'green'],
  ];
  const tierOf = (score: number, severity: Severity, lift: boolean): string =>
    decideWith({
      rules: [ruleOf('yellow', '*', { lift })],
      charter: { actions: [settingOfAction('*', { severity })] },
      facts: { trust: trustAt(score) },
    }).tier;
  for (const [score, severity, tier] of table) {
    assert.equal(tierOf(score, severity, true), tier, `${score} ${severity}`);
    if (score >= 30) assert.equal(tierOf(score, severity, false), 'yellow');
  }
});

const outcome: fc.Arbitrary<TrustOutcome> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constantFrom('success', 'failure'),
      severity: fc.constantFrom(...SEVERITIES),
      atMs: fc.constant(0),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unfrozen'), atMs: fc.constant(0) }) },
);

test('a replay under the settings of the time ends where the agent stands, whatever happened', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(outcome, fc.integer({ min: 0, max: 3 * DAY_MS }))), (steps) => {
      let nowMs = NOON_MS;
      let state = newTrust(DEFAULT_TRUST, nowMs);
      let replay = beginReplay(state);
      for (const [each, laterMs] of steps) {
        nowMs += laterMs;
        const step = { ...each, atMs: nowMs };
        replay = replayOutcome(replay, step, DEFAULT_TRUST);
        const drifted = driftTrust(state, nowMs, DEFAULT_TRUST).state;
        state =
          step.kind === 'unfrozen'
            ? { ...drifted, failuresInRow: 0 }
            : moveTrust(drifted, { ...step, counts: true, nowMs }, DEFAULT_TRUST).state;
      }
      assert.deepEqual(endReplay(replay, nowMs, DEFAULT_TRUST).state, state);
    }),
  );
});

test('a replay says when an agent would be frozen, until somebody lets it go on, and what would not have happened', () => {
  const failure: TrustOutcome = { kind: 'failure', severity: 'low', atMs: NOON_MS };
  const strict = { ...DEFAULT_TRUST, freezeAfterFailures: 2 };
  const run = (outcomes: readonly TrustOutcome[]) =>
    outcomes.reduce((replay, each) => replayOutcome(replay, each, strict), beginReplay(trustAt(50)));
  const frozen = run([failure, failure, failure]);
  assert.deepEqual(
    [frozen.freezes.length, frozen.frozenSinceMs, frozen.outcomesWhileFrozen, frozen.outcomes],
    [1, NOON_MS, 1, 3],
  );
  const free = run([failure, failure, { kind: 'unfrozen', atMs: NOON_MS }, failure]);
  assert.deepEqual([free.freezes.length, free.frozenSinceMs, free.outcomesWhileFrozen], [1, null, 0]);
});
