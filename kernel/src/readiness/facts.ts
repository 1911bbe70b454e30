// What conditions of readiness may look at: names with a type, a word for people, and what it means that one is not
// known. A fact that is not known makes its item unmet: nobody earns autonomy by what was never measured (I5).
import type { CelType } from '../condition.ts';

interface FactSetting {
  readonly type: CelType;
  /** As a person calls it: `success rate`. */
  readonly words: string;
  readonly unit: 'rate' | 'count' | 'days' | 'months' | 'ms' | 'truth';
  /** Why it may be unknown, as a sentence. */
  readonly missing: string;
  /** It is gathered anew in each phase: right after a phase began there cannot be any. */
  readonly isGathered: boolean;
}

const NO_OUTCOME = 'No command of this set has succeeded or failed in this phase yet (0 of 0).';
const NO_INCIDENTS = 'Incidents of this set cannot be counted.';

function gathered(words: string, missing: string): FactSetting {
  return { type: 'double', words, unit: 'rate', missing, isGathered: true };
}

function counted(words: string, missing: string): FactSetting {
  return { type: 'int', words, unit: 'count', missing, isGathered: false };
}

function aged(words: string, missing: string): FactSetting {
  return { type: 'double', words, unit: 'days', missing, isGathered: false };
}

const FACTS = {
  successRate: gathered('success rate', NO_OUTCOME),
  approvalRate: gathered('approval rate', 'No command of this set was proposed in this phase yet (0 of 0).'),
  rollbackRate: gathered('rollback rate', 'No command of this set has succeeded in this phase yet (0 of 0).'),
  errorRate: gathered('error rate', 'No command of this set has ended in this phase yet (0 of 0).'),
  'commands.total': counted('commands that ended', 'The commands of this set cannot be counted.'),
  'commands.proposed': counted('commands proposed', 'The commands of this set cannot be counted.'),
  'commands.succeeded': counted('commands that succeeded', 'The commands of this set cannot be counted.'),
  'commands.failed': counted('commands that failed', 'The commands of this set cannot be counted.'),
  daysAtPhase: aged('time at the phase', 'No set of actions is governed in phases.'),
  monthsAtPhase: {
    type: 'double',
    words: 'time at the phase',
    unit: 'months',
    missing: 'No set of actions is governed in phases.',
    isGathered: false,
  },
  evalCoverage: {
    type: 'double',
    words: 'eval coverage',
    unit: 'rate',
    missing: 'No eval set of it has been run.',
    isGathered: false,
  },
  'incidents.total': counted('incidents', NO_INCIDENTS),
  'incidents.critical': counted('critical incidents', NO_INCIDENTS),
  'incidents.fromAutonomousActions': counted('incidents from autonomous actions', NO_INCIDENTS),
  'incidents.criticalFromAutonomousActions': counted(
    'critical incidents from autonomous actions',
    NO_INCIDENTS,
  ),
  breakersConfigured: counted('circuit breakers switched on', 'The circuit breakers cannot be counted.'),
  metricsScrapedWithinMs: {
    type: 'double',
    words: 'time since /metrics was last scraped',
    unit: 'ms',
    missing: 'Nobody has scraped /metrics yet.',
    isGathered: false,
  },
  killSwitchDrillAgeDays: aged('age of the last kill-switch drill', 'No kill-switch drill is on record.'),
  chaosDrillAgeDays: aged('age of the last chaos run', 'No chaos run is on record.'),
  'auditVerification.ageDays': aged(
    'age of the last audit verification',
    'No audit verification is on record.',
  ),
  'auditVerification.passed': {
    type: 'bool',
    words: 'audit verified',
    unit: 'truth',
    missing: 'No audit verification is on record.',
    isGathered: false,
  },
} as const satisfies Readonly<Record<string, FactSetting>>;

export type FactName = keyof typeof FACTS;

/** null: not known. Rates are 0 to 1, times as the name says. */
export type ReadinessFacts = Readonly<Record<FactName, number | boolean | null>>;

const TABLE: ReadonlyMap<string, FactSetting> = new Map(Object.entries(FACTS));

// The keys of a table that is written out above are exactly its names.
const isFactName = (name: string): name is FactName => TABLE.has(name);

export const FACT_NAMES: readonly FactName[] = Object.keys(FACTS).filter(isFactName);

/** The names that conditions of readiness start from. */
export const READINESS_ROOTS: Readonly<Record<string, CelType>> = Object.fromEntries(
  [...TABLE].map(([name, { type }]) => [name, type]),
);

/** Facts of which nothing is known. */
export const UNKNOWN_FACTS: ReadinessFacts = {
  successRate: null,
  approvalRate: null,
  rollbackRate: null,
  errorRate: null,
  'commands.total': null,
  'commands.proposed': null,
  'commands.succeeded': null,
  'commands.failed': null,
  daysAtPhase: null,
  monthsAtPhase: null,
  evalCoverage: null,
  'incidents.total': null,
  'incidents.critical': null,
  'incidents.fromAutonomousActions': null,
  'incidents.criticalFromAutonomousActions': null,
  breakersConfigured: null,
  metricsScrapedWithinMs: null,
  killSwitchDrillAgeDays: null,
  chaosDrillAgeDays: null,
  'auditVerification.ageDays': null,
  'auditVerification.passed': null,
};

/** The facts that a condition looks at, each once, in the order in which it names them. */
export function factsIn(source: string): readonly FactName[] {
  const words: readonly string[] = source.match(/[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*/g) ?? [];
  return [...new Set(words.filter(isFactName))];
}

export function isGathered(name: FactName): boolean {
  return FACTS[name].isGathered;
}

/** What a fact is, as a person calls it: `success rate, 0 to 1`. */
export function factMeaning(name: FactName): string {
  const { words, unit } = FACTS[name];
  const measure = { rate: '0 to 1', days: 'in days', months: 'in months', ms: 'in ms', count: '', truth: '' };
  return measure[unit] === '' ? words : `${words}, ${measure[unit]}`;
}

/** Why a fact is not known. */
export function missingText(name: FactName): string {
  return FACTS[name].missing;
}

/** `success rate 99.10 %` */
export function factText(name: FactName, value: number | boolean): string {
  const { words, unit } = FACTS[name];
  return `${words} ${valueText(unit, value)}`;
}

function valueText(unit: FactSetting['unit'], value: number | boolean): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  switch (unit) {
    case 'rate':
      return `${cut(value * 100, 2)} %`;
    case 'days':
      return `${cut(value, 1)} days`;
    case 'months':
      return `${cut(value, 1)} months`;
    case 'ms':
      return `${Math.round(value / 1_000)} s`;
    case 'count':
    case 'truth':
      return String(value);
  }
}

/** Cut and not rounded: 99.499 % must not read as the 99.5 % that it is not. */
function cut(value: number, decimals: number): string {
  const scale = 10 ** decimals;
  // What floating point made of 0.995 * 100 is still 99.5.
  return String(Math.floor(value * scale + 1e-7) / scale);
}
