// One recorded action under another law. The facts stay as they were recorded and only the law changes, so whatever
// differs, differs because of the charter and of nothing else (I3).
import { compareTiers, decide } from '@mandate/kernel';
import type { Action, ApprovalNeeds, Decision, Facts, Law, PolicyChange, Verdict } from '@mandate/kernel';

/** What a decision was made of, as it was sealed beside its act. */
export interface Evidence {
  readonly action: Action;
  readonly facts: Facts;
}

/** In the order in which people want to hear of them. */
export const CHANGES: readonly PolicyChange[] = [
  'held',
  'denied',
  'freed',
  'eased',
  'throttled',
  'approvers',
  'retiered',
  'reruled',
];

/** One of the two laws, and what stands beside it. */
export interface Side {
  readonly law: Law;
  /** Instead of whatever was in force at the time; absent: as recorded. */
  readonly enforcement?: 'enforce' | 'audit' | null;
}

/**
 * The facts without what came after the question: people's word (an approval, or the signature that they let run
 * again), which answers a hold and is no part of the law, and a dry run, in which every effect is the same.
 */
export function asAsked(facts: Facts): Facts {
  const { approval, signatures = [], mode } = facts;
  if (approval === null && signatures.length === 0 && mode !== 'DRY_RUN') return facts;
  return { ...facts, approval: null, signatures: [], mode: mode === 'DRY_RUN' ? 'FULL' : mode };
}

/** Never throws: what cannot be judged is refused, by either side. */
export function decideUnder({ law, enforcement }: Side, action: Action, facts: Facts): Decision {
  return decide(action, enforcement === undefined ? { ...facts, law } : { ...facts, enforcement, law });
}

export function verdictOf({ tier, effect, code, rule }: Verdict): Verdict {
  return { tier, effect, code, rule };
}

/** What it takes to run: a verdict, and who would be asked where it waits. */
export type Judged = Verdict & { readonly approval: ApprovalNeeds | null };

/** null: nothing that anybody would notice. */
export function changeOf(before: Judged, after: Judged): PolicyChange | null {
  if (before.effect !== after.effect) {
    switch (after.effect) {
      case 'execute':
      case 'none':
        return 'freed';
      case 'hold':
        return before.effect === 'execute' || before.effect === 'none' ? 'held' : 'eased';
      case 'deny':
        return 'denied';
      case 'throttle':
        return 'throttled';
    }
  }
  if (compareTiers(before.tier, after.tier) !== 0) return 'retiered';
  if (asksOthers(before.approval, after.approval)) return 'approvers';
  return before.rule === after.rule && before.code === after.code ? null : 'reruled';
}

function asksOthers(before: ApprovalNeeds | null, after: ApprovalNeeds | null): boolean {
  // Recorded verdicts whose charter cannot be read any more do not say who was asked.
  if (before === null || after === null) return false;
  const roles = (needs: ApprovalNeeds): string => needs.requiredRoles.toSorted().join(' ');
  return (
    roles(before) !== roles(after) ||
    before.quorum !== after.quorum ||
    before.fourEyes !== after.fourEyes ||
    before.expiresMs !== after.expiresMs
  );
}
