// Messages as Slack draws them (https://docs.slack.dev/reference/block-kit/blocks). Whatever others wrote goes into rich
// text, where a text is a text: nothing in it becomes a mention, a link or bold print, and nothing has to be escaped.
import type { JsonObject } from '@mandate/kernel';
import { cut, factsOf, leftOut } from './asked.ts';
import type { AskedApproval } from './asked.ts';
import type { Block } from './document.ts';

/** A message takes 50 blocks, and a few are ours. */
const BLOCKS_MAX = 46;
/** Slack refuses blocks of some 13,000 characters in all (github.com/slackapi/bolt-js/issues/2509), as JSON to be safe. */
const DRAWN_MAX = 11_000;
const HEADER_MAX = 150;
/** Of what is to be approved, as JSON too: quotes and line breaks count twice there. */
const WHOLE_MAX = 7_000;

/** Names by which a press says what it was. */
const APPROVE_ACTION = 'mandate.approve';
const DENY_ACTION = 'mandate.deny';

export interface SlackQuestion {
  readonly heading: string;
  readonly asked: AskedApproval;
  readonly zone: string;
  /** What the buttons carry; null draws none. */
  readonly values: { readonly approve: string; readonly deny: string } | null;
  readonly link: string | null;
  /** Said above everything else: that it was sent before, that it waits for another person now. */
  readonly notes: readonly string[];
}

export function questionBlocks(question: SlackQuestion): readonly JsonObject[] {
  const { heading, asked, zone, values, link, notes } = question;
  const facts = factsOf(asked, zone);
  const isWhole = JSON.stringify(facts.whole).length <= WHOLE_MAX;
  return [
    ...notes.map((note) => small(note)),
    header(heading),
    {
      type: 'rich_text',
      elements: [
        ...facts.lines.map(([name, value]) => section([bold(`${name}: `), plainText(value)])),
        {
          type: 'rich_text_preformatted',
          elements: [plainText(isWhole ? facts.whole : cut(facts.whole, WHOLE_MAX / 2))],
        },
        ...(isWhole
          ? []
          : [section([plainText('Not all of it fits here, so it cannot be approved by a button.')])]),
        ...(asked.decided === null ? [] : [section([bold(asked.decided)])]),
        ...(link === null ? [] : [section([anchor(link, 'Look at it and decide')])]),
      ],
    },
    ...(values === null || !asked.isOpen
      ? []
      : [{ type: 'actions', elements: buttons(values, { isWhole, title: asked.title }) }]),
    small(facts.small),
  ];
}

function buttons(
  { approve, deny }: { readonly approve: string; readonly deny: string },
  { isWhole, title }: { readonly isWhole: boolean; readonly title: string },
): readonly JsonObject[] {
  const of = (decision: 'Approve' | 'Deny', value: string): JsonObject => ({
    type: 'button',
    action_id: decision === 'Approve' ? APPROVE_ACTION : DENY_ACTION,
    text: text(decision),
    style: decision === 'Approve' ? 'primary' : 'danger',
    value,
    confirm: {
      title: text(`${decision}?`),
      text: text(cut(title, 280)),
      confirm: text(decision),
      deny: text('Not yet'),
    },
  });
  return [...(isWhole ? [of('Approve', approve)] : []), of('Deny', deny)];
}

/** Everything but approvals. What does not fit is counted and named as left out. */
export function documentBlocks(blocks: readonly Block[]): readonly JsonObject[] {
  const drawn: JsonObject[] = [];
  let elements: JsonObject[] = [];
  let length = 0;
  const flush = (): void => {
    if (elements.length > 0) drawn.push({ type: 'rich_text', elements });
    elements = [];
  };
  for (const [index, block] of blocks.entries()) {
    const next = block.kind === 'heading' ? header(block.text) : elementOf(block);
    length += JSON.stringify(next).length;
    if (drawn.length >= BLOCKS_MAX || (length > DRAWN_MAX && index > 0)) {
      flush();
      return [...drawn, small(leftOut(blocks.length - index))];
    }
    if (block.kind === 'heading') {
      flush();
      drawn.push(next);
    } else elements.push(next);
  }
  flush();
  return drawn;
}

function elementOf(block: Exclude<Block, { kind: 'heading' }>): JsonObject {
  switch (block.kind) {
    case 'text':
      return section([block.muted ? italic(block.text) : plainText(block.text)]);
    case 'button':
      return section([anchor(block.url, block.label)]);
    case 'item':
      return {
        type: 'rich_text_list',
        style: 'bullet',
        elements: [
          section([
            block.url === null ? plainText(block.text) : anchor(block.url, block.text),
            ...(block.note === null ? [] : [italic(`\n${block.note}`)]),
          ]),
        ],
      };
  }
}

function header(heading: string): JsonObject {
  return { type: 'header', text: text(cut(heading, HEADER_MAX)) };
}

function small(note: string): JsonObject {
  return { type: 'context', elements: [text(cut(note, 1_000))] };
}

function section(elements: readonly JsonObject[]): JsonObject {
  return { type: 'rich_text_section', elements: [...elements] };
}

function text(content: string): JsonObject {
  return { type: 'plain_text', text: filled(content), emoji: false };
}

function plainText(content: string): JsonObject {
  return { type: 'text', text: filled(content) };
}

function bold(content: string): JsonObject {
  return { type: 'text', text: filled(content), style: { bold: true } };
}

function italic(content: string): JsonObject {
  return { type: 'text', text: filled(content), style: { italic: true } };
}

function anchor(url: string, label: string): JsonObject {
  return { type: 'link', url, text: filled(label) };
}

/** Slack refuses a whole message for one empty text. */
function filled(content: string): string {
  return content === '' ? '–' : content;
}

/** The one text that Slack reads for markup: what is shown where there are no blocks. */
export function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
