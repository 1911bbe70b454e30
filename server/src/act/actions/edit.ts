// An approver may let something else run than what was asked for: with other parameters. That is another action, so it is
// decided anew, as an act of its own with an approval of its own; the one that was asked for ends and points to it. Under
// four eyes whoever wrote it is one of those who ask, so somebody else has to approve it.
import { canonicalProblem, decide, redact, redactText, settingOf } from '@mandate/kernel';
import type { Action, ApprovalSettings, Decision, JsonObject, Snapshot } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import type { Act, NewApproval, WriteActEntry } from './act.ts';
import { draftAct, draftApproval, draftEntry } from './draft.ts';
import type { Journey } from './draft.ts';
import { refusalOf } from './refusals.ts';
import type { Sealed } from './sealed.ts';
import { recordAct } from './store.ts';

export interface EditOrder {
  readonly tenant: string;
  readonly approvalId: string;
  /** Of what the editor was shown. */
  readonly digest: string;
  readonly parameters: JsonObject;
  readonly reason: string;
  readonly voter: { readonly id: string; readonly roles: readonly string[] | null };
  readonly traceId: string | null;
}

/** The approval of the edited action, in which the editor's vote counts already unless four eyes exclude it. */
export type EditAnswer<Approval> =
  | { readonly kind: 'edited'; readonly approval: Approval; readonly missing: string | null }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly decision: Decision | null };

/** What is edited: the approval that waits, as far as this needs it. */
interface Waiting {
  readonly id: string;
  readonly actId: string | null;
  readonly digest: string;
  readonly status: string;
  readonly requiredRoles: readonly string[];
  readonly quorum: number;
  readonly fourEyes: boolean;
  readonly requester: string;
  readonly expiresAt: string;
}

interface EditorBallot {
  readonly tenant: string;
  readonly approvalId: string;
  readonly decision: 'approve';
  readonly digest: string;
  readonly reason: string;
  readonly voter: EditOrder['voter'];
  readonly channel: string;
  readonly traceId: string | null;
}

type Vote<Approval> =
  | { readonly kind: 'voted'; readonly approval: Approval; readonly missing: string | null }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface EditNeeds<Approval> {
  readonly store: Store;
  readonly clock: Clock;
  readonly sealed: Sealed;
  readonly findAct: (tenant: string, id: string) => Promise<Act | null>;
  readonly findApproval: (tenant: string, id: string) => Promise<Waiting | null>;
  readonly gather: (question: {
    readonly tenant: string;
    readonly action: Action;
    readonly asker: Asker;
    readonly digest: string;
    readonly actId: string | null;
  }) => Promise<
    | { readonly kind: 'gathered'; readonly snapshot: Snapshot }
    | { readonly kind: 'unavailable'; readonly why: string }
  >;
  readonly digestOf: (tenant: string, action: Action) => string;
  readonly executorOf: (tenant: string, action: string) => string | null;
  /** Whether whoever asked could still ask. */
  readonly stands: (asker: Asker) => Promise<boolean>;
  readonly settingsOf: (tenant: string) => Promise<ApprovalSettings>;
  readonly voteIn: (tx: Tx, ballot: EditorBallot, settings: ApprovalSettings) => Promise<Vote<Approval>>;
  /** Why the vote would not be taken, without casting it. */
  readonly refusalIn: (tx: Tx, ballot: EditorBallot, settings: ApprovalSettings) => Promise<Refusal | null>;
  /** Says of an approval who made it of which other. */
  readonly noteEditIn: (
    tx: Tx,
    edit: {
      readonly tenant: string;
      readonly id: string;
      readonly replaces: string;
      readonly editor: string;
    },
  ) => Promise<Approval>;
  /** Whatever goes by the act that was asked for goes by the other one from now on. */
  readonly replaced: (
    tx: Tx,
    tenant: string,
    acts: { readonly from: string; readonly to: string },
  ) => Promise<void>;
  readonly uuid: () => string;
  readonly writeEntry: WriteActEntry;
}

export type Edit<Approval> = (order: EditOrder) => Promise<EditAnswer<Approval>>;

/** Rolls everything back; what is in it is the answer. */
class Refused extends Error {
  override readonly name = 'Refused';
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.detail);
    this.refusal = refusal;
  }
}

export function createEdit<Approval>(needs: EditNeeds<Approval>): Edit<Approval> {
  const { store, clock, sealed, uuid } = needs;

  return async (order) => {
    const { tenant } = order;
    const waiting = await needs.findApproval(tenant, order.approvalId);
    const act = waiting?.actId == null ? null : await needs.findAct(tenant, waiting.actId);
    const unfit = unfitRefusal(order, waiting, act);
    if (unfit !== null || waiting === null || act === null) return refused(unfit ?? notFound(order));
    const { action: asked, asker } = await sealed.open(act);
    if (!(await needs.stands(asker))) {
      const detail = `The key ${asker.id} that asked for this has been revoked or has expired.`;
      return refused({ code: 'conflict', detail });
    }
    const action: Action = { ...asked, parameters: order.parameters };
    const malformed = canonicalProblem(action.parameters);
    if (malformed !== null)
      return refused({
        code: 'invalid',
        detail: `The parameters have no canonical form: ${malformed.message}`,
      });
    const digest = needs.digestOf(tenant, action);
    if (digest === waiting.digest)
      return refused({ code: 'conflict', detail: 'Nothing is changed: approve it as it is.' });
    const id = uuid();
    const gathered = await needs.gather({ tenant, action, asker, digest, actId: id });
    if (gathered.kind === 'unavailable') return refused({ code: 'unavailable', detail: gathered.why });
    const { snapshot } = gathered;
    const decision = decide(action, snapshot);
    if (decision.effect === 'deny' || decision.effect === 'throttle')
      return { ...refused(refusalOf(decision, snapshot.nowMs)), decision };
    if (decision.effect === 'none')
      return refused({ code: 'conflict', detail: 'Mandate is in DRY_RUN: nothing is carried out.' });
    const journey: Journey = {
      asker,
      action,
      digest,
      id,
      waiting: false,
      attach: act.runsOn === 'repeat',
      executor: settingOf(snapshot.law, action.action)?.executor ?? needs.executorOf(tenant, action.action),
      idempotency: null,
      compensates: act.compensates,
    };
    return replace(order, { waiting, act, journey, decision, snapshot });
  };

  async function replace(
    order: EditOrder,
    { waiting, act, journey, decision, snapshot }: Replacement,
  ): Promise<EditAnswer<Approval>> {
    const { tenant, reason, voter, traceId } = order;
    const { asker, action, id, digest } = journey;
    const evidence = await sealed.close(tenant, id, { action, asker, snapshot });
    // Who wrote it has read it.
    const settings = await needs.settingsOf(tenant);
    const unhurried = { ...settings, fatigue: { ...settings.fatigue, minReadingMs: null } };
    const nowMs = clock.nowMs();
    const approval = { ...needsOf(waiting, draftApproval(journey, decision, uuid(), nowMs), decision) };
    try {
      return await store.withTenant(tenant, async (tx) => {
        const ballot = { tenant, decision: 'approve', reason, voter, channel: 'edit', traceId } as const;
        if (approval.fourEyes) {
          const shown = { ...ballot, approvalId: waiting.id, digest: waiting.digest };
          const unfit = await needs.refusalIn(tx, shown, {
            ...settings,
            fatigue: { perHour: null, minReadingMs: null },
          });
          if (unfit !== null) throw new Refused(unfit);
        }
        await endAsked(tx, order, { waiting, act, journey, approvalId: approval.id, nowMs });
        const recorded = await recordAct(tx, {
          tenant,
          nowMs,
          act: draftAct(journey, decision, { status: 'waiting_for_approval', approvalId: approval.id }),
          sealed: evidence,
          approval,
          attach: false,
          idempotency: null,
          entries: [draftEntry(journey, 'action.held', decision, nowMs)],
        });
        if (recorded.kind !== 'recorded')
          throw new Refused({ code: 'conflict', detail: 'What this would undo has been undone already.' });
        await needs.replaced(tx, tenant, { from: act.id, to: id });
        const edited = await needs.noteEditIn(tx, {
          tenant,
          id: approval.id,
          replaces: waiting.id,
          editor: voter.id,
        });
        if (approval.fourEyes) return { kind: 'edited', approval: edited, missing: others(voter.id) };
        const vote = await needs.voteIn(tx, { ...ballot, approvalId: approval.id, digest }, unhurried);
        if (vote.kind === 'refused') throw new Refused(vote.refusal);
        return { kind: 'edited', approval: vote.approval, missing: vote.missing };
      });
    } catch (error) {
      if (error instanceof Refused) return refused(error.refusal);
      throw error;
    }
  }

  /** What was asked for is over: whoever waits for it is told what became of it. */
  async function endAsked(
    tx: Tx,
    { tenant, voter, reason, traceId }: EditOrder,
    { waiting, act, journey, approvalId, nowMs }: Ending,
  ): Promise<void> {
    const now = new Date(nowMs);
    const gone = { code: 'conflict', detail: 'It does not wait any more; read it again.' } as const;
    const why = `${voter.id} lets it run with other parameters only, as ${approvalId}.`;
    // The approval before the act, as everywhere: the other order deadlocks with a start that uses it.
    const ended = await tx`
      update mandate.approval set status = 'cancelled', decided_at = ${now}, replaced_by = ${approvalId}, ended_why = ${why}
      where tenant = ${tenant} and id = ${waiting.id} and status = 'pending' and expires_at > ${now}`;
    if (ended.count === 0) throw new Refused(gone);
    const told = `${voter.id} lets it run with other parameters only: ${JSON.stringify(redact(journey.action.parameters))}. ${HOW[act.runsOn](journey.id)} Reason: ${redactText(reason)}`;
    const cancelled = await tx`
      update mandate.act set status = 'cancelled', error = ${told}, ended_at = ${now}
      where tenant = ${tenant} and id = ${act.id} and status = 'waiting_for_approval'`;
    if (cancelled.count === 0) throw new Refused(gone);
    const entry = { agent: act.agent, actId: act.id, actor: voter.id, atMs: nowMs, traceId };
    const data = {
      approval: waiting.id,
      replacedBy: approvalId,
      action: act.action,
      act: journey.id,
      reason,
    };
    await needs.writeEntry(tx, tenant, { ...entry, kind: 'approval.edited', data });
    await needs.writeEntry(tx, tenant, {
      ...entry,
      kind: 'action.cancelled',
      data: { action: act.action, reason: told },
    });
  }
}

interface Replacement {
  readonly waiting: Waiting;
  readonly act: Act;
  readonly journey: Journey;
  readonly decision: Decision;
  readonly snapshot: Snapshot;
}

interface Ending extends Pick<Replacement, 'waiting' | 'act' | 'journey'> {
  readonly approvalId: string;
  readonly nowMs: number;
}

/** How what was edited begins, for whoever asked. */
const HOW: Readonly<Record<Act['runsOn'], (id: string) => string>> = {
  approval: (id) => `Mandate runs it as ${id} once it is approved.`,
  permit: (id) => `Fetch the permit of ${id} once it is approved, and run just that.`,
  repeat: (id) => `Call again with these parameters once it is approved; it is ${id}.`,
};

/** What nobody would have to approve any more is still approved by those who were asked. */
function needsOf(waiting: Waiting, drafted: NewApproval, decision: Decision): NewApproval {
  const fourEyes = drafted.fourEyes || waiting.fourEyes;
  if (decision.effect === 'hold') return { ...drafted, fourEyes };
  const { requiredRoles, quorum, expiresAt } = waiting;
  return { ...drafted, requiredRoles, quorum, fourEyes, expiresMs: Date.parse(expiresAt) };
}

function unfitRefusal(
  { digest, voter }: EditOrder,
  waiting: Waiting | null,
  act: Act | null,
): Refusal | null {
  if (waiting === null) return null;
  if (waiting.status !== 'pending')
    return { code: 'conflict', detail: `This approval is ${waiting.status} already.` };
  if (act === null || act.status !== 'waiting_for_approval')
    return {
      code: 'conflict',
      detail: 'Only an action that waits can be edited; approve or deny this as it is.',
    };
  if (waiting.digest !== digest) {
    const detail = 'The digest is not that of what waits here; read the approval again before deciding.';
    return { code: 'digest_mismatch', detail };
  }
  if (waiting.fourEyes && voter.id === waiting.requester) {
    const detail = `Four eyes: ${voter.id} asked for this and cannot approve it, edited or not.`;
    return { code: 'forbidden', detail };
  }
  return null;
}

function others(editor: string): string {
  return `Four eyes: ${editor} wrote it, so others have to approve it.`;
}

function notFound({ approvalId }: EditOrder): Refusal {
  return { code: 'not_found', detail: `There is no approval ${approvalId}.` };
}

function refused(refusal: Refusal): EditAnswer<never> & { readonly kind: 'refused' } {
  return { kind: 'refused', refusal, decision: null };
}
