import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Severity } from './action.ts';
import { NOON_MS, trustAt } from './fixtures.test.ts';
import { DEFAULT_TRUST, driftTrust, moveTrust, newTrust, trustLevel } from './trust.ts';
import type { TrustEvent, TrustState } from './trust.ts';

const DAY_MS = 86_400_000;

function success(severity: Severity, nowMs = NOON_MS): TrustEvent {
  return { kind: 'success', severity, counts: true, nowMs };
}

function failure(severity: Severity, nowMs = NOON_MS): TrustEvent {
  return { kind: 'failure', severity, counts: false, nowMs };
}

function after(state: TrustState, events: readonly TrustEvent[]): TrustState {
  return events.reduce((current, event) => moveTrust(current, event, DEFAULT_TRUST).state, state);
}

test('levels begin at 30, 60 and 85, and what is no number is probation', () => {
  const levels = [0, 29.999, 30, 59.999, 60, 84.999, 85, 100, Number.NaN].map((score) =>
    trustLevel(score, DEFAULT_TRUST),
  );
  const expected = [
    'probation',
    'probation',
    'standard',
    'standard',
    'trusted',
    'trusted',
    'autonomous',
    'autonomous',
    'probation',
  ];
  assert.deepEqual(levels, expected);
});

test('the first medium success moves 50 to 51', () => {
  const move = moveTrust(newTrust(DEFAULT_TRUST, NOON_MS), success('medium'), DEFAULT_TRUST);
  assert.equal(move.state.score, 51);
  assert.equal(move.delta, 1);
  assert.equal(move.freeze, null);
});

test('each severity has its gain and its loss', () => {
  const severities: readonly Severity[] = ['low', 'medium', 'high', 'critical'];
  const gains = severities.map((severity) => moveTrust(trustAt(50), success(severity), DEFAULT_TRUST).delta);
  const losses = severities.map((severity) => moveTrust(trustAt(50), failure(severity), DEFAULT_TRUST).delta);
  assert.deepEqual(gains, [0.5, 1, 2, 3]);
  assert.deepEqual(losses, [-1, -3, -8, -20]);
});

test('each success in the streak before adds 0.2, two points at most, and nothing to a low one', () => {
  const withStreak = (streak: number, severity: Severity): number =>
    moveTrust({ ...trustAt(50), streak }, success(severity), DEFAULT_TRUST).delta;
  assert.equal(withStreak(1, 'medium'), 1.2);
  assert.equal(withStreak(3, 'medium'), 1.6);
  assert.equal(withStreak(10, 'medium'), 3);
  assert.equal(withStreak(99, 'medium'), 3);
  assert.equal(withStreak(99, 'low'), 0.5);
});

test('a flood of successes buys ten points a day, and the next UTC day opens again', () => {
  const flooded = after(
    trustAt(50),
    Array.from({ length: 200 }, () => success('critical')),
  );
  assert.equal(flooded.score, 60);
  assert.match(moveTrust(flooded, success('low'), DEFAULT_TRUST).cause, /used up/);
  assert.equal(after(flooded, [success('low', NOON_MS + DAY_MS)]).score, 60.5);
});

test('a clock that was set back opens no second allowance', () => {
  const flooded = after(
    trustAt(50),
    Array.from({ length: 20 }, () => success('critical')),
  );
  assert.equal(after(flooded, [success('high', NOON_MS - DAY_MS), success('high')]).score, 60);
});

test('a success that only the agent reports moves nothing and hides no failure', () => {
  const state = after(trustAt(50), [failure('low'), failure('low')]);
  const move = moveTrust(state, { ...success('critical'), counts: false }, DEFAULT_TRUST);
  assert.equal(move.state, state);
  assert.equal(move.delta, 0);
});

test('three failures in a row freeze, and so does one critical one', () => {
  const two = after(trustAt(50), [failure('low'), failure('low')]);
  assert.equal(moveTrust(trustAt(50), failure('low'), DEFAULT_TRUST).freeze, null);
  assert.match(moveTrust(two, failure('low'), DEFAULT_TRUST).freeze ?? '', /3 failures/);
  assert.match(moveTrust(trustAt(50), failure('critical'), DEFAULT_TRUST).freeze ?? '', /critical/);
  assert.equal(moveTrust(after(two, [success('low')]), failure('low'), DEFAULT_TRUST).freeze, null);
});

test('idle agents drift down by 0.1 a whole day until the start, and never up', () => {
  const later = (days: number): number => NOON_MS + days * DAY_MS;
  assert.equal(driftTrust(trustAt(60), later(0.9), DEFAULT_TRUST).delta, 0);
  assert.equal(driftTrust(trustAt(60), later(1.5), DEFAULT_TRUST).state.score, 59.9);
  assert.equal(driftTrust(trustAt(50.05), later(30), DEFAULT_TRUST).state.score, 50);
  assert.equal(driftTrust(trustAt(40), later(30), DEFAULT_TRUST).state.score, 40);
});

test('it does not matter how often drift is applied', () => {
  const often = Array.from({ length: 40 }, (_, step) => NOON_MS + step * (DAY_MS / 4)).reduce(
    (state, nowMs) => driftTrust(state, nowMs, DEFAULT_TRUST).state,
    trustAt(80),
  );
  const once = driftTrust(trustAt(80), NOON_MS + 39 * (DAY_MS / 4), DEFAULT_TRUST).state;
  assert.deepEqual(often, once);
});

test('a score stays within 0 and 100, gains within the day, and every delta is the difference', () => {
  const events = fc.array(
    fc.record({
      kind: fc.constantFrom('success', 'failure'),
      severity: fc.constantFrom('low', 'medium', 'high', 'critical'),
      counts: fc.boolean(),
      nowMs: fc.integer({ min: NOON_MS, max: NOON_MS + 3 * DAY_MS }),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100 }), events, (score, all) => {
      let state = trustAt(score);
      for (const event of all) {
        const move = moveTrust(state, event, DEFAULT_TRUST);
        assert.ok(move.state.score >= 0 && move.state.score <= 100);
        assert.ok(move.state.gainedToday <= DEFAULT_TRUST.gainPerDay);
        assert.ok(Math.abs(move.state.score - state.score - move.delta) < 1e-9);
        assert.ok(event.kind === 'success' ? move.delta >= 0 : move.delta <= 0);
        state = move.state;
      }
    }),
  );
});
