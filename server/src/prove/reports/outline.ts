// A report is put into words once, as plain parts, and every form of it (Markdown, the page) is written from these: so
// no form says more, less or anything else than another.

export type Part =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'subheading'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  /** What the reader must not miss. */
  | { readonly kind: 'note'; readonly tone: Tone; readonly text: string; readonly more: readonly string[] }
  | { readonly kind: 'facts'; readonly facts: readonly (readonly [string, string])[] }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | {
      readonly kind: 'table';
      readonly head: readonly Column[];
      readonly rows: readonly (readonly Cell[])[];
    };

export type Tone = 'plain' | 'good' | 'bad';

export interface Column {
  readonly text: string;
  /** `figures` stand at the right; a `subject` is as wide in every table. */
  readonly kind: 'words' | 'figures' | 'subject';
}

/** A text, or one with a tone where its colour helps to find it. */
export type Cell = string | { readonly text: string; readonly tone: Tone };

export interface Outline {
  readonly title: string;
  readonly subtitle: string;
  readonly parts: readonly Part[];
}

export function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}
