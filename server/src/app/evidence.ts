// Evidence, handed what it needs: stops and the road for the drill of the kill switch, and the journal to look through.
import type { Infrastructure } from '../infrastructure.ts';
import type { Decision } from '@mandate/kernel';
import { bareAsker } from '../platform/identity/asker.ts';
import type { Asker } from '../platform/identity/asker.ts';
import { alsoUnversioned } from '../platform/http/unversioned.ts';
import { createDrills } from '../prove/evidence/drills.ts';
import { createKillSwitchDrill } from '../prove/evidence/kill-switch.ts';
import type { DrillAct, Seen } from '../prove/evidence/kill-switch.ts';
import { drillRoutes } from '../prove/evidence/routes.ts';
import { createScrapes } from '../prove/evidence/scrapes.ts';
import { createVerifyJournal } from '../prove/evidence/verify-journal.ts';
import { writeEntry } from '../prove/journal/journal.ts';
import type { Execution } from './execution.ts';
import type { Judgement } from './judgement.ts';

export type EvidenceParts = ReturnType<typeof buildEvidence>;

export function buildEvidence(
  { store, clock, chance, log }: Infrastructure,
  { stops }: Pick<Judgement, 'stops'>,
  { pipeline }: Pick<Execution, 'pipeline'>,
) {
  const drills = createDrills({
    store,
    clock,
    chance,
    writeEntry,
    verifyJournal: createVerifyJournal({
      store,
      clock,
      told: (problem) => log.error({ problem }, 'the journal of this server has been damaged'),
    }),
    pullKillSwitch: createKillSwitchDrill({
      clock,
      uuid: chance.uuid,
      stop: stops.stop,
      standing: stops.standing,
      async resume({ id, ...order }) {
        // It lifts the drill's own stop alone, so one person is enough.
        const own = { ...order, only: [id], roles: [], twoPersons: false, fileSinceMs: null };
        return (await stops.resume(own)).kind === 'resumed';
      },
      async preview(act) {
        const seen = await pipeline.preview(askerOf(act), wantedOf(act));
        return seen.kind === 'refused'
          ? { code: seen.refusal.code, restrictions: [] }
          : seenOf(seen.decision.code, seen.decision);
      },
      async request(act) {
        const answer = await pipeline.request(askerOf(act), wantedOf(act));
        return answer.kind === 'refused'
          ? { ...seenOf(answer.refusal.code, answer.decision), actId: answer.actId }
          : { ...seenOf(answer.view.status, null), actId: answer.view.id };
      },
    }),
  });
  const scrapes = createScrapes({
    store,
    clock,
    failed: (error) => log.warn({ err: error }, 'a scrape of the metrics could not be noted'),
  });
  return { drills, scrapes, routes: alsoUnversioned(drillRoutes(drills, clock)) };
}

function seenOf(code: string, decision: Decision | null): Seen {
  return { code, restrictions: (decision?.restrictions ?? []).map(({ id }) => id) };
}

/** The agent of the drill itself, which has no key and no authority but its name. */
function askerOf({ tenant, agent, by, traceId }: DrillAct): Asker {
  return bareAsker({
    id: `drill:${agent}`,
    tenant,
    roles: ['agent'],
    agents: [agent],
    traceId,
    alsoAsked: [by],
  });
}

function wantedOf({ agent, action }: DrillAct) {
  return {
    agent,
    action,
    parameters: {},
    context: {},
    resource: null,
    user: null,
    onBehalfOf: null,
    estimatedCostMicroUsd: null,
    idempotency: null,
    attach: false,
    compensates: null,
  };
}
