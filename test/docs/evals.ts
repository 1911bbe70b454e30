// Eval sets that a page shows are read as the product would read them.
import { renderError } from '../../server/src/decide/charter/error.ts';
import { readEval } from '../../server/src/decide/charter/eval-schema.ts';
import type { Block } from './page.ts';

/** Marked by <!-- eval: NAME -->. */
export function isEval({ notes }: Block): boolean {
  return notes['eval'] !== undefined;
}

/** Every mistake, and a name that is not the one it was marked with. */
export function evalProblems({ notes, text }: Block): readonly string[] {
  const read = readEval(text);
  if (read.kind === 'refused') return read.problems.map(renderError);
  return read.name === notes['eval'] ? [] : [`its name is ${read.name}, not ${notes['eval'] ?? ''}`];
}
