// What the weekly cycle finds, decides and asks for, as plain data: one report for each governed set and week. The
// server writes it, and whoever reads it (SDK, dashboard, auditor) knows the same shape.
import type { CommandTypeMetrics, MonitorMetrics } from './monitor.ts';

/** Counts, rates and safety of one window. Rates are 0 to 1; null where there was nothing to divide by. */
export interface GovernanceMetrics extends MonitorMetrics {
  /** ISO times; both belong to it. */
  readonly period: { readonly start: string; readonly end: string };
}

export interface ReportedItem {
  readonly name: string;
  readonly weight: number;
  readonly required: boolean;
  readonly status: string;
  /** Why it passes or fails. */
  readonly details: string;
}

export interface ReportedReadiness {
  /** Points reached of points there are, 0 to 1. */
  readonly score: number;
  readonly points: number;
  readonly maxPoints: number;
  readonly ready: boolean;
  readonly blockers: readonly string[];
  /** `technical`, `process`, `organizational`. */
  readonly categories: readonly {
    readonly name: string;
    readonly score: number;
    readonly maxScore: number;
    readonly items: readonly ReportedItem[];
  }[];
  readonly recommendations: readonly string[];
  readonly nextActions: readonly string[];
}

export interface ReportedBreaker {
  readonly id: string;
  readonly rule: string;
  /** What it did: `revert_to_l3`, `pause_command_type`, `alert_only`. */
  readonly action: string;
  readonly severity: string;
  readonly commandType: string | null;
  readonly at: string;
  /** null while nobody has resolved it. */
  readonly resolvedAt: string | null;
  readonly resolvedBy: string | null;
}

export interface ReportedIncident {
  readonly id: string;
  readonly title: string;
  readonly severity: string;
  readonly source: string;
  readonly openedAt: string;
  readonly resolvedAt: string | null;
}

/** A service level objective; shares are 0 to 1. */
export interface ReportedObjective {
  readonly name: string;
  readonly target: number;
  /** null where nothing was measured. */
  readonly actual: number | null;
  /** How much of the error budget is left; below 0 where it is overdrawn. */
  readonly budgetLeft: number | null;
  readonly status: string;
}

/** Why no next phase is proposed. */
export type CycleReasonCode =
  | 'phase_unknown'
  | 'highest_phase'
  | 'score_too_low'
  | 'required_unmet'
  | 'breakers_unresolved'
  | 'proposal_pending'
  | 'stabilizing'
  | 'validating'
  | 'proposal_refused';

export interface CycleReason {
  readonly code: CycleReasonCode;
  /** A sentence or two: what stands in the way, and until when or what to do. */
  readonly text: string;
}

export type CycleDecision =
  | { readonly kind: 'propose'; readonly target: string }
  /** Never without a reason. */
  | { readonly kind: 'stay'; readonly reasons: readonly CycleReason[] };

/** One entry of the next phase's whitelist that is new, with the record of the commands that it covers. */
export interface ProposedCommand {
  /** An action or a pattern, as the whitelist has it. */
  readonly pattern: string;
  /** Each type of command that was seen under it. */
  readonly commandTypes: readonly string[];
  readonly proposed: number;
  readonly approved: number;
  readonly succeeded: number;
  readonly failed: number;
}

/** What people are asked to agree to. */
export interface PhaseProposal {
  readonly from: string;
  readonly to: string;
  readonly title: string;
  readonly commands: readonly ProposedCommand[];
  /** The window of these records. */
  readonly record: { readonly start: string; readonly end: string };
  readonly validationDays: number;
  readonly achievements: readonly string[];
  readonly risk: {
    readonly level: 'low' | 'medium' | 'high';
    readonly reasons: readonly string[];
    readonly mitigations: readonly string[];
  };
  readonly rollbackPlan: readonly string[];
  /** Roles, one approval for each. */
  readonly requiredApprovals: readonly string[];
}

/** Which part of the journal the report stands on. */
export interface AuditRoot {
  /** RFC 6962 tree hash over the entries' canonical headers in the order of their positions, hex. */
  readonly root: string;
  readonly entries: number;
  /** Positions, both inclusive; null where there was no entry. */
  readonly firstPosition: number | null;
  readonly lastPosition: number | null;
}

export interface GovernanceReport {
  readonly id: string;
  readonly set: string;
  /** ISO 8601 week in the set's time zone: `2026-W47`. */
  readonly week: string;
  readonly timeZone: string;
  readonly period: { readonly start: string; readonly end: string };
  readonly createdAt: string;
  /** Who or what ran the cycle: a principal, or `schedule`. */
  readonly createdBy: string;
  readonly phase: {
    readonly name: string;
    readonly title: string;
    /** Which of the ladder's phases it is, from 1. */
    readonly step: number;
    readonly steps: number;
    readonly since: string;
    readonly days: number;
    readonly validationUntil: string | null;
    readonly stabilizationUntil: string | null;
    readonly whitelist: readonly string[];
  };
  readonly metrics: GovernanceMetrics;
  /** The seven days before. */
  readonly previous: GovernanceMetrics;
  readonly commandTypes: readonly CommandTypeMetrics[];
  readonly readiness: ReportedReadiness;
  readonly breakers: readonly ReportedBreaker[];
  readonly incidents: readonly ReportedIncident[];
  /** How many of each a busy week has beyond what is listed. */
  readonly omitted: {
    readonly commandTypes: number;
    readonly breakers: number;
    readonly incidents: number;
  };
  /** Empty where the charter has none. */
  readonly objectives: readonly ReportedObjective[];
  readonly decision: CycleDecision;
  /** What was asked of people; null where nothing was. */
  readonly proposal: (PhaseProposal & { readonly id: string }) | null;
  readonly nextSteps: readonly string[];
  readonly audit: AuditRoot;
}
