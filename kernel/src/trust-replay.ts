// What other figures would have made of what happened: outcomes on record are replayed, so that whoever changes the
// settings of trust sees beforehand who would stand where. Outcomes are facts; nothing is guessed of what agents would
// have done instead.
import type { Severity } from './action.ts';
import type { TrustSettings, TrustState } from './trust.ts';
import { driftTrust, moveTrust } from './trust.ts';

/** Something on record that moved trust, or could have. `unfrozen`: a person has looked and let the agent go on. */
export type TrustOutcome =
  | { readonly kind: 'success' | 'failure'; readonly severity: Severity; readonly atMs: number }
  | { readonly kind: 'unfrozen'; readonly atMs: number };

/** How one agent comes through. */
export interface TrustReplay {
  readonly state: TrustState;
  readonly outcomes: number;
  readonly freezes: readonly { readonly atMs: number; readonly cause: string }[];
  /** Since when it would be frozen; null where it is free. */
  readonly frozenSinceMs: number | null;
  /** Outcomes of a time at which it would have been frozen, and which would not have come about. */
  readonly outcomesWhileFrozen: number;
}

/** Where a replay begins. */
export function beginReplay(state: TrustState): TrustReplay {
  return { state, outcomes: 0, freezes: [], frozenSinceMs: null, outcomesWhileFrozen: 0 };
}

/** One outcome further. Outcomes come in the order in which they were recorded. */
export function replayOutcome(
  replay: TrustReplay,
  outcome: TrustOutcome,
  settings: TrustSettings,
): TrustReplay {
  const { state } = driftTrust(replay.state, outcome.atMs, settings);
  if (outcome.kind === 'unfrozen')
    return { ...replay, state: { ...state, failuresInRow: 0 }, frozenSinceMs: null };
  const { kind, severity, atMs } = outcome;
  const move = moveTrust(state, { kind, severity, counts: true, nowMs: atMs }, settings);
  const isFrozen = replay.frozenSinceMs !== null;
  const isNew = move.freeze !== null && !isFrozen;
  return {
    state: move.state,
    outcomes: replay.outcomes + 1,
    freezes: isNew ? [...replay.freezes, { atMs, cause: move.freeze }] : replay.freezes,
    frozenSinceMs: isNew ? atMs : replay.frozenSinceMs,
    outcomesWhileFrozen: replay.outcomesWhileFrozen + (isFrozen ? 1 : 0),
  };
}

/** The end of a replay: whoever has done nothing since has drifted. */
export function endReplay(replay: TrustReplay, nowMs: number, settings: TrustSettings): TrustReplay {
  return { ...replay, state: driftTrust(replay.state, nowMs, settings).state };
}
