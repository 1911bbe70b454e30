// What an approval asks for, as plain data: rules write it, people are sought by it, and an approval is held against it.

export interface ApprovalNeeds {
  /** One approver for each of these roles. Empty: any approver role. */
  readonly requiredRoles: readonly string[];
  /** That many distinct people; as many as roles or more: another person for each role. */
  readonly quorum: number;
  readonly expiresMs: number;
  readonly fourEyes: boolean;
  /** Who is told next, and may vote, when nobody has decided. Absent: as the charter says for all. */
  readonly escalate?: readonly EscalationStep[];
}

/** After this long without a decision it is also the turn of a role, or of a person (`user:ben`). */
export interface EscalationStep {
  readonly afterMs: number;
  readonly to: string;
}
