// Steps that no executor takes are offered to the agents that are to do them. An agent looks for its own, takes one, and
// is answered like for any action of its own: with a permit, or that it has to wait. What it reports wakes the run.
import { nextSteps } from '@mandate/kernel';
import type { Plan } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import { askedAlsoBy, askersOf } from '../../platform/identity/asker.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Store } from '../../platform/postgres/store.ts';
import { missing, refused } from './answers.ts';
import type { Refused } from './answers.ts';
import { wantedOf } from './begin-step.ts';
import type { Carried } from './carried.ts';
import type { Road, RoadAnswer } from './road.ts';
import { loadStates } from './states.ts';
import type { OpenResult } from './states.ts';
import { findRun, offeredSteps } from './store.ts';
import type { OfferRow, RunRow } from './store.ts';

export interface Offers {
  /** Offered to the agents that the asker speaks for, the oldest first. */
  list(asker: Asker): Promise<readonly OfferRow[]>;
  take(asker: Asker, run: string, step: string): Promise<RoadAnswer | Refused>;
}

export interface OffersNeeds {
  readonly store: Store;
  readonly clock: Clock;
  readonly road: Pick<Road, 'request' | 'preview' | 'standsNow'>;
  readonly planOf: (tenant: string, version: string) => Promise<Plan | null>;
  readonly open: (run: RunRow) => Promise<Carried>;
  readonly openResult: OpenResult;
}

export function createOffers(needs: OffersNeeds): Offers {
  const { store, clock } = needs;
  return {
    list: (asker) =>
      offeredSteps(store, asker.tenant, { agents: asker.agents === 'any' ? null : asker.agents, run: null }),

    async take(asker, id, step) {
      const { tenant } = asker;
      const run = await findRun(store, tenant, id);
      const plan = run === null ? null : await needs.planOf(tenant, run.version);
      if (run === null || plan === null) return missing(id);
      const offers = await offeredSteps(store, tenant, { agents: null, run: id });
      const offer = offers.find(({ instance }) => instance === step);
      if (offer === undefined || run.status !== 'running')
        return refused('conflict', `The step ${step} of the run ${id} is not offered now.`);
      const carried = await needs.open(run);
      if (!(await needs.road.standsNow(carried.asker)))
        return refused(
          'conflict',
          `The key ${carried.asker.id} that started the run ${id} has been revoked or has expired. Let somebody who answers for it cancel the run, or do it again from ${step}.`,
        );
      const { states, acts } = await loadStates(needs, { tenant, run: id, plan });
      // As if it had not been offered: what is to be asked for is worked out once more, from what is on record.
      states.delete(step);
      const next = nextSteps(withoutCeilings(plan), {
        mode: 'running',
        nowMs: clock.nowMs(),
        inputs: carried.inputs,
        run: { id, template: run.template, version: run.version },
        states,
      });
      const call = next.begin.find(({ instance }) => instance === step);
      if (call === undefined)
        return refused('conflict', `The step ${step} of the run ${id} is not to be done now.`);
      // Without the act that it undoes on record, the same could be undone once more.
      const undone = call.undoes === null ? null : (acts.get(call.undoes) ?? null);
      const wanted = wantedOf(
        { run, carried, call: { ...call, attempt: offer.attempt }, before: undefined, undone },
        offer.agent,
      );
      // Both must be allowed it: a run hands on no more than whoever started it has.
      const { asker: starter } = carried;
      const lent = await needs.road.preview(starter, { ...wanted, idempotency: null });
      if (lent.kind === 'refused') return lent;
      if (lent.decision.effect === 'deny')
        return refused(
          'forbidden',
          `${starter.id}, who started the run ${id}, may not have this done: ${lent.decision.code}.`,
        );
      // On the authority of the agent itself, which is whom the permit is made out to; those who had it asked for it too.
      try {
        return await needs.road.request(askedAlsoBy(asker, askersOf(starter)), {
          ...wanted,
          user: asker.user === null ? null : { id: asker.user.id },
        });
      } catch (error) {
        if (codeOf(error) !== 'MD020' && codeOf(error) !== 'MD021') throw error;
        return refused('conflict', `The step ${step} of the run ${id} is not offered any more.`);
      }
    },
  };
}

/** How many may be at work was asked when it was offered; what has become ready since does not take its place. */
function withoutCeilings(plan: Plan): Plan {
  return {
    ...plan,
    template: { ...plan.template, parallel: Number.POSITIVE_INFINITY },
    steps: plan.steps.map((step) => {
      const { forEach } = step.setting;
      if (forEach === null) return step;
      return {
        ...step,
        setting: { ...step.setting, forEach: { ...forEach, max: Number.POSITIVE_INFINITY } },
      };
    }),
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
