// What a roaster would do next: the profile as a curve of the probe over time, and from what the machine shows the few
// settings that are worth changing now. Pure, so that a whole roast can be flown without a server and without a clock.
import type { Controls } from './drum.ts';
import type { Mode } from './machine.ts';
import type { Stage } from './markers.ts';

/** What the machine shows whoever looks at it. */
export interface View {
  readonly mode: Mode;
  readonly controls: Controls;
  readonly probeTempC: number;
  readonly airTempC: number;
  /** Since the beans went in, s; null without a batch. */
  readonly roastS: number | null;
  /** °C a minute; null until half a minute has been seen. */
  readonly rateOfRise: number | null;
  readonly stage: Stage | null;
  readonly aborted: boolean;
}

export interface Wanted {
  /** `SET_POWER`. */
  readonly name: string;
  readonly parameters: Readonly<Record<string, number>>;
  readonly why: string;
}

export interface Profile {
  readonly chargeC: number;
  readonly chargeKg: number;
  readonly dropC: number;
  /** Where the probe should be, from after the turning point on; between two points on the line between them. */
  readonly curve: readonly { readonly atS: number; readonly tempC: number }[];
  /** Beyond these the roast is out of hand: °C a minute after the turning point, and °C. */
  readonly maxRateOfRise: number;
  readonly maxC: number;
}

/** An ordinary filter roast: dry at 4:15, first crack about 8:40, out a minute and a half later. */
export const FILTER_ROAST: Profile = {
  chargeC: 200,
  chargeKg: 1,
  dropC: 212,
  curve: [
    { atS: 90, tempC: 85 },
    { atS: 150, tempC: 109 },
    { atS: 210, tempC: 133 },
    { atS: 270, tempC: 153 },
    { atS: 330, tempC: 167 },
    { atS: 390, tempC: 178 },
    { atS: 450, tempC: 187 },
    { atS: 510, tempC: 196 },
    { atS: 570, tempC: 204 },
    { atS: 630, tempC: 212 },
    { atS: 690, tempC: 219 },
  ],
  maxRateOfRise: 45,
  maxC: 228,
};

/** Air and drum by stage: little air while the beans dry, more to carry smoke and heat away from first crack on. */
const BY_STAGE: Readonly<Record<Stage, Pick<Controls, 'fanPercent' | 'drumRpm' | 'airflowPercent'>>> = {
  charge: { fanPercent: 60, drumRpm: 55, airflowPercent: 40 },
  drying: { fanPercent: 60, drumRpm: 55, airflowPercent: 45 },
  maillard: { fanPercent: 65, drumRpm: 58, airflowPercent: 50 },
  first_crack: { fanPercent: 75, drumRpm: 60, airflowPercent: 60 },
  dropped: { fanPercent: 100, drumRpm: 55, airflowPercent: 100 },
};

/** Power that holds the curve by itself, where nothing is in the way. */
const POWER: readonly { readonly atS: number; readonly percent: number }[] = [
  { atS: 0, percent: 25 },
  { atS: 60, percent: 65 },
  { atS: 240, percent: 60 },
  { atS: 330, percent: 55 },
  { atS: 570, percent: 50 },
];
/** Percent of power for each degree behind the curve in the near future. */
const GAIN = 3;
const AHEAD_S = 20;
/** A burner that is touched for less than this is only worn out. */
const POWER_STEP = 5;

/** What should be asked for now, the most urgent first; nothing where all is well. */
export function nextCommands(view: View, profile: Profile): readonly Wanted[] {
  const { mode, rateOfRise, probeTempC, roastS, stage } = view;
  if (mode !== 'roasting' || roastS === null || stage === null) return [];
  if (probeTempC >= profile.maxC || (stage !== 'charge' && (rateOfRise ?? 0) > profile.maxRateOfRise)) {
    const why = `${probeTempC.toFixed(0)} °C and ${(rateOfRise ?? 0).toFixed(0)} °C a minute are out of hand`;
    return [{ name: 'EMERGENCY_SHUTDOWN', parameters: {}, why }];
  }
  if (probeTempC >= profile.dropC)
    return [{ name: 'COOLING_CYCLE', parameters: {}, why: `${probeTempC.toFixed(0)} °C: done` }];
  return [...power(view, roastS, profile), ...byStage(view, stage)];
}

/** Where the curve wants the probe; before its beginning and after its end the first and the last point. */
export function curveAt({ curve }: Profile, atS: number): number {
  const next = curve.findIndex((point) => point.atS >= atS);
  const after = curve[next === -1 ? curve.length - 1 : next];
  const before = curve[next - 1] ?? after;
  if (after === undefined || before === undefined) return 0;
  if (next <= 0) return after.tempC;
  return before.tempC + ((after.tempC - before.tempC) * (atS - before.atS)) / (after.atS - before.atS);
}

function power(view: View, roastS: number, profile: Profile): readonly Wanted[] {
  const planned = POWER.findLast(({ atS }) => roastS >= atS)?.percent ?? 0;
  // Before the turning point the probe tells nothing about the beans.
  const expected = view.probeTempC + ((view.rateOfRise ?? 0) / 60) * AHEAD_S;
  const behind = view.stage === 'charge' ? 0 : curveAt(profile, roastS + AHEAD_S) - expected;
  const exact = Math.min(90, Math.max(5, planned + GAIN * behind));
  const percent = Math.round(exact / POWER_STEP) * POWER_STEP;
  if (Math.abs(percent - view.controls.powerPercent) < POWER_STEP) return [];
  return [{ name: 'SET_POWER', parameters: { percent }, why: `${behind.toFixed(1)} °C behind the curve` }];
}

function byStage({ controls }: View, stage: Stage): readonly Wanted[] {
  const { fanPercent, drumRpm, airflowPercent } = BY_STAGE[stage];
  const wanted: Wanted[] = [];
  if (controls.airflowPercent !== airflowPercent)
    wanted.push({ name: 'SET_AIRFLOW', parameters: { percent: airflowPercent }, why: stage });
  if (controls.fanPercent !== fanPercent)
    wanted.push({ name: 'SET_FAN', parameters: { percent: fanPercent }, why: stage });
  if (controls.drumRpm !== drumRpm)
    wanted.push({ name: 'SET_DRUM', parameters: { rpm: drumRpm }, why: stage });
  return wanted;
}
