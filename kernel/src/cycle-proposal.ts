// What people are shown when a next phase is asked for: each command it would let run with its own record, what speaks
// for it, how risky it is and why, and the way back. All of it is counted, so nobody has to take anybody's word.
import { anyPatternCovers, patternCovers } from './pattern.ts';
import type { GovernedSet, Phase } from './governed-set.ts';
import type { CommandTypeMetrics } from './monitor.ts';
import type { GovernanceMetrics, PhaseProposal, ProposedCommand } from './report.ts';

export interface ProposalFacts {
  readonly set: GovernedSet;
  readonly from: Phase;
  readonly to: Phase;
  /** How many full days the set has been in its phase. */
  readonly days: number;
  /** Over the time at the phase (180 days at most). */
  readonly metrics: GovernanceMetrics;
  readonly commandTypes: readonly CommandTypeMetrics[];
  readonly readiness: { readonly points: number; readonly maxPoints: number };
  /** Names of the breaker rules that watch the set. */
  readonly breakerRules: readonly string[];
}

const DAY_MS = 86_400_000;
/** Below this many ended commands of a kind a record says little. */
const FEW = 20;
const MEDIUM_FAILURES = 0.005;
const HIGH_FAILURES = 0.05;

/** Writes the proposal. The same facts give the same proposal. */
export function writeProposal(facts: ProposalFacts): PhaseProposal {
  const { from, to, metrics } = facts;
  const commands = newCommands(facts);
  return {
    from: from.name,
    to: to.name,
    title: to.title,
    commands,
    record: metrics.period,
    validationDays: Math.round(to.validationMs / DAY_MS),
    achievements: achievementsOf(facts),
    risk: { ...riskOf(facts, commands), mitigations: mitigationsOf(facts, commands) },
    rollbackPlan: rollbackOf(facts),
    requiredApprovals: to.approvals,
  };
}

function newCommands({ from, to, commandTypes }: ProposalFacts): readonly ProposedCommand[] {
  return to.whitelist
    .filter((pattern) => !anyPatternCovers(from.whitelist, pattern))
    .map((pattern) => {
      const covered = commandTypes.filter(
        ({ commandType }) =>
          patternCovers(pattern, commandType) && !anyPatternCovers(from.whitelist, commandType),
      );
      const sum = (count: (record: CommandTypeMetrics) => number): number =>
        covered.reduce((total, record) => total + count(record), 0);
      return {
        pattern,
        commandTypes: covered.map(({ commandType }) => commandType).toSorted(byCodeUnits),
        proposed: sum((record) => record.proposed),
        approved: sum((record) => record.approved),
        succeeded: sum((record) => record.succeeded),
        failed: sum((record) => record.failed),
      };
    });
}

function achievementsOf({ from, days, metrics, readiness }: ProposalFacts): readonly string[] {
  const { commands, rates, incidents } = metrics;
  return [
    `${days} days at ${from.name}.`,
    `Readiness: ${readiness.points} of ${readiness.maxPoints} points, every required item met.`,
    ...(rates.successRate === null
      ? []
      : [
          `${commands.succeeded} of ${commands.succeeded + commands.failed} commands succeeded (${percent(rates.successRate)}).`,
        ]),
    ...(rates.approvalRate === null
      ? []
      : [
          `People approved ${commands.approved} of ${commands.proposed} proposed commands (${percent(rates.approvalRate)}).`,
        ]),
    ...(rates.rollbackRate === null
      ? []
      : [`${commands.rolledBack} commands were rolled back (${percent(rates.rollbackRate)}).`]),
    ...(incidents.critical === 0 ? ['No critical incident.'] : []),
    ...(incidents.fromAutonomousActions === 0 ? ['No incident came from an autonomous action.'] : []),
  ];
}

function riskOf(
  { metrics }: ProposalFacts,
  commands: readonly ProposedCommand[],
): Pick<PhaseProposal['risk'], 'level' | 'reasons'> {
  const high: string[] = [];
  const medium: string[] = [];
  for (const { pattern, succeeded, failed } of commands) {
    const ended = succeeded + failed;
    const failures = ended === 0 ? 0 : failed / ended;
    if (ended === 0) high.push(`${pattern} has no record: nobody has seen it run in this time.`);
    else if (failures > HIGH_FAILURES)
      high.push(`${pattern} failed ${failed} of ${ended} times (${percent(failures)}).`);
    else if (failures > MEDIUM_FAILURES)
      medium.push(`${pattern} failed ${failed} of ${ended} times (${percent(failures)}).`);
    else if (ended < FEW) medium.push(`${pattern} ran only ${ended} times.`);
  }
  if (metrics.incidents.total > 0)
    medium.push(`There were ${metrics.incidents.total} incidents in this time.`);
  if (high.length > 0) return { level: 'high', reasons: [...high, ...medium] };
  if (medium.length > 0) return { level: 'medium', reasons: medium };
  return {
    level: 'low',
    reasons: [`Each command ran at least ${FEW} times with at most ${percent(MEDIUM_FAILURES)} failures.`],
  };
}

function mitigationsOf(
  { to, breakerRules }: ProposalFacts,
  commands: readonly ProposedCommand[],
): readonly string[] {
  const unseen = commands.filter(({ succeeded, failed }) => succeeded + failed === 0);
  return [
    `${Math.round(to.validationMs / DAY_MS)} days of validation: a readiness score under 0.9 or a critical incident takes the set back by itself.`,
    breakerRules.length === 0
      ? 'No circuit breaker watches this set: switch some on before approving.'
      : `Circuit breakers watch it: ${breakerRules.join(', ')}.`,
    ...(unseen.length === 0
      ? []
      : [`Look at the first runs of ${unseen.map(({ pattern }) => pattern).join(', ')}.`]),
    'Whatever the phase lets run, the charter’s black rules, limits, freezes and the stop still bind.',
  ];
}

function rollbackOf({ set, from, to }: ProposalFacts): readonly string[] {
  return [
    `At once and by itself: a breaker that reverts takes ${set.name} to ${set.phases[0].name}; the very next decision goes by it.`,
    `By a person: anybody who may write governance takes ${set.name} from ${to.name} back to ${from.name}; falling needs no approval.`,
    'Commands under way end; a stop aborts them. What names a compensation can be rolled back one by one.',
    `After a fall nothing is proposed for ${Math.round(set.stabilizationMs / DAY_MS)} days.`,
  ];
}

function percent(rate: number): string {
  // Cut off on the way up, so that 99.96 % is never told as 100 %.
  return `${Math.floor(rate * 10_000 + 1e-6) / 100} %`;
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : 1;
}
