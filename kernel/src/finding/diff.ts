// How much an action changes: big changes are where reviewers stop reading. Counts as `git diff --numstat` does, by
// hunk headers and not by first characters, because a deleted line that starts with `--` looks like a file header.
import type { ActionSetting } from '../action-setting.ts';
import type { Action, Json } from '../action.ts';
import { inside, PARAMETERS, pointerOf, textLeaves, wordsOf } from './leaves.ts';
import { isDiffName } from './parameter-names.ts';
import { lookUp } from './paths.ts';

export interface ChangedLines {
  readonly added: number;
  readonly deleted: number;
  /** Lines that belong to no part of a diff: counted as changed, so that nothing hides between hunks. */
  readonly foreign: number;
}

export interface DiffSize {
  readonly lines: number;
  /** The parameter that changes most; null without one. */
  readonly pointer: string | null;
}

const HUNK = /^@@ -\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@/;
const HEADER =
  /^(?:diff |index |--- |\+\+\+ |new file mode |deleted file mode |old mode |new mode |similarity index |dissimilarity index |rename |copy |Binary files |\\ No newline)/;

/** Changed lines of an action: in the parameter the charter calls its diff, else in every `diff` or `patch`. */
export function diffSize(action: Action, setting: ActionSetting | null): DiffSize {
  let lines = 0;
  let most = 0;
  let pointer: string | null = null;
  for (const { text, at } of diffTexts(action, setting?.diff ?? null)) {
    const size = countText(text);
    lines += size;
    if (size > most) {
      most = size;
      pointer = at();
    }
  }
  return { lines, pointer };
}

/** Changed lines of one text: of a unified diff those it changes, of anything else all lines. */
export function countText(text: string): number {
  const counted = countDiff(text);
  if (counted === null) return countLines(text);
  return counted.added + counted.deleted + counted.foreign;
}

/** Lines added and deleted by a unified diff, as `git diff --numstat` has them; null if the text has no hunk or file header. */
export function countDiff(text: string): ChangedLines | null {
  let added = 0;
  let deleted = 0;
  let foreign = 0;
  let isDiff = false;
  let oldLeft = 0;
  let newLeft = 0;
  let inBinary = false;
  for (const line of linesOf(text)) {
    const first = line[0];
    if (oldLeft > 0 || newLeft > 0) {
      if (first === '+') added += 1;
      else if (first === '-') deleted += 1;
      if (first !== '-' && first !== '\\') newLeft -= 1;
      if (first !== '+' && first !== '\\') oldLeft -= 1;
      continue;
    }
    const hunk = HUNK.exec(line);
    if (hunk !== null) {
      isDiff = true;
      oldLeft = Number(hunk[1] ?? 1);
      newLeft = Number(hunk[2] ?? 1);
    } else if (line.startsWith('diff --git ')) {
      isDiff = true;
      inBinary = false;
    } else if (line === 'GIT binary patch') inBinary = true;
    else if (!inBinary && line !== '' && !HEADER.test(line)) foreign += 1;
  }
  return isDiff ? { added, deleted, foreign } : null;
}

/** Lines of a text, an unfinished last one included; none in an empty text. */
export function countLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1;
  return text === '' || text.endsWith('\n') ? lines : lines + 1;
}

function* linesOf(text: string): Generator<string> {
  let from = 0;
  for (let to = text.indexOf('\n'); to >= 0; to = text.indexOf('\n', from)) {
    yield text.slice(from, to);
    from = to + 1;
  }
  if (from < text.length) yield text.slice(from);
}

interface DiffText {
  readonly text: string;
  readonly at: () => string;
}

function diffTexts(action: Action, named: string | null): readonly DiffText[] {
  if (named === null) return textsUnder(action.parameters, (key) => isDiffName(wordsOf(key).at(-1) ?? ''));
  const at = lookUp(action.parameters, named);
  if (at === null) return textsUnder(action.parameters, (key) => key === named);
  return textLeaves(at.node, at.place).flatMap(({ kind, text, place }) =>
    kind === 'value' ? [{ text, at: () => pointerOf(place) }] : [],
  );
}

// The nearest wanted key decides, and everything below it counts: `edits: [{ newText }]` as well as one text.
function textsUnder(root: Json, isWanted: (key: string) => boolean): readonly DiffText[] {
  const found: DiffText[] = [];
  const stack = [{ node: root, place: PARAMETERS, wanted: false }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { node, place, wanted } = top;
    if (typeof node === 'string' && wanted) found.push({ text: node, at: () => pointerOf(place) });
    if (typeof node !== 'object' || node === null) continue;
    for (const [key, child] of Object.entries(node)) {
      stack.push({ node: child, place: inside(place, key), wanted: wanted || isWanted(key) });
    }
  }
  return found;
}
