// What another charter would make of actions that are on record or pass by, as plain data: the server finds it out, and
// whoever reads it (SDK, command line, auditor) knows the same shape. Times are ISO 8601.
import type { Effect } from './decision.ts';
import type { Tier } from './tier.ts';

/**
 * What changes, seen from the agent: `held` ran and would wait; `freed` would run; `denied` and `throttled` would be
 * refused; `eased` was refused and would wait. The rest has the same effect: `approvers` would be asked otherwise,
 * `retiered` has another tier, `reruled` the same one by another rule.
 */
export type PolicyChange =
  | 'held'
  | 'denied'
  | 'freed'
  | 'eased'
  | 'throttled'
  | 'approvers'
  | 'retiered'
  | 'reruled';

/** The part of a decision that charters are compared by. */
export interface Verdict {
  readonly tier: Tier;
  readonly effect: Effect;
  /** A DecisionCode; a newer Mandate may know more of them. */
  readonly code: string;
  /** Pattern of the winning rule; null when no rule matched. */
  readonly rule: string | null;
}

/** One act that would have been decided otherwise. */
export interface Difference {
  /** Id of the act. */
  readonly id: string;
  readonly agent: string;
  readonly action: string;
  /** When it was asked. */
  readonly at: string;
  /** What became of it. */
  readonly status: string;
  readonly change: PolicyChange;
  readonly before: Verdict;
  readonly after: Verdict;
}

/** All differences of one kind: same action, same change, same verdicts. */
export interface DifferenceGroup extends Pick<Difference, 'action' | 'change' | 'before' | 'after'> {
  readonly count: number;
  /** Id of the newest act of the group. */
  readonly example: string;
}

/** An act that its own charter decides otherwise today than on record: Mandate itself has changed since. */
export interface Drifted {
  readonly id: string;
  readonly action: string;
  readonly charterVersion: string;
  readonly recorded: Verdict;
  readonly replayed: Verdict;
}

export interface SimulationReport {
  /** E.g. `This change would have held 14 and freed 3 of 10,000 recorded actions.` */
  readonly summary: string;
  readonly from: string;
  readonly to: string;
  /** How many acts were looked at. */
  readonly acts: number;
  /** How many acts differ, by change; a change that nothing meets is left out. */
  readonly counts: Readonly<Record<string, number>>;
  /** Newest first; 10,000 at most. */
  readonly differences: readonly Difference[];
  /** Differences that are in `counts` and `groups` and were left out of the list. */
  readonly differencesLeftOut: number;
  /** Strictest change first, then the largest. */
  readonly groups: readonly DifferenceGroup[];
  /** Differences whose group was left out of `groups`. */
  readonly groupsLeftOut: number;
  /** How `before` was found: decided again under the act's own charter, or as recorded where that cannot be read. */
  readonly baseline: { readonly replayed: number; readonly recorded: number };
  readonly drifted: { readonly count: number; readonly acts: readonly Drifted[] };
  readonly notReplayed: {
    /** Acts whose sealed part does not open. */
    readonly unreadable: number;
    /** Requests that were refused before they were acts, by code: nothing of them was kept that could be decided again. */
    readonly refused: Readonly<Record<string, number>>;
  };
  /** Where it stopped because there was too much: nothing older was looked at. null: everything was. */
  readonly cutAt: string | null;
}

/** A charter on trial beside the one in force, and where the two have differed so far. */
export interface ShadowReport {
  /** E.g. `This change would have held 14 of 10,000 decided actions.` */
  readonly summary: string;
  readonly version: string;
  readonly author: string;
  readonly note: string | null;
  readonly since: string;
  /** New requests that were decided by both since then. */
  readonly decided: number;
  readonly differed: number;
  /** Decisions in which the shadow itself could not be judged by. The live ones stood all the same. */
  readonly failed: number;
  /** Decisions that came faster than they could be compared. */
  readonly skipped: number;
  /** By change; a change that nothing meets is left out. */
  readonly counts: Readonly<Record<string, number>>;
  /** The most frequent first. */
  readonly groups: readonly (Omit<DifferenceGroup, 'example'> & {
    readonly first: { readonly id: string; readonly at: string };
    readonly last: { readonly id: string; readonly at: string };
  })[];
  /** Differences that are in `differed` and in no group, because there are too many ways to differ. */
  readonly ungrouped: number;
}

/** Acts that ran and that a draft would hold, by name and cause. */
export interface StillHeld {
  readonly action: string;
  readonly causes: readonly string[];
  readonly count: number;
  /** Id of an act of them. */
  readonly example: string;
}

/** A charter drafted from what was recorded under audit. */
export interface Suggestion {
  /** YAML, with comments. */
  readonly text: string;
  /** Content hash, as it would be in force. */
  readonly version: string;
  readonly from: string;
  readonly to: string;
  readonly acts: number;
  readonly unreadable: number;
  /** Nothing older was looked at; null: everything was. */
  readonly cutAt: string | null;
  /** What the draft says that the charter in force does not. */
  readonly rules: readonly {
    readonly match: string;
    readonly tier: Tier;
    readonly actions: readonly string[];
  }[];
  readonly stillHeld: readonly StillHeld[];
}
