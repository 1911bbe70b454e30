// What a phase on probation is held to: a score that may not fall, and no critical incident. Outside of probation neither
// brings anything back; that is for breakers and people.
import { READINESS_CATEGORIES } from '@mandate/kernel';
import type { ReadinessView } from './view.ts';

/** How many unmet items a cause names; the report has them all. */
const MOST_NAMED = 5;

/** Why critical incidents since it began bring a phase on probation back; null where there are none. */
export function incidentsCause(phase: string, critical: number): string | null {
  if (critical <= 0) return null;
  return `During the validation of ${phase}: ${critical} critical ${critical === 1 ? 'incident' : 'incidents'}`;
}

/** Why its score brings a phase on probation back; null where it may go on. */
export function scoreCause(view: ReadinessView): string | null {
  const { validation } = view.overall;
  if (validation === null) return null;
  const { score, threshold } = validation;
  // Written so that a score which is no number is too low.
  if (score >= threshold) return null;
  const lost = READINESS_CATEGORIES.flatMap((category) => view[category].items)
    .filter((item) => item.status === 'unmet' && !item.waits)
    .toSorted((a, b) => b.weight - a.weight || (a.name < b.name ? -1 : 1));
  const named = lost.slice(0, MOST_NAMED).map(({ name }) => name);
  const more = lost.length > named.length ? `, and ${lost.length - named.length} more` : '';
  return `During the validation of ${view.currentPhase ?? ''}: readiness ${score.toFixed(4)} under ${threshold.toFixed(2)} (unmet: ${named.join(', ')}${more})`;
}
