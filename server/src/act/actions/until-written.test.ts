import assert from 'node:assert/strict';
import test from 'node:test';
import { manualClock } from '../../platform/clock/manual-clock.ts';
import { untilWritten } from './until-written.ts';

/** Fails `failures` times, then writes; the clock moves on whenever it has failed. */
async function attempt(failures: number, isHeld: () => boolean) {
  const clock = manualClock();
  const errors: unknown[] = [];
  let attempts = 0;
  const startMs = clock.monotonicMs();
  const written = await untilWritten(
    () => {
      attempts += 1;
      return attempts > failures
        ? Promise.resolve('written')
        : Promise.reject(new Error('the database is away'));
    },
    {
      clock: {
        after(ms, wake) {
          const cancel = clock.after(ms, wake);
          clock.advance(ms);
          return cancel;
        },
      },
      isHeld,
      failed: (error) => errors.push(error),
    },
  );
  return { written, attempts, failed: errors.length, waitedMs: clock.monotonicMs() - startMs };
}

test('an end that cannot be written is tried again, ever more slowly, until it is on record', async () => {
  assert.deepEqual(await attempt(6, () => true), {
    written: 'written',
    attempts: 7,
    failed: 6,
    waitedMs: 100 + 200 + 400 + 800 + 1_600 + 2_000,
  });
});

test('a process that has lost its lease leaves the end to others', async () => {
  assert.deepEqual(await attempt(6, () => false), {
    written: null,
    attempts: 1,
    failed: 1,
    waitedMs: 100,
  });
});
