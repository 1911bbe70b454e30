// What a proposal says, and whether it still holds: people approve the step from one phase to the next as it was shown
// to them, so a phase that has changed since, or a charter that says something else of it, makes it worth nothing.
import { canonicalJson, phaseIndex } from '@mandate/kernel';
import type { GovernedSet, JsonObject, Phase } from '@mandate/kernel';
import type { SetRow } from './store.ts';

const DAY_MS = 86_400_000;

/** The step itself: what the charter says of both phases. Times in days, as people read them. */
export function stepOf(set: GovernedSet, from: Phase, to: Phase): JsonObject {
  return {
    from: from.name,
    to: to.name,
    title: to.title,
    governs: set.patterns,
    adds: to.whitelist.filter((each) => !from.whitelist.includes(each)),
    whitelist: to.whitelist,
    validationDays: to.validationMs / DAY_MS,
    requiredApprovals: to.approvals,
  };
}

/** The set that a proposal is for. */
export function setNameOf(content: JsonObject): string {
  const name = content['set'];
  return typeof name === 'string' ? name : '';
}

/** Why what was proposed no longer holds, and what to do next; null while it does. */
export function whyOutgrown(content: JsonObject, set: GovernedSet | null, row: SetRow | null): string | null {
  const name = setNameOf(content);
  const again =
    'Look at where it stands (GET /api/v1/governance/state), and propose it again where it still makes sense.';
  if (set === null || row === null) return `${name} is governed no more, so there is no phase to raise.`;
  if (content['changes'] !== row.changes) {
    const how =
      row.entered === 'fallen'
        ? `it fell to ${row.phase} since`
        : `its phase has changed since, or somebody ordered it to fall; it is at ${row.phase} now`;
    return `This was proposed for ${name} as it was then, and ${how}. ${again}`;
  }
  const from = set.phases[phaseIndex(set, row.phase)];
  const to = set.phases[phaseIndex(set, row.phase) + 1];
  const step = from === undefined || to === undefined ? null : stepOf(set, from, to);
  if (step !== null && canonicalJson(step) === canonicalJson(content['step'] ?? null)) return null;
  return `The charter says something else of this step of ${name} than when it was proposed. ${again}`;
}
