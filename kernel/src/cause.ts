// Why an action is red, in stable words: an approval counts only for the causes that people saw (I6). So a cause is as
// fine as its reason, and whatever makes an action stricter adds causes and takes none away.
import type { Tier } from './tier.ts';

/** What the rules say of an action, one reason of perhaps several. */
export interface RuleCause {
  /** The tier that it asks for, before trust. Only what ends up red is a cause of the decision. */
  readonly tier: Tier;
  /** `rule:PATTERN`, `rule:none`, `exception:PATTERN: WORDS`, `error:PATTERN: WORDS`, `error:name`. */
  readonly cause: string;
}

/**
 * `exception:deploy.*: context.env == 'prod'`: the kind, the rule's pattern, and in the charter's own words which of its
 * conditions or globs it was. One line, whatever the charter's author wrote, because it is printed among others.
 */
export function ruleCause(kind: 'exception' | 'error', pattern: string, words: string): string {
  const plain = words.trim();
  // Nearly all are: asking is cheaper than replacing.
  const line = LINE_BREAKING.test(plain) ? plain.replace(EACH_BREAK, escaped) : plain;
  return `${kind}:${pattern}: ${line}`;
}

const LINE_BREAKING = /[\p{Cc}\u2028\u2029]/u;
const EACH_BREAK = /[\p{Cc}\u2028\u2029]/gu;

// Spelled as in a text of CEL, so that two conditions which differ stay two causes.
function escaped(sign: string): string {
  if (sign === '\n') return String.raw`\n`;
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
