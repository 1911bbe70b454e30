// A decision of people on the digest of a subject. Bound to the exact action, used once, and no grant (I6).
import type { Action } from './action.ts';
import type { ApprovalNeeds, EscalationStep } from './approval-needs.ts';
import { canonicalJson } from './audit.ts';
import { holdsRole, missingRolesOf } from './seating.ts';
import type { Capacity, Vote } from './vote.ts';

/** `used`: it was approved, and what it was given for has begun. */
export type ApprovalStatus = 'pending' | 'approved' | 'denied' | 'expired' | 'cancelled' | 'used';

/** Somebody who may vote as if they had a role, for good or for a while, in a colleague's place or in nobody's. */
export interface StandIn {
  /** Id of the user, without `user:`. */
  readonly user: string;
  readonly for: string;
  /** In whose place; null: in nobody's. */
  readonly of: string | null;
  /** Epoch milliseconds; null: without beginning, without end. */
  readonly fromMs: number | null;
  readonly untilMs: number | null;
}

/** An approval that people have given for exactly this action, as the snapshot carries it. */
export interface GivenApproval extends Pick<ApprovalNeeds, 'requiredRoles' | 'quorum' | 'fourEyes'> {
  readonly id: string;
  /** The red causes it was given for; it counts only if the fresh ones are a subset. */
  readonly causes: readonly string[];
}

/**
 * Exactly this action may run again without asking, for the causes that people saw, until it ends or is revoked, or is
 * older than the charter lets anything be remembered today. All times are epoch milliseconds.
 */
export interface SignatureGrant extends Pick<ApprovalNeeds, 'requiredRoles' | 'quorum' | 'fourEyes'> {
  readonly id: string;
  readonly causes: readonly string[];
  readonly createdMs: number;
  readonly expiresMs: number;
}

/** Who asked: the principal, the agent it acted as, and the user at the root of its authority. */
export interface Requester {
  readonly principal: string;
  readonly agent: string;
  readonly user: string | null;
}

export type Tally =
  | { readonly kind: 'approved'; readonly by: readonly string[] }
  | { readonly kind: 'denied'; readonly by: string }
  | {
      readonly kind: 'pending';
      /** Required roles for which nobody who has approved is left. */
      readonly missingRoles: readonly string[];
      /** How many more distinct people must approve. */
      readonly missingPeople: number;
      readonly text: string;
    };

/** How people decide, as the charter has it. */
export interface ApprovalSettings {
  /** What people must approve besides actions, by subject: `unfreeze`, `charter`, `tool`, `proposal`. Absent: see the subject. */
  readonly subjects: Readonly<Record<string, ApprovalNeeds>>;
  readonly standIns: readonly StandIn[];
  readonly escalate: readonly EscalationStep[];
  /** For how long an exact action may be let run without asking again; 0: never. */
  readonly rememberMaxMs: number;
  readonly fatigue: FatigueSettings;
}

/** What one person may approve at most; null: no cap. Denying is never capped. */
export interface FatigueSettings {
  /** Different things an hour. */
  readonly perHour: number | null;
  /** Between being shown something and approving it. */
  readonly minReadingMs: number | null;
}

export const DEFAULT_APPROVALS: ApprovalSettings = {
  subjects: {},
  standIns: [],
  escalate: [],
  rememberMaxMs: 86_400_000,
  fatigue: { perHour: null, minReadingMs: null },
};

/** How long an approval may wait where its rule names no time. */
export const DEFAULT_APPROVAL_MS = 86_400_000;

/** What an approval needs where no rule says more. */
export const DEFAULT_NEEDS: ApprovalNeeds = {
  requiredRoles: [],
  quorum: 1,
  expiresMs: DEFAULT_APPROVAL_MS,
  fourEyes: false,
};

/** Roles that may approve where a rule names none; `admin` holds every one of them. */
export const APPROVER_ROLES: readonly string[] = ['tech-lead', 'ops-lead', 'product-lead', 'exec-sponsor'];

/**
 * The canonical text (RFC 8785) whose hash binds an approval to one action. It covers all that people judge, and
 * never an id, an idempotency key or a trace, so that the identical repeat finds its approval. Throws a TypeError
 * when the action has no canonical form; a door refuses such input first (`canonicalProblem`).
 */
export function actionDigestText(tenant: string, action: Action): string {
  // In the order of the canonical form, so that nothing has to be sorted.
  return canonicalJson({
    action: action.action,
    agent: action.agent,
    chain: action.chain,
    context: action.context,
    costMicroUsd: action.costMicroUsd,
    onBehalfOf: action.onBehalfOf,
    parameters: action.parameters,
    resource: action.resource,
    subject: 'action',
    tenant,
    user: action.user,
  });
}

/** Whose turn it is besides those who have the roles. */
export interface Turn {
  readonly standIns: readonly StandIn[];
  /** Roles and people to whom it has been handed on. */
  readonly escalatedTo: readonly string[];
  readonly nowMs: number;
}

/**
 * What somebody may vote as: by a role of their own, as a stand-in, or because it was handed on to them. Empty: nothing,
 * and then the vote must not be taken. `approverRoles` may vote where no role is required, and count towards a quorum.
 */
export function capacitiesOf(
  voter: Pick<Vote, 'by' | 'roles'>,
  { requiredRoles }: Pick<ApprovalNeeds, 'requiredRoles'>,
  { standIns, escalatedTo, nowMs }: Turn,
  approverRoles: readonly string[] = APPROVER_ROLES,
): readonly Capacity[] {
  if (isMachine(voter.roles)) return [];
  const isAdmin = voter.roles.includes('admin');
  const wanted = [...new Set([...requiredRoles, ...approverRoles])];
  const own = wanted.filter((role) => voter.roles.includes(role));
  if (isAdmin) own.push(...(requiredRoles.length > 0 ? requiredRoles : ['admin']));
  const capacities: Capacity[] = [...new Set(own)].map((role) => ({ role, via: 'role', of: null }));
  for (const standIn of standIns) {
    if (voter.by !== `user:${standIn.user}` || !wanted.includes(standIn.for)) continue;
    if (!isDuring(standIn, nowMs) || own.includes(standIn.for)) continue;
    capacities.push({ role: standIn.for, via: 'stand-in', of: standIn.of });
  }
  const isNext = escalatedTo.some((to) => to === voter.by || voter.roles.includes(to));
  if (!isNext) return capacities;
  for (const role of requiredRoles.length > 0 ? requiredRoles : ['approver']) {
    if (!capacities.some((each) => each.role === role))
      capacities.push({ role, via: 'escalation', of: null });
  }
  return capacities;
}

/** `ben for tech-lead (stand-in of ada)`: who voted, as people read it. */
export function describeCapacities(by: string, capacities: readonly Capacity[]): string {
  const name = by.startsWith('user:') ? by.slice('user:'.length) : by;
  if (capacities.length === 0) return name;
  const parts = capacities.map(({ role, via, of }) => {
    if (via === 'escalation') return `${role} (handed on to them)`;
    if (via === 'stand-in')
      return of === null ? `${role} (named by the charter)` : `${role} (stand-in of ${of})`;
    return role;
  });
  return `${name} for ${parts.join(', ')}`;
}

/**
 * Counts votes: pending until every required role and the quorum have approved, denied by a single deny. Where the quorum
 * is as large as the roles are many, each role takes a person of its own.
 */
export function tally(
  needs: ApprovalNeeds,
  votes: readonly Vote[],
  requester: Requester,
  approverRoles: readonly string[] = APPROVER_ROLES,
): Tally {
  const eligible = votes.filter((vote) => mayApprove(vote, needs, approverRoles));
  // A deny only makes stricter, so the requester's own counts: who asked may think better of it.
  const deny = eligible.find((vote) => vote.decision !== 'approve');
  if (deny !== undefined) return { kind: 'denied', by: deny.by };
  const approvals = eligible.filter((vote) => !isRequester(vote.by, needs, requester));
  const missingRoles = missingRolesOf(needs, approvals);
  const people = new Set(approvals.map((vote) => vote.by));
  // Written so that a quorum which is not a number is never reached.
  const isQuorate = people.size > 0 && people.size >= needs.quorum;
  if (isQuorate && missingRoles.length === 0) return { kind: 'approved', by: [...people].toSorted() };
  const missingPeople = Math.max(missingRoles.length > 0 ? 0 : 1, Math.max(1, needs.quorum) - people.size);
  const isHeld = missingRoles.some((role) => approvals.some((vote) => holdsRole(vote, role)));
  const text = describeMissing(missingRoles, missingPeople, isHeld);
  return { kind: 'pending', missingRoles, missingPeople, text };
}

/** What the law asks for now and the people behind an approval were not asked for; null when it still suffices. */
export function missingSince(
  given: Pick<GivenApproval, 'requiredRoles' | 'quorum' | 'fourEyes'>,
  needs: ApprovalNeeds,
): string | null {
  for (const role of needs.requiredRoles)
    if (!given.requiredRoles.includes(role)) return `an approver with the role ${role}`;
  // Written so that a quorum which is not a number is never reached.
  if (!(given.quorum >= needs.quorum)) return `a quorum of ${needs.quorum}`;
  return needs.fourEyes && !given.fourEyes ? 'four eyes' : null;
}

/** Machines never approve, whatever other roles their key carries. */
function mayApprove(vote: Vote, needs: ApprovalNeeds, approverRoles: readonly string[]): boolean {
  if (isMachine(vote.roles)) return false;
  if (vote.capacities !== undefined && vote.capacities.length > 0) return true;
  return vote.roles.some(
    (role) => role === 'admin' || approverRoles.includes(role) || needs.requiredRoles.includes(role),
  );
}

function isMachine(roles: readonly string[]): boolean {
  return roles.includes('agent') || roles.includes('scrape');
}

// Written so that a moment which is no number is outside.
function isDuring({ fromMs, untilMs }: StandIn, nowMs: number): boolean {
  return (fromMs === null || nowMs >= fromMs) && (untilMs === null || nowMs < untilMs);
}

function isRequester(by: string, needs: ApprovalNeeds, requester: Requester): boolean {
  // Who asks is the agent, also when an operator's key spoke for it; four eyes exclude the people behind it as well.
  if (by === requester.agent) return true;
  return needs.fourEyes && (by === requester.principal || by === requester.user);
}

/** `isHeld`: somebody who has approved holds a role that is missing, and fills another. */
function describeMissing(missingRoles: readonly string[], missingPeople: number, isHeld: boolean): string {
  const parts: string[] = [];
  const others = isHeld ? ' (each role takes a person of its own)' : '';
  if (missingRoles.length > 0)
    parts.push(`an approver with the role ${missingRoles.join(', and one with the role ')}${others}`);
  if (missingPeople > 0) parts.push(missingPeople === 1 ? 'one more person' : `${missingPeople} more people`);
  return `Still needed: ${parts.join('; in all ')}.`;
}
