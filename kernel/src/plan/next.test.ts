// What a run does when it does not go as planned: what is unclear, undone, paused or very long.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilePlan, nextSteps } from '../plan.ts';
import type { Memo, Plan, RunFacts, StepSetting, StepState, WorkflowTemplate } from '../plan.ts';
import { doing, step } from './fixtures.test.ts';

const NOW = 1_000_000;

function planned(steps: readonly StepSetting[], more: Partial<WorkflowTemplate> = {}): Plan {
  const compiled = compilePlan({
    name: 't',
    description: null,
    inputs: { list: { type: 'list', description: null }, text: { type: 'string', description: null } },
    steps,
    outputs: {},
    onFailure: 'compensate',
    parallel: 10,
    ...more,
  });
  assert.ok(compiled.kind === 'compiled', JSON.stringify(compiled));
  return compiled.plan;
}

function facts(states: Readonly<Record<string, StepState>>, more: Partial<RunFacts> = {}): RunFacts {
  return {
    mode: 'running',
    nowMs: NOW,
    inputs: {},
    run: {},
    states: new Map(Object.entries(states)),
    ...more,
  };
}

const DONE: StepState = { kind: 'succeeded', attempt: 1, endedMs: NOW, result: null };
const BROKEN: StepState = {
  kind: 'failed',
  attempt: 1,
  tries: 1,
  endedMs: NOW,
  error: 'broken',
  isFinal: true,
};
const begun = (awaiting: 'run' | 'person'): StepState => ({
  kind: 'begun',
  attempt: 1,
  sinceMs: NOW - 100,
  awaiting,
});
const UNDO = { compensate: { action: 'undo.it', parameters: {} } };

test('a step that takes too long is asked to end, and nothing of it begins before it has', () => {
  const plan = planned([step('a', { timeoutMs: 100, retries: { max: 3, backoffMs: 1 } })]);
  const next = nextSteps(plan, facts({ a: begun('run') }));
  assert.deepEqual(
    [next.giveUp.map(({ instance, isTimeout }) => [instance, isTimeout]), next.begin, next.end],
    [[['a', true]], [], null],
  );
  assert.deepEqual(
    nextSteps(plan, facts({ a: begun('person') })).giveUp,
    [],
    'what is unclear a person decides',
  );
});

test('a cancelled run waits for what is at work, and names what nobody knows the end of', () => {
  const plan = planned([step('a', UNDO), step('b'), step('c', { needs: ['a', 'b'] })]);
  const mode = 'cancelling';
  assert.equal(nextSteps(plan, facts({ a: begun('run'), b: begun('person') }, { mode })).end, null);
  assert.deepEqual(
    nextSteps(plan, facts({ a: DONE, b: begun('person') }, { mode })).begin.map(({ instance }) => instance),
    ['~a'],
  );
  assert.deepEqual(nextSteps(plan, facts({ a: DONE, '~a': DONE, b: begun('person') }, { mode })).end, {
    kind: 'cancelled',
    error: 'Cancelled. Nobody knows how this ended: b. Find out before it is done again.',
  });
});

test('a paused run whose step has failed neither ends nor undoes anything', () => {
  const next = nextSteps(
    planned([step('a', UNDO), step('b', { needs: ['a'] })]),
    facts({ a: DONE, b: BROKEN }, { mode: 'paused' }),
  );
  assert.deepEqual([next.begin, next.end, next.waitsFor], [[], null, ['resume']]);
});

test('nothing is built on what has been undone', () => {
  const plan = planned([step('a', UNDO), step('b', { needs: ['a'] })]);
  const next = nextSteps(plan, facts({ a: DONE, '~a': DONE, b: { kind: 'reset', attempt: 1 } }));
  assert.deepEqual(next.begin, []);
  assert.match(JSON.stringify(next.end), /a: It was undone while the run was to go on/);
});

test('of a long list only what begins now is worked out', () => {
  const plan = planned([
    step('each', {
      forEach: { in: 'inputs.list', max: 4 },
      does: doing({ n: '${{ item.n }}' }),
    }),
  ]);
  const list = Array.from({ length: 1_000 }, (_, n) => (n < 10 ? { n } : {}));
  const next = nextSteps(plan, facts({}, { inputs: { list } }));
  assert.deepEqual(
    [next.begin.length, next.settle],
    [4, []],
    'the element that cannot be asked for is not reached',
  );
});

test('the lists of a run have a bounded number of elements together', () => {
  const steps = Array.from({ length: 11 }, (_, n) =>
    step(`s${n}`, { forEach: { in: 'inputs.list', max: 1 } }),
  );
  const list = Array.from({ length: 1_000 }, (_, n) => n);
  const { settle } = nextSteps(planned(steps), facts({}, { inputs: { list } }));
  assert.match(JSON.stringify(settle), /"instance":"s10".*11000 elements together; 10000 is the most/);
});

test('a long look is cut short and goes on from its memo until it has seen everything', () => {
  const steps = Array.from({ length: 100 }, (_, n) => step(`s${n}`, { when: "inputs.text == 'go'" }));
  const plan = planned(steps, { parallel: 100 });
  const memo: Memo = new Map();
  const states: Record<string, StepState> = {};
  const seen = [];
  for (let looks = 1; ; looks += 1) {
    assert.ok(looks < 20, 'every look gets on');
    const next = nextSteps(plan, facts(states, { inputs: { text: 'go' }, memo }));
    seen.push(next.begin.length);
    for (const { instance } of next.begin) states[instance] = begun('run');
    if (!next.more) break;
    assert.equal(next.end, null);
  }
  assert.ok(seen.length > 3 && Math.max(...seen) <= 32, seen.join(' '));
  assert.equal(Object.keys(states).length, 100);
});

test('an error says what the template says and never what was put in', () => {
  const secret = "it's s3cr3t' is no";
  const inputs = { text: secret };
  const sources = [
    'int(inputs.text)',
    'duration(inputs.text)',
    'timestamp(inputs.text)',
    '{"a": 1}[inputs.text]',
    "timestamp('2026-01-01T00:00:00Z').getHours(inputs.text)",
    "'x'.matches('(' + inputs.text)",
  ];
  for (const source of sources) {
    const plan = planned([step('a', { does: doing({ n: `\${{ ${source} }}` }) })]);
    const [settled] = nextSteps(plan, facts({}, { inputs })).settle;
    const error = settled?.kind === 'failed' ? settled.error : '';
    assert.ok(error.includes(source), error);
    assert.doesNotMatch(error.replace(source, ''), /s3cr3t/, source);
  }
  const missing = planned([step('a', { does: doing({ n: '${{ inputs.list[0].name }}' }) })]);
  assert.match(
    JSON.stringify(nextSteps(missing, facts({}, { inputs: { list: [{}] } })).settle),
    /no such key: 'name'/,
    'what stands in the template may be named',
  );
});
