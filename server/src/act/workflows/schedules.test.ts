// Ticks on a clock that the test owns: one run each, however many processes look at it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScheduleSetting } from '@mandate/kernel';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import { openTestDatabase } from '../../../../test/postgres.ts';
import { createTicks } from './schedules.ts';
import { insertRun } from './store.ts';

const NIGHTLY: ScheduleSetting = {
  name: 'nightly',
  cron: '0 2 * * *',
  timezone: 'Europe/Berlin',
  template: 'report',
  input: {},
  agents: {},
};
const NOON = Date.parse('2026-03-27T12:00:00Z');

test('every tick begins one run across processes, and of those that were missed only the last', async (t) => {
  const { store, admin } = await openTestDatabase(t);
  await store.withTenant(
    'default',
    (tx) =>
      tx`insert into mandate.tenant (tenant, created_at) values ('default', now()) on conflict do nothing`,
  );
  const clock = manualClock(NOON);
  let next = 0;
  const process_ = () =>
    createTicks({
      control: store.control,
      clock,
      schedulesOf: () => Promise.resolve([NIGHTLY]),
      failed: (error) => assert.fail(String(error)),
      begin: async (asker, schedule, tickMs) => {
        next += 1;
        const id = `00000000-0000-4000-8000-${String(next).padStart(12, '0')}`;
        await store.withTenant(asker.tenant, (tx) =>
          insertRun(tx, asker.tenant, {
            id,
            template: 'report',
            version: 'v',
            started_by: asker.id,
            sealed: new Uint8Array(),
            schedule: schedule.name,
            tickMs,
            idempotency: null,
            trace_id: null,
            nowMs: clock.nowMs(),
          }),
        );
      },
    });
  const runs = async (): Promise<readonly string[]> => {
    const rows = await admin<{ tick: number }[]>`select tick from mandate.workflow_run order by tick`;
    return rows.map(({ tick }) => new Date(tick).toISOString());
  };
  const one = process_();
  const other = process_();
  await Promise.all([one.look(), other.look()]);
  assert.deepEqual(await runs(), [], 'nothing is due before its time');
  clock.advance(14 * 3_600_000);
  await Promise.all([one.look(), other.look(), one.look()]);
  assert.deepEqual(await runs(), ['2026-03-28T01:00:00.000Z']);
  // Nobody looks for three days; the clocks change meanwhile, and two in the morning of the 29th is an hour later.
  clock.advance(3 * 86_400_000);
  await process_().look();
  assert.deepEqual(await runs(), ['2026-03-28T01:00:00.000Z', '2026-03-31T00:00:00.000Z']);
  // The same for a process that was there all the time and could not look.
  clock.advance(86_400_000);
  await one.look();
  assert.deepEqual((await runs()).slice(2), ['2026-04-01T00:00:00.000Z']);
});
