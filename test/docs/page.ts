// A page of documentation as what can be tested about it: its fenced blocks, tables, links and anchors, each with the
// line it stands on. A comment right above a block or table says what it is: <!-- request: POST /api/v1/stop -->.
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Block {
  /** `docs/road.md:7`. */
  readonly at: string;
  readonly language: string;
  readonly text: string;
  readonly notes: Notes;
}

export interface Table {
  readonly at: string;
  readonly name: string;
  readonly header: readonly string[];
  /** Cells as written, code marks included. */
  readonly rows: readonly (readonly string[])[];
  /** As it stands in the page. */
  readonly raw: string;
}

export interface Link {
  readonly at: string;
  readonly target: string;
}

export interface Page {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  readonly tables: readonly Table[];
  readonly links: readonly Link[];
  readonly anchors: ReadonlySet<string>;
}

/** What comments say of the block below them, by key: `request` → `POST /api/v1/stop`, `refused` → ``. */
type Notes = Readonly<Record<string, string>>;

/** Every page whose examples are promises. */
export function readPages(): readonly Page[] {
  return ['README.md', ...globSync('docs/*.md', { cwd: root }).toSorted()].map(readPage);
}

export function readPage(path: string): Page {
  const text = readFileSync(`${root}${path}`, 'utf8');
  const lines = text.split('\n');
  const blocks: Block[] = [];
  const tables: Table[] = [];
  const links: Link[] = [];
  const headings: string[] = [];
  let notes: Record<string, string> = {};
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const where = `${path}:${at + 1}`;
    const comment = /^<!-- ([a-z]+)(?:: (.*?))? -->$/.exec(line);
    const fence = /^```(\w*)$/.exec(line);
    if (comment !== null) {
      notes[comment[1] ?? ''] = comment[2] ?? '';
    } else if (fence !== null) {
      const end = lines.indexOf('```', at + 1);
      if (end === -1) throw new Error(`${where} opens a block that nothing closes`);
      blocks.push({ at: where, language: fence[1] ?? '', text: lines.slice(at + 1, end).join('\n'), notes });
      at = end;
      notes = {};
    } else if (line.startsWith('|') && (lines[at + 1] ?? '').startsWith('|')) {
      const end = lines.findIndex((other, i) => i > at && !other.startsWith('|'));
      const rows = lines.slice(at, end === -1 ? lines.length : end);
      links.push(...rows.flatMap((row, i) => linksOf(row, `${path}:${at + 1 + i}`)));
      const [header = [], , ...cells] = rows.map(cellsOf);
      if (notes['table'] !== undefined)
        tables.push({ at: where, name: notes['table'], header, rows: cells, raw: rows.join('\n') });
      at += rows.length - 1;
      notes = {};
    } else {
      const heading = /^#{1,6} (.+)$/.exec(line)?.[1];
      if (heading !== undefined) headings.push(heading);
      links.push(...linksOf(line, where));
      if (line.trim() !== '') notes = {};
    }
  }
  return { path, text, blocks, tables, links, anchors: anchorsOf(headings) };
}

function cellsOf(row: string): readonly string[] {
  return row
    .slice(1, row.lastIndexOf('|'))
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}

function linksOf(line: string, at: string): readonly Link[] {
  const prose = line.replaceAll(/`[^`]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => ({ at, target }));
}

/** As GitHub makes them: lower case, punctuation gone, spaces to dashes, repeats numbered. */
function anchorsOf(headings: readonly string[]): ReadonlySet<string> {
  const seen = new Map<string, number>();
  return new Set(
    headings.map((heading) => {
      const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
      const slug = plain.replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replaceAll(' ', '-');
      const times = seen.get(slug) ?? 0;
      seen.set(slug, times + 1);
      return times === 0 ? slug : `${slug}-${times}`;
    }),
  );
}
