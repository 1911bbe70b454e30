// What a rule asks for besides its tier: who approves, how many of them, and what is owed afterwards. With its defaults
// filled in once, so that two rules can be held against each other.
import type { ApprovalNeeds } from './approval-needs.ts';
import { DEFAULT_APPROVAL_MS, DEFAULT_NEEDS } from './approval.ts';
import type { Rule } from './charter.ts';

export interface Terms extends Pick<Rule, 'requires' | 'obligations' | 'lift' | 'enforcement'> {
  /** Who must approve, should it come to that. */
  readonly needs: ApprovalNeeds;
}

/** Where no rule matches. */
export const NO_TERMS: Terms = {
  needs: DEFAULT_NEEDS,
  requires: [],
  obligations: [],
  lift: true,
  enforcement: null,
};

export function termsOf(rule: Rule): Terms {
  const { requires, obligations, lift, enforcement, approvers, quorum, expiresMs, fourEyes, escalate } = rule;
  const needs: ApprovalNeeds = {
    requiredRoles: approvers,
    quorum,
    expiresMs: expiresMs ?? DEFAULT_APPROVAL_MS,
    fourEyes,
    ...(escalate === undefined ? {} : { escalate }),
  };
  return { needs, requires, obligations, lift, enforcement };
}
