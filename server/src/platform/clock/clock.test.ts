import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createChance, systemClock, wait } from './clock.ts';
import { manualClock, seededChance } from './manual-clock.ts';

const UUID_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('ids are version 7, distinct, and sort by creation even when the clock stands still or goes back', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 40 }), (jumps) => {
      const clock = manualClock();
      const chance = seededChance(clock);
      const ids: string[] = [];
      for (const jump of jumps) {
        clock.jumpTo(clock.nowMs() + jump);
        ids.push(chance.uuid(), chance.uuid());
      }
      for (const id of ids) assert.match(id, UUID_7);
      assert.deepEqual(ids.toSorted(), ids);
      assert.equal(new Set(ids).size, ids.length);
    }),
  );
});

test('ten thousand ids within one millisecond still ascend', () => {
  const chance = createChance(manualClock());
  const ids = Array.from({ length: 10_000 }, () => chance.uuid());
  assert.deepEqual(ids.toSorted(), ids);
  assert.equal(new Set(ids).size, ids.length);
});

test('an id carries the wall time of its creation', () => {
  const id = seededChance(manualClock(1_767_225_600_123)).uuid();
  assert.equal(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16), 1_767_225_600_123);
});

test('timers of the manual clock run in the order of their deadlines and see the time they were due', () => {
  const clock = manualClock(1000);
  const seen: string[] = [];
  clock.after(30, () => seen.push(`late ${clock.nowMs()}`));
  clock.after(10, () => {
    seen.push(`early ${clock.nowMs()}`);
    clock.after(5, () => seen.push(`nested ${clock.nowMs()}`));
  });
  clock.after(20, () => seen.push('cancelled'))();
  clock.advance(30);
  assert.deepEqual(seen, ['early 1010', 'nested 1015', 'late 1030']);
  assert.equal(clock.nowMs(), 1030);
});

test('a wait ends when its time has passed, or at once when it is aborted', async () => {
  const clock = manualClock();
  const passed = wait(clock, 100);
  clock.advance(100);
  assert.equal(await passed, true);
  const abort = new AbortController();
  const aborted = wait(clock, 100, abort.signal);
  abort.abort();
  assert.equal(await aborted, false);
  assert.equal(await wait(clock, 100, abort.signal), false);
});

test('the system clock counts in milliseconds and its timers can be cancelled', async () => {
  const before = systemClock.monotonicMs();
  assert.ok(Math.abs(systemClock.nowMs() - Date.now()) < 1000);
  systemClock.after(0, () => assert.fail('a cancelled timer ran'))();
  // A delay above 2^31 ms fires at once when it is handed to setTimeout as it is.
  const cancelFar = systemClock.after(10 ** 12, () => assert.fail('a far timer ran at once'));
  const keepAlive = setTimeout(() => undefined, 1000);
  await new Promise<void>((resolve) => systemClock.after(2, resolve));
  clearTimeout(keepAlive);
  cancelFar();
  assert.ok(systemClock.monotonicMs() >= before);
});
