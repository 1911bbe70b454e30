// What the machine's display shows, made of the machine: only what a probe, a clock and the panel can know.
import { developmentRatio, stageOf } from './markers.ts';
import type { Machine } from './machine.ts';
import type { View } from './pilot.ts';

export interface Display extends View {
  /** Seconds from the charge; null: not yet, or no batch. */
  readonly turningPoint: { readonly atS: number; readonly tempC: number } | null;
  readonly dryAtS: number | null;
  readonly firstCrackAtS: number | null;
  readonly dropAtS: number | null;
  readonly developmentRatio: number | null;
}

export function viewOf({ mode, controls, drum, markers, aborted }: Machine): Display {
  return {
    mode,
    controls,
    probeTempC: drum.probeTempC,
    airTempC: drum.airTempC,
    roastS: markers === null || markers.dropAtS !== null ? null : drum.timeS - markers.chargeS,
    rateOfRise: markers?.rateOfRise ?? null,
    stage: markers === null ? null : stageOf(markers),
    aborted,
    turningPoint: markers?.turningPoint ?? null,
    dryAtS: markers?.dryAtS ?? null,
    firstCrackAtS: markers?.firstCrackAtS ?? null,
    dropAtS: markers?.dropAtS ?? null,
    developmentRatio: markers === null ? null : developmentRatio(markers),
  };
}
