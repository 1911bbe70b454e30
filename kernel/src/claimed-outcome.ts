// The outcome with what an agent says of itself, held against the one without. An agent that chose, by what it says of
// itself, between two rules of one tier would choose who approves, how many of them, and what it owes afterwards: so where
// claims lead to another rule than silence, what either of them asks for is asked for.
import type { ApprovalNeeds } from './approval-needs.ts';
import { APPROVER_ROLES, missingSince } from './approval.ts';
import type { RuleMatch } from './compiled-rule.ts';
import { compareTiers } from './tier.ts';
import type { Terms } from './terms.ts';

/**
 * The outcome with what an agent says of itself, given the one without: never milder than the latter in any part. A
 * claim that raises the tier leads to the asking of its own rule, with its time and its escalation. One that does not
 * may add what is asked for, and chooses neither more time nor other people. What is red with the claim and what is red
 * without it are causes, so that nobody chooses one for which people have already given their approval.
 */
export function inSpiteOfClaims(claimed: RuleMatch, unclaimed: RuleMatch): RuleMatch {
  const outcome = stricterOf(claimed, unclaimed);
  if (claimed.causes === unclaimed.causes) return { ...outcome, eitherWay: claimed.eitherWay };
  const heard = claimed.eitherWay.length === 0 ? claimed.causes : claimed.eitherWay;
  return { ...outcome, eitherWay: [...heard, ...unclaimed.causes] };
}

function stricterOf(claimed: RuleMatch, unclaimed: RuleMatch): RuleMatch {
  const byTier = compareTiers(claimed.tier, unclaimed.tier);
  if (byTier < 0) return { ...unclaimed, ruleText: `${unclaimed.ruleText} ${NEVER_MILDER}.` };
  if (claimed.rule === unclaimed.rule) return claimed;
  const isRaised = byTier > 0;
  if (!isMilder(claimed.terms, unclaimed.terms, isRaised)) return claimed;
  if (!isRaised && !isMilder(unclaimed.terms, claimed.terms, false))
    return { ...unclaimed, ruleText: `${unclaimed.ruleText} ${NEVER_MILDER}.` };
  const [kept, other] = isRaised ? [claimed, unclaimed] : [unclaimed, claimed];
  return {
    ...kept,
    terms: joined(claimed.terms, unclaimed.terms, isRaised),
    ruleText: `${kept.ruleText} ${NEVER_MILDER}, so what ${nameOf(other)} asks for counts as well.`,
  };
}

const NEVER_MILDER = 'What the agent says of itself cannot make this milder';

function nameOf({ rule }: RuleMatch): string {
  return rule === null ? 'the charter without a rule' : `the rule ${rule.rule.match} (${rule.rule.origin})`;
}

/** Whether one asks for less than the other in any part. */
function isMilder(own: Terms, than: Terms, isRaised: boolean): boolean {
  return (
    missingSince(own.needs, than.needs) !== null ||
    rankOf(own) < rankOf(than) ||
    (own.lift && !than.lift) ||
    !than.requires.every((scope) => own.requires.includes(scope)) ||
    !than.obligations.every((obligation) => own.obligations.includes(obligation)) ||
    (!isRaised && asksOthers(own.needs, than.needs))
  );
}

/** Whether people get longer, or others than those may vote. */
function asksOthers(own: ApprovalNeeds, than: ApprovalNeeds): boolean {
  if (own.expiresMs > than.expiresMs || JSON.stringify(own.escalate) !== JSON.stringify(than.escalate))
    return true;
  return own.requiredRoles.some(
    (role) => !than.requiredRoles.includes(role) && !APPROVER_ROLES.includes(role),
  );
}

function rankOf({ enforcement }: Terms): number {
  if (enforcement === 'audit') return 0;
  return enforcement === null ? 1 : 2;
}

function joined(claimed: Terms, unclaimed: Terms, isRaised: boolean): Terms {
  const { needs: own } = claimed;
  const { needs: silent } = unclaimed;
  const { escalate } = isRaised ? own : silent;
  // A role that approves nothing else would bring people in whom only the claim has chosen.
  const roles = own.requiredRoles.filter((role) => isRaised || APPROVER_ROLES.includes(role));
  return {
    needs: {
      requiredRoles: both(silent.requiredRoles, roles),
      quorum: Math.max(own.quorum, silent.quorum),
      expiresMs: isRaised ? own.expiresMs : Math.min(own.expiresMs, silent.expiresMs),
      fourEyes: own.fourEyes || silent.fourEyes,
      ...(escalate === undefined ? {} : { escalate }),
    },
    requires: both(unclaimed.requires, claimed.requires),
    obligations: both(unclaimed.obligations, claimed.obligations),
    lift: claimed.lift && unclaimed.lift,
    enforcement: rankOf(claimed) > rankOf(unclaimed) ? claimed.enforcement : unclaimed.enforcement,
  };
}

function both(some: readonly string[], more: readonly string[]): readonly string[] {
  return [...new Set([...some, ...more])];
}
