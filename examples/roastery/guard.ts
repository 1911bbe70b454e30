// The machine's own word on a command before it is given. Mandate asks it as a guardrail: what an agent says about the
// rate of rise is a claim, what the machine measures is not. A finding makes people decide; it never lets anything run.
import { stageOf } from './markers.ts';
import type { Machine } from './machine.ts';

export interface Finding {
  readonly severity: 'warning' | 'error' | 'critical';
  readonly message: string;
}

/** °C a minute after the turning point. Faster, and the outside of the bean scorches before the inside is dry. */
export const MAX_RATE_OF_RISE = 35;
/** °C; the next stop after it is a fire in the chaff. */
const HOT_C = 222;
const SLOW_RPM = 35;

/** What speaks against the command now. `name` is `SET_POWER` and the like. */
export function findingsFor(
  machine: Machine,
  name: string,
  parameters: Readonly<Record<string, unknown>>,
): readonly Finding[] {
  const { drum, markers, controls, mode } = machine;
  if (mode !== 'roasting' || markers === null) return [];
  const findings: Finding[] = [];
  if (heats(machine, name, parameters)) {
    const rate = stageOf(markers) === 'charge' ? null : markers.rateOfRise;
    if (rate !== null && rate > MAX_RATE_OF_RISE)
      findings.push({
        severity: 'error',
        message: `The beans rise by ${rate.toFixed(0)} °C a minute and the most is ${MAX_RATE_OF_RISE}: no more heat now.`,
      });
    if (drum.probeTempC >= HOT_C)
      findings.push({
        severity: 'critical',
        message: `The beans are at ${drum.probeTempC.toFixed(0)} °C, and from ${HOT_C} °C on no heat is added: cool them.`,
      });
  }
  const rpm = parameters['rpm'];
  if (name === 'SET_DRUM' && typeof rpm === 'number' && rpm < SLOW_RPM && controls.powerPercent > 0)
    findings.push({
      severity: 'error',
      message: `Below ${SLOW_RPM} rpm beans lie on hot steel while the burner is on: take the power away first.`,
    });
  return findings;
}

/** More flame, or less of the air that carries heat away. */
function heats({ controls }: Machine, name: string, { percent }: Readonly<Record<string, unknown>>): boolean {
  if (typeof percent !== 'number') return false;
  if (name === 'SET_POWER') return percent > controls.powerPercent;
  if (name === 'SET_FAN') return percent < controls.fanPercent;
  return name === 'SET_AIRFLOW' && percent < controls.airflowPercent;
}
