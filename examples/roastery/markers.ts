// What a roaster writes beside the curve: turning point, end of drying, first crack, drop, and how much of the roast was
// development. Read from the probe alone, as people at a machine do, never from what only a simulation can know.
//
// The figures are the trade's common ones: drying until about 150 °C, browning (Maillard) from there on, first crack
// between 196 and 205 °C; S. Rao, "The Coffee Roaster's Companion" (2014), counts development from the first crack on.

const DRY_C = 150;
const FIRST_CRACK_C = 198;

/** Over how long the rate of rise is taken, s. Shorter ones are mostly noise of the probe. */
const RATE_OVER_S = 30;

export type Stage = 'charge' | 'drying' | 'maillard' | 'first_crack' | 'dropped';

export interface Reading {
  readonly timeS: number;
  readonly probeTempC: number;
}

/** Times are seconds since the beans went in; null: not yet. */
export interface Markers {
  readonly chargeS: number;
  readonly turningPoint: { readonly atS: number; readonly tempC: number } | null;
  readonly dryAtS: number | null;
  readonly firstCrackAtS: number | null;
  readonly dropAtS: number | null;
  /** Of the last half minute, °C a minute; null until there is half a minute. */
  readonly rateOfRise: number | null;
  /** The readings that the rate is taken from, oldest first. */
  readonly recent: readonly Reading[];
}

export function beginMarkers(chargeS: number): Markers {
  return {
    chargeS,
    turningPoint: null,
    dryAtS: null,
    firstCrackAtS: null,
    dropAtS: null,
    rateOfRise: null,
    recent: [],
  };
}

/** The markers after one more reading. Readings come in the order of time; after the drop nothing changes any more. */
export function observe(markers: Markers, reading: Reading): Markers {
  if (markers.dropAtS !== null) return markers;
  const atS = reading.timeS - markers.chargeS;
  const recent = [...markers.recent, reading].filter(({ timeS }) => reading.timeS - timeS <= RATE_OVER_S);
  const rateOfRise = rateOf(recent);
  const last = markers.recent.at(-1);
  const turns = markers.turningPoint === null && last !== undefined && reading.probeTempC > last.probeTempC;
  const turningPoint = turns
    ? { atS: last.timeS - markers.chargeS, tempC: last.probeTempC }
    : markers.turningPoint;
  const rises = turningPoint !== null;
  return {
    ...markers,
    recent,
    rateOfRise,
    turningPoint,
    dryAtS: markers.dryAtS ?? (rises && reading.probeTempC >= DRY_C ? atS : null),
    firstCrackAtS: markers.firstCrackAtS ?? (rises && reading.probeTempC >= FIRST_CRACK_C ? atS : null),
  };
}

export function dropped(markers: Markers, timeS: number): Markers {
  return { ...markers, dropAtS: timeS - markers.chargeS, rateOfRise: null, recent: [] };
}

export function stageOf({ turningPoint, dryAtS, firstCrackAtS, dropAtS }: Markers): Stage {
  if (dropAtS !== null) return 'dropped';
  if (firstCrackAtS !== null) return 'first_crack';
  if (dryAtS !== null) return 'maillard';
  return turningPoint === null ? 'charge' : 'drying';
}

/** The part of the roast after first crack, 0 to 1; null before the drop, and without a first crack. */
export function developmentRatio({ firstCrackAtS, dropAtS }: Markers): number | null {
  return firstCrackAtS === null || dropAtS === null ? null : (dropAtS - firstCrackAtS) / dropAtS;
}

function rateOf(recent: readonly Reading[]): number | null {
  const [first] = recent;
  const last = recent.at(-1);
  if (first === undefined || last === undefined) return null;
  const seconds = last.timeS - first.timeS;
  return seconds < RATE_OVER_S / 2 ? null : ((last.probeTempC - first.probeTempC) / seconds) * 60;
}
