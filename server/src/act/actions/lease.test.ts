import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { openTestDatabase } from '../../../../test/postgres.ts';
import type { TestDatabase } from '../../../../test/postgres.ts';
import { until } from '../../../../test/until.ts';
import { createChance } from '../../platform/clock/clock.ts';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import type { ManualClock } from '../../platform/clock/manual-clock.ts';
import { createLease } from './lease.ts';
import type { Lease } from './lease.ts';

interface Held {
  readonly lease: Lease;
  readonly clock: ManualClock;
  readonly database: TestDatabase;
  readonly lapses: () => number;
  readonly losses: readonly unknown[];
}

async function leaseUntil({ admin }: TestDatabase): Promise<number> {
  const [row] = await admin<{ lease_until: number }[]>`select lease_until from mandate.worker`;
  return row?.lease_until ?? 0;
}

async function hold(t: TestContext): Promise<Held> {
  const database = await openTestDatabase(t);
  const clock = manualClock();
  const losses: unknown[] = [];
  let lapses = 0;
  const lease = createLease({
    db: database.store.control,
    clock,
    chance: createChance(clock),
    lost: (error) => losses.push(error),
    lapsed: () => {
      lapses += 1;
    },
    turned: () => undefined,
  });
  const started = lease.start();
  // The answer takes its time, so that the turns of the loop do not fall together with the end of the lease.
  clock.advance(300);
  await started;
  return { lease, clock, database, lapses: () => lapses, losses };
}

test('what runs is told to end at the very moment that the lease does, and not at some later look', async (t) => {
  const { lease, clock, database, lapses } = await hold(t);
  await database.store.control.end({ timeout: 1 });
  clock.advance(1_699);
  assert.deepEqual([lease.isHeld(), lapses()], [true, 0]);
  clock.advance(1);
  assert.deepEqual([lease.isHeld(), lapses()], [false, 1]);
  clock.advance(500);
  assert.ok(lapses() > 1, 'and whatever has slipped in since is told again');
});

// I2
test('a worker whose database has forgotten a stop begins nothing any more', async (t) => {
  const { lease, clock, database, lapses, losses } = await hold(t);
  const beat = async (what: string, done: () => boolean): Promise<void> => {
    await until(what, () => {
      clock.advance(500);
      return done();
    });
  };
  await database.store.control`update mandate.tenant set epoch = epoch + 1 where tenant = '*'`;
  let seen = await leaseUntil(database);
  for (const which of ['one heartbeat', 'and the next']) {
    const before = seen;
    await until(`${which} has been there since the stop`, async () => {
      clock.advance(500);
      seen = await leaseUntil(database);
      return seen > before + 50;
    });
  }
  // As a restored backup or a replica that lags behind would have it: the guard against falling epochs is not asked.
  await database.admin.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx`update mandate.tenant set epoch = epoch - 1 where tenant = '*'`;
  });
  await beat('the worker gives up', () => losses.length > 0);
  assert.match(String(losses[0]), /has forgotten stops/);
  assert.equal(lease.isHeld(), false);
  assert.ok(lapses() > 0);
  await database.admin`update mandate.tenant set epoch = epoch + 5 where tenant = '*'`;
  await beat('further heartbeats go through', () => lapses() > 10);
  assert.equal(lease.isHeld(), false, 'until somebody has looked and restarts it');
  await lease.close();
});
