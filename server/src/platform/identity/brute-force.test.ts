import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualClock } from '../clock/manual-clock.ts';
import { createBruteForce } from './brute-force.ts';

const settings = { burst: 4, burstPerCredential: 2, intervalMs: 1000 };

test('an address may fail a few times at once and then as often as debts are forgiven', () => {
  const clock = manualClock();
  const limiter = createBruteForce({ clock, ...settings });
  const waits: number[] = [];
  for (let n = 0; n < 6; n += 1) {
    waits.push(limiter.waitMs('192.0.2.1', `guess ${n}`));
    if (waits.at(-1) === 0) limiter.failed('192.0.2.1', `guess ${n}`);
  }
  assert.deepEqual(waits, [0, 0, 0, 0, 1000, 1000]);
  clock.advance(1000);
  assert.equal(limiter.waitMs('192.0.2.1', 'guess'), 0);
  assert.equal(limiter.waitMs('192.0.2.2', 'guess'), 0);
});

test('a program that keeps trying one dead key is slowed down before its neighbours are', () => {
  const limiter = createBruteForce({ clock: manualClock(), ...settings });
  limiter.failed('192.0.2.1', 'dead');
  limiter.failed('192.0.2.1', 'dead');
  assert.equal(limiter.waitMs('192.0.2.1', 'dead'), 1000);
  assert.equal(limiter.waitMs('192.0.2.1', 'alive'), 0);
});

test('a key that has worked is not held up by failures of others behind the same address', () => {
  const limiter = createBruteForce({ clock: manualClock(), ...settings });
  limiter.succeeded('good');
  for (let n = 0; n < 50; n += 1) limiter.failed('192.0.2.1', `guess ${n}`);
  assert.equal(limiter.waitMs('192.0.2.1', 'good'), 0);
  assert.ok(limiter.waitMs('192.0.2.1', 'another') > 0);
  // Revoked meanwhile: it is a stranger again.
  limiter.failed('192.0.2.1', 'good');
  assert.ok(limiter.waitMs('192.0.2.1', 'good') > 0);
});

test('all addresses of one IPv6 network count as one, and a mapped IPv4 address as itself', () => {
  const limiter = createBruteForce({ clock: manualClock(), ...settings });
  for (let n = 1; n <= 4; n += 1) limiter.failed(`2001:db8:0:1::${n}`, `guess ${n}`);
  assert.ok(limiter.waitMs('2001:0db8::1:aaaa:bbbb:cccc:dddd', 'x') > 0);
  assert.equal(limiter.waitMs('2001:db8:0:2::1', 'x'), 0);
  for (let n = 1; n <= 4; n += 1) limiter.failed('::ffff:192.0.2.9', `guess ${n}`);
  assert.ok(limiter.waitMs('192.0.2.9', 'x') > 0);
});

test('its memory is bounded', () => {
  const limiter = createBruteForce({ clock: manualClock(), ...settings, capacity: 10 });
  for (let n = 0; n < 4; n += 1) limiter.failed('192.0.2.1', `guess ${n}`);
  for (let n = 0; n < 20; n += 1) limiter.failed(`198.51.100.${n}`, 'guess');
  assert.equal(limiter.waitMs('192.0.2.1', 'x'), 0);
});
