// What a condition is about, as far as new trouble goes: after somebody has resolved an event, only what adds to its cause
// opens the next one. A success that moves a rate the right way does not, and neither does a note on a known incident.

/**
 * - `failures`: acts that failed or whose end is unknown
 * - `rollbacks`: acts that were undone
 * - `proposals`: acts that were held · `approvals`, `rejections`: what people said of them
 * - `incidents`: incidents that were opened or became worse · `critical`: those that became critical ·
 *   `autonomous`: those from acts that nobody had approved
 * - `violations`, `gates`, `aborts`: acts that the figures of the same name count
 * - `ends`: acts that ended, however they did
 */
export type Trouble =
  | 'failures'
  | 'rollbacks'
  | 'proposals'
  | 'approvals'
  | 'rejections'
  | 'incidents'
  | 'critical'
  | 'autonomous'
  | 'violations'
  | 'gates'
  | 'aborts'
  | 'ends';

/** Each figure by its last word, with what adds to it in the direction that anybody minds. */
const FIGURES: ReadonlyMap<string, readonly Trouble[]> = new Map([
  ['failed', ['failures']],
  ['failures', ['failures']],
  ['errorRate', ['failures']],
  ['successRate', ['failures']],
  ['rolledBack', ['rollbacks']],
  ['rollbackRate', ['rollbacks']],
  ['proposed', ['proposals']],
  ['approved', ['approvals']],
  ['rejected', ['rejections']],
  // What is held and not approved lowers it.
  ['approvalRate', ['proposals', 'rejections']],
  ['incidents', ['incidents']],
  ['incidents.total', ['incidents']],
  ['incidents.critical', ['critical']],
  ['incidents.fromAutonomousActions', ['autonomous']],
  ['constraintViolations', ['violations']],
  ['safetyGateTriggers', ['gates']],
  ['emergencyAborts', ['aborts']],
]);

/** At least one. Where a condition names nothing but how much there was, every end counts. */
export function troublesOf(condition: string): readonly Trouble[] {
  const said = condition.replaceAll(/\s*\.\s*/g, '.').match(/[A-Za-z]+(?:\.[A-Za-z]+)*/g) ?? [];
  const found = said.flatMap((name) => FIGURES.get(name) ?? FIGURES.get(name.split('.').at(-1) ?? '') ?? []);
  return found.length === 0 ? ['ends'] : [...new Set(found)];
}
