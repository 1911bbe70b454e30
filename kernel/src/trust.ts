// How a score moves: slowly up through work that Mandate saw succeed, quickly down through failure.
import type { Severity } from './action.ts';

export type TrustLevel = 'probation' | 'standard' | 'trusted' | 'autonomous';

/** One agent's trust as it is stored. `score` is 0–100, rounded to 3 decimals. */
export interface TrustState {
  readonly score: number;
  /** Successes in a row. */
  readonly streak: number;
  readonly failuresInRow: number;
  /** Points gained on `gainedDay` (a UTC day number, epoch ms / 86,400,000). */
  readonly gainedToday: number;
  readonly gainedDay: number;
  /** When the score last moved or drifted, epoch ms. */
  readonly movedMs: number;
}

export interface TrustSettings {
  readonly start: number;
  readonly levels: { readonly standard: number; readonly trusted: number; readonly autonomous: number };
  readonly success: Readonly<Record<Severity, number>>;
  readonly failure: Readonly<Record<Severity, number>>;
  readonly streakBonus: number;
  readonly streakBonusMax: number;
  readonly gainPerDay: number;
  readonly freezeAfterFailures: number;
  readonly driftPerDay: number;
}

/** The shipped figures; every one of them is a charter setting. */
export const DEFAULT_TRUST: TrustSettings = {
  start: 50,
  levels: { standard: 30, trusted: 60, autonomous: 85 },
  success: { low: 0.5, medium: 1, high: 2, critical: 3 },
  failure: { low: 1, medium: 3, high: 8, critical: 20 },
  streakBonus: 0.2,
  streakBonusMax: 2,
  gainPerDay: 10,
  freezeAfterFailures: 3,
  driftPerDay: 0.1,
};

/** The end of an act, as far as trust is concerned. Retries of one step are one event; `unknown` and `cancelled` are none. */
export interface TrustEvent {
  readonly kind: 'success' | 'failure';
  readonly severity: Severity;
  /** A success counts when Mandate executed it, a post-check passed or another principal confirmed it. A failure always does. */
  readonly counts: boolean;
  readonly nowMs: number;
}

export interface TrustMove {
  readonly state: TrustState;
  /** New score minus old score, rounded to 3 decimals. */
  readonly delta: number;
  /** Why it moved, or why it did not, for the journal. */
  readonly cause: string;
  /** Why the agent must be frozen now; null when it need not be. */
  readonly freeze: string | null;
}

const DAY_MS = 86_400_000;

/** The level of a score. What is not a number is probation, the strictest. */
export function trustLevel(score: number, settings: TrustSettings): TrustLevel {
  if (score >= settings.levels.autonomous) return 'autonomous';
  if (score >= settings.levels.trusted) return 'trusted';
  return score >= settings.levels.standard ? 'standard' : 'probation';
}

/** The trust of an agent that has just been registered. */
export function newTrust(settings: TrustSettings, nowMs: number): TrustState {
  const gainedDay = Math.floor(nowMs / DAY_MS);
  return {
    score: clampScore(settings.start),
    streak: 0,
    failuresInRow: 0,
    gainedToday: 0,
    gainedDay,
    movedMs: nowMs,
  };
}

/** Moves trust by one event. Apply `driftTrust` first where the agent has been idle for a day or more. */
export function moveTrust(state: TrustState, event: TrustEvent, settings: TrustSettings): TrustMove {
  if (event.kind === 'failure') return moveDown(state, event, settings);
  if (event.counts) return moveUp(state, event, settings);
  const cause = `a ${event.severity} success that only the agent itself reported moves nothing until somebody confirms it`;
  return { state, delta: 0, cause, freeze: null };
}

function moveUp(state: TrustState, event: TrustEvent, settings: TrustSettings): TrustMove {
  const today = Math.floor(event.nowMs / DAY_MS);
  // A clock that was set back must not open a second allowance for a day that was already used.
  const gainedDay = Math.max(today, state.gainedDay);
  const gainedToday = gainedDay > state.gainedDay ? 0 : state.gainedToday;
  const bonus =
    event.severity === 'low' ? 0 : Math.min(settings.streakBonusMax, settings.streakBonus * state.streak);
  const earned = settings.success[event.severity] + bonus;
  const gain = Math.max(0, Math.min(earned, settings.gainPerDay - gainedToday));
  const score = clampScore(state.score + gain);
  const delta = round(score - state.score);
  const capped = gain < earned ? `; the ${settings.gainPerDay} points of the day are used up` : '';
  return {
    state: {
      score,
      streak: state.streak + 1,
      failuresInRow: 0,
      gainedToday: round(gainedToday + delta),
      gainedDay,
      movedMs: event.nowMs,
    },
    delta,
    cause: `a ${event.severity} success after ${state.streak} in a row${capped}`,
    freeze: null,
  };
}

function moveDown(state: TrustState, event: TrustEvent, settings: TrustSettings): TrustMove {
  const score = clampScore(state.score - settings.failure[event.severity]);
  const failuresInRow = state.failuresInRow + 1;
  return {
    state: { ...state, score, streak: 0, failuresInRow, movedMs: event.nowMs },
    delta: round(score - state.score),
    cause: `a ${event.severity} failure, ${failuresInRow} in a row`,
    freeze: freezeCause(event.severity, failuresInRow, settings),
  };
}

function freezeCause(severity: Severity, failuresInRow: number, settings: TrustSettings): string | null {
  if (severity === 'critical') return 'a critical failure';
  return failuresInRow >= settings.freezeAfterFailures ? `${failuresInRow} failures in a row` : null;
}

/**
 * Lets an idle agent's score sink back to the start, from above only. Whole idle days count, so an agent that
 * works every day does not drift, and how often this is called does not matter.
 */
export function driftTrust(state: TrustState, nowMs: number, settings: TrustSettings): TrustMove {
  const idleDays = Math.floor((nowMs - state.movedMs) / DAY_MS);
  if (idleDays < 1 || state.score <= settings.start) {
    return { state, delta: 0, cause: 'nothing to drift', freeze: null };
  }
  const score = clampScore(Math.max(settings.start, state.score - settings.driftPerDay * idleDays));
  return {
    state: { ...state, score, movedMs: state.movedMs + idleDays * DAY_MS },
    delta: round(score - state.score),
    cause: `${idleDays} ${idleDays === 1 ? 'day' : 'days'} without an act`,
    freeze: null,
  };
}

function clampScore(score: number): number {
  return round(Math.min(100, Math.max(0, score)));
}

function round(points: number): number {
  return Math.round(points * 1000) / 1000;
}
