// Editing on the approval page, in two steps of which only the second decides: what was typed is read and compared, and
// what was compared is sent back and approved. Who may do so has been asked before either (desk.ts).
import type { JsonObject } from '@mandate/kernel';
import { reasonField } from '../../platform/http/fields.ts';
import { PROBLEMS } from '../../platform/http/problems.ts';
import type { Approval } from './approval.ts';
import type { Voting } from './approvals.ts';
import { renderEdit } from './edit-page.ts';
import { editText, readParameters, typedText } from './edit-text.ts';
import type { EditDraft } from './edit-page.ts';
import type { Editing, EditOrder, RefusedEdit } from './editing.ts';

export interface EditRequest {
  readonly tenant: string;
  readonly approval: Approval;
  /** Of the form. Every field is a stranger's. */
  readonly form: Readonly<Record<string, string>>;
  readonly voter: Voting;
  /** Of the link: `ada`, and the token that names her. */
  readonly name: string;
  readonly token: string;
  readonly traceId: string | null;
}

export type EditAnswer =
  /** A page of its own. */
  | { readonly kind: 'page'; readonly status: number; readonly html: string }
  /** Nothing was decided: the approval's page, with what was typed and why. */
  | { readonly kind: 'back'; readonly status: number; readonly why: string; readonly draft: EditDraft }
  | { readonly kind: 'edited'; readonly approval: Approval; readonly missing: string | null };

export interface EditDesk {
  /** What was typed, beside what was asked for. Decides nothing. */
  compare(request: EditRequest): Promise<EditAnswer>;
  /** Decides. */
  edit(request: EditRequest): Promise<EditAnswer>;
}

export function createEditDesk(editing: Editing): EditDesk {
  async function compared(request: EditRequest, notice: string | null): Promise<EditAnswer> {
    const { approval, name, token } = request;
    const text = typedText(request.form['parameters'] ?? '');
    const read = readParameters(text);
    if (read.kind === 'wrong') return back(422, read.why, text);
    const preview = await editing.preview(orderOf(request, read.parameters, ''));
    if (preview.kind === 'refused') return refused(preview, text);
    const sent = editText(read.parameters, 0);
    const typed = editText(read.parameters, 2);
    const html = renderEdit({ approval, name, token, preview, sent, text: typed, notice });
    return { kind: 'page', status: notice === null ? 200 : 422, html };
  }

  return {
    compare: (request) => compared(request, null),

    async edit(request) {
      const reason = reasonField.safeParse((request.form['reason'] ?? '').trim());
      if (!reason.success)
        return compared(request, 'Nothing was decided: say in the reason why it should run like this.');
      const text = typedText(request.form['parameters'] ?? '');
      const read = readParameters(text);
      if (read.kind === 'wrong') return back(422, read.why, text);
      const done = await editing.edit(orderOf(request, read.parameters, reason.data));
      return done.kind === 'refused' ? refused(done, editText(read.parameters, 2)) : done;
    },
  };
}

function orderOf(
  { tenant, approval, form, voter, traceId }: EditRequest,
  parameters: JsonObject,
  reason: string,
): EditOrder {
  const digest = form['digest'] ?? '';
  return { tenant, approvalId: approval.id, digest, parameters, reason, voter, traceId };
}

function refused({ refusal }: RefusedEdit, text: string): EditAnswer {
  return back(PROBLEMS[refusal.code].status, refusal.detail, text);
}

function back(status: number, why: string, text: string): EditAnswer {
  return { kind: 'back', status, why: `Nothing was decided. ${why}`, draft: { text, isOpen: true } };
}
