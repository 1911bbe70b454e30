// Undoing what was done: the charter names what undoes an action, and that runs as an action of its own.
import { readAct } from './act-view.ts';
import { MandateProblem } from './errors.ts';
import { deniedBy, isDecided, outcomeOf } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import type { Transport } from './transport.ts';

/** The outcome is that of the act that undoes it, which may wait for people. Throws MandateProblem a second time. */
export type Rollback = (actId: string, reason: string) => Promise<Outcome>;

export function createRollback(transport: Transport): Rollback {
  return async (actId, reason) => {
    const answer = await transport.call({
      method: 'POST',
      path: `/api/v1/actions/${encodeURIComponent(actId)}/rollback`,
      body: { reason },
      agent: null,
      isRepeatable: false,
    });
    if (answer.kind === 'json') return outcomeOf(readAct(answer.body), answer.sentMs);
    if (isDecided(answer.problem)) return deniedBy(answer.problem);
    throw new MandateProblem(answer.problem);
  };
}
