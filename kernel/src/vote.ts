// What one person said on an approval, and for whom that person may speak. Approvals count votes and seating hands them
// seats, so neither owns them.

/** A role for which a vote counts, and why the voter may speak for it. */
export interface Capacity {
  readonly role: string;
  readonly via: 'role' | 'stand-in' | 'escalation';
  /** Whose stand-in; null otherwise. */
  readonly of: string | null;
}

/** What one person said. Who and which roles come from the caller's key, never from the body. */
export interface Vote {
  readonly by: string;
  readonly roles: readonly string[];
  readonly decision: 'approve' | 'deny';
  /** What the voter could speak for when the vote was cast, beyond the roles. */
  readonly capacities?: readonly Capacity[];
}
