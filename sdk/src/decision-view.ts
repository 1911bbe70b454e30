// What Mandate said of an action, in shape: an act shows it, and so does the error of a program that may not go on.
import type { Decision, Json, Tier } from '@mandate/kernel';

/** Why an action may run, waits or may not. The same fields as the kernel's decision; `trust.score` is before the outcome. */
export interface DecisionView {
  readonly tier: Tier;
  readonly effect: Decision['effect'];
  /** `allowed`, `approved`, `approval_required`, `denied`, `stopped`, …; a newer server may know more of them. */
  readonly code: string;
  /** In words, for people. */
  readonly reasons: readonly string[];
  /** Pattern of the rule that decided; null when no rule matched. */
  readonly rule: string | null;
  readonly trust: { readonly score: number; readonly level: string };
  readonly findings: readonly Json[];
  readonly restrictions: readonly Json[];
  readonly phase: string | null;
  readonly charterVersion: string;
  readonly revision: number;
  readonly obligations: readonly Json[];
  readonly trace: readonly { readonly part: string; readonly tier: Tier | null; readonly text: string }[];
}

/** What people are asked, as the agent that waits for them sees it. */
export interface ApprovalRef {
  readonly id: string;
  /** Of exactly this action; approving asks for it. */
  readonly digest: string;
  /** ISO 8601. */
  readonly expiresAt: string;
  readonly requiredRoles: readonly string[];
  readonly url: string;
}
