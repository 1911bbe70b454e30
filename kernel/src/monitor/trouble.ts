// What a condition is about, as far as new trouble goes: after somebody has resolved an event, only what adds to its cause
// opens the next one. A success that moves a rate the right way does not.

/**
 * - `failures`: acts that failed or whose end is unknown
 * - `rollbacks`: acts that were undone
 * - `approvals`: acts that were held, and what people said of them
 * - `incidents`: incidents that were opened or raised
 * - `safety`: acts that were held, refused or broken off, and those that lead to a safe state
 * - `ends`: acts that ended, however they did
 */
export type Trouble = 'failures' | 'rollbacks' | 'approvals' | 'incidents' | 'safety' | 'ends';

const WORDS: readonly (readonly [Trouble, readonly string[]])[] = [
  ['failures', ['failed', 'failures', 'errorRate', 'successRate']],
  ['rollbacks', ['rolledBack', 'rollbackRate']],
  ['approvals', ['proposed', 'approved', 'rejected', 'approvalRate']],
  ['incidents', ['incidents']],
  ['safety', ['safety']],
];

/** At least one. Where a condition names nothing but how much there was, every end counts. */
export function troublesOf(condition: string): readonly Trouble[] {
  const said = new Set(condition.match(/[A-Za-z]+/g) ?? []);
  const found = WORDS.flatMap(([trouble, words]) => (words.some((word) => said.has(word)) ? [trouble] : []));
  return found.length === 0 ? ['ends'] : found;
}
