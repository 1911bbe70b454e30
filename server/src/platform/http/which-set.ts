// Which governed set a request means. Most charters have one, and then nobody has to name it; where there are several, a
// guess would answer for the wrong one.
import type { GovernedSet } from '@mandate/kernel';
import { nameField } from './fields.ts';
import type { Refusal } from './problems.ts';

/** `?set=` of a query, or `set` of a body. */
export const setField = nameField.optional();

export type WhichSet =
  | { readonly kind: 'set'; readonly set: GovernedSet }
  /** The charter governs nothing, and the request names nothing. */
  | { readonly kind: 'none' }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** For an answer that cannot be given without a set. */
export const NOTHING_GOVERNED: Refusal = {
  code: 'not_found',
  detail:
    'The charter governs nothing in phases. Add a set under phases, such as `phases: { roastery: { prefix: roaster. } }`.',
};

export function whichSet(sets: readonly GovernedSet[], wanted: string | undefined): WhichSet {
  const names = sets.map(({ name }) => name).join(', ');
  const [only, ...others] = sets;
  if (only === undefined)
    return wanted === undefined ? { kind: 'none' } : { kind: 'refused', refusal: NOTHING_GOVERNED };
  if (wanted === undefined)
    return others.length === 0
      ? { kind: 'set', set: only }
      : {
          kind: 'refused',
          refusal: {
            code: 'invalid',
            detail: `The charter governs several sets; say which with set: ${names}.`,
          },
        };
  const found = sets.find(({ name }) => name === wanted);
  return found === undefined
    ? {
        kind: 'refused',
        refusal: { code: 'not_found', detail: `There is no governed set ${wanted}; there is ${names}.` },
      }
    : { kind: 'set', set: found };
}
