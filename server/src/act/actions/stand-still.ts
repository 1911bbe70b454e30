// Not to be executed: recorded as denied, as waiting with its approval, or as a dry run. Whatever was decided is on
// record before anybody hears of it.
import type { Decision, Snapshot } from '@mandate/kernel';
import type { ActStatus } from './act.ts';
import type { Actions } from './actions.ts';
import { refused } from './answers.ts';
import type { Answer, Answers } from './answers.ts';
import { draftAct, draftApproval, draftEntry } from './draft.ts';
import type { Journey } from './draft.ts';
import type { NoteRefusal } from './note-refusal.ts';
import { compensatedRefusal, refusalOf } from './refusals.ts';
import type { Rejudge } from './rejudge.ts';
import type { Sealed } from './sealed.ts';

export interface StandStillNeeds {
  readonly actions: Actions;
  readonly answers: Answers;
  readonly sealed: Sealed;
  /** What becomes of a waiting act that may not begin after all. */
  readonly rejudge: Rejudge;
  readonly uuid: () => string;
  readonly noteRefusal: NoteRefusal;
}

export type StandStill = (journey: Journey, decision: Decision, snapshot: Snapshot) => Promise<Answer>;

export function createStandStill(needs: StandStillNeeds): StandStill {
  const { actions, answers, sealed, rejudge, uuid, noteRefusal } = needs;

  return async (journey, decision, snapshot) => {
    const { asker, action, id } = journey;
    const { nowMs } = snapshot;
    if (journey.waiting) {
      await rejudge(journey, decision, nowMs);
      return answers.shown(asker.tenant, id);
    }
    const refusal = refusalOf(decision, nowMs);
    if (decision.effect === 'throttle') {
      await noteRefusal({ asker, agent: action.agent, isAdmitted: true, action: action.action, refusal });
      return refused(refusal, decision);
    }
    const status = STATUS[decision.effect === 'execute' ? 'deny' : decision.effect];
    const isDenied = status === 'denied';
    const approval =
      status === 'waiting_for_approval' ? draftApproval(journey, decision, uuid(), nowMs) : null;
    const recorded = await actions.record({
      tenant: asker.tenant,
      nowMs,
      act: draftAct(journey, decision, {
        status,
        approvalId: approval?.id ?? null,
        error: isDenied ? refusal.detail : null,
      }),
      sealed: await sealed.close(asker.tenant, id, { action, asker, snapshot }),
      approval,
      attach: journey.attach,
      idempotency: isDenied ? null : journey.idempotency,
      entries: [draftEntry(journey, approval === null ? `action.${status}` : 'action.held', decision, nowMs)],
    });
    if (recorded.kind === 'duplicate') {
      return answers.repeated(asker.tenant, recorded, journey.idempotency);
    }
    if (recorded.kind === 'compensated') return refused(compensatedRefusal(journey.compensates), decision);
    if (isDenied) return refused(refusal, decision, id);
    if (recorded.kind !== 'attached') return answers.shown(asker.tenant, id);
    // What people gave does not suffice any more: without asking them again the repeat would wait for it in vain.
    if (snapshot.approval !== null) await rejudge({ ...journey, id: recorded.actId }, decision, nowMs);
    return answers.shown(asker.tenant, recorded.actId);
  };
}

const STATUS = { hold: 'waiting_for_approval', none: 'recorded', deny: 'denied' } as const satisfies Record<
  'hold' | 'none' | 'deny',
  ActStatus
>;
