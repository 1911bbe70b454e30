// A decision with its trace, as plain data. Whatever weighs a part of it writes in these words, and whoever reads one needs
// nothing of how it was made.
import type { Severity } from './action.ts';
import type { ApprovalNeeds } from './approval-needs.ts';
import type { Finding } from './finding.ts';
import type { Reservation } from './limit.ts';
import type { RestrictionKind } from './restriction.ts';
import type { Tier } from './tier.ts';
import type { TrustLevel } from './trust.ts';

export type Effect = 'execute' | 'hold' | 'deny' | 'throttle' | 'none';

export type DecisionCode =
  | 'allowed'
  | 'approved'
  | 'remembered'
  | 'audited'
  | 'recorded'
  | 'approval_required'
  | 'denied'
  | 'stopped'
  | 'frozen'
  | 'anonymous'
  | 'scope_missing'
  | 'consent_required'
  | 'agent_unknown'
  | 'limit_exceeded'
  | 'throttled';

/** One part of the decision in words, also when it changed nothing. */
export interface TraceEntry {
  readonly part:
    | 'authority'
    | 'rule'
    | 'exception'
    | 'lift'
    | 'finding'
    /** Only where the charter has flow rules. */
    | 'flow'
    | 'restriction'
    | 'limit'
    | 'approval'
    | 'mode';
  readonly tier: Tier | null;
  readonly text: string;
}

export interface Decision {
  readonly tier: Tier;
  readonly effect: Effect;
  readonly code: DecisionCode;
  readonly reasons: readonly string[];
  /** Pattern of the winning rule; null when no rule matched. */
  readonly rule: string | null;
  /** Before the outcome. */
  readonly trust: { readonly score: number; readonly level: TrustLevel };
  readonly findings: readonly Finding[];
  readonly restrictions: readonly {
    readonly id: string;
    readonly kind: RestrictionKind;
    readonly floor: Tier;
    readonly cause: string;
  }[];
  readonly phase: string | null;
  readonly charterVersion: string;
  readonly revision: number;
  readonly obligations: readonly string[];
  readonly trace: readonly TraceEntry[];
  /** The charter's severity, or the agent's claim where that is higher: what a failure costs. */
  readonly severity: Severity;
  /** The charter's severity alone: what a success earns. No claim of the agent raises its own reward. */
  readonly earnedSeverity: Severity;
  /** What the act is charged at least, in micro-USD. */
  readonly costMicroUsd: number;
  /**
   * Why it is red, in stable words: what an approval is given for. `rule:PATTERN`, `rule:none`, `error:name`,
   * `exception:PATTERN: WORDS` and `error:PATTERN: WORDS` (the condition of the charter, or the glob), `trust:probation`,
   * `finding:CHECK`, `critical:CHECK` beside it where it is critical, `warning:CHECK` (three findings together that are
   * warnings or graver), `flow:NAME`, `restriction:ID`, `mode:SUPERVISED`. Sorted. What makes an action stricter adds
   * causes and takes none away. With code `audited`: what would have been held.
   */
  readonly causes: readonly string[];
  /** With code `remembered`: the grant under which it runs without asking again. */
  readonly signature?: string;
  /** Who must approve; null when nothing waits. */
  readonly approval: ApprovalNeeds | null;
  /** What act_start() must reserve for it. Given with every effect so that a refusal can show them; only `execute` reserves. */
  readonly reservations: readonly Reservation[];
}
