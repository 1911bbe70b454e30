// The agent: it looks at the machine, knows what the profile wants, and asks Mandate for every command. It holds no key
// to the machine. What waits for people is not asked for a second time meanwhile, and what people or the law refuse is
// not done, nor asked for again at once; the roast goes on with what is set.
import { MandateUnavailable } from '@mandate/sdk';
import type { Mandate, Outcome } from '@mandate/sdk';
import { nextCommands } from './pilot.ts';
import type { Profile, View, Wanted } from './pilot.ts';
import type { Display } from './view.ts';

export interface FlightNeeds {
  /** The agent's own client. */
  readonly mandate: Mandate;
  readonly profile: Profile;
  /** What the machine shows now. */
  readonly look: () => Promise<Display>;
  /** Until it is worth looking again. */
  readonly pause: () => Promise<void>;
  /** Told of every command: asked for, and what became of it. */
  readonly told: (line: string) => void;
  /** The person who stands by, if one does: hears of what waits, and decides elsewhere. */
  readonly waits?: (outcome: Extract<Outcome, { status: 'waiting_for_approval' }>) => void;
  /** From now on the agent stops asking, e.g. because the time is up. */
  readonly isOver?: () => boolean;
}

export interface Flight {
  /** `roaster.SET_POWER success` → how often. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** The last look. */
  readonly display: Display;
  /** Whether it asked for an ABORT because the machine no longer did what was allowed. */
  readonly gaveUp: boolean;
}

/** So many settings in a row that failed, and the agent asks to end the roast: it is flying blind. */
const BLIND_AFTER = 6;
/** For so many looks what was refused is not asked for again: the answer would be the same. */
const REFUSED_LOOKS = 6;

/** Flies one batch, from a cold or warm machine to cooled beans. */
export async function fly(needs: FlightNeeds): Promise<Flight> {
  const { mandate, profile, look, pause, told } = needs;
  const outcomes = new Map<string, number>();
  const waiting = new Set<string>();
  const refusedUntil = new Map<string, number>();
  let looks = 0;
  let failures = 0;
  let gaveUp = false;

  function count(name: string, { status }: Outcome): void {
    const key = `${name} ${status}`;
    outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
    if (status === 'denied') refusedUntil.set(name, looks + REFUSED_LOOKS);
    if (status === 'failed') failures += 1;
    if (status === 'success') failures = 0;
  }

  async function ask(wanted: Wanted, view: View): Promise<void> {
    const { name, parameters, why } = wanted;
    if (waiting.has(name) || looks < (refusedUntil.get(name) ?? 0)) return;
    const asked = `${name} ${Object.values(parameters).join(' ')} (${why})`;
    const outcome = await mandate
      .request({ action: `roaster.${name}`, parameters: { ...parameters }, context: claimsOf(view) })
      .catch((error: unknown) => {
        if (!(error instanceof MandateUnavailable)) throw error;
        told(`${asked}: no answer, so it is not done`);
        return null;
      });
    if (outcome === null) return;
    if (outcome.status !== 'waiting_for_approval') {
      count(name, outcome);
      return told(`${asked}: ${tell(outcome)}`);
    }
    told(`${asked}: waits for people`);
    waiting.add(name);
    needs.waits?.(outcome);
    void follow(name, asked, outcome.id);
  }

  async function follow(name: string, asked: string, id: string): Promise<void> {
    const outcome = await mandate.wait(id, { timeoutMs: 300_000 }).catch(() => null);
    waiting.delete(name);
    if (outcome === null || outcome.status === 'waiting_for_approval') return;
    count(name, outcome);
    told(`${asked}: ${tell(outcome)}, after people decided`);
  }

  let display = await look();
  let hasBegun = false;
  while (needs.isOver?.() !== true) {
    if (display.mode === 'idle') {
      if (hasBegun) break;
      const { chargeC: targetC, chargeKg } = profile;
      await ask({ name: 'PREHEAT', parameters: { targetC, chargeKg }, why: 'the next batch' }, display);
    }
    hasBegun ||= display.mode !== 'idle';
    if (display.mode === 'locked') break;
    if (failures >= BLIND_AFTER && display.mode === 'roasting') {
      gaveUp = true;
      await ask({ name: 'ABORT', parameters: {}, why: `${failures} commands in a row failed` }, display);
    } else for (const wanted of nextCommands(display, profile)) await ask(wanted, display);
    await pause();
    looks += 1;
    display = await look();
  }
  return { outcomes, display, gaveUp };
}

/** What the agent says of the circumstances; it can only make a decision stricter. */
function claimsOf(view: View): Record<string, number> {
  const { rateOfRise, roastS } = view;
  return {
    probeTempC: round(view.probeTempC),
    ...(rateOfRise === null || view.stage === 'charge' ? {} : { rateOfRise: round(rateOfRise) }),
    ...(roastS === null ? {} : { roastS: Math.round(roastS) }),
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function tell(outcome: Outcome): string {
  if (outcome.status === 'failed') return `failed: ${outcome.error}`;
  return outcome.status === 'denied' ? `denied: ${outcome.problem.detail}` : outcome.status;
}
