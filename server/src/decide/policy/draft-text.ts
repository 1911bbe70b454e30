// The draft as YAML: the charter as its author wrote it, comments included, with the rules that it lacks. Every line
// says in a comment what it was written for, so that a person can judge it without looking anything up.
import { isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import type { Advice, Collapsed } from './advice.ts';

export interface DraftParts {
  /** The charter's own file. */
  readonly text: string;
  readonly rules: readonly Collapsed[];
  /** Names that were seen and need no rule. */
  readonly kept: readonly Advice[];
  /** Lines above everything. */
  readonly header: readonly string[];
}

const TIER_ORDER = ['green', 'yellow', 'red', 'black'] as const;

/** The same text whenever the parts are the same. */
export function draftText({ text, rules, kept, header }: DraftParts): string {
  const document = parseDocument(text);
  document.set('enforcement', 'enforce');
  for (const tier of TIER_ORDER) {
    const own = rules.filter((rule) => rule.tier === tier);
    if (own.length > 0) addRules(document, tier, own);
  }
  const first = document.commentBefore ?? '';
  document.commentBefore = [...header.map(comment), ...(first === '' ? [] : ['', first])].join('\n');
  if (kept.length > 0) {
    const lines = [
      'Seen, and left as they are:',
      ...kept.flatMap((it) => [`  ${it.action}`, ...details(it)]),
    ];
    document.comment = [document.comment, ...lines.map(comment)].filter((it) => it != null).join('\n');
  }
  return document.toString({ lineWidth: 0 });
}

function addRules(document: Document, tier: string, rules: readonly Collapsed[]): void {
  const path = ['tiers', tier, 'actions'];
  openUp(document, path);
  if (!isSeq(document.getIn(path))) document.setIn(path, document.createNode([]));
  for (const rule of rules) {
    const node = document.createNode(rule.match);
    node.commentBefore = ruleComment(rule).map(comment).join('\n');
    document.addIn(path, node);
  }
}

/** Comments have no place within braces and brackets: what we write into is written out. */
function openUp(document: Document, path: readonly string[]): void {
  for (let depth = 1; depth <= path.length; depth += 1) {
    const node: unknown = document.getIn(path.slice(0, depth), true);
    if (isMap(node) || isSeq(node)) node.flow = false;
    // A key with nothing behind it.
    else if (isScalar(node) && node.value === null) document.deleteIn(path.slice(0, depth));
  }
}

function ruleComment({ match, of }: Collapsed): readonly string[] {
  const [only] = of;
  if (of.length === 1 && only !== undefined) return [only.seen, ...only.why];
  return [
    `${of.length} names; ${match} also covers names that were not seen yet:`,
    ...of.flatMap((advice) => [`  ${advice.action}`, ...details(advice)]),
  ];
}

function details({ seen, why }: Advice): readonly string[] {
  return [seen, ...why].map((line) => `    ${line}`);
}

/** One line, whatever stands in a name or a path. */
function comment(line: string): string {
  const plain = line.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]/gu, '\uFFFD');
  return ` ${plain.length > 400 ? `${plain.slice(0, 400)}…` : plain}`;
}
