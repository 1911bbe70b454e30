// How the approval page offers to let something else run: a form with the parameters, and then a page that shows what
// would change and what the charter says of it, before anything is decided.
import type { Json } from '@mandate/kernel';
import { markup } from '../../platform/http/markup.ts';
import type { Html } from '../../platform/http/markup.ts';
import { framePage } from '../../platform/http/page-frame.ts';
import type { Approval } from './approval.ts';
import { EDIT_MAX, editText, hasHidden } from './edit-text.ts';
import type { EditPreview } from './editing.ts';
import { PAGE_STYLE } from './page-style.ts';

/** The parameters in the form. */
export interface EditDraft {
  readonly text: string;
  /** Whoever has typed something sees it. */
  readonly isOpen: boolean;
}

/** What may be edited of an approval, as it is shown; null for what is no action or too long for a form. */
export function draftOf({ subject, actId, display }: Approval): EditDraft | 'too_long' | null {
  if (subject !== 'action' || actId === null || !isTree(display)) return null;
  const { parameters } = display;
  if (parameters === undefined || !isTree(parameters)) return null;
  const text = editText(parameters, 2);
  return text.length > EDIT_MAX ? 'too_long' : { text, isOpen: false };
}

/** Folded away below the decision, because most people only decide. */
export function editPart(
  approval: Pick<Approval, 'id' | 'digest'>,
  { token, draft }: { readonly token: string; readonly draft: EditDraft | 'too_long' | null },
): Html {
  if (draft === null) return markup``;
  if (draft === 'too_long')
    return markup`<p>Its parameters are too long to be changed here: <code>mandate approve ${approval.id} --with</code> takes them.</p>`;
  return markup`<details class="edit"${draft.isOpen ? { html: ' open' } : []}>
    <summary>Let it run with other parameters only</summary>
    ${compareForm(approval, token, draft.text)}
  </details>`;
}

function compareForm({ id, digest }: Pick<Approval, 'id' | 'digest'>, token: string, text: string): Html {
  const hidden = hasHidden(text)
    ? markup`<p>What stands there as <code>[redacted:…]</code> is hidden, from you as well. Leave it exactly as it is, and
        the value stays what it was. Write another value over it to send that one. The mark itself is never sent.</p>`
    : [];
  return markup`<form method="post" action="/approvals/${id}" aria-labelledby="edit">
    <h2 id="edit">Other parameters</h2>
    <p>With them it is another action: everything is decided anew. You see what changes before you decide.</p>
    ${hidden}
    ${fields(token, digest)}
    <label for="parameters">Parameters (JSON)</label
    ><textarea
      id="parameters"
      class="json"
      name="parameters"
      rows="${Math.min(24, Math.max(4, text.split('\n').length + 1))}"
      maxlength="${EDIT_MAX * 2}"
      spellcheck="false"
      autocomplete="off"
      autocapitalize="off"
      required
    >
${text}</textarea
    >
    <div class="choices"><button name="decision" value="compare">Show what would change</button></div>
  </form>`;
}

export interface EditPageNeeds {
  readonly approval: Approval;
  /** Who edits: `ada`. */
  readonly name: string;
  readonly token: string;
  readonly preview: EditPreview;
  /** What is sent when it is decided: the parameters as they were read, as JSON. */
  readonly sent: string;
  /** What was typed. */
  readonly text: string;
  /** Why it was not taken. */
  readonly notice: string | null;
}

/** The page between writing and deciding. */
export function renderEdit({ approval, name, token, preview, sent, text, notice }: EditPageNeeds): string {
  const { id, digest, title } = approval;
  return framePage({
    title: `${title} – with other parameters`,
    style: PAGE_STYLE,
    body: markup`<header>
        <p>Mandate asks whether this should run instead</p>
        <h1>${title}</h1>
      </header>
      ${notice === null ? [] : markup`<p class="status bad" role="alert">${notice}</p>`}
      <p class="status" role="status">Nothing is decided yet.</p>
      ${changesPart(preview)} ${lawPart(preview)}
      <form method="post" action="/approvals/${id}" aria-labelledby="decide">
        <h2 id="decide">Your decision, ${name}</h2>
        <p>It holds for exactly what is shown here. What was asked for ends with it, and whoever asked is told.</p>
        ${preview.isForOthers ? markup`<p>Four eyes: you write it, so others have to approve it.</p>` : []}
        ${fields(token, digest)}<input type="hidden" name="parameters" value="${sent}" />
        <label for="reason">Reason (for the agent and the journal)</label
        ><textarea id="reason" name="reason" rows="2" maxlength="2000" required></textarea>
        <div class="choices">
          <button class="approve" name="decision" value="edit">
            ${preview.isForOthers ? 'Ask others to approve this instead' : 'Approve with these parameters'}
          </button>
        </div>
      </form>
      <details class="edit">
        <summary>Change it again</summary>
        ${compareForm(approval, token, text)}
      </details>
      <form class="plain" method="post" action="/approvals/${id}">
        ${fields(token, digest)}<button name="decision" value="look">Back to what was asked</button>
      </form>
      <footer>
        <p>Digest of what was asked for: <code>${digest}</code></p>
        <p>Approval <code>${id}</code>.</p>
      </footer>`,
  });
}

function fields(token: string, digest: string): Html {
  return markup`<input type="hidden" name="t" value="${token}" /><input
      type="hidden"
      name="digest"
      value="${digest}"
    />`;
}

function changesPart({ changes, kept, parameters, touches }: EditPreview): Html {
  const lines = changes.map(({ kind, pointer, before, after }) => {
    const isAlike = kind === 'changed' && JSON.stringify(before) === JSON.stringify(after);
    const [was, is] = [side('asked for', 'was', before), side('yours', 'now', after)];
    const both = kind === 'added' ? is : kind === 'removed' ? was : markup`${was}${is}`;
    const said = isAlike ? 'changed, another hidden value' : kind;
    return markup`<dt><code>${pointer}</code> ${said}</dt>
      <dd>${both}</dd>`;
  });
  return markup`<section aria-labelledby="changes">
    <h2 id="changes">What would change</h2>
    <dl class="changes">
      ${lines}${
        touches === null
          ? []
          : markup`<dt>what it touches, by the charter</dt>
              <dd>${side('asked for', 'was', touches.before)}${side('yours', 'now', touches.after)}</dd>`
      }
    </dl>
    <p>Everything else stays as it was asked for.</p>
    <details>
      <summary>All parameters as they would run</summary>
      <pre>${JSON.stringify(parameters, null, 2)}</pre>
    </details>
    ${
      kept.length === 0
        ? []
        : markup`<p>Hidden values that stay what they were: ${kept.map((pointer) => markup`<code>${pointer}</code> `)}</p>`
    }
  </section>`;
}

function side(label: string, kind: 'was' | 'now', value: Json): Html {
  const shown = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  return markup`<div class="${kind}"><span>${label}</span><pre>${shown === '' ? '(empty)' : shown}</pre></div>`;
}

function lawPart({ decision }: EditPreview): Html {
  const { tier, effect, reasons, findings } = decision;
  const said =
    effect === 'hold'
      ? 'It takes an approval, like what was asked for.'
      : 'It would run without asking anybody; those who were asked still decide about it.';
  return markup`<section aria-labelledby="law">
    <h2 id="law">What the charter says of it</h2>
    <p><span class="${tier}">${tier}</span>: ${said}</p>
    <ul>
      ${reasons.map((reason) => markup`<li>${reason}</li>`)}
      ${findings.map(({ severity, check, message }) => markup`<li><strong>${severity}</strong>, ${check}: ${message}</li>`)}
    </ul>
  </section>`;
}

function isTree(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
