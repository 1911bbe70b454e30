// An approval as everybody outside this folder sees it: what is asked, of whom, what has been said, and whose turn it is.
import type { ApprovalStatus, Capacity, Json } from '@mandate/kernel';

export interface Approval {
  readonly id: string;
  readonly digest: string;
  readonly subject: string;
  /** In one line: `deploy.production by builder-1`. */
  readonly title: string;
  readonly actId: string | null;
  /** Empty where it concerns no agent. */
  readonly agent: string;
  /** The action that waits; for other subjects their name. */
  readonly action: string;
  /** Redacted: what people are shown. */
  readonly display: Json;
  readonly requester: string;
  readonly causes: readonly string[];
  readonly requiredRoles: readonly string[];
  /** Who may vote where no role is required; empty: every approver role. */
  readonly voterRoles: readonly string[];
  readonly quorum: number;
  readonly fourEyes: boolean;
  readonly status: ApprovalStatus;
  readonly createdAt: string;
  readonly expiresAt: string;
  /** Roles and people (`user:ben`) whose turn it has become because nobody decided in time. */
  readonly escalatedTo: readonly string[];
  /** When the next in line is told; null when nobody is. */
  readonly escalatesAt: string | null;
  /** The approval of what an approver made of this one. */
  readonly replacedBy: string | null;
  readonly replaces: string | null;
  /** Whoever wrote what is asked for, where that is not who asked. Under four eyes none of them may approve it. */
  readonly editors: readonly string[];
  /** Why it was cancelled, where nobody voted it down. */
  readonly endedWhy: string | null;
  readonly votes: readonly CastVote[];
}

export interface CastVote {
  readonly by: string;
  readonly decision: 'approve' | 'deny';
  readonly reason: string | null;
  readonly at: string;
  /** For which roles it counts, and in whose place. */
  readonly capacities: readonly Capacity[];
  /** The same in words: `ben for tech-lead (stand-in of ada)`. */
  readonly as: string;
  /** Where it was cast: `api`, `page`, `mail`, `slack`, … */
  readonly channel: string;
}
