// What an edit of a waiting action is to this module: handed in by whoever knows actions, because approvals only know
// what people say of them.
import type { Decision, Json, JsonObject } from '@mandate/kernel';
import type { Refusal } from '../../platform/http/problems.ts';
import type { Approval } from './approval.ts';
import type { Voting } from './approvals.ts';

export interface EditOrder {
  readonly tenant: string;
  readonly approvalId: string;
  /** Of what the editor was shown. */
  readonly digest: string;
  /** As they were shown, but for what was changed: a hidden value that was left in place stays what it is. */
  readonly parameters: JsonObject;
  readonly reason: string;
  readonly voter: Voting;
  readonly traceId: string | null;
}

export interface RefusedEdit {
  readonly kind: 'refused';
  readonly refusal: Refusal;
  readonly decision: Decision | null;
}

export interface EditPreview {
  readonly kind: 'preview';
  readonly changes: readonly {
    readonly kind: 'changed' | 'added' | 'removed';
    /** JSON pointer (RFC 6901) into the parameters. */
    readonly pointer: string;
    /** Redacted; null where there is none. */
    readonly before: Json;
    readonly after: Json;
  }[];
  /** All of them as they would run, redacted. */
  readonly parameters: Json;
  /** What it would touch, redacted, where that is something else than before. */
  readonly touches: { readonly before: Json; readonly after: Json } | null;
  /** JSON pointers to the hidden values that stay as they are. */
  readonly kept: readonly string[];
  /** What the law of today says of the edited action. */
  readonly decision: Decision;
  /** Four eyes: whoever edits does not approve it. */
  readonly isForOthers: boolean;
}

export interface Editing {
  /** Approves the action with other parameters: another act with an approval of its own. */
  edit(
    order: EditOrder,
  ): Promise<
    { readonly kind: 'edited'; readonly approval: Approval; readonly missing: string | null } | RefusedEdit
  >;
  /** What it would come to; nothing is written. */
  preview(order: EditOrder): Promise<EditPreview | RefusedEdit>;
}
