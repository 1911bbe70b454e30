// The roaster as a machine with a control panel: the drum, what it is set to, what it is doing, and what it answers to a
// command. It knows nothing of agents or of Mandate. What must never depend on either stays here: a burner that has been
// shut down in an emergency is lit again only by somebody who stands beside it.
import { advance, charge, coldDrum, drop, ROOM_C } from './drum.ts';
import type { Controls, DrumState } from './drum.ts';
import { beginMarkers, dropped, observe } from './markers.ts';
import type { Markers } from './markers.ts';

export type Mode = 'idle' | 'preheating' | 'roasting' | 'cooling' | 'locked';

export interface Machine {
  readonly mode: Mode;
  readonly drum: DrumState;
  readonly controls: Controls;
  /** What a preheating machine aims at, and what it lets in then. */
  readonly preheat: { readonly targetC: number; readonly chargeKg: number } | null;
  /** Of the batch in the machine, or of the last one. */
  readonly markers: Markers | null;
  /** A loose contact of the bean probe: every so many commands its reading jumps. null: the probe is sound. */
  readonly looseContact: { readonly every: number; readonly countdown: number } | null;
  /** What was set before a command of this id, for taking it back. The newest last, few of them. */
  readonly before: readonly { readonly id: string; readonly controls: Controls }[];
  /** Answers by id: a command that arrives twice has been carried out once. The newest last, few of them. */
  readonly answered: readonly { readonly id: string; readonly answer: CommandAnswer }[];
  readonly aborted: boolean;
}

export interface Command {
  /** Of the act; a repeat of it is not carried out again. */
  readonly id: string;
  /** `SET_POWER`. */
  readonly name: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export type CommandAnswer =
  | { readonly kind: 'done'; readonly controls: Controls; readonly mode: Mode }
  /** It cannot be done now, or not with these parameters; nothing has changed. */
  | { readonly kind: 'refused'; readonly why: string };

const OFF: Controls = { powerPercent: 0, fanPercent: 0, drumRpm: 0, airflowPercent: 0 };
/** Room air through everything, the drum turning so that no bean lies still. */
const COOL: Controls = { powerPercent: 0, fanPercent: 100, drumRpm: 55, airflowPercent: 100 };
const CHARGED: Controls = { powerPercent: 25, fanPercent: 60, drumRpm: 55, airflowPercent: 40 };
const HEATING: Controls = { powerPercent: 70, fanPercent: 60, drumRpm: 55, airflowPercent: 30 };
/** The machine's own limiter, which nobody can talk to. */
const LIMIT_C = 240;
const COOLED_C = 40;
const REMEMBERED = 64;

interface Setting {
  readonly control: keyof Controls;
  readonly parameter: string;
  readonly min: number;
  readonly max: number;
}

const SETTINGS: Readonly<Record<string, Setting>> = {
  SET_POWER: { control: 'powerPercent', parameter: 'percent', min: 0, max: 100 },
  SET_FAN: { control: 'fanPercent', parameter: 'percent', min: 20, max: 100 },
  SET_DRUM: { control: 'drumRpm', parameter: 'rpm', min: 20, max: 90 },
  SET_AIRFLOW: { control: 'airflowPercent', parameter: 'percent', min: 10, max: 100 },
};

/** A machine that stands there cold, or still as warm as a batch a few minutes ago has left it. */
export function createMachine({ warmC = ROOM_C }: { readonly warmC?: number } = {}): Machine {
  const drum = { ...coldDrum(), airTempC: warmC, drumTempC: warmC, probeTempC: warmC };
  return {
    mode: 'idle',
    drum,
    controls: OFF,
    preheat: null,
    markers: null,
    looseContact: null,
    before: [],
    answered: [],
    aborted: false,
  };
}

/** What becomes of a command. Carried out at most once for an id, however often it arrives. */
export function obey(
  machine: Machine,
  command: Command,
): { readonly machine: Machine; readonly answer: CommandAnswer } {
  const known = machine.answered.find(({ id }) => id === command.id);
  if (known !== undefined) return { machine, answer: known.answer };
  const { machine: after, why } = carryOut(machine, command);
  const answer: CommandAnswer =
    why === null ? { kind: 'done', controls: after.controls, mode: after.mode } : { kind: 'refused', why };
  return {
    machine: { ...after, answered: [...after.answered, { id: command.id, answer }].slice(-REMEMBERED) },
    answer,
  };
}

/** The machine `seconds` later. */
export function run(machine: Machine, seconds: number): Machine {
  let current = machine;
  for (let left = seconds; left > 0; left -= 1) current = runOn(current, Math.min(1, left));
  return current;
}

/** Somebody stands beside it, has looked, and unlocks it. */
export function reset(machine: Machine): Machine {
  return machine.mode === 'locked' ? { ...machine, mode: 'idle', controls: OFF } : machine;
}

interface Carried {
  readonly machine: Machine;
  /** Why not; null: done. */
  readonly why: string | null;
}

function carryOut(machine: Machine, command: Command): Carried {
  const setting = SETTINGS[command.name];
  if (setting !== undefined) return set(machine, command, setting);
  switch (command.name) {
    case 'PREHEAT':
      return preheat(machine, command);
    case 'COOLING_CYCLE':
      return machine.mode === 'roasting'
        ? { machine: cool(machine, 'cooling'), why: null }
        : refused(machine, `there is nothing to cool while it is ${machine.mode}`);
    case 'ABORT':
      return machine.mode === 'roasting' || machine.mode === 'preheating'
        ? { machine: { ...cool(machine, 'cooling'), aborted: true }, why: null }
        : refused(machine, `there is nothing to abort while it is ${machine.mode}`);
    case 'EMERGENCY_SHUTDOWN':
      return { machine: { ...cool(machine, 'locked'), aborted: true }, why: null };
    case 'RESTORE':
      return restore(machine, command);
    default:
      return refused(machine, `it knows no command ${command.name}`);
  }
}

function set(machine: Machine, { id, name, parameters }: Command, setting: Setting): Carried {
  const { control, parameter, min, max } = setting;
  const value = parameters[parameter];
  if (machine.mode !== 'roasting')
    return refused(machine, `${name} needs a batch; the machine is ${machine.mode}`);
  if (typeof value !== 'number' || !(value >= min && value <= max))
    return refused(machine, `${parameter} has to be a number from ${min} to ${max}`);
  const contact = machine.looseContact;
  if (contact !== null && contact.countdown <= 1) {
    // It was set, the probe jumped, and what cannot be watched is taken back.
    const why = `the bean probe jumped by 60 °C within a second of ${name}; the setting was taken back`;
    return { machine: { ...machine, looseContact: { ...contact, countdown: contact.every } }, why };
  }
  return {
    machine: {
      ...machine,
      looseContact: contact === null ? null : { ...contact, countdown: contact.countdown - 1 },
      before: [...machine.before, { id, controls: machine.controls }].slice(-REMEMBERED),
      controls: { ...machine.controls, [control]: value },
    },
    why: null,
  };
}

function preheat(machine: Machine, { parameters: { targetC, chargeKg } }: Command): Carried {
  if (machine.mode !== 'idle') return refused(machine, `it cannot be preheated while it is ${machine.mode}`);
  if (typeof targetC !== 'number' || !(targetC >= 150 && targetC <= 230))
    return refused(machine, 'targetC has to be a number from 150 to 230');
  if (typeof chargeKg !== 'number' || !(chargeKg >= 0.3 && chargeKg <= 1.2))
    return refused(machine, 'chargeKg has to be a number from 0.3 to 1.2');
  const next = { ...machine, mode: 'preheating' as const, controls: HEATING, preheat: { targetC, chargeKg } };
  return { machine: { ...next, markers: null, aborted: false }, why: null };
}

function restore(machine: Machine, { id, parameters }: Command): Carried {
  if (machine.mode !== 'roasting') return refused(machine, `nothing is set back while it is ${machine.mode}`);
  const found = machine.before.find((one) => one.id === parameters['compensates']);
  if (found === undefined) return refused(machine, 'it does not remember what was set before that command');
  return {
    machine: {
      ...machine,
      before: [...machine.before, { id, controls: machine.controls }].slice(-REMEMBERED),
      controls: found.controls,
    },
    why: null,
  };
}

/** The burner goes out and the beans fall into the tray, whatever else is the matter. */
function cool(machine: Machine, mode: 'cooling' | 'locked'): Machine {
  const { drum, markers } = machine;
  return {
    ...machine,
    mode,
    controls: COOL,
    preheat: null,
    drum: drop(drum),
    markers: markers === null ? null : dropped(markers, drum.timeS),
  };
}

function refused(machine: Machine, why: string): Carried {
  return { machine, why };
}

function runOn(machine: Machine, seconds: number): Machine {
  const drum = advance(machine.drum, regulated(machine), seconds);
  const reading = { timeS: drum.timeS, probeTempC: drum.probeTempC };
  const markers = machine.markers === null ? null : observe(machine.markers, reading);
  const next: Machine = { ...machine, drum, markers };
  switch (machine.mode) {
    case 'preheating':
      return isHot(next) ? letIn(next) : next;
    case 'roasting':
      return drum.probeTempC >= LIMIT_C ? { ...cool(next, 'locked'), aborted: true } : next;
    case 'cooling':
      return drum.beans === null || drum.beans.tempC <= COOLED_C ? emptied(next) : next;
    case 'idle':
    case 'locked':
      return next;
  }
}

/** Preheating, the machine regulates its burner itself; otherwise it does what it is told. */
function regulated({ mode, preheat, drum, controls }: Machine): Controls {
  if (mode !== 'preheating' || preheat === null || drum.probeTempC < preheat.targetC + 5) return controls;
  return { ...controls, powerPercent: 15 };
}

function isHot({ preheat, drum }: Machine): boolean {
  return preheat !== null && drum.drumTempC >= preheat.targetC - 3 && drum.probeTempC >= preheat.targetC - 3;
}

function letIn(machine: Machine): Machine {
  const drum = charge(machine.drum, machine.preheat?.chargeKg ?? 1);
  return {
    ...machine,
    mode: 'roasting',
    controls: CHARGED,
    preheat: null,
    drum,
    markers: beginMarkers(drum.timeS),
  };
}

function emptied(machine: Machine): Machine {
  return { ...machine, mode: 'idle', controls: OFF, drum: { ...machine.drum, beans: null } };
}
