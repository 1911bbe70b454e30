// A proposal that a governed set rises by one phase, as people look at it: who asks, what would run without asking, and
// who has agreed. The server shows it, and whoever reads it (SDK, dashboard) knows the same shape. Times are ISO 8601.
import type { ApprovalStatus } from './approval.ts';

export interface Proposal {
  readonly id: string;
  readonly set: string;
  readonly from: string;
  readonly to: string;
  readonly title: string;
  /** `used`: it was approved and has raised the phase. `cancelled`: it no longer held; see `endedWhy`. */
  readonly status: ApprovalStatus;
  readonly digest: string;
  readonly reason: string;
  readonly requestedBy: string;
  readonly requestedAt: string;
  readonly expiresAt: string;
  /** What would run without asking beside what does already. */
  readonly commands: readonly string[];
  readonly validationDays: number;
  /** Roles, one approval for each. */
  readonly requiredApprovals: readonly string[];
  /** Roles for which nobody who has approved is left: each role takes a person of its own. */
  readonly missingApprovals: readonly string[];
  readonly approvals: readonly {
    readonly by: string;
    readonly roles: readonly string[];
    readonly decision: 'approve' | 'reject';
    readonly reason: string | null;
    readonly at: string;
  }[];
  /** Why it was taken back or could not be carried out; null otherwise. */
  readonly endedWhy: string | null;
}
