// A report as one piece of HTML: no script, nothing fetched from anywhere, and laid out for paper as well as for a
// screen, so that the browser turns it into the PDF that people file.
import { markup } from '../../platform/http/markup.ts';
import type { Html } from '../../platform/http/markup.ts';
import { framePage, keyBody, noteBody } from '../../platform/http/page-frame.ts';
import type { Cell, Column, Outline, Part } from './outline.ts';
import { PAGE_STYLE } from './page-style.ts';

export function toPage({ title, subtitle, parts }: Outline): string {
  return frame(
    title,
    markup`<header>
        <p>Mandate</p>
        <h1>${title}</h1>
        <p>${subtitle}</p>
      </header>
      ${parts.map(written)}`,
  );
}

/** A page that only says something. */
export function notePage(title: string, sentences: readonly string[]): string {
  return frame(title, noteBody(title, sentences));
}

/** A page that opens for a key. */
export function keyPage(title: string, of: Parameters<typeof keyBody>[1]): string {
  return frame(title, keyBody(title, of));
}

function frame(title: string, body: Html): string {
  return framePage({ title, style: PAGE_STYLE, body });
}

function written(part: Part): Html {
  switch (part.kind) {
    case 'heading':
      return markup`<h2>${part.text}</h2>`;
    case 'subheading':
      return markup`<h3>${part.text}</h3>`;
    case 'text':
      return markup`<p>${part.text}</p>`;
    case 'note':
      return markup`<div class="note ${part.tone}">
        <p>${part.text}</p>
        ${part.more.length === 0 ? [] : listOf(part.more)}
      </div>`;
    case 'facts':
      return markup`<dl>
        ${part.facts.map(
          ([name, value]) =>
            markup`<dt>${name}</dt>
              <dd>${value}</dd>`,
        )}
      </dl>`;
    case 'list':
      return listOf(part.items);
    case 'table':
      return markup`<div class="wide">
        <table>
          <thead>
            <tr>
              ${part.head.map(({ text, kind }) => markup`<th scope="col" class="${kind}">${text}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${part.rows.map(
              (row) =>
                markup`<tr>
                  ${row.map((cell, index) => cellOf(cell, part.head[index]?.kind ?? 'words'))}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>`;
  }
}

function listOf(items: readonly string[]): Html {
  return markup`<ul>
    ${items.map((each) => markup`<li>${each}</li>`)}
  </ul>`;
}

function cellOf(cell: Cell, kind: Column['kind']): Html {
  const shown =
    typeof cell === 'string' ? markup`${cell}` : markup`<span class="${cell.tone}">${cell.text}</span>`;
  return markup`<td class="${kind}">${shown}</td>`;
}
