import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualClock } from './manual-clock.ts';
import { createSlices } from './slices.ts';

test('everything else has its turn every ten milliseconds, and not oftener', async () => {
  const clock = manualClock();
  const slices = createSlices(clock, 60_000);
  let turns = 0;
  let isOver = false;
  const others = (): void => {
    turns += 1;
    if (!isOver) setImmediate(others);
  };
  setImmediate(others);
  for (let step = 0; step < 100; step += 1) {
    clock.advance(1);
    assert.equal(await slices.next(), true);
  }
  isOver = true;
  assert.ok(turns >= 9 && turns <= 11, `${turns} turns in 100 ms`);
});

test('once the time for the whole is over it says so, and goes on saying so', async () => {
  const clock = manualClock();
  const slices = createSlices(clock, 50);
  clock.advance(50);
  assert.equal(await slices.next(), true);
  clock.advance(1);
  assert.equal(await slices.next(), false);
  assert.equal(await slices.next(), false);
});
