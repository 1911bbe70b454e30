// A decision of people on the digest of a subject. Bound to the exact action, used once, and no grant (I6).
import type { Action } from './action.ts';
import { canonicalJson } from './audit.ts';

export interface ApprovalNeeds {
  /** One approver for each of these roles. Empty: any approver role. */
  readonly requiredRoles: readonly string[];
  /** That many distinct people. */
  readonly quorum: number;
  readonly expiresMs: number;
  readonly fourEyes: boolean;
}

/** An approval that people have given for exactly this action, as the snapshot carries it. */
export interface GivenApproval extends Pick<ApprovalNeeds, 'requiredRoles' | 'quorum' | 'fourEyes'> {
  readonly id: string;
  /** The red causes it was given for; it counts only if the fresh ones are a subset. */
  readonly causes: readonly string[];
}

/** What one person said. Who and which roles come from the caller's key, never from the body. */
export interface Vote {
  readonly by: string;
  readonly roles: readonly string[];
  readonly decision: 'approve' | 'deny';
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
      /** Required roles for which nobody has approved yet. */
      readonly missingRoles: readonly string[];
      /** How many more distinct people must approve. */
      readonly missingPeople: number;
      readonly text: string;
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
  return canonicalJson({
    subject: 'action',
    tenant,
    agent: action.agent,
    user: action.user,
    chain: action.chain,
    action: action.action,
    parameters: action.parameters,
    context: action.context,
    resource: action.resource,
    costMicroUsd: action.costMicroUsd,
    onBehalfOf: action.onBehalfOf,
  });
}

/** Counts votes: pending until every required role and the quorum have approved, denied by a single deny. */
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
  const missingRoles = needs.requiredRoles.filter((role) => !approvals.some((vote) => holdsRole(vote, role)));
  const people = new Set(approvals.map((vote) => vote.by));
  // Written so that a quorum which is not a number is never reached.
  const isQuorate = people.size > 0 && people.size >= needs.quorum;
  if (isQuorate && missingRoles.length === 0) return { kind: 'approved', by: [...people].toSorted() };
  const missingPeople = Math.max(missingRoles.length > 0 ? 0 : 1, Math.max(1, needs.quorum) - people.size);
  return { kind: 'pending', missingRoles, missingPeople, text: describeMissing(missingRoles, missingPeople) };
}

/** What the law asks for now and the people behind an approval were not asked for; null when it still suffices. */
export function missingSince(given: GivenApproval, needs: ApprovalNeeds): string | null {
  for (const role of needs.requiredRoles)
    if (!given.requiredRoles.includes(role)) return `an approver with the role ${role}`;
  // Written so that a quorum which is not a number is never reached.
  if (!(given.quorum >= needs.quorum)) return `a quorum of ${needs.quorum}`;
  return needs.fourEyes && !given.fourEyes ? 'four eyes' : null;
}

/** Machines never approve, whatever other roles their key carries. */
function mayApprove(vote: Vote, needs: ApprovalNeeds, approverRoles: readonly string[]): boolean {
  if (vote.roles.includes('agent') || vote.roles.includes('scrape')) return false;
  return vote.roles.some(
    (role) => role === 'admin' || approverRoles.includes(role) || needs.requiredRoles.includes(role),
  );
}

function holdsRole(vote: Vote, role: string): boolean {
  return vote.roles.includes(role) || vote.roles.includes('admin');
}

function isRequester(by: string, needs: ApprovalNeeds, requester: Requester): boolean {
  // Who asks is the agent, also when an operator's key spoke for it; four eyes exclude the people behind it as well.
  if (by === requester.agent) return true;
  return needs.fourEyes && (by === requester.principal || by === requester.user);
}

function describeMissing(missingRoles: readonly string[], missingPeople: number): string {
  const parts: string[] = [];
  if (missingRoles.length > 0)
    parts.push(`an approver with the role ${missingRoles.join(', and one with the role ')}`);
  if (missingPeople > 0) parts.push(missingPeople === 1 ? 'one more person' : `${missingPeople} more people`);
  return `Still needed: ${parts.join('; in all ')}.`;
}
