// Recorded actions hold their parameters in plain words, sealed from everybody. Whoever may run a charter of his own over
// them can ask with its conditions what they say, letter by letter, so that takes as much as putting one in force.
import type { Refusal } from '../../platform/http/problems.ts';
import type { Call } from '../../platform/http/route.ts';
import type { CharterAsked } from './charters.ts';

type Asking = Pick<Call, 'principal' | 'may'>;

/** Why the caller may not see what these charters make of recorded actions; null where it may. A version was in force once, and is nobody's own. */
export function replayRefusal(
  { principal, may }: Asking,
  charters: readonly (CharterAsked | undefined)[] = [],
): Refusal | null {
  const who = `${principal.id} (${principal.roles.join(', ') || 'no role'}) may not`;
  if (!may('actions.read')) {
    const detail = `${who}: actions.read. What a charter makes of recorded actions is told to those who may read them.`;
    return { code: 'forbidden', detail };
  }
  if (may('charter.write') || !charters.some(isOwn)) return null;
  const detail = `${who}: charter.write. The conditions of a charter of one's own would tell what is sealed in recorded actions, so running one over them takes the role admin. Name a version that was in force, or leave the charter out.`;
  return { code: 'forbidden', detail };
}

function isOwn(asked: CharterAsked | undefined): boolean {
  return asked !== undefined && (typeof asked === 'string' || !('version' in asked));
}
