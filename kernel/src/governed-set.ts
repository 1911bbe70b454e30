// A governed set earns its autonomy in phases: patterns of actions, and for each phase what then runs without asking.
// A phase is enforced as a restriction (floor red, its whitelist left alone); this file is only what the charter says.
import { anyPatternCovers } from './pattern.ts';

export interface Phase {
  /** `L3+`. Unique within its set. */
  readonly name: string;
  /** `Extended Control`. */
  readonly title: string;
  /** Full action names or patterns of everything that runs without asking in this phase; holds those of earlier phases. */
  readonly whitelist: readonly string[];
  /** How long after its start the phase is on probation, in milliseconds; 0 for the first. */
  readonly validationMs: number;
  /** Approver roles that must all agree before this phase is entered from below. */
  readonly approvals: readonly string[];
}

export interface GovernedSet {
  /** `roastery`. Unique within the charter. */
  readonly name: string;
  /** What it governs: patterns of actions. */
  readonly patterns: readonly string[];
  /** From the strictest to the freest; never empty. */
  readonly phases: readonly [Phase, ...Phase[]];
  /** How long nothing may be proposed after a fall. */
  readonly stabilizationMs: number;
  /** How long nothing may be proposed after the set was first governed. */
  readonly firstStabilizationMs: number;
  /** When the weekly cycle runs: a cron expression in `timeZone` (an IANA name). */
  readonly cycle: string;
  readonly timeZone: string;
  /** Where it is written: `roastery.yaml:12:3 phases.roastery`. */
  readonly origin: string;
}

/** How long a proposal waits for people where the charter says nothing: who approves a phase is no clerk on duty. */
export const PROPOSAL_MS = 7 * 86_400_000;

/** Whether the set governs the action. */
export function isGoverned(set: GovernedSet, action: string): boolean {
  return anyPatternCovers(set.patterns, action);
}

/** The place of a phase in its set; -1 for a name that the set does not know. */
export function phaseIndex(set: GovernedSet, phase: string): number {
  return set.phases.findIndex(({ name }) => name === phase);
}
