// A drum roaster of one kilogram as a heat balance of three bodies: air, drum and beans. It is a pure function of the
// state, the controls and a step of time, so that a roast can be run in milliseconds, twice, and in any test.
//
// Where the figures of coffee come from: specific heat, drying, latent and reaction heat are the correlations of
// H. G. Schwartzberg (2002), "Modeling bean heating during batch roasting of coffee beans", as J. A. Hernández et al.
// use and confirm them (2007, Journal of Food Engineering 78, 1141–1148). The masses and conductances of the machine are
// ours, chosen so that an ordinary roast takes the ten minutes that it takes on an ordinary machine.

/** What the machine is set to. Percent from 0 to 100, the drum in revolutions per minute. */
export interface Controls {
  /** Of the burner. */
  readonly powerPercent: number;
  /** Of the exhaust fan. */
  readonly fanPercent: number;
  readonly drumRpm: number;
  /** How far the damper is open. */
  readonly airflowPercent: number;
}

/** The batch, as one bean that stands for all. */
export interface Beans {
  /** In the drum, or in the cooling tray below it. */
  readonly where: 'drum' | 'tray';
  /** Mean of the beans, °C. No probe can see it. */
  readonly tempC: number;
  /** Of dry matter, kg. It stays; what a roast loses here is its water. */
  readonly dryKg: number;
  /** kg of water to a kg of dry matter. */
  readonly moisture: number;
  /** Heat that the reactions have given off so far, kJ to a kg of dry matter. */
  readonly reactedKj: number;
}

export interface DrumState {
  /** Since the machine was switched on, s. */
  readonly timeS: number;
  /** Between drum and beans, what roasters call the environment temperature, °C. */
  readonly airTempC: number;
  /** Of the steel, °C. */
  readonly drumTempC: number;
  /** What the probe in the bean pile shows: late, and a little warmer than the beans, °C. */
  readonly probeTempC: number;
  /** null while it is empty. */
  readonly beans: Beans | null;
}

/** Where the heat goes, in watts; each is what it is called while positive. */
export interface Flows {
  readonly burner: number;
  /** What leaves with the air, above what came in with it. */
  readonly exhaust: number;
  /** Through the housing into the room. */
  readonly housing: number;
  readonly airToBeans: number;
  readonly drumToBeans: number;
  readonly drumToAir: number;
  /** Taken by water that evaporates. */
  readonly evaporation: number;
  /** Given by the reactions within the beans. */
  readonly reaction: number;
  /** Into the room from beans in the tray. */
  readonly tray: number;
}

export const ROOM_C = 22;
const STEP_S = 0.25;

const BURNER_W = 6_000;
/** The flame stands under the drum: this part of it heats steel, the rest air. */
const BURNER_TO_DRUM = 0.5;
/** kg of air a second, fan and damper fully open; a closed machine still leaks. */
const AIR_KG_S = 0.02;
const LEAK_KG_S = 0.0015;
const AIR_J_KG_K = 1_020;
/** Air, and the thin metal that follows it at once. */
const AIR_J_K = 350;
const DRUM_J_K = 4_200;
const HOUSING_W_K = 3;
const DRUM_AIR_W_K = 4;
/** To one kilogram of green beans. Air carries more the more of it there is. */
const AIR_BEANS_W_K = 7;
const DRUM_BEANS_W_K = 5;
/** Above it beans are pressed to the wall and hardly turn. */
const FULL_TURN_RPM = 55;
const TRAY_W_K = 22;

/** The pile is not all bean: a part of what the probe sees is air. */
const PROBE_AIR = 0.1;
const PROBE_LAG_S = 30;

const LATENT_KJ_KG = 2_790;
const BEAN_DIAMETER_MM = 6;
const REACTION_KJ_KG = 232;

/** A machine at room temperature, empty. */
export function coldDrum(): DrumState {
  return { timeS: 0, airTempC: ROOM_C, drumTempC: ROOM_C, probeTempC: ROOM_C, beans: null };
}

/** Lets green beans at room temperature in. `moisture`: kg of water to a kg of green beans, 0.11 by default. */
export function charge(state: DrumState, greenKg: number, moisture = 0.11): DrumState {
  const dryKg = greenKg * (1 - moisture);
  return {
    ...state,
    beans: { where: 'drum', tempC: ROOM_C, dryKg, moisture: moisture / (1 - moisture), reactedKj: 0 },
  };
}

/** Lets the beans out of the drum and into the tray, where room air is drawn through them. */
export function drop(state: DrumState): DrumState {
  return state.beans === null ? state : { ...state, beans: { ...state.beans, where: 'tray' } };
}

/** The machine `seconds` later, if nothing is touched meanwhile. */
export function advance(state: DrumState, controls: Controls, seconds: number): DrumState {
  const steps = Math.max(0, Math.ceil(seconds / STEP_S));
  let current = state;
  for (let at = 0; at < steps; at += 1) current = step(current, controls, seconds / steps);
  return current;
}

/** Every flow of heat at this moment. */
export function flowsOf(state: DrumState, controls: Controls): Flows {
  const { airTempC, drumTempC, beans } = state;
  const air = airKgS(controls);
  const inDrum = beans?.where === 'drum' ? beans : null;
  const scale = inDrum === null ? 0 : inDrum.dryKg / 0.89;
  return {
    burner: BURNER_W * share(controls.powerPercent),
    exhaust: air * AIR_J_KG_K * (airTempC - ROOM_C),
    housing: HOUSING_W_K * (drumTempC - ROOM_C),
    airToBeans: inDrum === null ? 0 : AIR_BEANS_W_K * scale * airFactor(air) * (airTempC - inDrum.tempC),
    drumToBeans:
      inDrum === null ? 0 : DRUM_BEANS_W_K * scale * turn(controls.drumRpm) * (drumTempC - inDrum.tempC),
    drumToAir: DRUM_AIR_W_K * (drumTempC - airTempC),
    evaporation: beans === null ? 0 : beans.dryKg * dryingPerS(beans) * LATENT_KJ_KG * 1_000,
    reaction: beans === null ? 0 : beans.dryKg * reactionKw(beans) * 1_000,
    tray: beans?.where === 'tray' ? TRAY_W_K * (beans.dryKg / 0.89) * (beans.tempC - ROOM_C) : 0,
  };
}

/** Heat that air, drum and beans hold above room temperature, J; what their flows must add up to. */
export function heatCapacities(beans: Beans | null): {
  readonly air: number;
  readonly drum: number;
  readonly beans: number;
} {
  return {
    air: AIR_J_K,
    drum: DRUM_J_K,
    beans: beans === null ? 0 : beans.dryKg * specificHeat(beans) * 1_000,
  };
}

/** Water left in the beans, as a part of their weight. */
export function moistureOf({ moisture }: Beans): number {
  return moisture / (1 + moisture);
}

function step(state: DrumState, controls: Controls, dtS: number): DrumState {
  const flows = flowsOf(state, controls);
  const capacities = heatCapacities(state.beans);
  const air = flows.burner * (1 - BURNER_TO_DRUM) + flows.drumToAir - flows.exhaust - flows.airToBeans;
  const drum = flows.burner * BURNER_TO_DRUM - flows.drumToAir - flows.housing - flows.drumToBeans;
  const beans = state.beans === null ? null : heated(state.beans, flows, dtS);
  const airTempC = state.airTempC + (air / capacities.air) * dtS;
  const seen = beans?.where === 'drum' ? beans.tempC + PROBE_AIR * (airTempC - beans.tempC) : airTempC;
  return {
    timeS: state.timeS + dtS,
    airTempC,
    drumTempC: state.drumTempC + (drum / capacities.drum) * dtS,
    probeTempC: state.probeTempC + (seen - state.probeTempC) * (1 - Math.exp(-dtS / PROBE_LAG_S)),
    beans,
  };
}

function heated(beans: Beans, flows: Flows, dtS: number): Beans {
  const gained = flows.airToBeans + flows.drumToBeans + flows.reaction - flows.evaporation - flows.tray;
  return {
    ...beans,
    tempC: beans.tempC + (gained / (beans.dryKg * specificHeat(beans) * 1_000)) * dtS,
    moisture: Math.max(0, beans.moisture - dryingPerS(beans) * dtS),
    reactedKj: Math.min(REACTION_KJ_KG, beans.reactedKj + reactionKw(beans) * dtS),
  };
}

/** kJ to a kg of dry matter and K. Water weighs heavily in it: green beans warm up more slowly than dry ones would. */
function specificHeat({ tempC, moisture }: Beans): number {
  return 1.099 + 0.007 * tempC + 5 * moisture;
}

/** kg of water a second from a kg of dry matter: hardly any below 100 °C, most between 140 °C and first crack. */
function dryingPerS({ tempC, moisture }: Beans): number {
  return (4.32e9 * moisture ** 2 * Math.exp(-9_889 / kelvin(tempC))) / BEAN_DIAMETER_MM ** 2;
}

/** kW from a kg of dry matter: felt from about 150 °C, strongest around first crack, over once all has reacted. */
function reactionKw({ tempC, reactedKj }: Beans): number {
  return 116_200 * Math.exp(-5_500 / kelvin(tempC)) * Math.max(0, 1 - reactedKj / REACTION_KJ_KG);
}

function kelvin(celsius: number): number {
  return celsius + 273.15;
}

function airKgS({ fanPercent, airflowPercent }: Controls): number {
  return LEAK_KG_S + (AIR_KG_S - LEAK_KG_S) * share(fanPercent) * share(airflowPercent);
}

/** Convection grows with about the 0.6th power of the flow; 1 at the flow of an ordinary roast. */
function airFactor(kgS: number): number {
  return (kgS / 0.007) ** 0.6;
}

/** 1 at an ordinary speed. Beans that lie still touch the steel with one layer only; beans at the wall do not turn. */
function turn(rpm: number): number {
  return 0.35 + 0.65 * Math.max(0, 1 - ((rpm - FULL_TURN_RPM) / FULL_TURN_RPM) ** 2);
}

function share(percent: number): number {
  return Math.min(1, Math.max(0, percent / 100));
}
