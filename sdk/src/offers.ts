// Steps of runs that no executor takes: their agents look for them, take one, and are answered like for any action of
// their own.
import type { OfferView } from '@mandate/kernel';
import { readAct } from './act-view.ts';
import { MandateProblem } from './errors.ts';
import { fieldsOf, idOf, listOf, textOf } from './guard.ts';
import { deniedBy, isDecided, outcomeOf } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import type { Transport } from './transport.ts';

export interface Offers {
  /** Steps that are offered to an agent (the client's own unless given), the oldest first. */
  steps(agent?: string): Promise<readonly OfferView[]>;
  /**
   * Takes one. `permitted` means: begin within seconds, with `mandate.proceed(outcome, fn)`, whose report wakes the run.
   * Throws MandateProblem `conflict` where it is not offered any more.
   */
  take(offer: Pick<OfferView, 'run' | 'step' | 'agent'>): Promise<Outcome>;
}

export function createOffers({
  transport,
  agentOf,
}: {
  readonly transport: Transport;
  readonly agentOf: (agent: string | undefined) => string | null;
}): Offers {
  return {
    async steps(agent) {
      const path = '/api/v1/workflow-steps';
      const answer = await transport.read({ method: 'GET', path, agent: agentOf(agent), isRepeatable: true });
      return listOf(fieldsOf(answer, 'the answer')['items'], readOffer, 'items');
    },
    async take({ run, step, agent }) {
      const answer = await transport.call({
        method: 'POST',
        path: `/api/v1/workflows/${encodeURIComponent(run)}/take`,
        body: { step },
        agent,
        isRepeatable: false,
      });
      if (answer.kind === 'json') return outcomeOf(readAct(answer.body), answer.sentMs);
      if (isDecided(answer.problem)) return deniedBy(answer.problem);
      throw new MandateProblem(answer.problem);
    },
  };
}

function readOffer(value: unknown, where: string): OfferView {
  const of = fieldsOf(value, where);
  return {
    run: idOf(of['run'], `${where}.run`),
    template: textOf(of['template'], `${where}.template`),
    step: idOf(of['step'], `${where}.step`),
    agent: idOf(of['agent'], `${where}.agent`),
    offeredAt: textOf(of['offeredAt'], `${where}.offeredAt`),
  };
}
