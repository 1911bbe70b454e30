// Which of the required roles nobody is left for. Where as many people are asked for as roles, each role takes a person of
// its own: whoever could speak for several fills one place, and the one where the others are of no use.
import type { ApprovalNeeds } from './approval-needs.ts';
import type { Vote } from './vote.ts';

/** Somebody who has approved, and what they may speak for. */
type Approver = Pick<Vote, 'by' | 'roles' | 'capacities'>;

/** Whether somebody may speak for a role: by their own, as an admin, or in the capacity in which they voted. */
export function holdsRole({ roles, capacities }: Approver, role: string): boolean {
  if (roles.includes(role) || roles.includes('admin')) return true;
  return capacities?.some((capacity) => capacity.role === role) ?? false;
}

/**
 * The required roles that are still empty, in their order; whose votes count has been seen to. Where fewer people are asked
 * for than roles, one person may fill several of them. The order of votes changes nothing.
 */
export function missingRolesOf(
  { requiredRoles, quorum }: Pick<ApprovalNeeds, 'requiredRoles' | 'quorum'>,
  approvers: readonly Approver[],
): readonly string[] {
  if (!(quorum >= requiredRoles.length))
    return requiredRoles.filter((role) => !approvers.some((each) => holdsRole(each, role)));
  // A largest matching of roles to people, found by augmenting paths (C. Berge, "Two theorems in graph theory", 1957).
  const seatOf = new Map<string, string>();
  const seat = (role: string, asked: Set<string>): boolean =>
    approvers.some((each) => {
      if (asked.has(each.by) || !holdsRole(each, role)) return false;
      asked.add(each.by);
      const taken = seatOf.get(each.by);
      if (taken !== undefined && !seat(taken, asked)) return false;
      seatOf.set(each.by, role);
      return true;
    });
  return requiredRoles.filter((role) => !seat(role, new Set()));
}
