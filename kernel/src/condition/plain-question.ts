// What most conditions of charters ask: whether a parameter is this word, or one of these. Such a question needs no
// bindings and no frame; wherever the parameter is no text it has no plain answer, and the general form is asked.
import type { Node } from './syntax.ts';

/** `parameters.FIELD == 'WORD'`, `!=`, or `in ['WORD', …]`. */
export interface PlainQuestion {
  readonly field: string;
  /** One word: compared. Several: looked up. */
  readonly word: string | null;
  readonly words: ReadonlySet<string>;
  /** False for `!=`. */
  readonly wanted: boolean;
}

/** The plain form of a parsed condition; null where it has none. */
export function plainQuestion(node: Node): PlainQuestion | null {
  if (node.kind !== 'call' || node.receiver || node.args.length !== 2) return null;
  const [left, right] = node.args;
  if (left?.kind !== 'select' || right === undefined) return null;
  const { operand, field } = left;
  if (operand.kind !== 'ident' || operand.name !== 'parameters') return null;
  const words = wordsOf(node.name, right);
  if (words === null) return null;
  const [first] = words;
  return {
    field,
    word: words.length === 1 && first !== undefined ? first : null,
    words: new Set(words),
    wanted: node.name !== '_!=_',
  };
}

function wordsOf(name: string, right: Node): readonly string[] | null {
  if (name === '_==_' || name === '_!=_')
    return right.kind === 'literal' && typeof right.value === 'string' ? [right.value] : null;
  if (name !== '@in' || right.kind !== 'list') return null;
  const words = right.elements.flatMap((element) =>
    element.kind === 'literal' && typeof element.value === 'string' ? [element.value] : [],
  );
  return words.length === right.elements.length ? words : null;
}

/** The answer; null where only the general form knows it, as where the parameter is missing. */
export function answerPlainly(
  { field, word, words, wanted }: PlainQuestion,
  parameters: Readonly<Record<string, unknown>>,
): boolean | null {
  if (!Object.hasOwn(parameters, field)) return null;
  const value = parameters[field];
  if (typeof value !== 'string') return null;
  return (word === null ? words.has(value) : value === word) === wanted;
}
