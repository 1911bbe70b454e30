// An approver may let something else run than what was asked for: with other parameters. That is another action, so it is
// decided anew, as an act of its own with an approval of its own; the one that was asked for ends and points to it. Under
// four eyes whoever wrote it is one of those who ask, so somebody else has to approve it.
import { redact, redactText, sameJson } from '@mandate/kernel';
import type { Action, ApprovalSettings, Decision, Json } from '@mandate/kernel';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Store, Tx } from '../../platform/postgres/store.ts';
import type { Act, NewApproval, WriteActEntry } from './act.ts';
import { draftAct, draftApproval, draftEntry } from './draft.ts';
import { changesBetween } from './edit-changes.ts';
import type { EditChange } from './edit-changes.ts';
import { recordAct } from './store.ts';
import { createWeighEdit } from './weigh-edit.ts';
import type { EditOrder, RefusedEdit, Waiting, WeighedEdit, WeighEditNeeds } from './weigh-edit.ts';

/** The approval of the edited action, in which the editor's vote counts already unless four eyes exclude it. */
export type EditAnswer<Approval> =
  | { readonly kind: 'edited'; readonly approval: Approval; readonly missing: string | null }
  | RefusedEdit;

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

export interface EditNeeds<Approval> extends WeighEditNeeds {
  readonly store: Store;
  readonly clock: Clock;
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
  readonly writeEntry: WriteActEntry;
}

/** What an edit would come to, before it is decided. */
export type EditPreview =
  | {
      readonly kind: 'preview';
      readonly changes: readonly EditChange[];
      /** All of them as they would run, redacted. */
      readonly parameters: Json;
      /** What it would touch by the charter, redacted, where that is something else than before. */
      readonly touches: { readonly before: Json; readonly after: Json } | null;
      /** JSON pointers to the hidden values that stay as they are. */
      readonly kept: readonly string[];
      readonly decision: Decision;
      /** Whoever edits is one of those who ask, so others have to approve it. */
      readonly isForOthers: boolean;
    }
  | RefusedEdit;

export interface Edits<Approval> {
  edit(order: EditOrder): Promise<EditAnswer<Approval>>;
  /** For whoever could edit it; nothing is written. */
  preview(order: EditOrder): Promise<EditPreview>;
}

/** Rolls everything back; what is in it is the answer. */
class Refused extends Error {
  override readonly name = 'Refused';
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.detail);
    this.refusal = refusal;
  }
}

export function createEdit<Approval>(needs: EditNeeds<Approval>): Edits<Approval> {
  const { store, clock, sealed, uuid } = needs;
  const weigh = createWeighEdit(needs);

  return {
    async edit(order) {
      const weighed = await weigh(order);
      return weighed.kind === 'refused' ? weighed : replace(order, weighed.edit);
    },

    async preview(order) {
      const weighed = await weigh(order);
      if (weighed.kind === 'refused') return weighed;
      const { waiting, asked, kept, journey, decision } = weighed.edit;
      const { action } = journey;
      const { tenant } = order;
      const settings = unhurried(await needs.settingsOf(tenant));
      const ballot = { ...ballotOf(order), approvalId: waiting.id, digest: waiting.digest };
      const unfit = await store.withTenant(tenant, (tx) => needs.refusalIn(tx, ballot, settings));
      if (unfit !== null) return refused(unfit);
      return {
        kind: 'preview',
        changes: changesBetween(asked.parameters, action.parameters),
        parameters: redact(action.parameters),
        touches: touchesOf(asked, action),
        kept,
        decision,
        isForOthers: waiting.fourEyes || decision.approval?.fourEyes === true,
      };
    },
  };

  async function replace(
    order: EditOrder,
    { waiting, act, journey, decision, snapshot }: WeighedEdit,
  ): Promise<EditAnswer<Approval>> {
    const { tenant, voter } = order;
    const { asker, action, id, digest } = journey;
    const evidence = await sealed.close(tenant, id, { action, asker, snapshot });
    const settings = unhurried(await needs.settingsOf(tenant));
    const nowMs = clock.nowMs();
    const approval = { ...needsOf(waiting, draftApproval(journey, decision, uuid(), nowMs), decision) };
    try {
      return await store.withTenant(tenant, async (tx) => {
        const ballot = ballotOf(order);
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
        const vote = await needs.voteIn(tx, { ...ballot, approvalId: approval.id, digest }, settings);
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

interface Ending extends Pick<WeighedEdit, 'waiting' | 'act' | 'journey'> {
  readonly approvalId: string;
  readonly nowMs: number;
}

/** How what was edited begins, for whoever asked. */
const HOW: Readonly<Record<Act['runsOn'], (id: string) => string>> = {
  approval: (id) => `Mandate runs it as ${id} once it is approved.`,
  permit: (id) => `Fetch the permit of ${id} once it is approved, and run just that.`,
  repeat: (id) => `Call again with these parameters once it is approved; it is ${id}.`,
};

function touchesOf(asked: Action, edited: Action): { readonly before: Json; readonly after: Json } | null {
  const [before, after] = [asked, edited].map(({ resource }): Json =>
    resource === null ? null : { ...resource },
  );
  if (before === undefined || after === undefined || sameJson(before, after)) return null;
  return { before: redact(before), after: redact(after) };
}

function ballotOf({
  tenant,
  reason,
  voter,
  traceId,
}: EditOrder): Omit<EditorBallot, 'approvalId' | 'digest'> {
  return { tenant, decision: 'approve', reason, voter, channel: 'edit', traceId };
}

/** Who wrote it has read it. */
function unhurried(settings: ApprovalSettings): ApprovalSettings {
  return { ...settings, fatigue: { ...settings.fatigue, minReadingMs: null } };
}

/** What nobody would have to approve any more is still approved by those who were asked. */
function needsOf(waiting: Waiting, drafted: NewApproval, decision: Decision): NewApproval {
  const fourEyes = drafted.fourEyes || waiting.fourEyes;
  if (decision.effect === 'hold') return { ...drafted, fourEyes };
  const { requiredRoles, quorum, expiresAt } = waiting;
  return { ...drafted, requiredRoles, quorum, fourEyes, expiresMs: Date.parse(expiresAt) };
}

function others(editor: string): string {
  return `Four eyes: ${editor} wrote it, so others have to approve it.`;
}

function refused(refusal: Refusal): EditAnswer<never> & { readonly kind: 'refused' } {
  return { kind: 'refused', refusal, decision: null };
}
