// One message, written once and read anywhere: the same blocks become plain text and HTML here, and whatever another way
// of reaching people needs elsewhere. What agents wrote is shown as what it is: nothing in it becomes markup.

export type Block =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string; readonly muted: boolean }
  | {
      readonly kind: 'item';
      readonly text: string;
      /** Stands under it, smaller. */
      readonly note: string | null;
      readonly url: string | null;
      readonly tone: Tone;
    }
  | { readonly kind: 'button'; readonly label: string; readonly url: string };

/** How serious an item is; colours it where there are colours. */
export type Tone = 'plain' | 'yellow' | 'red' | 'black';

export interface Document {
  readonly subject: string;
  readonly blocks: readonly Block[];
}

/** Control characters and what turns the direction of writing: with them one thing looks like another. */
const DECEPTIVE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** One line of plain text, at most `max` characters. */
export function plain(text: string, max = 300): string {
  const shown = text.replace(DECEPTIVE, ' ').replace(/ {2,}/g, ' ').trim();
  const letters = Array.from(shown);
  return letters.length <= max ? shown : `${letters.slice(0, max - 1).join('')}…`;
}

export function toText({ blocks }: Document): string {
  const parts = blocks.map((block) => {
    switch (block.kind) {
      case 'heading':
        return `\n${block.text}\n`;
      case 'text':
        return `\n${block.text}\n`;
      case 'item':
        return [
          `- ${block.text}`,
          ...(block.note === null ? [] : [`  ${block.note}`]),
          ...(block.url === null ? [] : [`  ${block.url}`]),
        ].join('\n');
      case 'button':
        return `\n${block.label}:\n${block.url}\n`;
    }
  });
  return `${parts
    .join('\n')
    .trim()
    .replaceAll(/\n{3,}/g, '\n\n')}\n`;
}

const TONES: Readonly<Record<Tone, string>> = {
  plain: '#8a8f98',
  yellow: '#b7791f',
  red: '#c53030',
  black: '#1a202c',
};

/**
 * For the mail readers of phones: one column, system letters, colours that hold on white and on black, no images, and
 * nothing that is fetched from anywhere.
 */
export function toHtml({ subject, blocks }: Document): string {
  const body = blocks.map((block) => {
    switch (block.kind) {
      case 'heading':
        return `<h2 style="font-size:17px;line-height:1.35;margin:24px 0 8px">${escape(block.text)}</h2>`;
      case 'text':
        return `<p style="margin:8px 0${block.muted ? ';color:#8a8f98;font-size:13px' : ''}">${escape(block.text)}</p>`;
      case 'item':
        return itemHtml(block);
      case 'button':
        return `<p style="margin:20px 0"><a href="${escape(block.url)}" style="display:inline-block;padding:12px 20px;border-radius:6px;background:#1f5fbf;color:#ffffff;text-decoration:none;font-weight:600">${escape(block.label)}</a></p>`;
    }
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>${escape(subject)}</title></head>
<body style="margin:0;padding:16px;font:16px/1.5 -apple-system,'Segoe UI',Roboto,sans-serif"><div style="max-width:600px;margin:0 auto">
${body.join('\n')}
</div></body></html>
`;
}

function itemHtml({ text, note, url, tone }: Extract<Block, { kind: 'item' }>): string {
  const shown =
    url === null ? escape(text) : `<a href="${escape(url)}" style="color:inherit">${escape(text)}</a>`;
  const under =
    note === null
      ? ''
      : `<br><span style="color:#8a8f98;font-size:13px;word-break:break-word">${escape(note)}</span>`;
  return `<p style="margin:8px 0;padding-left:10px;border-left:3px solid ${TONES[tone]};word-break:break-word">${shown}${under}</p>`;
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
