import assert from 'node:assert/strict';
import test from 'node:test';
import { actionOf } from '../../../../test/plain.ts';
import { createRunning } from './running.ts';

const action = actionOf('test.run');
const act = { actId: 'act-1', tenant: 'default', action, agentClass: null, safeState: false };

// I2
test('an attempt that loses to another one leaves the winner within reach of a stop', async () => {
  const running = createRunning();
  const winner = running.enter(act);
  const loser = running.enter(act);
  loser.leave();
  assert.equal(running.count(), 1);
  assert.equal(
    running.abortWhere(() => true, 'stop'),
    1,
  );
  assert.equal(winner.signal.aborted, true);
  winner.leave();
  await running.drained();
});

test('a safe-state act is not broken off by the stop that it makes safe', () => {
  const running = createRunning();
  const { signal } = running.enter({ ...act, safeState: true });
  assert.equal(
    running.abortWhere(() => true, 'stop'),
    0,
  );
  assert.equal(signal.aborted, false);
  assert.equal(running.abort('default', 'act-1', 'by name'), true);
  assert.equal(signal.aborted, true);
});

test('an act is aborted by its own tenant only', () => {
  const running = createRunning();
  const { signal } = running.enter(act);
  assert.equal(running.abort('other', 'act-1', 'not yours'), false);
  assert.equal(signal.aborted, false);
});
