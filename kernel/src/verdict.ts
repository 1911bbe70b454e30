// Effect and code of a decision: refusals first, since nothing lifts them; then what waits; then what runs.
import type { ApprovalNeeds } from './approval-needs.ts';
import type { DecisionCode, Effect } from './decision.ts';
import type { Draft, Refusal } from './draft.ts';

export interface Verdict {
  readonly effect: Effect;
  readonly code: DecisionCode;
  readonly reasons: readonly string[];
}

/** What people have given for this action: an approval of this one act, or a grant of the exact action for a while. */
export interface Given {
  readonly kind: 'approved' | 'remembered';
  readonly id: string;
}

/** Turns what the parts of a decision have found into its effect, its code and the sentences that people read first. */
export function verdictOf(draft: Draft, given: Given | null): Verdict {
  const verdict = bindingVerdict(draft, given);
  // A dry run tells what would happen; only whoever is nobody is told nothing.
  if (draft.snapshot.mode !== 'DRY_RUN' || verdict.code === 'anonymous') return verdict;
  const would = `Mandate is in DRY_RUN, so nothing is carried out; otherwise the effect would be ${verdict.effect} (${verdict.code}).`;
  return { effect: 'none', code: 'recorded', reasons: [would, ...verdict.reasons] };
}

const GIVEN = {
  approved: 'People have approved exactly this action, so it runs although it is red.',
  remembered:
    'People have let exactly this action run for a while without asking again, so it runs although it is red.',
} as const;

function bindingVerdict(draft: Draft, given: Given | null): Verdict {
  const refusal = strongest(draft.refusals);
  if (refusal !== null) {
    const others = draft.refusals
      .filter((other) => other !== refusal)
      .toSorted(byOrder)
      .map((other) => other.text);
    return { effect: refusal.effect, code: refusal.code, reasons: [refusal.text, ...others] };
  }
  if (draft.causes.length > 0) {
    if (given === null) return { effect: 'hold', code: 'approval_required', reasons: holdReasons(draft) };
    return {
      effect: 'execute',
      code: given.kind,
      reasons: [GIVEN[given.kind]],
    };
  }
  if (draft.audited.length > 0) {
    const first = 'Enforcement is on audit, so this runs and is recorded as what would have been held.';
    return { effect: 'execute', code: 'audited', reasons: [first, ...draft.reasons] };
  }
  return { effect: 'execute', code: 'allowed', reasons: allowReasons(draft) };
}

function allowReasons({ match, tier }: Draft): readonly string[] {
  if (tier === 'yellow') return [match.ruleText, 'It runs, and people are told of it in the next digest.'];
  return match.tier === 'yellow'
    ? [match.ruleText, 'The trust in the agent lifts it to green.']
    : [match.ruleText];
}

function holdReasons(draft: Draft): readonly string[] {
  const { requiredRoles, quorum } = needsOf(draft);
  const who = requiredRoles.length === 0 ? 'an approver' : requiredRoles.join(' and ');
  const how = quorum > 1 ? ` (${quorum} people in all)` : '';
  return [...draft.reasons, `It waits until ${who}${how} approves it.`];
}

// Who is nobody hears nothing else; then what stands above the rules, then the rules, then what can be supplied.
const REFUSAL_ORDER: readonly DecisionCode[] = [
  'anonymous',
  'stopped',
  'agent_unknown',
  'frozen',
  'denied',
  'scope_missing',
  'consent_required',
  'limit_exceeded',
  'throttled',
];

function strongest(refusals: readonly Refusal[]): Refusal | null {
  let first: Refusal | null = null;
  for (const refusal of refusals) if (first === null || byOrder(refusal, first) < 0) first = refusal;
  return first;
}

function byOrder(a: Refusal, b: Refusal): number {
  const byCode = REFUSAL_ORDER.indexOf(a.code) - REFUSAL_ORDER.indexOf(b.code);
  if (byCode !== 0) return byCode;
  return a.text < b.text ? -1 : 1;
}

/** Who must approve: what the matched rule asks for, or the default where no rule matched. */
export function needsOf({ match, snapshot }: Draft): ApprovalNeeds {
  const { needs } = match.terms;
  const escalate = needs.escalate ?? snapshot.law.charter.approvals?.escalate ?? [];
  return escalate.length === 0 || needs.escalate !== undefined ? needs : { ...needs, escalate };
}
