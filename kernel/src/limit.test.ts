import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionOf, charterOf, NOON_MS } from './fixtures.test.ts';
import { describeExceeded, findExceeded, reservationsFor } from './limit.ts';
import type { LimitSubject } from './limit.ts';

const ALL = charterOf([], {
  limits: { concurrentAgents: 150, usdPerDayMicroUsd: 100_000_000, actionsPerMinute: 60 },
  agents: {
    'builder-1': { class: null, usdPerDayMicroUsd: 20_000_000 },
    'lead-1': { class: null, usdPerDayMicroUsd: 30_000_000 },
    idle: { class: null, usdPerDayMicroUsd: null },
  },
  users: { bob: { scopes: [], roles: [], usdPerDayMicroUsd: 5_000_000 }, carol: { scopes: [], roles: [] } },
});

function subjectOf(more: Parameters<typeof actionOf>[1] = {}): LimitSubject {
  return { action: actionOf('test.run_suite', more), costMicroUsd: 250_000, nowMs: NOON_MS + 30_500 };
}

test('a charter without ceilings reserves nothing', () => {
  assert.deepEqual(reservationsFor(charterOf([]), subjectOf()), []);
});

test('cost is charged for the UTC day, a rate for the minute, and concurrency for no window', () => {
  const found = reservationsFor(ALL, subjectOf()).map(({ key, amount, ceiling, windowStartMs, windowMs }) => [
    key,
    amount,
    ceiling,
    windowStartMs,
    windowMs,
  ]);
  const midnight = Date.UTC(2026, 10, 20);
  assert.deepEqual(found, [
    ['usd/tenant', 250_000, 100_000_000, midnight, 86_400_000],
    ['usd/agent:builder-1', 250_000, 20_000_000, midnight, 86_400_000],
    ['rate/agent:builder-1/test.run_suite', 1, 60, NOON_MS, 60_000],
    ['concurrentAgents', 1, 150, 0, 0],
  ]);
});

test('the user at the root is charged under an own ceiling, else under the tenant’s', () => {
  const ceilingOf = (id: string): number | undefined =>
    reservationsFor(ALL, subjectOf({ user: { id, email: null } })).find(({ key }) => key === `usd/user:${id}`)
      ?.ceiling;
  assert.equal(ceilingOf('bob'), 5_000_000);
  assert.equal(ceilingOf('carol'), 100_000_000);
  assert.equal(ceilingOf('constructor'), 100_000_000);
});

test('a rate is charged to the agent, to whoever handed the work on, and to the user at the root', () => {
  const rates = reservationsFor(
    ALL,
    subjectOf({ chain: ['lead-1', 'builder-1'], user: { id: 'bob', email: null } }),
  ).flatMap(({ key, kind }) => (kind === 'rate' ? [key] : []));
  assert.deepEqual(rates, [
    'rate/agent:builder-1/test.run_suite',
    'rate/agent:lead-1/test.run_suite',
    'rate/user:bob/test.run_suite',
  ]);
});

test('workers charge the agents that sent them, each once, so fanning out buys nothing', () => {
  const keys = reservationsFor(ALL, subjectOf({ chain: ['lead-1', 'idle', 'lead-1', 'builder-1'] })).map(
    ({ key }) => key,
  );
  assert.deepEqual(
    keys.filter((key) => key.startsWith('usd/agent')),
    ['usd/agent:builder-1', 'usd/agent:lead-1'],
  );
  const withUser = reservationsFor(ALL, subjectOf({ user: { id: 'bob', email: null } })).map(
    ({ key }) => key,
  );
  assert.ok(withUser.includes('rate/user:bob/test.run_suite'));
});

test('a ceiling holds up to its last unit and no further', () => {
  const reservations = reservationsFor(ALL, subjectOf());
  assert.equal(findExceeded(reservations, {}), null);
  assert.equal(findExceeded(reservations, { 'usd/tenant': 99_750_000 }), null);
  assert.equal(findExceeded(reservations, { 'usd/tenant': 99_750_001 })?.key, 'usd/tenant');
  assert.equal(findExceeded(reservations, { concurrentAgents: 149 }), null);
  assert.equal(findExceeded(reservations, { concurrentAgents: 150 })?.key, 'concurrentAgents');
});

test('after a settlement above its reservation nothing fits, not even what is free', () => {
  const free = reservationsFor(ALL, { ...subjectOf(), costMicroUsd: 0 });
  assert.equal(findExceeded(free, { 'usd/tenant': 100_000_000 }), null);
  assert.equal(findExceeded(free, { 'usd/tenant': 100_000_001 })?.key, 'usd/tenant');
});

test('a figure that is not a number counts as over the ceiling', () => {
  assert.equal(
    findExceeded(reservationsFor(ALL, subjectOf()), { 'usd/tenant': Number.NaN })?.key,
    'usd/tenant',
  );
});

test('a cost over its ceiling is told before a rate, since waiting a minute would not help', () => {
  const used = { 'usd/agent:builder-1': 20_000_000, 'rate/agent:builder-1/test.run_suite': 60 };
  const reservations = reservationsFor(ALL, subjectOf()).toReversed();
  assert.equal(findExceeded(reservations, used)?.key, 'usd/agent:builder-1');
});

test('every refusal names the ceiling and who can raise it', () => {
  for (const reservation of reservationsFor(ALL, subjectOf({ user: { id: 'bob', email: null } }))) {
    const text = describeExceeded(reservation);
    assert.ok(text.includes(reservation.key), text);
    assert.match(text, /in the charter, which an admin may change/);
  }
});
