// The machine that the roastery governs has to behave like one, or what is learned about governing it is worth nothing:
// heat goes where it is colder, is never lost, and a batch takes the time and the temperatures that it takes everywhere.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { advance, charge, coldDrum, drop, flowsOf, heatCapacities, moistureOf } from './drum.ts';
import type { Controls, DrumState } from './drum.ts';
import { findingsFor, MAX_RATE_OF_RISE } from './guard.ts';
import { createMachine, obey, reset, run } from './machine.ts';
import type { Machine } from './machine.ts';
import { developmentRatio } from './markers.ts';
import { curveAt, FILTER_ROAST, nextCommands } from './pilot.ts';
import { viewOf } from './view.ts';

const settings: fc.Arbitrary<Controls> = fc.record({
  powerPercent: fc.integer({ min: 0, max: 100 }),
  fanPercent: fc.integer({ min: 0, max: 100 }),
  drumRpm: fc.integer({ min: 0, max: 90 }),
  airflowPercent: fc.integer({ min: 0, max: 100 }),
});

const ORDINARY: Controls = { powerPercent: 60, fanPercent: 60, drumRpm: 55, airflowPercent: 45 };

function hotAndCharged(kg = 1): DrumState {
  return charge({ ...coldDrum(), airTempC: 205, drumTempC: 200, probeTempC: 200 }, kg);
}

test('heat is neither made nor lost: what the burner and the beans give is what leaves and what is stored', () => {
  fc.assert(
    fc.property(settings, fc.boolean(), (controls, isDropped) => {
      let state = isDropped ? drop(hotAndCharged()) : hotAndCharged();
      let given = 0;
      let stored = 0;
      for (let at = 0; at < 240; at += 1) {
        const flows = flowsOf(state, controls);
        const capacities = heatCapacities(state.beans);
        const next = advance(state, controls, 0.25);
        given +=
          0.25 *
          (flows.burner + flows.reaction - flows.exhaust - flows.housing - flows.evaporation - flows.tray);
        stored +=
          capacities.air * (next.airTempC - state.airTempC) +
          capacities.drum * (next.drumTempC - state.drumTempC) +
          capacities.beans * ((next.beans?.tempC ?? 0) - (state.beans?.tempC ?? 0));
        state = next;
      }
      assert.ok(Math.abs(given - stored) < 1, `${given} J were given and ${stored} J are stored`);
    }),
    { numRuns: 50 },
  );
});

test('heat flows from hot to cold: an unlit machine only cools, and never below the room', () => {
  fc.assert(
    fc.property(settings, (controls) => {
      let state: DrumState = { ...coldDrum(), airTempC: 180, drumTempC: 180, probeTempC: 180 };
      for (let at = 0; at < 20; at += 1) {
        const next = advance(state, { ...controls, powerPercent: 0 }, 30);
        assert.ok(next.drumTempC < state.drumTempC && next.drumTempC >= 22 && next.airTempC >= 21.9);
        state = next;
      }
    }),
    { numRuns: 50 },
  );
});

test('more power is hotter beans, and more air with the same flame is a colder drum', () => {
  fc.assert(
    fc.property(settings, fc.integer({ min: 1, max: 30 }), (controls, more) => {
      const stronger = { ...controls, powerPercent: Math.min(100, controls.powerPercent + more) };
      const beans = (with_: Controls): number => advance(hotAndCharged(), with_, 240).beans?.tempC ?? 0;
      if (stronger.powerPercent > controls.powerPercent) assert.ok(beans(stronger) > beans(controls));
    }),
    { numRuns: 50 },
  );
  const drum = (airflowPercent: number): number =>
    advance({ ...coldDrum(), drumTempC: 200, airTempC: 200 }, { ...ORDINARY, airflowPercent }, 300).drumTempC;
  assert.ok(drum(90) < drum(30));
});

test('however it is set, all temperatures stay finite and the water only leaves', () => {
  fc.assert(
    fc.property(
      fc.array(settings, { minLength: 1, maxLength: 8 }),
      fc.double({ min: 0.3, max: 1.2, noNaN: true }),
      (all, kg) => {
        let state = hotAndCharged(kg);
        for (const controls of all) {
          const next = advance(state, controls, 90);
          assert.ok(
            [next.airTempC, next.drumTempC, next.probeTempC, next.beans?.tempC].every(Number.isFinite),
          );
          assert.ok((next.beans?.moisture ?? 1) <= (state.beans?.moisture ?? 0));
          state = next;
        }
      },
    ),
    { numRuns: 50 },
  );
});

interface Flown {
  readonly machine: Machine;
  readonly commands: readonly string[];
  readonly furthestC: number;
  readonly atDrop: Machine;
}

function flyWithoutServer(): Flown {
  let machine = obey(createMachine({ warmC: 185 }), {
    id: 'preheat',
    name: 'PREHEAT',
    parameters: { targetC: FILTER_ROAST.chargeC, chargeKg: FILTER_ROAST.chargeKg },
  }).machine;
  let atDrop = machine;
  let furthestC = 0;
  const commands: string[] = [];
  for (let at = 0; at < 400 && machine.mode !== 'idle'; at += 1) {
    machine = run(machine, 10);
    const view = viewOf(machine);
    if (machine.mode === 'roasting') atDrop = machine;
    if (view.roastS !== null && view.roastS > 90)
      furthestC = Math.max(furthestC, Math.abs(view.probeTempC - curveAt(FILTER_ROAST, view.roastS)));
    for (const { name, parameters } of nextCommands(view, FILTER_ROAST)) {
      const obeyed = obey(machine, { id: `${at} ${name}`, name, parameters });
      assert.equal(obeyed.answer.kind, 'done', JSON.stringify(obeyed.answer));
      machine = obeyed.machine;
      commands.push(name);
    }
  }
  return { machine, commands, furthestC, atDrop };
}

test('a batch turns at 75 to 95 °C after a good minute, is dry after four, cracks at nine and is out by thirteen', () => {
  const { machine, commands, furthestC, atDrop } = flyWithoutServer();
  const markers = machine.markers ?? assert.fail('no batch');
  const { turningPoint, dryAtS, firstCrackAtS, dropAtS } = markers;
  assert.ok(
    turningPoint !== null && turningPoint.tempC > 75 && turningPoint.tempC < 95,
    `${turningPoint?.tempC}`,
  );
  assert.ok(turningPoint.atS >= 55 && turningPoint.atS <= 95, `${turningPoint.atS}`);
  assert.ok(dryAtS !== null && dryAtS > 200 && dryAtS < 330, `${dryAtS}`);
  assert.ok(firstCrackAtS !== null && firstCrackAtS > 420 && firstCrackAtS < 640, `${firstCrackAtS}`);
  assert.ok(dropAtS !== null && dropAtS > 540 && dropAtS < 780, `${dropAtS}`);
  const ratio = developmentRatio(markers);
  assert.ok(ratio !== null && ratio > 0.12 && ratio < 0.25, `${ratio}`);
  assert.ok(furthestC < 6, `the profile was left by ${furthestC} °C`);
  // A batch comes in with 11 % water and goes out with 1 to 5 %.
  assert.ok(
    atDrop.drum.beans !== null &&
      moistureOf(atDrop.drum.beans) > 0.01 &&
      moistureOf(atDrop.drum.beans) < 0.05,
  );
  assert.deepEqual([machine.mode, machine.drum.beans, machine.aborted], ['idle', null, false]);
  for (const name of ['SET_POWER', 'SET_FAN', 'SET_DRUM', 'SET_AIRFLOW', 'COOLING_CYCLE'])
    assert.ok(commands.includes(name), name);
  assert.ok(commands.length < 40, `${commands.length} commands wear the burner out`);
});

function roasting(seconds = 200): Machine {
  const preheating = obey(createMachine({ warmC: 200 }), {
    id: 'p',
    name: 'PREHEAT',
    parameters: { targetC: 200, chargeKg: 1 },
  }).machine;
  return run(set(run(preheating, 5), 'SET_POWER', { percent: 60 }).machine, seconds);
}

function set(
  machine: Machine,
  name: string,
  parameters: Record<string, number | string>,
  id: string = randomUUID(),
): ReturnType<typeof obey> {
  return obey(machine, { id, name, parameters });
}

test('a shutdown puts the flame out and the beans into the cold, and nothing lights it again but somebody who is there', () => {
  const shut = set(roasting(), 'EMERGENCY_SHUTDOWN', {}).machine;
  assert.deepEqual([shut.mode, shut.controls.powerPercent, shut.drum.beans?.where], ['locked', 0, 'tray']);
  for (const [name, parameters] of [
    ['PREHEAT', { targetC: 200, chargeKg: 1 }],
    ['SET_POWER', { percent: 50 }],
    ['COOLING_CYCLE', {}],
  ] as const)
    assert.equal(set(shut, name, parameters).answer.kind, 'refused', name);
  const later = run(shut, 600);
  assert.ok((later.drum.beans?.tempC ?? 0) < 40 && later.drum.drumTempC < shut.drum.drumTempC - 50);
  assert.equal(
    set(run(reset(later), 400), 'PREHEAT', { targetC: 200, chargeKg: 1 }, 'again').answer.kind,
    'done',
  );
});

test('left alone at full power it puts itself out before anything burns', () => {
  const left = run(set(roasting(), 'SET_POWER', { percent: 90 }, 'full').machine, 900);
  assert.deepEqual([left.mode, left.controls.powerPercent, left.aborted], ['locked', 0, true]);
});

test('a command that arrives twice is carried out once, and RESTORE puts back what was set before it', () => {
  const once = set(roasting(), 'SET_POWER', { percent: 40 }, 'a').machine;
  const other = set(once, 'SET_POWER', { percent: 70 }, 'b').machine;
  const again = set(other, 'SET_POWER', { percent: 40 }, 'a');
  assert.deepEqual([again.answer.kind, again.machine.controls.powerPercent], ['done', 70]);
  const restored = set(other, 'RESTORE', { compensates: 'b' }, 'c');
  assert.equal(restored.machine.controls.powerPercent, 40);
  assert.equal(set(other, 'RESTORE', { compensates: 'nobody' }, 'd').answer.kind, 'refused');
});

test('with a loose contact a setting fails and leaves everything as it was; a number that is none is never set', () => {
  const loose: Machine = { ...roasting(), looseContact: { every: 2, countdown: 2 } };
  const first = set(loose, 'SET_POWER', { percent: 55 }, '1');
  const second = set(first.machine, 'SET_POWER', { percent: 30 }, '2');
  assert.deepEqual([first.answer.kind, second.answer.kind], ['done', 'refused']);
  assert.equal(second.machine.controls.powerPercent, 55);
  for (const percent of [Number.NaN, -1, 101, Infinity, '50'])
    assert.equal(set(roasting(), 'SET_POWER', { percent }).answer.kind, 'refused', String(percent));
});

test('the machine speaks against more heat when its beans rise too fast or are hot enough, and never against less', () => {
  const calm = roasting();
  assert.deepEqual(findingsFor(calm, 'SET_POWER', { percent: 90 }), []);
  const markers = calm.markers ?? assert.fail('no batch');
  const fast: Machine = { ...calm, markers: { ...markers, rateOfRise: MAX_RATE_OF_RISE + 1 } };
  assert.deepEqual(
    findingsFor(fast, 'SET_POWER', { percent: 90 }).map(({ severity }) => severity),
    ['error'],
  );
  assert.equal(findingsFor(fast, 'SET_AIRFLOW', { percent: 20 }).length, 1);
  assert.deepEqual(findingsFor(fast, 'SET_POWER', { percent: 10 }), []);
  const hot: Machine = { ...calm, drum: { ...calm.drum, probeTempC: 225 } };
  assert.deepEqual(
    findingsFor(hot, 'SET_POWER', { percent: 90 }).map(({ severity }) => severity),
    ['critical'],
  );
});
