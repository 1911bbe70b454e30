// The page on which a person decides, as one piece of HTML without a script: everything that is to be approved, why
// people are asked, what was said to the like before, and a form that sends back the digest of just what is shown.
import type { Decision, Json } from '@mandate/kernel';
import { markup } from '../../platform/http/markup.ts';
import type { Html } from '../../platform/http/markup.ts';
import { linesOf } from '../../platform/http/lines.ts';
import { framePage, keyBody, noteBody } from '../../platform/http/page-frame.ts';
import type { Approval } from './approval.ts';
import type { Case } from './case.ts';
import { editPart } from './edit-page.ts';
import type { EditDraft } from './edit-page.ts';
import { PAGE_STYLE } from './page-style.ts';
import { causesInWords, needsInWords, relativeTime } from './words.ts';

/** What the reader may do: vote with a token that names them, or only read. */
export type Reader =
  | {
      readonly kind: 'voter';
      /** `ada`. */
      readonly name: string;
      readonly token: string;
      /** Durations that may be chosen for letting it run again: `['15m', '1h']`. */
      readonly remember: readonly string[];
      /** The parameters to edit; null where there are none. */
      readonly draft: EditDraft | 'too_long' | null;
    }
  | { readonly kind: 'reader'; readonly why: string };

export interface PageNeeds {
  readonly of: Case;
  readonly reader: Reader;
  readonly nowMs: number;
  /** What came of a vote that was just cast, or why it was not taken. */
  readonly notice: { readonly tone: 'good' | 'bad'; readonly text: string } | null;
}

/** The whole page. */
export function renderPage({ of, reader, nowMs, notice }: PageNeeds): string {
  const { approval, decision, similar } = of;
  const isOpen = approval.status === 'pending' && Date.parse(approval.expiresAt) > nowMs;
  return frame(
    `${approval.title} – approval`,
    markup`<header>
        <p>Mandate asks for ${isOpen ? 'your decision' : 'nothing any more'}</p>
        <h1>${approval.title}</h1>
      </header>
      ${notice === null ? [] : markup`<p class="status ${notice.tone}" role="alert">${notice.text}</p>`}
      ${statusPart(approval, nowMs)} ${whatPart(approval)} ${whyPart(approval, decision)}
      ${whoPart(approval, decision, nowMs)} ${similarPart(similar, nowMs)}
      ${isOpen ? formPart(approval, reader) : []}
      <footer>
        <p>Digest of what is shown here: <code>${approval.digest}</code></p>
        <p>Approval <code>${approval.id}</code>. Opening this page decides nothing.</p>
      </footer>`,
  );
}

/** A page that only says something: a link that is not valid, a key that is missing. */
export function renderNote(title: string, sentences: readonly string[]): string {
  return frame(title, noteBody(title, sentences));
}

/** A page that opens for a key. */
export function renderKeyForm(title: string, of: Parameters<typeof keyBody>[1]): string {
  return frame(title, keyBody(title, of));
}

function frame(title: string, body: Html): string {
  return framePage({ title, style: PAGE_STYLE, body });
}

const STATUS: Readonly<Record<Approval['status'], readonly [string, string]>> = {
  pending: ['', 'It waits for a decision.'],
  approved: ['good', 'It was approved.'],
  used: ['good', 'It was approved and has been carried out.'],
  denied: ['bad', 'It was denied.'],
  expired: ['bad', 'Nobody decided in time; it has to be asked for again.'],
  cancelled: ['bad', 'It was withdrawn.'],
};

function statusPart(approval: Approval, nowMs: number): Html {
  const isLate = approval.status === 'pending' && Date.parse(approval.expiresAt) <= nowMs;
  const [tone, sentence] = STATUS[isLate ? 'expired' : approval.status];
  const votes = approval.votes.map(
    (vote) =>
      markup`<li>
        ${vote.decision === 'approve' ? 'Approved' : 'Denied'} by ${vote.as},
        ${moment(vote.at, nowMs)}${vote.reason === null ? '' : `: ${vote.reason}`}
      </li>`,
  );
  const until =
    approval.status === 'pending' && !isLate ? markup` It ends ${moment(approval.expiresAt, nowMs)}.` : [];
  return markup`<div class="status ${tone}" role="status">
    <p>${sentence}${until}${approval.endedWhy === null ? '' : ` ${approval.endedWhy}`}</p>
    ${
      votes.length === 0
        ? []
        : markup`<ul>
            ${votes}
          </ul>`
    }
  </div>`;
}

function whatPart({ display, subject }: Approval): Html {
  const record = entriesOf(display);
  const parameters = record.find(([name]) => name === 'parameters')?.[1];
  const shown = subject === 'action' ? valuePart : toldPart;
  const lines = entriesOf(parameters ?? display).map(([name, value]) => line(name, shown(value)));
  // A list of its own: no parameter can pass for what Mandate knows.
  const beside = parameters === undefined ? [] : record.filter(isBeside).map(besideLine);
  const heading = subject === 'action' ? 'What will run' : 'What will happen';
  return markup`<section aria-labelledby="what">
    <h2 id="what">${heading}</h2>
    <div class="what">
      ${lines.length === 0 ? markup`<p>It takes no parameters.</p>` : markup`<dl>${lines}</dl>`}
    </div>
    ${beside.length === 0 ? [] : markup`<dl>${beside}</dl>`}
  </section>`;
}

function line(name: string, value: Html): Html {
  return markup`<dt>${name}</dt>
    <dd>${value}</dd>`;
}

function isBeside([name, value]: readonly [string, Json]): boolean {
  // Ids of grants tell a reader nothing; whose authority it is stands in the chain.
  return name !== 'parameters' && name !== 'grants' && !isEmpty(value);
}

function besideLine([name, value]: readonly [string, Json]): Html {
  const label = LABELS[name] ?? name;
  if (name === 'chain' && Array.isArray(value)) return line(label, markup`${value.map(String).join(' → ')}`);
  const { type, id } = Object.fromEntries(entriesOf(value));
  return name === 'resource' && typeof type === 'string' && typeof id === 'string'
    ? line(label, markup`${type} <code>${id}</code>`)
    : line(label, valuePart(value));
}

const LABELS: Readonly<Record<string, string>> = {
  context: 'context (as the agent says)',
  resource: 'touches',
  chain: 'on the authority of',
  onBehalfOf: 'on behalf of',
};

function whyPart({ causes }: Approval, decision: Decision | null): Html {
  const reasons = causesInWords(causes, decision?.restrictions).map((reason) => markup`<li>${reason}</li>`);
  const found = (decision?.findings ?? []).map(
    ({ severity, check, message }) => markup`<li><strong>${severity}</strong>, ${check}: ${message}</li>`,
  );
  const trace = (decision?.trace ?? []).map(
    ({ part, tier, text }) =>
      markup`<li>${part}${tier === null ? [] : markup` (<span class="${tier}">${tier}</span>)`}: ${text}</li>`,
  );
  return markup`<section aria-labelledby="why">
    <h2 id="why">Why people are asked</h2>
    ${
      reasons.length === 0
        ? markup`<p>The charter asks for it.</p>`
        : markup`<ul>
            ${reasons}
          </ul>`
    }${
      found.length === 0
        ? []
        : markup`<p>The guardrails found:</p>
            <ul>
              ${found}
            </ul>`
    }${
      trace.length === 0
        ? []
        : markup`<details>
            <summary>How it was decided, step by step</summary>
            <ol>
              ${trace}
            </ol>
          </details>`
    }
  </section>`;
}

function whoPart(approval: Approval, decision: Decision | null, nowMs: number): Html {
  const lines: (readonly [string, string | Html])[] = [
    ['Asked', markup`${moment(approval.createdAt, nowMs)} by ${approval.requester}`],
    ['Decides', needsInWords(approval)],
  ];
  if (approval.fourEyes) lines.push(['Four eyes', 'Whoever asked does not approve it.']);
  if (approval.escalatedTo.length > 0) lines.push(['Handed on to', approval.escalatedTo.join(', ')]);
  if (approval.escalatesAt !== null) lines.push(['Next in line', moment(approval.escalatesAt, nowMs)]);
  if (decision !== null) {
    lines.push(['Severity', decision.severity]);
    lines.push(['Trust in the agent', `${decision.trust.score} (${decision.trust.level})`]);
    if (decision.costMicroUsd > 0) lines.push(['Cost', `${decision.costMicroUsd / 1_000_000} USD`]);
  }
  return markup`<section aria-labelledby="who">
    <h2 id="who">Who asks, and who decides</h2>
    <dl>
      ${lines.map(([name, value]) => line(name, typeof value === 'string' ? markup`${value}` : value))}
    </dl>
  </section>`;
}

function similarPart(similar: readonly Approval[], nowMs: number): Html {
  if (similar.length === 0) return markup``;
  const rows = similar.map((each) => {
    const last = each.votes.at(-1);
    return markup`<tr>
      <td>${each.status === 'denied' ? 'denied' : 'approved'}</td>
      <td>${each.votes.map((vote) => vote.as).join('; ')}</td>
      <td>${moment(last?.at ?? each.createdAt, nowMs)}</td>
      <td>${last?.reason ?? ''}</td>
    </tr>`;
  });
  return markup`<section aria-labelledby="similar">
    <h2 id="similar">What was said to the like before</h2>
    <table>
      <caption>
        The same action of the same agent, perhaps with other parameters
      </caption>
      <thead>
        <tr>
          <th scope="col">Decision</th>
          <th scope="col">By</th>
          <th scope="col">When</th>
          <th scope="col">Reason</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </section>`;
}

function formPart({ id, digest, subject }: Approval, reader: Reader): Html {
  if (reader.kind === 'reader') return markup`<p class="status">${reader.why}</p>`;
  const remember =
    reader.remember.length === 0
      ? []
      : markup`<label for="remember">If it is approved</label
          ><select id="remember" name="remember">
            <option value="">just this once</option>
            ${reader.remember.map(
              (each) => markup`<option value="${each}">and let exactly this run again for ${each}</option>`,
            )}
          </select>`;
  return markup`<form method="post" action="/approvals/${id}" aria-labelledby="decide">
    <h2 id="decide">Your decision, ${reader.name}</h2>
    <p>It holds for exactly what is shown here.</p>
    <input type="hidden" name="t" value="${reader.token}" /><input
      type="hidden"
      name="digest"
      value="${digest}"
    />
    <label for="reason">Reason (for the agent and the journal)</label
    ><textarea
      id="reason"
      name="reason"
      rows="2"
      maxlength="2000"
      ${subject === 'proposal' ? 'required' : ''}
    ></textarea>
    ${remember}
    <div class="choices">
      <button class="deny" name="decision" value="deny">Deny</button
      ><button class="approve" name="decision" value="approve">Approve</button>
    </div>
  </form>
  ${editPart({ id, digest }, reader)}`;
}

function moment(at: string, nowMs: number): Html {
  const shown = `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
  return markup`<time datetime="${at}">${relativeTime(Date.parse(at), nowMs)} (${shown})</time>`;
}

/** What Mandate itself wrote of a subject: nested, and all of it short. What agents send is shown as it is. */
function toldPart(value: Json): Html {
  if (typeof value !== 'object' || value === null) return valuePart(value);
  const lines = linesOf(value).map((each) => markup`<li>${each}</li>`);
  return lines.length === 0
    ? markup`(none)`
    : markup`<ul>
        ${lines}
      </ul>`;
}

function valuePart(value: Json): Html {
  const shown = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  return shown === '' ? markup`(empty)` : markup`<pre>${shown}</pre>`;
}

function entriesOf(value: Json): readonly (readonly [string, Json])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value);
}

function isEmpty(value: Json): boolean {
  return value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}
