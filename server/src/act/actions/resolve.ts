// How an act ended that nobody knew the end of, said by a person who has looked. It is the only way out of `unknown`
// beside the late word of whoever executed it: unknown is never retried blindly (I7).
import type { Json, Law } from '@mandate/kernel';
import type { Asker } from '../../platform/identity/asker.ts';
import { isWithin } from './act.ts';
import type { Actions, Ending } from './actions.ts';
import type { OutcomeAnswer } from './outcomes.ts';

export interface Resolution {
  readonly status: 'success' | 'failed';
  readonly result: Json;
  readonly reason: string;
}

export type Resolve = (asker: Asker, actId: string, resolution: Resolution) => Promise<OutcomeAnswer>;

export interface ResolveNeeds {
  readonly actions: Actions;
  readonly lawOf: (tenant: string) => Promise<Law | null>;
}

export function createResolve({ actions, lawOf }: ResolveNeeds): Resolve {
  return async (asker, actId, { status, result, reason }) => {
    const act = await actions.find(asker.tenant, actId);
    const law = await lawOf(asker.tenant);
    const isOwn = asker.agents === 'any' || (act !== null && asker.agents.includes(act.agent));
    if (act === null || !isOwn || !isWithin(act, asker.boundTo))
      return { kind: 'refused', refusal: { code: 'not_found', detail: `There is no act ${actId}.` } };
    // A key of the agent itself. Who answers for all agents may, or an installation of one person had no way out.
    if (asker.id === act.principal && asker.agents !== 'any')
      return {
        kind: 'refused',
        refusal: {
          code: 'forbidden',
          detail: `${asker.id} asked for this act and does not say how it ended; somebody else has to look.`,
        },
      };
    if (law === null)
      return {
        kind: 'refused',
        refusal: {
          code: 'unavailable',
          detail: 'The active charter cannot be read, so trust cannot be settled; try again.',
        },
      };
    const ending: Ending =
      status === 'success'
        ? { kind: 'success', result, costMicroUsd: null }
        : { kind: 'failed', error: reason, costMicroUsd: null };
    // A success that somebody has only looked up earns no trust; a failure counts, as every failure does.
    const ended = await actions.end({
      act,
      ending,
      from: ['unknown'],
      counts: false,
      by: asker.id,
      settings: law.charter.trust,
      trust: null,
    });
    if (ended.kind === 'not_live')
      return {
        kind: 'refused',
        refusal: {
          code: 'conflict',
          detail: `Act ${actId} is ${ended.status ?? 'gone'}; only one whose end is unknown can be resolved.`,
        },
      };
    return { kind: 'done', act: (await actions.find(asker.tenant, actId)) ?? act };
  };
}
