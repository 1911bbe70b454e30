// What an edit of a waiting action comes to: the action that is meant, and what the law of today says of it. Nothing is
// written, so that whoever edits can look at it before they decide.
import { canonicalProblem, decide, restoreRedacted, settingOf } from '@mandate/kernel';
import type { Action, Decision, Json, JsonObject, ResourceWord, Snapshot } from '@mandate/kernel';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Asker } from '../../platform/identity/asker.ts';
import type { Act } from './act.ts';
import type { Journey } from './draft.ts';
import { refusalOf } from './refusals.ts';
import type { Sealed } from './sealed.ts';

export interface EditOrder {
  readonly tenant: string;
  readonly approvalId: string;
  /** Of what the editor was shown. */
  readonly digest: string;
  /**
   * Instead of those that were asked for. Where the mark of a hidden value stands in its place, the value stays what it
   * is; anywhere else a mark is refused.
   */
  readonly parameters: JsonObject;
  readonly reason: string;
  readonly voter: {
    readonly id: string;
    readonly roles: readonly string[] | null;
    /** Of what they hold now only these count; null or left out: all. */
    readonly within?: readonly string[] | null;
  };
  readonly traceId: string | null;
}

/** What is edited: the approval that waits, as far as this needs it. */
export interface Waiting {
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

/** An edit that the law does not forbid. */
export interface WeighedEdit {
  readonly waiting: Waiting;
  readonly act: Act;
  /** As it was asked for. */
  readonly asked: Action;
  /** JSON pointers to the hidden values that stay as they are. */
  readonly kept: readonly string[];
  readonly journey: Journey;
  readonly decision: Decision;
  readonly snapshot: Snapshot;
}

export interface RefusedEdit {
  readonly kind: 'refused';
  readonly refusal: Refusal;
  /** Where the law forbids it. */
  readonly decision: Decision | null;
}

export interface WeighEditNeeds {
  readonly sealed: Sealed;
  readonly findAct: (tenant: string, id: string) => Promise<Act | null>;
  readonly findApproval: (tenant: string, id: string) => Promise<Waiting | null>;
  readonly gather: (question: {
    readonly tenant: string;
    readonly action: Action;
    readonly asker: Asker;
    readonly resourceIs: ResourceWord;
    readonly digestOf: (action: Action) => string;
    readonly actId: string | null;
  }) => Promise<
    | {
        readonly kind: 'gathered';
        readonly action: Action;
        readonly digest: string;
        readonly snapshot: Snapshot;
      }
    | { readonly kind: 'unavailable'; readonly why: string }
  >;
  readonly digestOf: (tenant: string, action: Action) => string;
  readonly executorOf: (tenant: string, action: string) => string | null;
  /** Whether whoever asked could still ask. */
  readonly stands: (asker: Asker) => Promise<boolean>;
  readonly uuid: () => string;
}

export type WeighEdit = (
  order: EditOrder,
) => Promise<{ readonly kind: 'weighed'; readonly edit: WeighedEdit } | RefusedEdit>;

export function createWeighEdit(needs: WeighEditNeeds): WeighEdit {
  const { sealed, uuid } = needs;
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
    const meant = meantBy(order.parameters, asked.parameters);
    if (meant.kind === 'refused') return refused(meant.refusal);
    const edited: Action = { ...asked, parameters: meant.parameters };
    if (needs.digestOf(tenant, edited) === waiting.digest)
      return refused({ code: 'conflict', detail: 'Nothing is changed: approve it as it is.' });
    const id = uuid();
    const gathered = await needs.gather({
      tenant,
      action: edited,
      asker,
      // What was asked for touched what its own parameters said; other parameters may say something else.
      resourceIs: 'recorded',
      digestOf: (seen) => needs.digestOf(tenant, seen),
      actId: id,
    });
    if (gathered.kind === 'unavailable') return refused({ code: 'unavailable', detail: gathered.why });
    const { action, digest, snapshot } = gathered;
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
    return { kind: 'weighed', edit: { waiting, act, asked, kept: meant.kept, journey, decision, snapshot } };
  };
}

type Meant =
  | { readonly kind: 'meant'; readonly parameters: JsonObject; readonly kept: readonly string[] }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** People edit what they were shown, so what was hidden from them and left in place is what it was (I9). */
function meantBy(written: JsonObject, plain: JsonObject): Meant {
  const malformed = canonicalProblem(written);
  if (malformed !== null) {
    const detail = `The parameters have no canonical form: ${malformed.message}`;
    return { kind: 'refused', refusal: { code: 'invalid', detail } };
  }
  const restored = restoreRedacted(written, plain);
  if (restored.kind === 'misplaced') {
    const detail = `${restored.pointer}: this is or holds the mark of a hidden value, which is no value. Leave such a mark exactly where it was to keep the value, or write another value in its place.`;
    return { kind: 'refused', refusal: { code: 'invalid', detail } };
  }
  const { value, kept } = restored;
  // An edit of an object is an object; the type does not say so.
  return { kind: 'meant', parameters: isTree(value) ? value : written, kept };
}

function isTree(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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

function notFound({ approvalId }: EditOrder): Refusal {
  return { code: 'not_found', detail: `There is no approval ${approvalId}.` };
}

function refused(refusal: Refusal): RefusedEdit {
  return { kind: 'refused', refusal, decision: null };
}
