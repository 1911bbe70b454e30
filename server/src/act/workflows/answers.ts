// What workflows answer with: the thing itself, or why not.
import type { Refusal } from '../../platform/http/problems.ts';
import type { RunRow } from './store.ts';

export type Refused = { readonly kind: 'refused'; readonly refusal: Refusal };
export type RunAnswer = { readonly kind: 'run'; readonly run: RunRow } | Refused;

export function refused(code: Refusal['code'], detail: string): Refused {
  return { kind: 'refused', refusal: { code, detail } };
}

export function missing(id: string): Refused {
  return refused('not_found', `There is no workflow run ${id}.`);
}
