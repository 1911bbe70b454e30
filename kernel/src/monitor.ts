// A monitor looks at what happened in a window and says whether its condition holds: an indicator, a window, a condition,
// a response. Here is only what it can say from figures that it is handed; who counts and who responds is elsewhere.
import type { JsonObject } from './action.ts';
import type { CelType, Condition } from './condition.ts';
import { compileCondition } from './condition.ts';
import { ALERT_SEVERITIES } from './monitor/alert-severity.ts';
import type { AlertSeverity } from './monitor/alert-severity.ts';
import type { SloSetting } from './monitor/slo.ts';
import { troublesOf } from './monitor/trouble.ts';
import type { Trouble } from './monitor/trouble.ts';
import { readMonitorWindow } from './monitor/window.ts';
import { suggest } from './nearest.ts';

/**
 * - `revert_to_l3`: the governed set falls to its first phase
 * - `pause_command_type`: actions of that name wait for people until the event is resolved
 * - `alert_only`: people are told
 */
export type BreakerAction = 'revert_to_l3' | 'pause_command_type' | 'alert_only';

export const BREAKER_ACTIONS: readonly BreakerAction[] = ['revert_to_l3', 'pause_command_type', 'alert_only'];

/** What may have been written by anybody who reaches the table; sound only once {@link compileBreaker} says so. */
export interface BreakerRule {
  /** `High Error Rate`. Unique within its set. */
  readonly name: string;
  readonly enabled: boolean;
  /** CEL over {@link MONITOR_ROOTS}. */
  readonly condition: string;
  /** `5m`. */
  readonly window: string;
  readonly action: BreakerAction;
  readonly alertSeverity: AlertSeverity;
  /** Rates of fewer acts than this say nothing yet. */
  readonly minSamples: number;
}

/** The figures of a moment as plain data, without what a source may have added. */
export function plainMetrics({ commands, rates, incidents, safety }: MonitorMetrics): JsonObject {
  return {
    commands: pick(commands, COUNTS),
    rates: Object.fromEntries(RATES.map((name) => [name, rates[name]])),
    incidents: pick(incidents, INCIDENTS),
    safety: pick(safety, SAFETY),
  };
}

/** What happened in a window. Rates of nothing at all are null. */
export interface MonitorMetrics {
  readonly commands: CommandCounts;
  readonly rates: CommandRates;
  readonly incidents: {
    readonly total: number;
    readonly critical: number;
    readonly fromAutonomousActions: number;
  };
  readonly safety: {
    /** Acts held or refused because of a rule's condition or exception, a guardrail, a flow, or a black rule. */
    readonly constraintViolations: number;
    /** Safe-state acts that began, and acts that a stop broke off. */
    readonly emergencyAborts: number;
    /** Acts held or refused because of a finding, a restriction that is no phase, or a limit. */
    readonly safetyGateTriggers: number;
  };
}

/** From 0 to 1; null where there is nothing to divide by. */
export interface CommandRates {
  readonly successRate: number | null;
  readonly approvalRate: number | null;
  readonly rollbackRate: number | null;
  readonly errorRate: number | null;
}

export interface CommandCounts {
  /** Began and ended: success, failed, cancelled or unknown. */
  readonly total: number;
  readonly proposed: number;
  readonly approved: number;
  readonly rejected: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly rolledBack: number;
}

export const NO_COMMANDS: CommandCounts = {
  total: 0,
  proposed: 0,
  approved: 0,
  rejected: 0,
  succeeded: 0,
  failed: 0,
  rolledBack: 0,
};

/** The same for the actions of one name. */
export interface CommandTypeMetrics extends CommandCounts {
  /** The full action name. */
  readonly commandType: string;
}

/** Below this many acts a rate says nothing: a single failure would be an error rate of 1. */
export const DEFAULT_MIN_SAMPLES = 20;

const COUNTS = ['total', 'proposed', 'approved', 'rejected', 'succeeded', 'failed', 'rolledBack'] as const;
const INCIDENTS = ['total', 'critical', 'fromAutonomousActions'] as const;
const SAFETY = ['constraintViolations', 'emergencyAborts', 'safetyGateTriggers'] as const;
const RATES = ['successRate', 'approvalRate', 'rollbackRate', 'errorRate'] as const;

/** The names that the condition of a monitor starts from. */
export const MONITOR_ROOTS: Readonly<Record<string, CelType>> = {
  ...rootsOf('', RATES, 'double'),
  ...rootsOf('commands.', [...COUNTS, 'failures'], 'int'),
  ...rootsOf('incidents.', INCIDENTS, 'int'),
  ...rootsOf('safety.', SAFETY, 'int'),
  'commandType.name': 'string',
  ...rootsOf('commandType.', [...COUNTS, 'failures'], 'int'),
  ...rootsOf('commandType.', RATES, 'double'),
};

function rootsOf(prefix: string, names: readonly string[], type: CelType): Record<string, CelType> {
  return Object.fromEntries(names.map((name) => [prefix + name, type]));
}

export interface Breaker {
  readonly rule: BreakerRule;
  readonly windowMs: number;
  /** Asked once for each action name in the window. */
  readonly perType: boolean;
  /** It speaks of incidents, so that one stands already where it holds. */
  readonly readsIncidents: boolean;
  /** What counts as new trouble after somebody has resolved it. At least one. */
  readonly about: readonly Trouble[];
  evaluate(facts: MonitorFacts): Verdict;
  /** What the condition names, as it was found: `errorRate 0.4, commands.total 20`. */
  describe(facts: MonitorFacts): string;
}

export interface MonitorFacts {
  readonly metrics: MonitorMetrics;
  /** Where the condition speaks of `commandType`. */
  readonly type: CommandTypeMetrics | null;
}

export type Verdict =
  | { readonly kind: 'holds' }
  | { readonly kind: 'holds_not' }
  /** The condition cannot be answered from these figures; not because a rate is still unknown. */
  | { readonly kind: 'error'; readonly message: string };

export interface BreakerProblem {
  readonly field: 'condition' | 'window' | 'action' | 'alertSeverity' | 'minSamples';
  readonly message: string;
  /** Into the condition, in UTF-16 code units; null elsewhere. */
  readonly offset: number | null;
}

export type BreakerResult =
  | { readonly kind: 'compiled'; readonly breaker: Breaker }
  /** At least one. */
  | { readonly kind: 'refused'; readonly problems: readonly BreakerProblem[] };

/** Compiles a rule, or says everything that is wrong with it: whoever wrote it by SQL was checked by nobody. */
export function compileBreaker(rule: BreakerRule): BreakerResult {
  const problems: BreakerProblem[] = [];
  const report = (field: BreakerProblem['field'], message: string, offset: number | null = null): void =>
    void problems.push({ field, message, offset });
  const window = readMonitorWindow(rule.window);
  if (window.kind === 'problem') report('window', window.message);
  if (!BREAKER_ACTIONS.includes(rule.action))
    report('action', `\`${rule.action}\` is no action; write ${BREAKER_ACTIONS.join(', ')}`);
  if (!ALERT_SEVERITIES.includes(rule.alertSeverity))
    report('alertSeverity', `\`${rule.alertSeverity}\` is no severity; write ${ALERT_SEVERITIES.join(', ')}`);
  if (!Number.isSafeInteger(rule.minSamples) || rule.minSamples < 1)
    report('minSamples', `${rule.minSamples} acts are no sample; write a whole number from 1`);
  const compiled = compileCondition(rule.condition, MONITOR_ROOTS);
  if (compiled.kind === 'refused')
    for (const { message, offset } of compiled.problems)
      report('condition', namedProblem(rule.condition, message, offset), offset);
  const perType = /\bcommandType\b/.test(rule.condition);
  if (rule.action === 'pause_command_type' && !perType)
    report(
      'condition',
      'pause_command_type needs a condition about `commandType`, such as commandType.failures >= 3: which one should be paused?',
      0,
    );
  if (problems.length > 0 || window.kind === 'problem' || compiled.kind === 'refused')
    return { kind: 'refused', problems };
  const { condition } = compiled;
  return {
    kind: 'compiled',
    breaker: {
      rule,
      windowMs: window.ms,
      perType,
      readsIncidents: /\bincidents\b/.test(rule.condition),
      about: troublesOf(rule.condition),
      evaluate: (facts) => verdictOf(condition, bindingsOf(facts, rule.minSamples)),
      describe: (facts) => describe(rule.condition, bindingsOf(facts, rule.minSamples)),
    },
  };
}

/** The compiler knows `commands.failed` as one name, so for `commands.fail` it would only say that there is no `commands`. */
function namedProblem(source: string, message: string, offset: number): string {
  if (!message.startsWith('unknown name')) return message;
  const [name = ''] = /^[\w.]*/.exec(source.slice(offset)) ?? [];
  const known = Object.keys(MONITOR_ROOTS);
  return `unknown name '${name.slice(0, 60)}'${suggest(name, known)}; known are ${known.join(', ')}`;
}

/** A rate that is unknown has no value, so that no comparison with it can hold, and neither can its opposite. */
function verdictOf(condition: Condition, bindings: Readonly<Record<string, unknown>>): Verdict {
  const met = condition.evaluate(bindings);
  if (met.kind === 'value') return met.value ? { kind: 'holds' } : { kind: 'holds_not' };
  const [, missing] = /^no value was given for '([^']+)'/.exec(met.message) ?? [];
  return missing !== undefined && RATES.some((rate) => missing === rate || missing === `commandType.${rate}`)
    ? { kind: 'holds_not' }
    : { kind: 'error', message: met.message };
}

function describe(source: string, bindings: Readonly<Record<string, string | number>>): string {
  const named = new Set(source.match(/[A-Za-z]+(?:\.[A-Za-z]+)?/g) ?? []);
  const shown = (value: string | number): string =>
    typeof value === 'number' ? String(Math.round(value * 1e4) / 1e4) : value;
  return Object.entries(bindings)
    .filter(([name]) => named.has(name))
    .map(([name, value]) => `${name} ${shown(value)}`)
    .join(', ');
}

function bindingsOf({ metrics, type }: MonitorFacts, minSamples: number): Record<string, string | number> {
  const { commands, rates, incidents, safety } = metrics;
  return {
    ...under('', knownRates(rates, commands, minSamples)),
    ...under('commands.', { ...pick(commands, COUNTS), failures: commands.failed }),
    ...under('incidents.', pick(incidents, INCIDENTS)),
    ...under('safety.', pick(safety, SAFETY)),
    ...(type === null
      ? {}
      : {
          'commandType.name': type.commandType,
          ...under('commandType.', { ...pick(type, COUNTS), failures: type.failed }),
          ...under('commandType.', knownRates(ratesOf(type), type, minSamples)),
        }),
  };
}

/** Whoever counts may hand over more than is asked for. */
function pick<Name extends string>(
  values: Readonly<Record<Name, number>>,
  names: readonly Name[],
): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, values[name]]));
}

/** As everywhere: successRate over what succeeded or failed, errorRate over all that ended, 0/0 is null. */
export function ratesOf(counts: CommandCounts): CommandRates {
  const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
  return {
    successRate: ratio(counts.succeeded, counts.succeeded + counts.failed),
    approvalRate: ratio(counts.approved, counts.proposed),
    // What is undone in a window may have been done before it: more undone than done counts as all of it.
    rollbackRate: counts.rolledBack > counts.succeeded ? 1 : ratio(counts.rolledBack, counts.succeeded),
    errorRate: ratio(counts.failed, counts.total),
  };
}

function knownRates(rates: CommandRates, counts: CommandCounts, minSamples: number): Record<string, number> {
  const samples: Readonly<Record<(typeof RATES)[number], number>> = {
    successRate: counts.succeeded + counts.failed,
    approvalRate: counts.proposed,
    rollbackRate: counts.succeeded,
    errorRate: counts.total,
  };
  return Object.fromEntries(
    RATES.flatMap((name) => {
      const rate = rates[name];
      return rate === null || samples[name] < minSamples ? [] : [[name, rate]];
    }),
  );
}

function under(prefix: string, values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value]));
}

/** What the charter says about monitors. */
export interface MonitorSettings {
  /** Seeded once for each governed set; empty leaves the defaults. */
  readonly breakers: readonly BreakerSetting[];
  readonly slos: readonly SloSetting[];
}

export interface BreakerSetting extends BreakerRule {
  /** Names of governed sets; empty is every one. */
  readonly sets: readonly string[];
  readonly origin: string;
}
