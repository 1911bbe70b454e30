// What a template may say, and what comes next in a run of it: tables of mistakes, and properties that hold for every
// graph and every order in which its steps end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compilePlan, MAX_STEPS, nextSteps, readInstance } from './plan.ts';
import { doing, step } from './plan/fixtures.test.ts';
import type { Plan, RunFacts, StepSetting, StepState, WorkflowTemplate } from './plan.ts';

const NOW = 1_000_000;

function template(steps: readonly StepSetting[], more: Partial<WorkflowTemplate> = {}): WorkflowTemplate {
  return {
    name: 't',
    description: null,
    inputs: {},
    steps,
    outputs: {},
    onFailure: 'stop',
    parallel: 10,
    ...more,
  };
}

function planned(steps: readonly StepSetting[], more: Partial<WorkflowTemplate> = {}): Plan {
  const compiled = compilePlan(template(steps, more));
  assert.ok(compiled.kind === 'compiled', JSON.stringify(compiled));
  return compiled.plan;
}

function mistakes(steps: readonly StepSetting[], more: Partial<WorkflowTemplate> = {}): readonly string[] {
  const compiled = compilePlan(template(steps, more));
  return compiled.kind === 'refused'
    ? compiled.problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
    : [];
}

function facts(states: ReadonlyMap<string, StepState>, more: Partial<RunFacts> = {}): RunFacts {
  return { mode: 'running', nowMs: NOW, inputs: {}, run: {}, states, ...more };
}

const does = (parameters: Record<string, string>): Pick<StepSetting, 'does'> => ({
  does: doing(parameters),
});
const succeeded = (result: unknown = null, endedMs = NOW): StepState => ({
  kind: 'succeeded',
  attempt: 1,
  endedMs,
  result: result as null,
});

const REFUSED: readonly (readonly [string, readonly StepSetting[], Partial<WorkflowTemplate>, RegExp])[] = [
  ['no step', [], {}, /There is no step/],
  ['a step twice', [step('a'), step('a')], {}, /steps\.1\.id: There is a step a already \(steps\[0\]\)/],
  ['an id that is no name', [step('a-b')], {}, /letters, digits and _ \(so that steps\.a_b\.result/],
  [
    'an unknown need',
    [step('build'), step('b', { needs: ['biuld'] })],
    {},
    /steps\.1\.needs\.0: There is no step biuld \(did you mean 'build'\?\)/,
  ],
  [
    'a circle',
    [step('a', { needs: ['c'] }), step('b', { needs: ['a'] }), step('c', { needs: ['b'] })],
    {},
    /a → b → c → a|b → c → a → b|c → a → b → c/,
  ],
  ['a step that waits for itself', [step('a', { needs: ['a'] })], {}, /a → a/],
  [
    'a step behind a circle',
    [step('a', { needs: ['b'] }), step('b', { needs: ['a'] }), step('c', { needs: ['b'] })],
    {},
    /The step c is never reached/,
  ],
  [
    'a condition that never holds',
    [step('a', { when: 'false' })],
    {},
    /The step a is never reached: this condition is always false/,
  ],
  [
    'a step behind one',
    [step('a', { when: '1 > 2' }), step('b', { needs: ['a'] })],
    {},
    /The step b is never reached: it needs a/,
  ],
  [
    'an unknown input',
    [step('a', does({ x: '${{ inputs.vesion }}' }))],
    { inputs: { version: { type: 'string', description: null } } },
    /There is no input vesion \(did you mean 'version'\?\)/,
  ],
  [
    'a result that is not waited for',
    [step('a'), step('b', does({ x: '${{ steps.a.result }}' }))],
    {},
    /looks at a without waiting for it\. Write a under needs/,
  ],
  ['a result of nothing', [step('a', does({ x: '${{ steps.z.result }}' }))], {}, /There is no step z/],
  ['all results at once', [step('a', { when: 'size(steps) > 0' })], {}, /Write steps\.NAME/],
  [
    'bad CEL',
    [step('a', { when: 'inputs.x ==' })],
    { inputs: { x: { type: 'string', description: null } } },
    /steps\.0\.when/,
  ],
  ['a condition that is none', [step('a', { when: '1 + 1' })], {}, /A condition is true or false/],
  ['an expression that is never closed', [step('a', does({ x: '${{ inputs.x' }))], {}, /never closed/],
  [
    'an action that is none',
    [
      step('a', {
        does: doing({}, 'work.*'),
      }),
    ],
    {},
    /This is no action/,
  ],
  [
    'too many steps',
    Array.from({ length: MAX_STEPS + 1 }, (_, at) => step(`s${at}`)),
    {},
    /1001 steps; 1000 is the most/,
  ],
];

test('a template that cannot run to its end is refused, with the place and the nearest name', () => {
  for (const [what, steps, more, expected] of REFUSED)
    assert.match(mistakes(steps, more).join('\n'), expected, what);
});

test('the largest template that is allowed, and one ten times as large, are judged in well under a second', () => {
  const chain = Array.from({ length: MAX_STEPS }, (_, at) =>
    step(`s${at}`, {
      needs: at === 0 ? [] : [`s${at - 1}`],
      ...does({ x: at === 0 ? '' : `\${{ steps.s${at - 1}.result }}` }),
    }),
  );
  const beganMs = performance.now();
  planned(chain);
  mistakes(Array.from({ length: 10_000 }, (_, at) => step(`s${at}`, { needs: [`s${(at + 1) % 10_000}`] })));
  assert.ok(performance.now() - beganMs < 1_000, `${performance.now() - beganMs} ms`);
});

test('values come through as they are, and texts are put together', () => {
  const plan = planned(
    [
      step('a', { outputs: { n: 'result.n + 1.0' } }),
      step('b', {
        needs: ['a'],
        ...does({ whole: '${{ steps.a.result }}', part: 'n=${{ steps.a.outputs.n }} ${{ inputs.who }}' }),
      }),
    ],
    { inputs: { who: { type: 'string', description: null } } },
  );
  const next = nextSteps(
    plan,
    facts(new Map([['a', succeeded({ n: 1, list: [true, null] })]]), { inputs: { who: 'me' } }),
  );
  assert.deepEqual(
    next.begin.map(({ parameters }) => parameters),
    [{ whole: { n: 1, list: [true, null] }, part: 'n=2 me' }],
  );
});

test('what cannot be evaluated fails its step instead of running it', () => {
  const plan = planned([step('a'), step('b', { needs: ['a'], when: "steps.a.result.ok == 'yes'" })]);
  const next = nextSteps(plan, facts(new Map([['a', succeeded({})]])));
  assert.deepEqual(next.begin, []);
  assert.equal(next.settle[0]?.kind, 'failed');
});

test('a failed step is tried again after its pause, which doubles, and no more often than it says', () => {
  const plan = planned([step('a', { retries: { max: 2, backoffMs: 100 } })]);
  const failed = (tries: number, endedMs = NOW): ReadonlyMap<string, StepState> =>
    new Map([['a', { kind: 'failed', attempt: tries, tries, endedMs, error: 'no', isFinal: false }]]);
  assert.equal(nextSteps(plan, facts(failed(1))).wakeAtMs, NOW + 100);
  assert.equal(nextSteps(plan, facts(failed(2))).wakeAtMs, NOW + 200);
  assert.deepEqual(
    nextSteps(plan, facts(failed(2, NOW - 200))).begin.map(({ attempt }) => attempt),
    [3],
  );
  assert.deepEqual(nextSteps(plan, facts(failed(3))).end, { kind: 'failed', error: 'a: no' });
});

test('what was done is undone in reverse, one at a time, and what cannot be undone is named', () => {
  const undo = { compensate: { action: 'undo.it', parameters: { was: '${{ result }}' } } };
  const plan = planned([step('a', undo), step('b', { needs: ['a'], ...undo }), step('c', { needs: ['b'] })], {
    onFailure: 'compensate',
  });
  const states = new Map<string, StepState>([
    ['a', succeeded('A', NOW - 2)],
    ['b', succeeded('B', NOW - 1)],
    ['c', { kind: 'failed', attempt: 1, tries: 1, endedMs: NOW, error: 'broken', isFinal: true }],
  ]);
  const first = nextSteps(plan, facts(states)).begin;
  assert.deepEqual(
    first.map(({ instance, parameters, undoes }) => [instance, parameters, undoes]),
    [['~b', { was: 'B' }, 'b']],
  );
  states.set('~b', { kind: 'failed', attempt: 1, tries: 1, endedMs: NOW, error: 'stuck', isFinal: true });
  assert.deepEqual(
    nextSteps(plan, facts(states)).begin.map(({ instance }) => instance),
    ['~a'],
  );
  states.set('~a', succeeded());
  assert.deepEqual(nextSteps(plan, facts(states)).end, {
    kind: 'failed',
    error: 'c: broken Not undone: b (stuck).',
  });
});

test('a run that is being cancelled gives up what waits, and ends when nothing is at work', () => {
  const plan = planned([step('a'), step('b', { needs: ['a'] })]);
  const held: StepState = { kind: 'begun', attempt: 1, sinceMs: NOW, awaiting: 'approval' };
  const next = nextSteps(plan, facts(new Map([['a', held]]), { mode: 'cancelling' }));
  assert.deepEqual([next.giveUp.map(({ instance }) => instance), next.end], [['a'], null]);
  const after = nextSteps(
    plan,
    facts(
      new Map<string, StepState>([
        ['a', { kind: 'failed', attempt: 1, tries: 1, endedMs: NOW, error: 'x', isFinal: true }],
      ]),
      { mode: 'cancelling' },
    ),
  );
  assert.equal(after.end?.kind, 'cancelled');
});

/** Any graph without a circle: a step needs only earlier ones. */
const graphs = fc
  .integer({ min: 1, max: 12 })
  .chain((size) =>
    fc.tuple(
      ...Array.from({ length: size }, (_, at) =>
        fc.subarray(
          Array.from({ length: at }, (__, n) => `s${n}`),
          { maxLength: Math.min(3, at) },
        ),
      ),
    ),
  )
  .map((needs) => needs.map((before, at) => ({ id: `s${at}`, needs: before })));

test('whatever the graph and the order in which steps end, each begins once, after all it needs, and the run ends', () => {
  fc.assert(
    fc.property(
      graphs,
      fc.infiniteStream(fc.nat()),
      fc.integer({ min: 1, max: 4 }),
      (graph, dice, parallel) => {
        const plan = planned(
          graph.map(({ id, needs }) => step(id, { needs })),
          { parallel },
        );
        const states = new Map<string, StepState>();
        const order: string[] = [];
        for (let turn = 0; turn < 200; turn += 1) {
          const next = nextSteps(plan, facts(states));
          if (next.end !== null) {
            assert.equal(next.end.kind, 'succeeded');
            assert.equal(order.length, graph.length);
            return;
          }
          for (const { instance, attempt } of next.begin) {
            assert.equal(states.has(instance), false, `${instance} begins once`);
            const { needs } = graph.find(({ id }) => id === readInstance(instance).step) ?? { needs: [] };
            assert.ok(
              needs.every((need) => states.get(need)?.kind === 'succeeded'),
              `${instance} waits for ${needs.join()}`,
            );
            states.set(instance, { kind: 'begun', attempt, sinceMs: NOW, awaiting: 'run' });
            order.push(instance);
          }
          const live = [...states].filter(([, { kind }]) => kind === 'begun');
          assert.ok(live.length <= parallel, 'never more at once than allowed');
          const [instance = ''] = live[(dice.next().value ?? 0) % Math.max(1, live.length)] ?? [];
          states.set(instance, succeeded());
        }
        assert.fail('the run does not end');
      },
    ),
  );
});

test('the answer depends on what is on record alone: asked again it is the same, and no paused run begins anything', () => {
  const state = fc.constantFrom<StepState>(
    succeeded(),
    { kind: 'skipped' },
    { kind: 'begun', attempt: 1, sinceMs: NOW, awaiting: 'approval' },
    { kind: 'begun', attempt: 1, sinceMs: NOW, awaiting: 'run' },
    { kind: 'failed', attempt: 1, tries: 1, endedMs: NOW, error: 'x', isFinal: true },
    { kind: 'reset', attempt: 2 },
    { kind: 'put_off', attempt: 1, untilMs: NOW + 5, why: 'blocked' },
  );
  fc.assert(
    fc.property(graphs, fc.array(fc.option(state), { maxLength: 12 }), (graph, given) => {
      const plan = planned(graph.map(({ id, needs }) => step(id, { needs })));
      const states = new Map(
        given.flatMap((one, at): [string, StepState][] => (one === null ? [] : [[`s${at}`, one]])),
      );
      assert.deepEqual(nextSteps(plan, facts(states)), nextSteps(plan, facts(states)));
      assert.deepEqual(nextSteps(plan, facts(states, { mode: 'paused' })).begin, []);
      const failed = [...states].some(
        ([id, { kind }]) => kind === 'failed' && graph.some((one) => one.id === id),
      );
      if (failed)
        assert.deepEqual(nextSteps(plan, facts(states)).begin, [], 'nothing begins after a failure');
    }),
  );
});
