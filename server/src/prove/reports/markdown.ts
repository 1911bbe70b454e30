// A report as Markdown (CommonMark with the tables of GitHub). What people and agents wrote stays text: whatever could
// begin markup, a link or an entity is escaped, and what cannot be seen is shown.
import { textOf } from './outline.ts';
import type { Outline, Part } from './outline.ts';

export function toMarkdown({ title, subtitle, parts }: Outline): string {
  return `# ${heading(title)}\n\n${block(subtitle)}\n\n${parts.map(written).join('\n\n')}\n`;
}

function written(part: Part): string {
  switch (part.kind) {
    case 'heading':
      return `## ${heading(part.text)}`;
    case 'subheading':
      return `### ${heading(part.text)}`;
    case 'text':
      return block(part.text);
    case 'note':
      return `**${escape(part.text)}**${part.more.length === 0 ? '' : `\n\n${items(part.more)}`}`;
    case 'facts':
      return tableOf(
        ['', ''],
        ['---', '---'],
        part.facts.map(([name, value]) => [name, value]),
      );
    case 'list':
      return items(part.items);
    case 'table':
      return tableOf(
        part.head.map((column) => column.text),
        part.head.map(({ kind }) => (kind === 'figures' ? '---:' : '---')),
        part.rows.map((row) => row.map(textOf)),
      );
  }
}

function tableOf(
  head: readonly string[],
  rule: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head.map(escape)), line(rule), ...rows.map((row) => line(row.map(escape)))].join('\n');
}

function items(texts: readonly string[]): string {
  return texts.map((each) => `- ${block(each)}`).join('\n');
}

const HIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}\u{200b}\u{2060}\u{feff}]/gu;

/** Text inside a line. */
function escape(text: string): string {
  return (
    text
      .replaceAll(/[\r\n\t]+/g, ' ')
      .replaceAll(HIDDEN, (each) => `\\u{${(each.codePointAt(0) ?? 0).toString(16)}}`)
      .replaceAll(/[\\`*[\]|~$]|&(?=#?\w+;)/g, '\\$&')
      // No backslash: inside of what a reader takes for an address it would escape nothing.
      .replaceAll('<', '&lt;')
      // Within a word it means nothing, and SET_POWER stays readable.
      .replaceAll(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\_')
      // What looks like an address becomes a link without any markup.
      .replaceAll(/:(?=\/\/)|(?<=mailto|xmpp):/gi, '\\:')
      .replaceAll(/(?<=www)\./gi, '\\.')
      .replaceAll(/(?<=[\w.+-])@(?=[\w-])/g, '&#64;')
      .trim()
  );
}

/** Text at the beginning of a line, where a heading, a list or a rule could begin. */
function block(text: string): string {
  return escape(text)
    .replace(/^[#+=>-]/, '\\$&')
    .replace(/^(\d{1,9})([.)])/, '$1\\$2');
}

/** Text of a heading, which number signs at its end would close. */
function heading(text: string): string {
  return escape(text).replace(/#$/, '\\#');
}
